//! `package verify`: whether the declared files are here and have their sha256.

use std::path::Path;

use super::choice::{chosen, say_if_empty};
use super::standing::Standing;
use crate::ascend::Catalogue;
use crate::commands::interrupt::Interrupt;
use crate::commands::verification::{options, planned, verify_each_shown};
use crate::error::{Error, Exit, Result};
use crate::plan::{VerifiedPackage, compare_with_official};
use crate::project::{PackageEntry, load_packages};
use crate::ui::{Printer, Table, bytes};

/// Verify that declared files are here and have their sha256
///
/// Digests of unchanged files are remembered in the user's cache folder.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ascend-build package verify --all\n  ascend-build package verify torch-npu cann-toolkit\n  ascend-build package verify --rehash          # trust nothing that is remembered"
)]
pub(super) struct Args {
    /// Names of packages or of files [default: all]
    #[arg(value_name = "NAME", conflicts_with = "all")]
    names: Vec<String>,
    /// Verify every declared file
    #[arg(long)]
    all: bool,
    /// Hash again what is remembered
    #[arg(long)]
    rehash: bool,
}

/// Verifies; prints each file with how it stands to the official ones.
///
/// # Errors
/// [`Exit::Package`] with everything that is missing or wrong; [`Exit::Project`] where a declared
/// sha256 is not the official one and its entry does not say why.
pub(super) async fn run(args: &Args, folder: &Path, printer: Printer) -> Result<()> {
    let interrupt = Interrupt::listen()?;
    let (list, warnings) = load_packages(folder)?;
    printer.problems(&warnings);
    if list.entries.is_empty() && args.names.is_empty() {
        say_if_empty(&list.entries, printer);
        return Ok(());
    }
    let entries = chosen(&list.entries, &args.names)?;
    let files = entries.iter().map(|entry| planned(entry)).collect();
    let options = options(list.roots.clone(), args.rehash);
    let (verified, wrong) = verify_each_shown(files, options, &interrupt).await?;
    let catalogue = list.rules.catalogue();
    if !verified.is_empty() {
        printer.data(&table(catalogue, &entries, &verified).to_string());
    }
    printer.talk(&summary(&verified, wrong.len()));
    let differing = entries.iter().flat_map(|entry| compare_with_official(catalogue, entry));
    let exit = if wrong.is_empty() { Exit::Project } else { Exit::Package };
    let warnings = Error::check(exit, wrong.into_iter().chain(differing).collect())?;
    printer.problems(&warnings);
    Ok(())
}

fn summary(verified: &[VerifiedPackage], wrong: usize) -> String {
    let size = verified.iter().map(|file| file.size).sum();
    let count = verified.len();
    let files = if count + wrong == 1 { "file" } else { "files" };
    match wrong {
        0 => format!("verified {count} {files}, {}", bytes(size)),
        _ => format!("verified {count} of {} {files}", count + wrong),
    }
}

fn table(catalogue: &Catalogue, entries: &[&PackageEntry], verified: &[VerifiedPackage]) -> Table {
    let mut table = Table::new(&["NAME", "FILE", "SIZE", "SHA256", "CATALOGUE"]);
    for file in verified {
        let entry =
            entries.iter().find(|entry| entry.name == file.name && entry.path() == file.file);
        let entry = entry.expect("only files of entries were verified, and no entry stands twice");
        table.row([
            file.name.to_string(),
            file.file.clone(),
            bytes(file.size),
            file.sha256.short().to_owned(),
            Standing::of_entry(catalogue, entry).to_string(),
        ]);
    }
    table
}
