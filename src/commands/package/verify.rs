//! `package verify`: whether the declared files are here and have their sha256.

use std::path::Path;

use super::choice::chosen;
use super::standing::Standing;
use crate::ascend::{Catalogue, Verdict};
use crate::commands::interrupt::Interrupt;
use crate::commands::verification::{options, planned, verify_shown};
use crate::error::{Error, Exit, Problem, Result};
use crate::plan::{VerifiedPackage, differs_from_official};
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
    let entries = chosen(&list.entries, &args.names)?;
    let files = entries.iter().map(|entry| planned(entry)).collect();
    let verified =
        verify_shown(files, options(list.roots.clone(), args.rehash), &interrupt).await?;
    let catalogue = list.rules.catalogue();
    printer.data(&table(catalogue, &entries, &verified).to_string());
    let size = verified.iter().map(|file| file.size).sum();
    let files = if verified.len() == 1 { "file" } else { "files" };
    printer.talk(&format!("verified {} {files}, {}", verified.len(), bytes(size)));
    let differing = entries.iter().filter_map(|entry| differing(catalogue, entry));
    Error::check(Exit::Project, differing.collect()).map(drop)
}

fn table(catalogue: &Catalogue, entries: &[&PackageEntry], verified: &[VerifiedPackage]) -> Table {
    let mut table = Table::new(&["NAME", "FILE", "SIZE", "SHA256", "CATALOGUE"]);
    for (entry, file) in entries.iter().zip(verified) {
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

fn differing(catalogue: &Catalogue, entry: &PackageEntry) -> Option<Problem> {
    let verdict = catalogue.official(&entry.file, entry.sha256.as_str());
    let Verdict::Differs { official } = verdict else { return None };
    let problem =
        differs_from_official(&entry.file, &official.sha256, &entry.sha256, &official.source);
    let place = entry.file_place.clone();
    entry.unofficial.is_none().then(|| problem.at(place, "declared here with another sha256"))
}
