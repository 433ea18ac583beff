//! `package scan`: declare the package files that are there.
//!
//! 1. Walk the folders and pick what is a package, saying why the rest is not.
//! 2. Hash it all, and compare it with the catalogue.
//! 3. Change packages.toml in one go, under a lock.

use std::path::{Path, PathBuf};

use super::changes::{Row, table};
use super::naming::package_name;
use super::near_misses::near_misses;
use super::standing::Standing;
use crate::ascend::{Container, NearMiss, identify};
use crate::commands::interrupt::Interrupt;
use crate::commands::selection::Source;
use crate::commands::verification::{options, verify_each_shown};
use crate::error::{Error, Exit, Problem, Result, Severity};
use crate::plan::{self, PlannedPackage, VerifiedPackage, differs_from_official};
use crate::project::{
    NewEntry, PackageEntry, PackageList, PackageName, PackagesEdit, Platform, load_packages,
};
use crate::store::{Found, RootIndex, RootState, names_password, secret_in};
use crate::ui::Printer;

/// Declare the package files in folders: identify, hash, compare with the official ones
///
/// Entries are added and brought up to date; comments, order and everything else in
/// packages.toml stay. Folders that no root holds are added to `roots`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ascend-build package scan\n  ascend-build package scan /data/ascend --dry-run\n  ascend-build package scan ~/Downloads /mnt/share"
)]
pub(super) struct Args {
    /// Folders to walk [default: the project's roots]
    #[arg(value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Hash again what is remembered
    #[arg(long)]
    rehash: bool,
}

/// Scans; prints what became of each file.
///
/// # Errors
/// [`Exit::Usage`] where there is no folder to walk; [`Exit::Package`] for files that cannot be
/// packages, and for those whose entry has the official sha256 while they have another.
pub(super) async fn run(args: &Args, folder: &Path, printer: Printer) -> Result<()> {
    let interrupt = Interrupt::listen()?;
    let (list, warnings) = load_packages(folder)?;
    printer.problems(&warnings);
    let folders = args.folders(folder, &list);
    let index = RootIndex::walk(&folders);
    check_folders(&index)?;
    let Picked { files, rows, notes, passed_over } = pick(&index, &list, &fetched(folder));
    let options = options(folders.clone(), args.rehash);
    let (verified, problems) = verify_each_shown(files, options, &interrupt).await?;
    let edit = PackagesEdit::open(&list.folder)?;
    let mut scan = Scan { list: &list, edit, rows, problems };
    for file in &verified {
        scan.declare(file);
    }
    add_roots(&folders, &list, &mut scan.edit);
    if !args.dry_run {
        scan.edit.save()?;
    }
    if scan.rows.is_empty() && scan.problems.is_empty() {
        printer.talk(&format!("no package file is in {}", shown(&folders)));
    }
    printer.data(&table(&scan.rows, args.dry_run));
    printer.problems(&notes);
    if passed_over > 0 {
        let files = if passed_over == 1 { "file" } else { "files" };
        printer.talk(&format!("passed over {passed_over} {files} of no known kind"));
    }
    let warnings = Error::check(Exit::Package, scan.problems)?;
    printer.problems(&warnings);
    Ok(())
}

impl Args {
    fn folders(&self, folder: &Path, list: &PackageList) -> Vec<PathBuf> {
        if self.folders.is_empty() {
            return list.roots.clone();
        }
        let full = |given: &PathBuf| folder.join(given);
        let real = |path: PathBuf| path.canonicalize().unwrap_or(path);
        self.folders.iter().map(full).map(real).collect()
    }
}

fn shown(folders: &[PathBuf]) -> String {
    let quoted = folders.iter().map(|folder| format!("`{}`", clean(folder).display()));
    quoted.collect::<Vec<_>>().join(", ")
}

/// A path without the `.` parts that users write.
fn clean(folder: &Path) -> PathBuf {
    folder.components().collect()
}

fn check_folders(index: &RootIndex) -> Result<()> {
    let wrong = index.roots().iter().filter_map(|root| {
        let path = clean(&root.path);
        let path = path.display();
        let what = match &root.state {
            RootState::Walked { .. } => return None,
            RootState::Missing => format!("folder `{path}` does not exist"),
            RootState::NotAFolder => format!("`{path}` is not a folder"),
            RootState::Unreadable(error) => format!("folder `{path}` cannot be read: {error}"),
        };
        Some(Problem::error(what).hint("name the folders that hold packages: `package scan DIR`"))
    });
    Error::check(Exit::Usage, wrong.collect()).map(drop)
}

