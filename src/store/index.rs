//! One walk of the roots: which file name is where.
//!
//! A name is looked up in the order of the roots; inside one root the shallowest
//! match wins, then the first by path; what stands in a hidden folder comes after
//! everything else. A name with a folder in it is a path below a root; where
//! nothing is there, its first folders count for nothing. A symlink counts as the
//! file that it points to as long as that file is inside the same root. Linked
//! folders are never entered: inside the root their files are found on their own
//! way, and outside of it they are none of ours.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

/// Every file name below the roots, and where it is.
#[derive(Debug)]
pub struct RootIndex {
    roots: Vec<Root>,
    names: BTreeMap<String, Vec<Entry>>,
}

/// A folder that was searched.
#[derive(Debug)]
pub struct Root {
    /// The folder as given.
    pub path: PathBuf,
    /// What became of the walk.
    pub state: RootState,
    /// Folders below it that could not be read, and why.
    pub unreadable: Vec<(PathBuf, io::Error)>,
    /// Links to folders outside of it, which were not entered.
    pub links_out: Vec<PathBuf>,
    /// Files below it whose names are no UTF-8: nobody can declare them or ask for them.
    pub unnamed: Vec<PathBuf>,
}

/// What became of the walk of one root.
#[derive(Debug)]
pub enum RootState {
    /// It was walked and holds this many files.
    Walked {
        /// Number of regular files, links to such files included.
        files: usize,
    },
    /// It does not exist.
    Missing,
    /// It is not a folder.
    NotAFolder,
    /// It could not be opened.
    Unreadable(io::Error),
}

