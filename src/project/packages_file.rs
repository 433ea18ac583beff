//! `packages.toml`: the files that builds need, each with its SHA-256.
//!
//! ```toml
//! roots = ["packages", "/data/ascend"]   # searched in this order; relative to this file
//!
//! [[package]]
//! name = "cann-toolkit"                  # the name that stages use; several files may share it
//! file = "Ascend-cann-toolkit_8.5.0_linux-aarch64.run"   # or a path below a root: "910b/kernels.run"
//! sha256 = "…"                           # 64 hexadecimal digits
//! size = 2190000000                      # bytes, optional
//! url = "https://…"                      # where `package fetch` gets it, optional
//! unofficial = "our own build"           # why sha256 is not the official one of this name, optional
//! archive = "Ascend-cann-toolkit_8.5.0_linux-aarch64.zip"   # the zip that holds it, optional:
//! archive-sha256 = "…"                   # `url` is the zip's then, and `package fetch` unpacks it
//! # kind, version, arch, chip, python: read from the file name; written only to override
//! ```
//!
//! `[[allow]]` and the keys `catalogue` and `compatibility` are read by `own_rules`.

use std::collections::HashMap;
use std::sync::Arc;

use super::names::{PackageName, Sha256};
use super::overrides::{Overrides, read_overrides};
use super::own_rules::{Allow, read_allow};
use super::table::{Placed, Table, parse};
use crate::ascend::{Identity, identify};
use crate::error::{Place, Problem, SourceFile};

/// The contents of one `packages.toml`.
#[derive(Debug)]
pub(super) struct PackagesFile {
    /// Folders to search, as written.
    pub roots: Vec<Placed<String>>,
    /// The declared files, in the order of the file.
    pub packages: Vec<PackageEntry>,
    /// The names of all entries, the broken ones included; `None` where the file could not be read.
    pub names: Option<Vec<PackageName>>,
    /// Conflicts that the project takes upon itself, in the order of the file.
    pub allowed: Vec<Allow>,
    /// The project's own catalogue files, as written.
    pub catalogue: Vec<Placed<String>>,
    /// The project's own tables of what goes together, as written.
    pub compatibility: Vec<Placed<String>>,
}

impl Default for PackagesFile {
    /// A file that declares nothing.
    fn default() -> Self {
        Self { names: Some(Vec::new()), ..Self::unread() }
    }
}

impl PackagesFile {
    /// A file that may declare anything: it could not be read.
    pub(super) fn unread() -> Self {
        Self {
            roots: Vec::new(),
            packages: Vec::new(),
            names: None,
            allowed: Vec::new(),
            catalogue: Vec::new(),
            compatibility: Vec::new(),
        }
    }
}

/// One `[[package]]`.
#[derive(Debug, Clone)]
pub struct PackageEntry {
    /// The name that stages use.
    pub name: PackageName,
    /// The file's name, without a folder.
    pub file: String,
    /// The folder below a root where it is, where the entry says so; with `/` between its parts.
    pub folder: Option<String>,
    /// The declared digest.
    pub sha256: Sha256,
    /// The declared size in bytes.
    pub size: Option<u64>,
    /// Where the file, or the archive that holds it, can be downloaded.
    pub url: Option<String>,
    /// The zip that the file comes out of.
    pub archive: Option<ArchiveOrigin>,
    /// Why the digest is not the official one of this file name.
    pub unofficial: Option<String>,
    /// What the user says of the file where its name does not tell.
    pub overrides: Overrides,
    /// The whole entry.
    pub place: Place,
    /// Its `file`, for messages about the name.
    pub file_place: Place,
}

/// The zip that a package file comes out of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveOrigin {
    /// The zip's name, without a folder.
    pub file: String,
    /// The zip's digest.
    pub sha256: Sha256,
}

impl PackageEntry {
    /// The file as the entry writes it: its name, or its path below a root.
    pub fn path(&self) -> String {
        match &self.folder {
            Some(folder) => format!("{folder}/{}", self.file),
            None => self.file.clone(),
        }
    }

    /// Whether the entry speaks of the file that an address calls `file`, a name or a path below a
    /// root: it has that name, and the entry's folder, where it writes one, stands before it.
    pub fn is_of(&self, file: &str) -> bool {
        let (_, name) = in_folder(file);
        let before = |path: String| {
            file.strip_suffix(&*path).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
        };
        self.file == name && (self.folder.is_none() || before(self.path()))
    }

    /// What the file is: what its name says, and the entry's own words before that.
    pub fn identity(&self) -> Identity {
        self.overrides.applied_to(identify(&self.file))
    }
}

