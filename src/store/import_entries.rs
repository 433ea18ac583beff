//! Which entries of a zip are packages, and whether the zip can be trusted at all.
//!
//! Every entry is looked at, wanted or not: a zip with one entry that would leave
//! the folder was made by someone who means harm, and nothing of it is taken.

use std::io::{Read, Seek};
use std::path::Path;

use zip::ZipArchive;
use zip::read::ZipFileEntry;

use super::import::doubled;
use super::import_problems as problems;
use super::verify::is_archive;
use crate::error::Problem;

/// How much larger than its packed form an entry may be. Packages are packed
/// already, so the real ones stay close to 1.
const MOST_RATIO: u64 = 100;

/// Entries up to this many bytes may have any ratio: they harm nobody.
const SMALL: u64 = 1 << 20;

/// What to do with the entries of a zip.
pub(super) struct Plan {
    /// The packages, ordered by file name.
    pub(super) wanted: Vec<Wanted>,
    /// Names of other files, ordered.
    pub(super) skipped: Vec<String>,
}

/// An entry that is a package.
pub(super) struct Wanted {
    pub(super) index: usize,
    /// The name in the zip.
    pub(super) entry: String,
    /// The name that it gets.
    pub(super) file: String,
    /// Declared size in bytes.
    pub(super) size: u64,
}

/// Looks at every entry.
pub(super) fn plan<R: Read + Seek>(
    zip: &Path,
    archive: &mut ZipArchive<R>,
) -> Result<Plan, Box<Problem>> {
    if archive.has_duplicate_names() {
        return Err(problems::hostile(zip, "two entries have the same name").into());
    }
    let mut plan = Plan { wanted: Vec::new(), skipped: Vec::new() };
    for index in 0..archive.len() {
        let entry = archive.by_index_data(index).map_err(|e| problems::damaged(zip, e))?;
        plan.add(zip, index, &entry)?;
    }
    // Only now, as this reads the header of every entry.
    match archive.has_overlapping_entries() {
        Ok(false) => {}
        Ok(true) => return Err(problems::hostile(zip, "its entries share their bytes").into()),
        Err(error) => return Err(problems::damaged(zip, error).into()),
    }
    plan.wanted.sort_by(|a, b| a.file.cmp(&b.file));
    plan.skipped.sort();
    if let Some(file) = doubled(plan.wanted.iter().map(|wanted| &*wanted.file)) {
        let reason = format!("it holds `{file}` in two folders");
        return Err(problems::hostile(zip, &reason).into());
    }
    if plan.wanted.is_empty() {
        return Err(problems::no_package(zip, &plan.skipped).into());
    }
    Ok(plan)
}

impl Plan {
    fn add(
        &mut self,
        zip: &Path,
        index: usize,
        entry: &ZipFileEntry<'_>,
    ) -> Result<(), Box<Problem>> {
        let name = entry.name().map_err(|error| problems::damaged(zip, error))?;
        if let Some(reason) = hostile(&name, entry) {
            return Err(problems::hostile(zip, &reason).into());
        }
        if entry.is_dir() {
            return Ok(());
        }
        let file = name.rsplit('/').next().unwrap_or_default();
        if !is_archive(file) || file.starts_with('.') {
            self.skipped.push(name.into_owned());
            return Ok(());
        }
        if entry.encrypted() {
            return Err(problems::encrypted(zip, &name).into());
        }
        let file = file.to_owned();
        let size = entry.size();
        self.wanted.push(Wanted { index, entry: name.into_owned(), file, size });
        Ok(())
    }
}

/// Why an entry makes the whole zip untrustworthy.
fn hostile(name: &str, entry: &ZipFileEntry<'_>) -> Option<String> {
    let shown = name.escape_debug();
    if leaves_the_folder(name) {
        return Some(format!("its entry `{shown}` would leave the folder"));
    }
    // The upper bits of a Unix mode tell the kind of a file; 0 is none given.
    let kind = entry.unix_mode().unwrap_or(0) & 0o170_000;
    if entry.is_symlink() || !matches!(kind, 0 | 0o100_000 | 0o040_000) {
        return Some(format!("its entry `{shown}` is neither a file nor a folder"));
    }
    let (packed, size) = (entry.compressed_size(), entry.size());
    if size > SMALL && size / MOST_RATIO > packed {
        return Some(format!("its entry `{shown}` grows from {packed} to {size} bytes"));
    }
    None
}

/// Whether a name is anything but plain folders and a plain file below the folder.
fn leaves_the_folder(name: &str) -> bool {
    let odd = |c: char| c.is_control() || matches!(c, '\\' | ':');
    let path = name.strip_suffix('/').unwrap_or(name);
    name.contains(odd) || path.split('/').any(|part| matches!(part, "" | "." | ".."))
}
