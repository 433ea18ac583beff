//! `image …`: looking into what was built.

mod base;
mod layers;
mod report;
mod size;
mod subject;

use std::path::Path;

use crate::error::Result;
use crate::ui::Printer;

/// Look into images: what each layer holds, and what is wasted
#[derive(Debug, clap::Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = "Examples:\n  ascend-build image layers\n  ascend-build image layers B_stage --max-waste 50MB\n  ascend-build image layers ubuntu:22.04 --format json | jq .waste"
)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    Layers(layers::Args),
}

/// Runs the verb.
///
/// # Errors
/// What the verb says.
pub async fn run(args: &Args, folder: &Path, printer: Printer) -> Result<()> {
    match &args.verb {
        Verb::Layers(args) => layers::run(args, folder, printer).await,
    }
}