/// Reads the text of a `packages.toml`.
pub(super) fn read(file: &Arc<SourceFile>, problems: &mut Vec<Problem>) -> PackagesFile {
    let Some(parsed) = parse(file, file, problems) else { return PackagesFile::unread() };
    let mut table = Table::new("packages.toml", file, parsed.get_ref(), parsed.span());
    let roots = table.texts("roots", problems);
    let entries = table.tables("package", problems);
    let mut seen = Seen::default();
    let packages: Vec<_> =
        entries.into_iter().filter_map(|entry| read_entry(entry, &mut seen, problems)).collect();
    let allowed = table.tables("allow", problems);
    let known = seen.names.iter().map(PackageName::as_str).chain(seen.files.iter().map(|f| &**f));
    let known: Vec<&str> = known.collect();
    let allowed: Vec<_> =
        allowed.into_iter().filter_map(|allow| read_allow(allow, &known, problems)).collect();
    let catalogue = table.texts("catalogue", problems);
    let compatibility = table.texts("compatibility", problems);
    table.finish(problems);
    refuse_doubles(&packages, problems);
    PackagesFile { roots, packages, names: Some(seen.names), allowed, catalogue, compatibility }
}

/// What entries are called, the broken ones included: what names them is not wrong for that.
#[derive(Default)]
struct Seen {
    names: Vec<PackageName>,
    files: Vec<String>,
}

fn read_entry(
    mut table: Table<'_>,
    seen: &mut Seen,
    problems: &mut Vec<Problem>,
) -> Option<PackageEntry> {
    let place = table.place();
    let name = table.required::<PackageName>("name", problems);
    seen.names.extend(name.iter().map(|name| name.value.clone()));
    let file = table.required_text("file", problems);
    seen.files.extend(file.iter().map(|file| file.value.clone()));
    let file = file.and_then(|file| path_below_a_root(file, problems));
    let sha256 = table.required::<Sha256>("sha256", problems);
    let size = table.whole_number("size", problems).map(|size| size.value);
    let url = table.text("url", problems).map(|url| url.value);
    let archive = read_archive(&mut table, problems);
    let unofficial = table.text("unofficial", problems).map(|reason| reason.value);
    let overrides = read_overrides(&mut table, problems);
    table.finish(problems);
    let file = file?;
    let (folder, file_name) = in_folder(&file.value);
    Some(PackageEntry {
        name: name?.value,
        file: file_name.to_owned(),
        folder: folder.map(str::to_owned),
        sha256: sha256?.value,
        size,
        url,
        archive,
        unofficial,
        overrides,
        place,
        file_place: file.place,
    })
}

fn read_archive(table: &mut Table<'_>, problems: &mut Vec<Problem>) -> Option<ArchiveOrigin> {
    let file = table.text("archive", problems);
    let sha256 = table.parsed::<Sha256>("archive-sha256", problems);
    let file = plain_file_name(file?, problems)?;
    if sha256.is_none() {
        let problem = Problem::error("`archive` has no checksum");
        problems
            .push(problem.at(file.place.clone(), "expected `archive-sha256 = \"…\"` beside it"));
    }
    Some(ArchiveOrigin { file: file.value, sha256: sha256?.value })
}

/// A path's folder, where it has one, and the name at its end.
fn in_folder(path: &str) -> (Option<&str>, &str) {
    path.rsplit_once('/').map_or((None, path), |(folder, name)| (Some(folder), name))
}

fn is_plain(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\0', '\n', '\r'])
}

fn path_below_a_root(file: Placed<String>, problems: &mut Vec<Problem>) -> Option<Placed<String>> {
    if file.value.split('/').all(is_plain) {
        return Some(file);
    }
    let problem =
        Problem::error(format!("`{}` is no path below a root", file.value.escape_debug()));
    problems.push(
        problem
            .at(file.place, "expected a name, or folders and a name with `/` between")
            .hint("put a folder that is elsewhere into `roots`"),
    );
    None
}

fn plain_file_name(file: Placed<String>, problems: &mut Vec<Problem>) -> Option<Placed<String>> {
    let name = &file.value;
    if is_plain(name) {
        return Some(file);
    }
    let problem = Problem::error(format!("`{}` is not a file name", name.escape_debug()));
    problems.push(
        problem
            .at(file.place, "expected a name without a folder")
            .hint("put its folder into `roots`"),
    );
    None
}

fn refuse_doubles(packages: &[PackageEntry], problems: &mut Vec<Problem>) {
    let mut known: HashMap<(&PackageName, String), &PackageEntry> = HashMap::new();
    for package in packages {
        let key = (&package.name, package.path());
        let earlier = *known.entry(key).or_insert(package);
        if !std::ptr::eq(earlier, package) {
            let problem = Problem::error(format!(
                "`{}` is declared twice under `{}`",
                package.path(),
                package.name
            ));
            let label = format!("first declared at line {}", earlier.place.line());
            problems.push(
                problem.at(package.place.clone(), label).hint("remove one of the two entries"),
            );
        }
    }
}
