//! `package add`: declare an official file by name and version.

use std::path::Path;

use super::changes::{Row, table};
use super::naming::package_name;
use super::standing::Standing;
use super::wanted::{Narrowing, Wanted};
use crate::ascend::{Catalogue, Container, Entry};
use crate::error::{Exit, Problem, Result};
use crate::project::{
    NameError, NewEntry, PackageEntry, PackageList, PackageName, PackagesEdit, Sha256,
    load_packages,
};
use crate::ui::Printer;

/// Files that a message lists at most.
const MOST_FILES: usize = 12;

/// Declare an official file in packages.toml, with its sha256 and address
///
/// The file itself is not fetched: `package fetch` does that. What the vendor
/// offers as a zip is declared as that zip until `package import` has unpacked it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ascend-build package add cann-toolkit@8.5.0 --arch aarch64\n  ascend-build package add cann-ops@8.5.0 --arch aarch64 --chip 910b\n  ascend-build package add torch-npu@2.7.1.post2 --arch x86_64 --python 3.11 --name npu\n  ascend-build package add Ascend-mindie_2.3.0_linux-aarch64_abi0.run --dry-run"
)]
pub(super) struct Args {
    /// What to declare: a kind and a version, or the name of an official file
    #[arg(required = true, value_name = "NAME@VERSION")]
    wanted: Vec<Wanted>,
    #[command(flatten)]
    narrowing: Narrowing,
    /// The name that stages use [default: the kind]
    #[arg(long, value_name = "NAME")]
    name: Option<PackageName>,
    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Adds or updates the entries; prints what it changed.
///
/// # Errors
/// [`Exit::Usage`] where a name means no official file or several.
pub(super) fn run(args: &Args, folder: &Path, printer: Printer) -> Result<()> {
    let (list, warnings) = load_packages(folder)?;
    printer.problems(&warnings);
    let catalogue = list.rules.catalogue();
    let found = args.wanted.iter().map(|wanted| args.find(wanted, catalogue));
    let found = found.collect::<Result<Vec<_>>>()?;
    let mut edit = PackagesEdit::open(&list.folder)?;
    if list.source.is_none() {
        edit.add_root(list.default_root, None);
    }
    let mut rows = Vec::new();
    for entry in found {
        rows.push(args.declare(entry, &list, &mut edit)?);
    }
    if !args.dry_run {
        edit.save()?;
    }
    printer.data(&table(&rows, args.dry_run));
    for row in rows.iter().filter(|row| is_zip(&row.file)) {
        let file = &row.file;
        printer.talk(&format!(
            "`{file}` holds the package: after `package fetch`, `package import {file}` unpacks it"
        ));
    }
    Ok(())
}

fn is_zip(file: &str) -> bool {
    crate::ascend::identify(file).container == Some(Container::Zip)
}

impl Args {
    /// The one official file that is meant.
    fn find<'a>(&self, wanted: &Wanted, catalogue: &'a Catalogue) -> Result<&'a Entry> {
        if let Some(entry) = catalogue.by_file(&wanted.name).filter(|_| wanted.version.is_none()) {
            return Ok(entry);
        }
        match catalogue.search(&self.narrowing.of(wanted.query())).as_slice() {
            [entry] => Ok(entry),
            [] => Err(unknown(wanted, catalogue)),
            several => Err(self.ambiguous(wanted, several)),
        }
    }

    fn declare(&self, entry: &Entry, list: &PackageList, edit: &mut PackagesEdit) -> Result<Row> {
        let from_it = |declared: &&PackageEntry| {
            declared.archive.as_ref().is_some_and(|archive| archive.file == entry.file)
        };
        if let Some(unpacked) = list.entries.iter().find(from_it) {
            let standing = Standing::of_entry(list.rules.catalogue(), unpacked);
            return Ok(Row::kept(unpacked, standing));
        }
        let new = NewEntry {
            name: self.name_for(entry, edit)?,
            file: entry.file.clone(),
            sha256: official_digest(entry)?,
            size: None,
            url: entry.url.clone(),
            archive: None,
        };
        let change = edit.set(&new);
        Ok(Row::changed(change, &new, Standing::Official))
    }

    /// The name that was asked for, that the file has already, or that it gives.
    fn name_for(&self, entry: &Entry, edit: &PackagesEdit) -> Result<PackageName> {
        let declared = edit.entries().find(|(_, file, _)| *file == entry.file);
        let declared = || declared.and_then(|(name, ..)| name.parse().ok());
        let name = self.name.clone().or_else(declared);
        name.or_else(|| package_name(&entry.file, &entry.identity)).ok_or_else(|| {
            Problem::error(format!("`{}` gives no name for stages to use", entry.file))
                .hint("say one with `--name NAME`")
                .exit(Exit::Usage)
        })
    }

    fn ambiguous(&self, wanted: &Wanted, several: &[&Entry]) -> crate::error::Error {
        let message = format!("`{}` means {} official files", wanted.name, several.len());
        let mut problem = Problem::error(message);
        let files = several.iter().take(MOST_FILES).map(|entry| format!("`{}`", entry.file));
        problem.notes.extend(files);
        if several.len() > MOST_FILES {
            problem.notes.push(format!("and {} more", several.len() - MOST_FILES));
        }
        problem.hint(self.how_to_choose(wanted, several)).exit(Exit::Usage)
    }

    /// The option that tells the files apart, else the name of one of them.
    fn how_to_choose(&self, wanted: &Wanted, several: &[&Entry]) -> String {
        let differ = |value: &dyn Fn(&Entry) -> Option<String>| {
            several
                .iter()
                .any(|entry| value(entry) != several.first().and_then(|first| value(first)))
        };
        let text = |entry: &Entry, column: usize| {
            Some(entry.identity.row(&entry.file)[column].clone()).filter(|text| !text.is_empty())
        };
        let mut options = Vec::new();
        if wanted.version.is_none() && differ(&|entry| text(entry, 2)) {
            options.push("a version, as in `NAME@VERSION`");
        }
        if self.narrowing.arch.is_none() && differ(&|entry| text(entry, 3)) {
            options.push("`--arch`");
        }
        if self.narrowing.chip.is_none() && differ(&|entry| text(entry, 4)) {
            options.push("`--chip`");
        }
        if self.narrowing.python.is_none() && differ(&|entry| text(entry, 5)) {
            options.push("`--python`");
        }
        if options.is_empty() {
            "name the file itself".to_owned()
        } else {
            format!("choose with {}", options.join(", "))
        }
    }
}

fn official_digest(entry: &Entry) -> Result<Sha256> {
    entry.sha256.parse().map_err(|error: NameError| {
        Problem::error("the catalogue has a wrong sha256").cause(error).exit(Exit::Bug)
    })
}

fn unknown(wanted: &Wanted, catalogue: &Catalogue) -> crate::error::Error {
    let version = wanted.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
    let message = format!("no official file of `{}`{version} is known that fits", wanted.name);
    let versions = wanted.known_versions(catalogue);
    let problem = Problem::error(message);
    let problem = if versions.is_empty() {
        problem.hint("`ascend-build package search` lists what is known")
    } else {
        problem
            .note(format!("known versions: {versions}"))
            .hint("choose one of them, or other options")
    };
    problem
        .hint("a file that is not official is declared with `package scan`, or by hand")
        .exit(Exit::Usage)
}