/// What a name stands for under the roots.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Found<'a> {
    /// A regular file.
    File {
        /// The match that counts.
        path: &'a Path,
        /// Other files of the same name, in the order in which they would count.
        others: Vec<&'a Path>,
    },
    /// Only a link whose target is outside of its root.
    LeadsOut {
        /// The link, below its root.
        link: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
    /// Only a link whose target does not exist.
    BrokenLink(&'a Path),
    /// Only a folder.
    Folder(&'a Path),
    /// Only a pipe, socket or device.
    Special(&'a Path),
    /// Nothing.
    Missing,
}

#[derive(Debug)]
struct Entry {
    root: usize,
    /// A part of its path below the root starts with `.`.
    hidden: bool,
    depth: usize,
    path: PathBuf,
    kind: Kind,
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    File,
    LeadsOut(PathBuf),
    BrokenLink,
    Folder,
    Special,
}

impl RootIndex {
    /// Walks `roots` in their order. Whatever cannot be read is kept for the messages.
    pub fn walk(roots: &[PathBuf]) -> Self {
        let mut index = Self { roots: Vec::new(), names: BTreeMap::new() };
        for path in roots {
            index.walk_root(path);
        }
        for entries in index.names.values_mut() {
            entries.sort_by(|a, b| a.rank().cmp(&b.rank()));
        }
        index
    }

    /// The folders that were searched, in order.
    pub fn roots(&self) -> &[Root] {
        &self.roots
    }

    /// What `file` (a name, or a path below a root) stands for.
    pub fn find<'a>(&'a self, file: &str) -> Found<'a> {
        self.find_among(file, |_| true)
    }

    /// The same, hidden files and those of hidden folders left out.
    pub fn find_shown<'a>(&'a self, file: &str) -> Found<'a> {
        self.find_among(file, |entry| !entry.hidden)
    }

    fn find_among<'a>(&'a self, file: &str, counts: impl Fn(&Entry) -> bool) -> Found<'a> {
        let entries: Vec<&Entry> =
            self.entries(file).into_iter().filter(|entry| counts(entry)).collect();
        let mut files = entries.iter().filter(|entry| entry.kind == Kind::File);
        if let Some(first) = files.next() {
            return Found::File { path: &first.path, others: files.map(|e| &*e.path).collect() };
        }
        match entries.first() {
            Some(entry) => entry.found(),
            None => self.behind_links_out(file),
        }
    }

    fn entries(&self, file: &str) -> Vec<&Entry> {
        let name = file.rsplit('/').next().unwrap_or(file);
        let named = self.names.get(name).map(Vec::as_slice).unwrap_or_default();
        if name == file {
            return named.iter().collect();
        }
        let mut below = paths_below(file).map(|path| self.at(named, path));
        below.find(|entries| !entries.is_empty()).unwrap_or_default()
    }

    /// Those of `named` that stand at `path` below their root.
    fn at<'a>(&self, named: &'a [Entry], path: &str) -> Vec<&'a Entry> {
        let wanted: Vec<PathBuf> =
            self.roots.iter().map(|root| without_links(&root.path, path)).collect();
        named.iter().filter(|entry| entry.path == wanted[entry.root]).collect()
    }

    /// Whether files of another content may hide behind the name `file`, which has no folder in
    /// it: none stands in a root itself, and several stand below. Those are given, else none.
    pub fn rivals(&self, file: &str) -> Vec<&Path> {
        let entries = self.entries(file).into_iter();
        let files: Vec<_> =
            entries.filter(|entry| entry.kind == Kind::File && !entry.hidden).collect();
        let at_hand = files.iter().any(|entry| entry.depth == 1);
        let deep = if at_hand || file.contains('/') { Vec::new() } else { files };
        deep.into_iter().map(|entry| &*entry.path).collect()
    }

    /// What an address may call each file: its path below its root, and its name alone where
    /// that means no other. Hidden files and those of hidden folders are left out.
    pub fn addressed(&self) -> impl Iterator<Item = (String, &Path)> {
        let shown = |entry: &&Entry| entry.kind == Kind::File && !entry.hidden;
        self.names.iter().flat_map(move |(name, entries)| {
            let files: Vec<&Entry> = entries.iter().filter(shown).collect();
            let alone = files.first().filter(|_| files.len() == 1);
            let by_name = alone.map(|entry| (name.clone(), &*entry.path));
            let by_path =
                files.into_iter().filter_map(|entry| Some((self.below(entry)?, &*entry.path)));
            by_name.into_iter().chain(by_path)
        })
    }

    /// The path of an entry below its root; `None` where it is no UTF-8.
    fn below(&self, entry: &Entry) -> Option<String> {
        let path = entry.path.strip_prefix(&self.roots[entry.root].path).ok()?;
        path.to_str().map(str::to_owned)
    }

    /// The same as [`RootIndex::files`], hidden files and those of hidden folders left out.
    pub fn shown_files(&self) -> impl Iterator<Item = (&str, &Path)> {
        self.names.iter().filter_map(|(name, entries)| {
            let entry = entries.iter().find(|entry| entry.kind == Kind::File && !entry.hidden)?;
            Some((name.as_str(), &*entry.path))
        })
    }

    /// Each file name with the match that counts, ordered by name.
    pub fn files(&self) -> impl Iterator<Item = (&str, &Path)> {
        self.names.iter().filter_map(|(name, entries)| {
            let entry = entries.iter().find(|entry| entry.kind == Kind::File)?;
            Some((name.as_str(), &*entry.path))
        })
    }

    /// Each name that stands for no file, with what it stands for, ordered by name.
    pub fn others(&self) -> impl Iterator<Item = (&str, Found<'_>)> {
        self.names.iter().filter_map(|(name, entries)| {
            let file = entries.iter().any(|entry| entry.kind == Kind::File);
            let first = entries.first().filter(|_| !file)?;
            Some((name.as_str(), first.found()))
        })
    }

    /// The names of files that are most like `file`, the likest first, at most three.
    pub fn nearest(&self, file: &str) -> Vec<&str> {
        let wanted = file.to_lowercase();
        // A file that is still being fetched is not what the user meant.
        let mut alike: Vec<(f64, &str)> = self
            .files()
            .filter(|(name, _)| !(name.starts_with('.') && name.ends_with(".part")))
            .map(|(name, _)| (strsim::jaro_winkler(&wanted, &name.to_lowercase()), name))
            .filter(|(likeness, _)| *likeness > 0.8)
            .collect();
        alike.sort_by(|a, b| b.0.total_cmp(&a.0));
        alike.into_iter().take(3).map(|(_, name)| name).collect()
    }

    /// The paths below the roots of files that have the name at the end of `file`, at most three.
    pub fn elsewhere(&self, file: &str) -> Vec<String> {
        let name = file.rsplit('/').next().unwrap_or(file);
        let named = self.names.get(name).into_iter().flatten();
        let files = named.filter(|entry| entry.kind == Kind::File && !entry.hidden);
        files.filter_map(|entry| self.below(entry)).take(3).collect()
    }

    fn walk_root(&mut self, path: &Path) {
        let mut root = Root {
            path: path.to_owned(),
            state: RootState::Walked { files: 0 },
            unreadable: Vec::new(),
            links_out: Vec::new(),
            unnamed: Vec::new(),
        };
        match real_folder(path) {
            Ok(real) => self.walk_folder(&mut root, &real),
            Err(state) => root.state = state,
        }
        self.roots.push(root);
    }

    fn walk_folder(&mut self, root: &mut Root, real: &Path) {
        let mut files = 0;
        for entry in WalkDir::new(&root.path).min_depth(1).sort_by_file_name() {
            match entry {
                Ok(entry) => files += usize::from(self.add(root, real, &entry)),
                Err(error) => root.unreadable.extend(unreadable_folder(error)),
            }
        }
        root.state = RootState::Walked { files };
    }

    /// Adds an entry and tells whether it counts as a file.
    fn add(&mut self, root: &mut Root, real: &Path, entry: &DirEntry) -> bool {
        let kind = kind_of(entry, real);
        let is_file = kind == Kind::File;
        if matches!(kind, Kind::LeadsOut(_)) && entry.path().is_dir() {
            root.links_out.push(entry.path().to_owned());
        }
        if let Some(name) = entry.file_name().to_str() {
            self.names.entry(name.to_owned()).or_default().push(Entry {
                root: self.roots.len(),
                hidden: is_hidden(entry.path().strip_prefix(&root.path).unwrap_or(entry.path())),
                depth: entry.depth(),
                path: entry.path().to_owned(),
                kind,
            });
        } else if is_file {
            root.unnamed.push(entry.path().to_owned());
        }
        is_file
    }

    /// Only for the message: the walk does not enter such folders.
    fn behind_links_out<'a>(&self, file: &str) -> Found<'a> {
        let candidates = self.roots.iter().flat_map(|root| &root.links_out);
        let mut candidates = candidates.map(|folder| folder.join(file));
        // A name with a folder in it could lead anywhere from here.
        if file.contains('/') {
            return Found::Missing;
        }
        match candidates.find(|link| link.is_file()) {
            Some(link) => {
                let target = fs::canonicalize(&link).unwrap_or_else(|_| link.clone());
                Found::LeadsOut { link, target }
            }
            None => Found::Missing,
        }
    }
}

