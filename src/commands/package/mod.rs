//! `package …`: what packages are, which exist, which are declared, and getting them.

mod identify;
mod output;
mod search;
mod wanted;

use std::path::Path;

use crate::error::Result;
use crate::ui::Printer;

/// Identify, find, declare, verify and get packages
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ascend-build package search cann --version 8.5\n  ascend-build package add cann-toolkit@8.5.0 --arch aarch64\n  ascend-build package fetch\n  ascend-build package scan /data/ascend --dry-run"
)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    Identify(identify::Args),
    Search(search::Args),
}

/// Runs the verb.
///
/// # Errors
/// What the verb says.
pub async fn run(args: &Args, folder: &Path, printer: Printer) -> Result<()> {
    match &args.verb {
        Verb::Identify(args) => identify::run(args, printer),
        Verb::Search(args) => search::run(args, folder, printer),
    }
}