/// What the Dockerfiles of the project fetch by address: scripts and lists of requirements too.
struct Asked {
    files: Vec<String>,
    /// Whether a line fetches what only the run can tell: whatever is served to it is declared.
    unknown: bool,
}

impl Asked {
    fn is_for(&self, file: &str, path: &Path) -> bool {
        let named = self.files.iter().any(|asked| asked.rsplit('/').next() == Some(file));
        let keeps = || secret_in(path).is_some() || names_password(path);
        named || self.unknown && plan::may_be_served(file) && !keeps()
    }
}

/// What is fetched on either platform: packages.toml is for both.
fn fetched(folder: &Path) -> Asked {
    // A folder of packages alone, or files that `check` will complain of, fetch nothing.
    let projects = Platform::ALL.iter().flat_map(|one| Source::default().load(folder, one));
    let stages = projects.flat_map(|(project, _)| project.stages.into_values());
    let fetched = stages.flat_map(|stage| stage.fetches);
    let (known, unknown): (Vec<_>, Vec<_>) = fetched.partition(|one| one.file.is_ok());
    let files = known.into_iter().filter_map(|one| one.file.ok()).collect();
    Asked { files, unknown: !unknown.is_empty() }
}

/// What a walk has found.
struct Picked {
    files: Vec<PlannedPackage>,
    rows: Vec<Row>,
    /// What is odd about names that nobody has declared.
    notes: Vec<Problem>,
    /// Number of files that nobody would call packages.
    passed_over: usize,
}

/// Picks the files that are declared, that stages fetch, or that can be packages by their names.
fn pick(index: &RootIndex, list: &PackageList, asked: &Asked) -> Picked {
    let mut picked =
        Picked { files: Vec::new(), rows: no_files(index), notes: Vec::new(), passed_over: 0 };
    let in_folders = declared_in_folders(index, list);
    picked
        .files
        .extend(in_folders.iter().map(|(entry, _)| found(entry.name.clone(), entry.path())));
    for (file, path) in index.files() {
        if in_folders.iter().any(|(_, known)| *known == path) {
            continue;
        }
        let declared =
            list.entries.iter().find(|entry| entry.file == file && entry.folder.is_none());
        let name = match declared {
            Some(entry) => Ok(entry.name.clone()),
            None => {
                picked.notes.extend(odd(file));
                undeclared(file, index, asked.is_for(file, path))
            }
        };
        match name {
            Ok(name) => picked.files.push(found(name, file.to_owned())),
            Err(Some(reason)) => picked.rows.push(Row::only(reason, "", file)),
            Err(None) => picked.passed_over += 1,
        }
    }
    picked
}

/// Entries that write a folder before the name, with the files that they mean.
fn declared_in_folders<'a>(
    index: &'a RootIndex,
    list: &'a PackageList,
) -> Vec<(&'a PackageEntry, &'a Path)> {
    let entries = list.entries.iter().filter(|entry| entry.folder.is_some());
    let file = |entry: &'a PackageEntry| match index.find(&entry.path()) {
        Found::File { path, .. } => Some((entry, path)),
        _ => None,
    };
    entries.filter_map(file).collect()
}

fn found(name: PackageName, file: String) -> PlannedPackage {
    PlannedPackage { name, file, sha256: None, size: None, url: None, place: None, asked: None }
}

/// What is odd about a name; a driver has its row, and signatures lie beside their packages.
fn odd(file: &str) -> Vec<Problem> {
    let mut identity = identify(file);
    let told = |note: &NearMiss| !matches!(note, NearMiss::HostOnly | NearMiss::Signature { .. });
    identity.notes.retain(told);
    if file.starts_with('.') { Vec::new() } else { near_misses(file, &identity) }
}

/// What has a package's name and is no file.
fn no_files(index: &RootIndex) -> Vec<Row> {
    let of_package = |(file, _): &(&str, Found<'_>)| identify(file).container.is_some();
    let row = |(file, found): (&str, Found<'_>)| {
        let what = match found {
            Found::LeadsOut { .. } => "skipped: a link out of the root",
            Found::BrokenLink(_) => "skipped: a link to nothing",
            Found::Special(_) => "skipped: no regular file",
            Found::Folder(_) | Found::File { .. } | Found::Missing => return None,
        };
        Some(Row::only(what, "", file))
    };
    index.others().filter(of_package).filter_map(row).collect()
}

/// The name for an undeclared file, or why it is none to declare, where that is worth saying.
fn undeclared(
    file: &str,
    index: &RootIndex,
    fetched: bool,
) -> std::result::Result<PackageName, Option<&'static str>> {
    let identity = identify(file);
    let installs = matches!(identity.container, Some(Container::Run | Container::Wheel));
    if file.starts_with('.') && !fetched {
        return Err(None);
    }
    if identity.host_only() {
        return Err(Some("skipped: belongs on the host"));
    }
    if identity.container == Some(Container::Zip) && identity.kind.is_some() {
        let unpacked = file.get(..file.len() - 4).map(|stem| format!("{stem}.run"));
        let here = unpacked.is_some_and(|run| index.files().any(|(name, _)| name == run));
        return Err(Some(if here { "skipped: unpacked already" } else { "skipped: import it" }));
    }
    let name = match identity.kind {
        None if fetched => plan::package_name(file),
        None if !installs => return Err(None),
        _ => package_name(file, &identity),
    };
    name.ok_or(Some("skipped: gives no name"))
}

