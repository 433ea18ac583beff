//! Changing `packages.toml` without disturbing comments, order or line ends.
//!
//! 1. [`PackagesEdit::open`] locks the folder, so that two processes change the
//!    file one after the other, and reads it.
//! 2. Entries are set, replaced and removed in memory.
//! 3. [`PackagesEdit::save`] puts a whole new file into the old one's place, with
//!    the old one's mode; the lock is given back when the edit goes away.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, Value};

use super::load::PACKAGES_FILE;
use super::names::{PackageName, Sha256};
use super::packages_file::ArchiveOrigin;
use crate::error::{Exit, Problem, Result};

/// What a new file begins with.
const NEW: &str = "# The files that builds need, each with its sha256.\n";

const BYTE_ORDER_MARK: char = '\u{feff}';

/// What an entry says of a file; keys that it has besides are left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// The name that stages use.
    pub name: PackageName,
    /// The file's name.
    pub file: String,
    /// The digest of its content.
    pub sha256: Sha256,
    /// Its size in bytes.
    pub size: Option<u64>,
    /// Where it, or the archive that holds it, can be downloaded.
    pub url: Option<String>,
    /// The zip that it comes out of.
    pub archive: Option<ArchiveOrigin>,
}

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Change {
    /// It is new.
    Added,
    /// It says something else than before.
    Updated,
    /// It said so before.
    Unchanged,
}

/// A `packages.toml` that is being changed.
#[derive(Debug)]
pub struct PackagesEdit {
    path: PathBuf,
    /// The text on disk; `None` where there is no file yet.
    original: Option<String>,
    /// All there is in a file of comments alone: what is added comes after them.
    comments: String,
    document: DocumentMut,
    _lock: Option<File>,
}

impl PackagesEdit {
    /// Opens the `packages.toml` in `folder`, or begins one, waiting until no other process changes it.
    ///
    /// # Errors
    /// [`Exit::Project`] when it cannot be read, is not TOML, or keeps its packages in another form.
    pub fn open(folder: &Path) -> Result<Self> {
        // A file system without locks still has whole files: the last one wins.
        let lock = File::open(folder).ok().filter(|folder| folder.lock().is_ok());
        let path = folder.join(PACKAGES_FILE);
        // Through a link, its target is replaced, not the link.
        let path = path.canonicalize().unwrap_or(path);
        let original = match std::fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(cannot("read", &path, error)),
        };
        let text = original.as_deref().unwrap_or(NEW).trim_start_matches(BYTE_ORDER_MARK);
        let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
            let message = format!("`{PACKAGES_FILE}` is not valid TOML");
            Problem::error(message).note(error.message().to_owned()).exit(Exit::Project)
        })?;
        let mut comments = String::new();
        if document.is_empty() {
            comments = document.trailing().as_str().unwrap_or_default().to_owned();
            document.set_trailing("");
        }
        let edit = Self { path, original, comments, document, _lock: lock };
        edit.refuse_other_forms().map(|()| edit)
    }

    fn refuse_other_forms(&self) -> Result<()> {
        if self.document.get("package").is_none_or(Item::is_array_of_tables) {
            return Ok(());
        }
        Err(Problem::error(format!("the packages of `{PACKAGES_FILE}` are written as one list"))
            .hint("write each of them as a `[[package]]` of its own")
            .exit(Exit::Project))
    }

    /// Name, file and digest of every entry, as written.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        let tables = self.document.get("package").and_then(Item::as_array_of_tables);
        let text = |table, key| text(table, key).unwrap_or_default();
        tables
            .into_iter()
            .flatten()
            .map(move |table| (text(table, "name"), text(table, "file"), text(table, "sha256")))
    }

    /// Adds the entry, or makes the one of its name and file say the same.
    pub fn set(&mut self, entry: &NewEntry) -> Change {
        let same = |table: &Table| {
            text(table, "name") == Some(entry.name.as_str())
                && text(table, "file") == Some(&entry.file)
        };
        let tables = self.tables();
        if let Some(table) = tables.iter_mut().find(|table| same(table)) {
            return if write(table, entry) { Change::Updated } else { Change::Unchanged };
        }
        let mut table = Table::new();
        table.decor_mut().set_prefix("\n");
        write(&mut table, entry);
        tables.push(table);
        Change::Added
    }

    /// Makes the entry of the file `earlier` an entry of another file, keeping its name and place.
    ///
    /// Returns whether there was one.
    pub fn replace(&mut self, earlier: &str, entry: &NewEntry) -> bool {
        let mut tables = self.tables().iter_mut();
        let Some(table) = tables.find(|table| text(table, "file") == Some(earlier)) else {
            return false;
        };
        put(table, "file", entry.file.as_str());
        write(table, entry);
        true
    }

    /// Removes every entry whose name or file is `wanted`, with the comments that belong to it.
    ///
    /// Returns the names and files of what was removed.
    pub fn remove(&mut self, wanted: &str) -> Vec<(String, String)> {
        let mut removed = Vec::new();
        let is_wanted =
            |table: &Table| [text(table, "name"), text(table, "file")].contains(&Some(wanted));
        loop {
            let index = self.tables().iter().position(is_wanted);
            let Some(index) = index else { return removed };
            let table = self.tables().remove(index);
            let word = |key| text(&table, key).unwrap_or_default().to_owned();
            removed.push((word("name"), word("file")));
            self.keep_heading(&table, index);
        }
    }

    /// A comment with an empty line after it is about all that follows: it stays.
    fn keep_heading(&mut self, removed: &Table, index: usize) {
        let prefix = removed.decor().prefix().and_then(|prefix| prefix.as_str());
        let Some((heading, _)) = prefix.and_then(|prefix| prefix.rsplit_once("\n\n")) else {
            return;
        };
        if heading.trim().is_empty() {
            return;
        }
        let heading = format!("{heading}\n");
        if let Some(next) = self.tables().get_mut(index) {
            let own = next.decor().prefix().and_then(|prefix| prefix.as_str()).unwrap_or_default();
            let joined = format!("{heading}{own}");
            next.decor_mut().set_prefix(joined);
        } else {
            let trailing = self.document.trailing().as_str().unwrap_or_default().to_owned();
            self.document.set_trailing(format!("{heading}{trailing}"));
        }
    }

    /// Adds a folder to `roots`; `default` is what is searched while nothing is written there.
    pub fn add_root(&mut self, root: &str, default: Option<&str>) {
        let roots = self
            .document
            .entry("roots")
            .or_insert_with(|| Item::Value(Value::Array(default.into_iter().collect::<Array>())));
        let Some(roots) = roots.as_array_mut() else { return };
        if !roots.iter().any(|known| known.as_str() == Some(root)) {
            roots.push(root);
        }
    }

    /// The whole text as it would be saved.
    pub fn text(&self) -> String {
        let added = self.document.to_string();
        let added =
            if self.comments.is_empty() && self.original.as_ref().is_none_or(String::is_empty) {
                added.trim_start_matches('\n')
            } else {
                &added
            };
        let text = format!("{}{added}", self.comments);
        let original = self.original.as_deref().unwrap_or_default();
        let text = if original.contains("\r\n") {
            text.replace("\r\n", "\n").replace('\n', "\r\n")
        } else {
            text
        };
        let mark = original.starts_with(BYTE_ORDER_MARK).then_some(BYTE_ORDER_MARK);
        mark.into_iter().collect::<String>() + &text
    }

    /// Writes the file where anything has changed, all of it or nothing.
    ///
    /// # Errors
    /// [`Exit::Project`] when it cannot be written; it is as it was then.
    pub fn save(self) -> Result<()> {
        let text = self.text();
        if self.original.as_ref() == Some(&text) {
            return Ok(());
        }
        self.write(&text).map_err(|error| cannot("write", &self.path, error))
    }

    fn write(&self, text: &str) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt;
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new()
            .prefix(".packages.toml-")
            .permissions(std::fs::Permissions::from_mode(0o666))
            .tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        if let Ok(metadata) = self.path.metadata() {
            file.as_file().set_permissions(metadata.permissions())?;
        }
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        Ok(())
    }

    fn tables(&mut self) -> &mut ArrayOfTables {
        let item = self.document.entry("package");
        item.or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()))
            .as_array_of_tables_mut()
            .expect("open refuses every other form")
    }
}