/// `a/b/c`, `b/c` and `c`: the folder that a server hands out may stand above the root, or have
/// another name here.
fn paths_below(file: &str) -> impl Iterator<Item = &str> {
    let shorter = file.match_indices('/').map(|(slash, _)| &file[slash + 1..]);
    std::iter::once(file).chain(shorter)
}

/// The file's own path below `root`, where a linked folder inside the root leads to it.
fn without_links(root: &Path, file: &str) -> PathBuf {
    let path = root.join(file);
    let own = || {
        let folder = fs::canonicalize(path.parent()?).ok()?;
        let below = folder.strip_prefix(fs::canonicalize(root).ok()?).ok()?.to_owned();
        Some(root.join(below).join(path.file_name()?))
    };
    own().unwrap_or(path)
}

fn is_hidden(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str().as_encoded_bytes().starts_with(b"."))
}

impl Entry {
    fn rank(&self) -> (bool, usize, usize, &Path) {
        (self.hidden, self.root, self.depth, &self.path)
    }

    fn found(&self) -> Found<'_> {
        match &self.kind {
            Kind::File => Found::File { path: &self.path, others: Vec::new() },
            Kind::LeadsOut(target) => {
                Found::LeadsOut { link: self.path.clone(), target: target.clone() }
            }
            Kind::BrokenLink => Found::BrokenLink(&self.path),
            Kind::Folder => Found::Folder(&self.path),
            Kind::Special => Found::Special(&self.path),
        }
    }
}

/// The root without links, so that targets can be compared with it.
fn real_folder(path: &Path) -> Result<PathBuf, RootState> {
    let real = fs::canonicalize(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => RootState::Missing,
        io::ErrorKind::NotADirectory => RootState::NotAFolder,
        _ => RootState::Unreadable(error),
    })?;
    if !real.is_dir() {
        return Err(RootState::NotAFolder);
    }
    fs::read_dir(&real).map_err(RootState::Unreadable)?;
    Ok(real)
}

fn kind_of(entry: &DirEntry, real_root: &Path) -> Kind {
    let file_type = entry.file_type();
    if file_type.is_file() {
        Kind::File
    } else if file_type.is_dir() {
        Kind::Folder
    } else if file_type.is_symlink() {
        kind_of_link(entry.path(), real_root)
    } else {
        Kind::Special
    }
}

fn kind_of_link(link: &Path, real_root: &Path) -> Kind {
    let Ok(target) = fs::canonicalize(link) else { return Kind::BrokenLink };
    if !target.starts_with(real_root) {
        return Kind::LeadsOut(target);
    }
    match fs::metadata(&target) {
        Ok(metadata) if metadata.is_file() => Kind::File,
        Ok(metadata) if metadata.is_dir() => Kind::Folder,
        Ok(_) => Kind::Special,
        Err(_) => Kind::BrokenLink,
    }
}

fn unreadable_folder(error: walkdir::Error) -> Option<(PathBuf, io::Error)> {
    let path = error.path()?.to_owned();
    Some((path, error.into_io_error()?))
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
