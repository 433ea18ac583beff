//! What is wrong with a zip of packages, in the user's words.

use std::io;
use std::path::Path;

use super::digest::HashError;
use super::disguise::Disguise;
use super::import_entries::Wanted;
use crate::error::Problem;
use crate::project::Sha256;

const DOWNLOAD_AGAIN: &str = "download it again";

pub(super) fn unreadable(zip: &Path, error: HashError) -> Problem {
    let shown = zip.display();
    match error {
        HashError::Interrupted => Problem::error("interrupted"),
        HashError::Changed => Problem::error(format!("`{shown}` changed while it was being read"))
            .hint("wait until whatever writes it has finished, then run again"),
        HashError::NotAFile => Problem::error(format!("`{shown}` is not a file"))
            .hint("name the zip that holds the package"),
        HashError::Io(error) => Problem::error(format!("`{shown}` cannot be read")).cause(error),
    }
}

pub(super) fn disguised(zip: &Path, disguise: &Disguise) -> Problem {
    let kind = disguise.kind;
    let problem = Problem::error(format!("`{}` is {kind}, not a zip", zip.display()))
        .note(kind.reason())
        .hint(DOWNLOAD_AGAIN);
    match &disguise.says {
        Some(text) => problem.note(format!("it says: {text}")),
        None => problem,
    }
}

pub(super) fn damaged(zip: &Path, error: zip::result::ZipError) -> Problem {
    Problem::error(format!("`{}` is not a whole zip", zip.display()))
        .cause(error)
        .hint(DOWNLOAD_AGAIN)
}

pub(super) fn too_many(zip: &Path, entries: u64, most: u64) -> Problem {
    hostile(zip, &format!("it has {entries} entries, expected at most {most}"))
}

pub(super) fn hostile(zip: &Path, reason: &str) -> Problem {
    Problem::error(format!("`{}` is refused", zip.display()))
        .note(reason)
        .note("nothing was taken out of it")
        .hint("this is no package as its vendor makes it: get it from there")
}

pub(super) fn encrypted(zip: &Path, entry: &str) -> Problem {
    Problem::error(format!("`{}` is encrypted", zip.display()))
        .note(format!("entry: {entry}"))
        .hint("unpack it with its password, and use the file that comes out")
}

pub(super) fn no_package(zip: &Path, entries: &[String]) -> Problem {
    let problem = Problem::error(format!("`{}` holds no package", zip.display()));
    let shown = entries.iter().take(5).map(|entry| format!("it holds: {}", entry.escape_debug()));
    shown.fold(problem, Problem::note)
}

pub(super) fn mismatch(zip: &Path, expected: &Sha256, actual: &Sha256) -> Problem {
    Problem::error(format!("`{}` does not match its sha256", zip.display()))
        .note(format!("expected sha256: {expected}"))
        .note(format!("  actual sha256: {actual}"))
        .hint(DOWNLOAD_AGAIN)
}

pub(super) fn folder(into: &Path, error: io::Error) -> Problem {
    Problem::error(format!("the folder `{}` cannot be made", into.display())).cause(error)
}

/// Sizes in bytes.
pub(super) fn no_space(into: &Path, needed: u64, free: u64) -> Problem {
    Problem::error(format!("there is not enough space in `{}`", into.display()))
        .note(format!("needed: {needed} bytes, free: {free} bytes"))
        .hint("make space, or import into another folder")
}

pub(super) fn not_unpacked(zip: &Path, wanted: &Wanted, error: io::Error) -> Problem {
    let message = format!("`{}` cannot be taken out of `{}`", wanted.file, zip.display());
    Problem::error(message).cause(error)
}

pub(super) fn in_the_way(path: &Path, wanted: &Wanted) -> Problem {
    Problem::error(format!("`{}` is there already, with other content", path.display()))
        .note(format!("the zip has it as: {}", wanted.entry))
        .hint("move it away, then run again")
}
