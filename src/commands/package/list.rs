//! `package list`: what is declared, and what of it is here.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::choice::{chosen, say_if_empty};
use super::standing::Standing;
use crate::ascend::Identity;
use crate::commands::output::Output;
use crate::error::Result;
use crate::project::{PackageEntry, PackageList, load_packages};
use crate::store::{Found, RootIndex};
use crate::ui::{Printer, Table, bytes};

/// List the declared packages, and whether their files are here
///
/// Nothing is read of the files: `package verify` does that.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ascend-build package list\n  ascend-build package list cann-toolkit torch\n  ascend-build package list --format json | jq -r '.[] | select(.path == null) | .file'"
)]
pub(super) struct Args {
    /// Names of packages or of files [default: all]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    #[command(flatten)]
    output: Output,
}

/// A declared file, for programs.
#[derive(Serialize)]
struct Declared<'a> {
    name: &'a str,
    file: &'a str,
    kind: Option<&'a str>,
    version: Option<&'a str>,
    arch: Option<&'static str>,
    chip: Option<&'a str>,
    python: Option<&'a str>,
    size: Option<u64>,
    sha256: &'a str,
    url: Option<&'a str>,
    archive: Option<&'a str>,
    catalogue: String,
    path: Option<&'a Path>,
}

/// Prints the list.
///
/// # Errors
/// The project's files or a name are wrong.
pub(super) fn run(args: &Args, folder: &Path, printer: Printer) -> Result<()> {
    let (list, warnings) = load_packages(folder)?;
    printer.problems(&warnings);
    let nothing = args.names.is_empty() && say_if_empty(&list.entries, printer);
    let entries = chosen(&list.entries, &args.names)?;
    let index = RootIndex::walk(&list.roots);
    let lines: Vec<_> = entries.into_iter().map(|entry| Line::of(entry, &list, &index)).collect();
    let declared = || lines.iter().map(Line::declared).collect::<Vec<_>>();
    if nothing && args.output.is_table() {
        return Ok(());
    }
    args.output.print(printer, || table(&lines).to_string(), declared)
}

/// An entry and what is known of it.
struct Line<'a> {
    entry: &'a PackageEntry,
    file: String,
    identity: Identity,
    standing: Standing,
    path: Option<PathBuf>,
}

impl<'a> Line<'a> {
    fn of(entry: &'a PackageEntry, list: &PackageList, index: &RootIndex) -> Self {
        let path = match index.find(&entry.path()) {
            Found::File { path, .. } => Some(path.to_owned()),
            _ => None,
        };
        let standing = Standing::of_entry(list.rules.catalogue(), entry);
        Self { entry, file: entry.path(), identity: entry.identity(), standing, path }
    }

    fn declared(&self) -> Declared<'_> {
        let (entry, identity) = (self.entry, &self.identity);
        Declared {
            name: entry.name.as_str(),
            file: &self.file,
            kind: identity.kind.map(crate::ascend::Kind::as_str),
            version: identity.version.as_ref().map(crate::ascend::Version::as_str),
            arch: identity.platform_arch(),
            chip: identity.chip.as_ref().map(crate::ascend::Chip::as_str),
            python: identity.python.as_deref(),
            size: entry.size,
            sha256: entry.sha256.as_str(),
            url: entry.url.as_deref(),
            archive: entry.archive.as_ref().map(|archive| archive.file.as_str()),
            catalogue: self.standing.to_string(),
            path: self.path.as_deref(),
        }
    }
}

fn table(lines: &[Line<'_>]) -> Table {
    let mut table = Table::new(&[
        "NAME",
        "FILE",
        "VERSION",
        "ARCH",
        "CHIP",
        "PYTHON",
        "SIZE",
        "SHA256",
        "CATALOGUE",
        "FILE IS",
    ]);
    for line in lines {
        let declared = line.declared();
        let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
        table.row([
            declared.name.to_owned(),
            declared.file.to_owned(),
            text(declared.version),
            text(declared.arch),
            text(declared.chip),
            text(declared.python),
            declared.size.map(bytes).unwrap_or_default(),
            line.entry.sha256.short().to_owned(),
            declared.catalogue,
            if line.path.is_some() { "here" } else { "missing" }.to_owned(),
        ]);
    }
    table
}