/// A scan that knows every digest and writes them down.
struct Scan<'a> {
    list: &'a PackageList,
    edit: PackagesEdit,
    rows: Vec<Row>,
    problems: Vec<Problem>,
}

impl Scan<'_> {
    /// Sets the entries of a file, but never puts another digest in the place of the official one.
    fn declare(&mut self, file: &VerifiedPackage) {
        let catalogue = self.list.rules.catalogue();
        let standing = Standing::of(catalogue, file.file_name(), &file.sha256);
        if standing == Standing::Differs {
            let kept = self.has_official(&file.file);
            self.problems.extend(differs(file, self.list, kept));
            if kept {
                self.rows.push(Row::only("kept: file differs", file.name.as_str(), &file.file));
                return;
            }
        }
        let url = catalogue.by_sha256(file.sha256.as_str()).and_then(|entry| entry.url.clone());
        for name in self.names_of(file) {
            let entry = NewEntry {
                name,
                file: file.file.clone(),
                sha256: file.sha256.clone(),
                size: Some(file.size),
                url: url.clone(),
                archive: None,
            };
            let change = self.edit.set(&entry);
            self.rows.push(Row::changed(change, &entry, standing.clone()));
        }
    }

    /// Whether an entry of the file has its official digest.
    fn has_official(&self, file: &str) -> bool {
        let official = |written: &str| {
            let sha256 = written.parse().ok();
            let standing =
                sha256.map(|sha256| Standing::of(self.list.rules.catalogue(), file, &sha256));
            standing == Some(Standing::Official)
        };
        self.edit.entries().any(|(_, other, sha256)| other == file && official(sha256))
    }

    /// The names under which the file is declared, else the one that it gives.
    fn names_of(&self, file: &VerifiedPackage) -> Vec<PackageName> {
        let declared = self.edit.entries().filter(|(_, other, _)| *other == file.file);
        let names: Vec<_> = declared.filter_map(|(name, ..)| name.parse().ok()).collect();
        if names.is_empty() { vec![file.name.clone()] } else { names }
    }
}

/// What is wrong with a file that has an official name and another content.
fn differs(file: &VerifiedPackage, list: &PackageList, kept: bool) -> Option<Problem> {
    let entry = list.entries.iter().find(|entry| entry.path() == file.file);
    if entry.is_some_and(|entry| entry.unofficial.is_some()) {
        return None;
    }
    let official = list.rules.catalogue().by_file(file.file_name())?;
    let problem =
        differs_from_official(&file.file, &official.sha256, &file.sha256, &official.source);
    let severity = if kept { Severity::Error } else { Severity::Warning };
    let problem =
        Problem { severity, ..problem }.note(format!("file: {}", clean(&file.path).display()));
    let label = "the entry has the official one, and keeps it";
    Some(match entry.filter(|_| kept) {
        Some(entry) => problem.at(entry.file_place.clone(), label),
        None => problem,
    })
}

/// Makes the roots hold every folder that was walked, so that its files are found.
fn add_roots(folders: &[PathBuf], list: &PackageList, edit: &mut PackagesEdit) {
    let real = |path: &PathBuf| path.canonicalize().unwrap_or_else(|_| path.clone());
    let roots: Vec<_> = list.roots.iter().map(real).collect();
    let base = real(&list.folder);
    for folder in folders.iter().map(real) {
        let known = roots.iter().any(|root| folder.starts_with(root));
        if known && list.source.is_some() {
            continue;
        }
        let written = match folder.strip_prefix(&base) {
            Ok(inside) if inside.as_os_str().is_empty() => ".".to_owned(),
            Ok(inside) => inside.display().to_string(),
            Err(_) => folder.display().to_string(),
        };
        // A file without `roots` has a default one searched, and goes on to.
        let default = list.source.is_some().then_some(list.default_root);
        edit.add_root(&written, default);
    }
}
