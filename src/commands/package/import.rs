//! `package import`: take packages out of the vendor's zips, and declare them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::changes::{Row, table};
use super::naming::package_name;
use super::standing::Standing;
use crate::ascend::identify;
use crate::commands::interrupt::Interrupt;
use crate::error::{Exit, Problem, Result};
use crate::project::{
    ArchiveOrigin, Change, NewEntry, PackageList, PackageName, PackagesEdit, Sha256, load_packages,
};
use crate::store::{ImportEvent, ImportOptions, Imported, ImportedPackage, import};
use crate::ui::{Gauge, Printer};

/// Take the packages out of official zips, and declare them
///
/// The zip is compared with its declared or official sha256 before anything is
/// taken out of it. The entry records both digests and the zip's name.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ascend-build package import Ascend-cann-toolkit_8.5.0_linux-aarch64.zip\n  ascend-build package import ~/Downloads/*.zip --into /data/ascend"
)]
pub(super) struct Args {
    /// The zips; a name alone is also looked for in the roots
    #[arg(required = true, value_name = "ZIP")]
    zips: Vec<PathBuf>,
    /// Put the packages into DIR [default: the first root]
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
    /// Replace files of the same name and another content
    #[arg(long)]
    replace: bool,
}

/// Imports each zip in turn; prints what it declared.
///
/// # Errors
/// [`Exit::Package`] for a zip that is wrong or hostile; those before it are imported.
pub(super) async fn run(args: &Args, folder: &Path, printer: Printer) -> Result<()> {
    let mut rows = Vec::new();
    let imported = import_all(args, folder, printer, &mut rows).await;
    // What came before a wrong zip is imported and told.
    printer.data(&table(&rows, false));
    imported
}

async fn import_all(
    args: &Args,
    folder: &Path,
    printer: Printer,
    rows: &mut Vec<Row>,
) -> Result<()> {
    let interrupt = Interrupt::listen()?;
    for zip in &args.zips {
        let (list, warnings) = load_packages(folder)?;
        printer.problems(&warnings);
        let zip = find(zip, folder, &list);
        let into = args.into.as_ref().map(|into| folder.join(into));
        let into =
            into.or_else(|| list.roots.first().cloned()).unwrap_or_else(|| folder.to_owned());
        let name = file_name(&zip)?;
        let sha256 = expected(&list, &name);
        let compared = sha256.is_some();
        let options = ImportOptions { into, sha256, replace: args.replace };
        let imported = import_shown(zip, options, &interrupt).await?;
        if !compared {
            printer.problems(&[not_compared(&name)]);
        }
        rows.extend(declare(&name, &imported, &list)?);
    }
    Ok(())
}

/// Imports one zip, with a bar on a terminal.
pub(super) async fn import_shown(
    zip: PathBuf,
    options: ImportOptions,
    interrupt: &Interrupt,
) -> Result<Imported> {
    let gauge = Arc::new(Gauge::new("unpacking"));
    let shown = move |event: ImportEvent| match event {
        ImportEvent::Started { bytes } => gauge.begin(bytes),
        ImportEvent::Done { bytes } => gauge.add(bytes),
    };
    interrupt.blocking(move |cancelled| import(&zip, &options, &shown, cancelled)).await
}

/// The zip as given, else in the first root that has it.
fn find(zip: &Path, folder: &Path, list: &PackageList) -> PathBuf {
    let given = folder.join(zip);
    if given.exists() || zip.components().count() > 1 {
        return given;
    }
    let inside = list.roots.iter().map(|root| root.join(zip)).find(|path| path.exists());
    inside.unwrap_or(given)
}

fn file_name(zip: &Path) -> Result<String> {
    let name = zip.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    name.ok_or_else(|| {
        Problem::error(format!("`{}` is not the name of a zip", zip.display())).exit(Exit::Usage)
    })
}

/// The digest that the zip must have: as declared for it, else the official one.
fn expected(list: &PackageList, name: &str) -> Option<Sha256> {
    let declared = list.entries.iter().find_map(|entry| match &entry.archive {
        Some(archive) if archive.file == name => Some(&archive.sha256),
        None if entry.file == name => Some(&entry.sha256),
        _ => None,
    });
    let official = || list.rules.catalogue().by_file(name)?.sha256.parse().ok();
    declared.cloned().or_else(official)
}

fn not_compared(name: &str) -> Problem {
    Problem::warning(format!("`{name}` is not compared with anything"))
        .note("no entry declares it, and no official file has this name")
        .hint("if it is official under another name, give it that name back")
}

/// Declares what came out: in the place of the zip's entry where there is one.
fn declare(zip: &str, imported: &Imported, list: &PackageList) -> Result<Vec<Row>> {
    let mut edit = PackagesEdit::open(&list.folder)?;
    if list.source.is_none() {
        edit.add_root(list.default_root, None);
    }
    let official = list.rules.catalogue().by_file(zip);
    let mut rows = Vec::new();
    for package in &imported.packages {
        let Some(name) = name_for(package, zip, &edit) else {
            rows.push(Row::only("unpacked, not declared", "", &package.file));
            continue;
        };
        let entry = NewEntry {
            name,
            file: package.file.clone(),
            sha256: package.sha256.clone(),
            size: Some(package.size),
            url: official.and_then(|entry| entry.url.clone()),
            archive: Some(ArchiveOrigin { file: zip.to_owned(), sha256: imported.sha256.clone() }),
        };
        let known = edit.entries().any(|(_, file, _)| file == package.file);
        let replaced = !known && edit.replace(zip, &entry);
        let change = if replaced { Change::Updated } else { edit.set(&entry) };
        let standing = Standing::of(list.rules.catalogue(), zip, &imported.sha256);
        rows.push(Row::changed(change, &entry, standing));
    }
    edit.save()?;
    Ok(rows)
}

/// The name that the package's or the zip's entry has already, else a new one.
fn name_for(package: &ImportedPackage, zip: &str, edit: &PackagesEdit) -> Option<PackageName> {
    let named = |wanted: &str| {
        edit.entries().find(|(_, file, _)| *file == wanted).and_then(|(name, ..)| name.parse().ok())
    };
    named(&package.file)
        .or_else(|| named(zip))
        .or_else(|| package_name(&package.file, &identify(&package.file)))
}
