//! `package …`: what packages are, which exist, which are declared, and getting them.

mod add;
mod changes;
mod choice;
mod fetch;
mod identify;
mod import;
mod list;
mod naming;
mod near_misses;
mod referers;
mod remove;
mod scan;
mod search;
mod standing;
mod verify;
mod wanted;

use std::path::Path;

pub(super) use naming::package_name;
pub(super) use standing::Standing;

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
    Add(add::Args),
    Scan(scan::Args),
    List(list::Args),
    Verify(verify::Args),
    Remove(remove::Args),
    Import(import::Args),
    Fetch(fetch::Args),
}

/// Runs the verb.
///
/// # Errors
/// What the verb says.
pub async fn run(args: &Args, folder: &Path, printer: Printer) -> Result<()> {
    match &args.verb {
        Verb::Identify(args) => identify::run(args, printer),
        Verb::Search(args) => search::run(args, folder, printer),
        Verb::Add(args) => add::run(args, folder, printer),
        Verb::Scan(args) => scan::run(args, folder, printer).await,
        Verb::List(args) => list::run(args, folder, printer),
        Verb::Verify(args) => verify::run(args, folder, printer).await,
        Verb::Remove(args) => remove::run(args, folder, printer),
        Verb::Import(args) => import::run(args, folder, printer).await,
        Verb::Fetch(args) => fetch::run(args, folder, printer).await,
    }
}
