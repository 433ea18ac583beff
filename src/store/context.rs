//! The build context: what `COPY` and `ADD` of the wanted stages can reach.
//!
//! 1. Each source is expanded as Docker does: cleaned, kept inside the context,
//!    wildcards by Go's `filepath.Match`.
//! 2. A source that is a link stands for its target, resolved inside the context.
//! 3. A folder stands for its whole tree, in which links stay links.
//! 4. What `.dockerignore` leaves out is left out, and so are sockets and pipes: no image can hold
//!    the first, and BuildKit passes over the others as well.
//!
//! So twenty gigabytes of packages beside a Dockerfile cost nothing, as long as
//! no `COPY` asks for them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use walkdir::WalkDir;

use super::context_sources::{Resolved, expand};
use super::ignore_rules::IgnoreRules;
use crate::error::{Error, Exit, Problem};

/// One source of a `COPY` or `ADD` (or a bind mount of the context), as the
/// Dockerfile has it, its arguments expanded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CopySource(String);

/// The files of a folder that a build is given, ordered by path.
#[derive(Debug)]
pub struct Context {
    folder: PathBuf,
    entries: Vec<ContextEntry>,
    unmatched: Vec<UnmatchedSource>,
    left_out: Vec<PathBuf>,
}

/// One file, folder or link of a context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextEntry {
    /// Relative to the context.
    pub path: PathBuf,
    /// What it is.
    pub kind: EntryKind,
    /// Permission bits, the set-id and sticky bits included.
    pub mode: u32,
    /// Bytes of content; 0 for folders and links.
    pub size: u64,
    /// Whether it is a folder that no source stands for, above something that one does.
    pub above: bool,
}

/// What an entry of a context is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A link, and where it points, as written.
    Link(PathBuf),
}

/// A source that stands for nothing in the context.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct UnmatchedSource {
    /// The source.
    pub source: CopySource,
    /// Whether something is there, which `.dockerignore` leaves out.
    pub ignored: bool,
}

impl CopySource {
    /// A source as the Dockerfile has it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The source as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Context {
    /// Collects what `sources` stand for in `folder`. The source `.` takes everything.
    ///
    /// # Errors
    /// [`Exit::Project`] with every file that cannot be read, and every device.
    pub fn collect(
        folder: &Path,
        sources: &[CopySource],
        ignore: &IgnoreRules,
    ) -> Result<Self, Error> {
        let folder = fs::canonicalize(folder).map_err(|error| not_a_context(folder, error))?;
        let mut collector = Collector {
            folder: &folder,
            ignore,
            entries: BTreeMap::new(),
            left_out: BTreeSet::new(),
            problems: Vec::new(),
        };
        let unmatched = sources.iter().filter_map(|source| collector.take(source)).collect();
        let Collector { entries, left_out, problems, .. } = collector;
        Error::check(Exit::Project, problems)?;
        let entries = entries.into_values().collect();
        Ok(Self { folder, entries, unmatched, left_out: left_out.into_iter().collect() })
    }

    /// What the context holds, ordered by path: a folder comes before what is in it.
    pub fn entries(&self) -> &[ContextEntry] {
        &self.entries
    }

    /// The sources that stand for nothing.
    pub fn unmatched(&self) -> &[UnmatchedSource] {
        &self.unmatched
    }

    /// Sockets and pipes that a source stands for and that are left out, relative to the context
    /// and ordered by path.
    pub fn left_out(&self) -> &[PathBuf] {
        &self.left_out
    }

    /// Bytes of content.
    pub fn size(&self) -> u64 {
        self.entries.iter().map(|entry| entry.size).sum()
    }

    /// Where an entry is on this machine.
    pub(super) fn locate(&self, entry: &ContextEntry) -> PathBuf {
        self.folder.join(&entry.path)
    }
}

/// Gathers entries; every problem is kept for one report.
struct Collector<'a> {
    folder: &'a Path,
    ignore: &'a IgnoreRules,
    entries: BTreeMap<PathBuf, ContextEntry>,
    left_out: BTreeSet<PathBuf>,
    problems: Vec<Problem>,
}