fn cannot(what: &str, path: &Path, error: io::Error) -> crate::error::Error {
    Problem::error(format!("cannot {what} `{}`", path.display())).cause(error).exit(Exit::Project)
}

fn text<'a>(table: &'a Table, key: &str) -> Option<&'a str> {
    table.get(key)?.as_str()
}

/// Makes the table say what the entry says; tells whether it said anything else.
fn write(table: &mut Table, entry: &NewEntry) -> bool {
    let other_content = text(table, "sha256").is_some_and(|old| !same_digest(old, &entry.sha256));
    let mut changed = put(table, "name", entry.name.as_str());
    changed |= put(table, "file", entry.file.as_str());
    if other_content || !table.contains_key("sha256") {
        changed |= put(table, "sha256", entry.sha256.as_str());
    }
    if let Some(size) = entry.size.and_then(|size| i64::try_from(size).ok()) {
        changed |= put(table, "size", size);
    } else if other_content {
        // The size of another content would be wrong.
        changed |= table.remove("size").is_some();
    }
    if let Some(url) = &entry.url {
        changed |= put(table, "url", url.as_str());
    }
    if let Some(archive) = &entry.archive {
        changed |= put(table, "archive", archive.file.as_str());
        changed |= put(table, "archive-sha256", archive.sha256.as_str());
    }
    changed
}

fn same_digest(written: &str, digest: &Sha256) -> bool {
    written.eq_ignore_ascii_case(digest.as_str())
}

/// Writes a value, leaving the comment behind an old one where it is; tells whether it is new.
fn put(table: &mut Table, key: &str, value: impl Into<Value>) -> bool {
    let value = value.into();
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) if old.as_str().is_some() && old.as_str() == value.as_str() => false,
        Some(old) if old.as_integer().is_some() && old.as_integer() == value.as_integer() => false,
        Some(old) => {
            let decor = old.decor().clone();
            *old = value;
            *old.decor_mut() = decor;
            true
        }
        None => {
            table.insert(key, Item::Value(value));
            true
        }
    }
}

#[cfg(test)]
#[path = "packages_edit_tests.rs"]
mod tests;
