//! `package remove`: take entries out of packages.toml.

use std::path::Path;

use super::changes::{Row, table};
use super::choice::chosen;
use crate::error::Result;
use crate::project::{PackagesEdit, load_packages};
use crate::ui::Printer;

/// Remove entries from packages.toml; the files stay where they are
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ascend-build package remove cann-toolkit\n  ascend-build package remove Ascend-mindie_2.3.0_linux-aarch64_abi0.run --dry-run"
)]
pub(super) struct Args {
    /// Names of packages, with all their files, or names of files
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Removes the entries, and the comments that belong to them; prints what it removed.
///
/// # Errors
/// [`crate::error::Exit::Usage`] where a name is not declared; nothing is removed then.
pub(super) fn run(args: &Args, folder: &Path, printer: Printer) -> Result<()> {
    let (list, warnings) = load_packages(folder)?;
    printer.problems(&warnings);
    chosen(&list.entries, &args.names)?;
    let mut edit = PackagesEdit::open(&list.folder)?;
    let removed: Vec<_> = args.names.iter().flat_map(|name| edit.remove(name)).collect();
    let rows: Vec<_> =
        removed.iter().map(|(name, file)| Row::only("removed", name, file)).collect();
    if !args.dry_run {
        edit.save()?;
    }
    printer.data(&table(&rows, args.dry_run));
    Ok(())
}
