//! Looking at the project: its name, files from the future, folders that a build writes to.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use walkdir::{DirEntry, WalkDir};

use crate::commands::selection::{Source, own_platform};
use crate::doctor::{ProjectSide, Unwritable};
use crate::project::Project;
use crate::run::state_folder;
use crate::store::memory_folder;

/// Clocks of machines that share files may differ by so much.
const AHEAD: Duration = Duration::from_secs(60);

/// How deep, and at how many files, is looked.
const DEPTH: usize = 4;
const FILES: usize = 20_000;

/// How much is written to see whether a folder has room, in bytes.
const TRIED: usize = 64 << 10;

/// Folders that hold nothing that a build reads.
const SKIPPED: [&str; 3] = [".git", ".ascend-build", "target"];

/// The project in a folder, where its files can be read: `check` tells what is wrong with them.
pub(super) fn find(folder: &Path) -> Option<Project> {
    let platform = own_platform().ok()?;
    Some(Source::default().load(folder, &platform).ok()?.0)
}

/// What is known of it.
pub(super) fn side(folder: &Path, project: Option<&Project>) -> ProjectSide {
    let place = project.map_or(folder, |project| project.folder.as_path());
    let state = project.map(|_| state_folder(place));
    ProjectSide {
        name: project.map(|project| project.name.clone()),
        future_files: project.and_then(|_| future_files(place, SystemTime::now() + AHEAD)),
        unwritable: [
            state.and_then(|folder| unwritable(&folder, "logs and reports of runs go there", true)),
            unusable(&std::env::temp_dir(), "build contexts are packed there (`TMPDIR`)"),
            cache().and_then(|folder| {
                unwritable(
                    &folder,
                    "digests are remembered there, so that packages are not read again",
                    false,
                )
            }),
        ]
        .into_iter()
        .flatten()
        .collect(),
    }
}

fn cache() -> Option<PathBuf> {
    memory_folder(std::env::var_os("XDG_CACHE_HOME"), std::env::var_os("HOME"))
}

fn future_files(folder: &Path, latest: SystemTime) -> Option<(usize, String)> {
    let is_read =
        |entry: &DirEntry| !entry.file_name().to_str().is_some_and(|name| SKIPPED.contains(&name));
    let files = WalkDir::new(folder).max_depth(DEPTH).sort_by_file_name().into_iter();
    let files = files.filter_entry(is_read).flatten().filter(|entry| entry.file_type().is_file());
    let is_future = |entry: &DirEntry| {
        let modified = entry.metadata().ok().and_then(|metadata| metadata.modified().ok());
        modified.is_some_and(|modified| modified > latest)
    };
    let future: Vec<_> = files.take(FILES).filter(is_future).collect();
    let first = future.first()?.path();
    Some((future.len(), first.strip_prefix(folder).unwrap_or(first).display().to_string()))
}

/// Writes a file without a name into the folder, or into the one that it would be made in.
fn unwritable(folder: &Path, purpose: &'static str, is_needed: bool) -> Option<Unwritable> {
    let existing = folder.ancestors().find(|folder| folder.symlink_metadata().is_ok())?;
    refusing(existing, folder, purpose, is_needed)
}

/// The same of a folder that nobody makes.
fn unusable(folder: &Path, purpose: &'static str) -> Option<Unwritable> {
    refusing(folder, folder, purpose, true)
}

fn refusing(
    existing: &Path,
    folder: &Path,
    purpose: &'static str,
    is_needed: bool,
) -> Option<Unwritable> {
    let error = write_in(existing).err()?;
    let folder = folder.display().to_string();
    Some(Unwritable { folder, purpose, why: error.to_string(), is_needed })
}

/// A file without content needs no room on a disk.
fn write_in(folder: &Path) -> std::io::Result<()> {
    let mut file = tempfile::tempfile_in(folder)?;
    file.write_all(&[1; TRIED])?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_nobody_makes_must_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("none/below");
        let check =
            |found: Option<Unwritable>, expected: bool| assert_eq!(found.is_some(), expected);
        check(unwritable(&missing, "", true), false);
        check(unusable(&missing, ""), true);
        check(unusable(folder.path(), ""), false);
    }
}