impl Collector<'_> {
    /// Takes what a source stands for, and tells where that is nothing.
    fn take(&mut self, source: &CopySource) -> Option<UnmatchedSource> {
        let resolved = expand(self.folder, source.as_str());
        let exists = !resolved.is_empty();
        let mut taken = false;
        for Resolved { links, path } in resolved {
            for link in links {
                taken |= self.add_one(&link, &link);
            }
            taken |= self.add_tree(&path);
        }
        (!taken).then(|| UnmatchedSource { source: source.clone(), ignored: exists })
    }

    /// Adds a file, or a folder with all that is in it.
    fn add_tree(&mut self, path: &Path) -> bool {
        let mut taken = path.as_os_str().is_empty();
        let ignore = self.ignore;
        let folder = self.folder;
        let relative = |path: &Path| path.strip_prefix(folder).unwrap_or(path).to_owned();
        // A link that is still one here leads out of the context.
        let walk = WalkDir::new(folder.join(path)).follow_root_links(false);
        let walk = walk.sort_by_file_name().into_iter();
        let walk = walk.filter_entry(|entry| {
            let path = text(&relative(entry.path()));
            !entry.file_type().is_dir()
                || path.is_empty()
                || !ignore.excludes(&path)
                || ignore.may_keep_below(&path)
        });
        for entry in walk {
            match entry {
                Ok(entry) => taken |= self.add_one(&relative(entry.path()), path),
                Err(error) => self.problems.push(unreadable_tree(error)),
            }
        }
        taken
    }

    /// Adds one entry of what stands at `source` and the folders above it, unless it is left out.
    fn add_one(&mut self, path: &Path, source: &Path) -> bool {
        if path.as_os_str().is_empty() || self.ignore.excludes(&text(path)) {
            return false;
        }
        for folder in path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()) {
            self.insert(folder, !folder.starts_with(source));
        }
        self.insert(path, false);
        !self.left_out.contains(path)
    }

    fn insert(&mut self, path: &Path, above: bool) {
        if let Some(entry) = self.entries.get_mut(path) {
            entry.above &= above;
            return;
        }
        match describe(&self.folder.join(path), path) {
            Ok(Some(entry)) => {
                drop(self.entries.insert(path.to_owned(), ContextEntry { above, ..entry }));
            }
            Ok(None) => drop(self.left_out.insert(path.to_owned())),
            Err(problem) => self.problems.push(*problem),
        }
    }
}

/// What is at `path`; `None` for a socket or a pipe.
fn describe(absolute: &Path, path: &Path) -> Result<Option<ContextEntry>, Box<Problem>> {
    let unreadable = |error| Box::new(cannot_read(path, error));
    let metadata = fs::symlink_metadata(absolute).map_err(unreadable)?;
    let kind = if metadata.is_file() {
        EntryKind::File
    } else if metadata.is_dir() {
        EntryKind::Folder
    } else if metadata.is_symlink() {
        EntryKind::Link(fs::read_link(absolute).map_err(unreadable)?)
    } else if metadata.file_type().is_socket() || metadata.file_type().is_fifo() {
        return Ok(None);
    } else {
        return Err(Box::new(device(path)));
    };
    let size = if kind == EntryKind::File { metadata.len() } else { 0 };
    let mode = match kind {
        EntryKind::Link(_) => 0o777,
        _ => metadata.permissions().mode() & 0o7777,
    };
    Ok(Some(ContextEntry { path: path.to_owned(), kind, mode, size, above: false }))
}

/// The path as patterns see it.
fn text(path: &Path) -> String {
    let names = path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_string_lossy()),
        _ => None,
    });
    names.collect::<Vec<_>>().join("/")
}

fn device(path: &Path) -> Problem {
    Problem::error(format!("`{}` cannot be in a build context", path.display()))
        .note("expected: a file, folder or link, actual: a device")
        .hint("remove it, or name it in `.dockerignore`")
}

fn cannot_read(path: &Path, error: io::Error) -> Problem {
    Problem::error(format!("`{}` in the build context cannot be read", path.display()))
        .cause(error)
        .hint("make it readable, or name it in `.dockerignore`")
}

fn unreadable_tree(error: walkdir::Error) -> Problem {
    let path = error.path().map(Path::to_owned).unwrap_or_default();
    cannot_read(&path, error.into())
}

fn not_a_context(folder: &Path, error: io::Error) -> Error {
    Problem::error(format!("the build context `{}` cannot be opened", folder.display()))
        .cause(error)
        .exit(Exit::Project)
}

#[cfg(test)]
#[path = "context_tests.rs"]
mod tests;
