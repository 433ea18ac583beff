//! What is wrong with a package file, in the user's words.
//!
//! Each kind of problem has a message of its own, points at the package's
//! declaration, and says what to do next.

use std::io;
use std::path::{Path, PathBuf};

use super::digest::HashError;
use super::disguise::Disguise;
use super::index::{Found, Root, RootIndex, RootState};
use crate::error::{Place, Problem};
use crate::plan::PlannedPackage;
use crate::project::Sha256;

/// Points at the declaration of `package`, where there is one.
fn placed(problem: Problem, package: &PlannedPackage, label: &str) -> Problem {
    match &package.place {
        Some(place) => problem.at(place.clone(), label),
        None => problem,
    }
}

/// The file where the package is declared, for hints.
fn manifest(package: &PlannedPackage) -> String {
    match &package.place {
        Some(place) => place.file.path.display().to_string(),
        None => "packages.toml".to_owned(),
    }
}

/// An address may be that of the zip which holds the file, so the verb that knows is named.
fn download_again(package: &PlannedPackage) -> String {
    match &package.url {
        Some(url) => format!("`{}` gets it again from {url}", fetch_command(package)),
        None => "download it again".to_owned(),
    }
}

fn fetch_command(package: &PlannedPackage) -> String {
    format!("ascend-build package fetch {}", package.name)
}

/// A name that stands for no file that may be used.
pub(super) fn not_found(package: &PlannedPackage, found: &Found<'_>, index: &RootIndex) -> Problem {
    let file = &package.file;
    match found {
        Found::LeadsOut { link, target } => leads_out(package, link, target),
        Found::BrokenLink(link) => {
            let message = format!("package file `{file}` is a link to nothing");
            let problem = Problem::error(message).note(format!("link: {}", link.display()));
            placed(problem, package, label(package)).hint("put the file where the link points")
        }
        Found::Folder(path) => wrong_kind(package, path, "a folder"),
        Found::Special(path) => wrong_kind(package, path, "a pipe, socket or device"),
        Found::Missing | Found::File { .. } => missing(package, index),
    }
}

/// What the place of a package is: its entry in a manifest, or the line of a Dockerfile that fetches it.
fn label(package: &PlannedPackage) -> &'static str {
    let manifest =
        |place: &Place| place.file.path.extension().is_some_and(|ending| ending == "toml");
    let declared = package.sha256.is_some() || package.place.as_ref().is_some_and(manifest);
    if declared { "declared here" } else { "fetched here" }
}

/// An address names a file that stands in no root itself, and below them two of another content.
pub(super) fn ambiguous(package: &PlannedPackage, path: &Path, other: &Path) -> Problem {
    let file = &package.file;
    let problem = Problem::error(format!("`{file}` may be one of two different files"))
        .note(format!("found: {}", path.display()))
        .note(format!("found: {}", other.display()));
    let into_root = "put the one that is meant into a root itself";
    // Where nothing asks for it, there is no address that could be corrected.
    let hint = match package.place {
        Some(_) => format!("name the folder in the address, or {into_root}"),
        None => format!("{into_root}, or name its folder as a root before the others"),
    };
    placed(problem, package, "fetched here").hint(hint)
}

fn leads_out(package: &PlannedPackage, link: &Path, target: &Path) -> Problem {
    let file = &package.file;
    let folder = target.parent().unwrap_or(target);
    let problem =
        Problem::error(format!("package file `{file}` is only found outside of its root"))
            .note(format!("link: {}", link.display()))
            .note(format!("leads to: {}", target.display()));
    placed(problem, package, label(package))
        .hint(format!("add `{}` to `roots`, or copy the file into its root", folder.display()))
}

fn wrong_kind(package: &PlannedPackage, path: &Path, actual: &str) -> Problem {
    let problem = Problem::error(format!("`{}` is {actual}, not a package file", path.display()))
        .note(format!("expected: a regular file, actual: {actual}"));
    placed(problem, package, label(package))
        .hint(format!("put the file `{}` there instead", package.file))
}

fn missing(package: &PlannedPackage, index: &RootIndex) -> Problem {
    let file = &package.file;
    let mut problem = Problem::error(format!("package file `{file}` is missing"));
    problem = placed(problem, package, label(package));
    problem.notes.extend(package.asked.iter().map(|asked| format!("needed by: {asked}")));
    problem.notes.extend(index.roots().iter().flat_map(looked_in));
    if file.contains('*') {
        problem.notes.push("HTTP has no globs: an address names one file, whole".to_owned());
    }
    let elsewhere = index.elsewhere(file);
    let nearest = if elsewhere.is_empty() {
        index.nearest(package.file_name()).into_iter().map(str::to_owned).collect()
    } else {
        elsewhere
    };
    if !nearest.is_empty() {
        problem.notes.push(format!("nearest names found: `{}`", nearest.join("`, `")));
    }
    problem.hint(where_to_put(package, index))
}

fn where_to_put(package: &PlannedPackage, index: &RootIndex) -> String {
    let manifest = manifest(package);
    let folder = match index.roots().first() {
        Some(root) => format!("`{}`", root.path.display()),
        None => return format!("name the folder that holds it under `roots` in `{manifest}`"),
    };
    match &package.url {
        Some(url) => format!("`{}` gets it from {url}", fetch_command(package)),
        None if package.sha256.is_none() => format!(
            "put it into {folder}, or correct the address in `{manifest}` or the `--build-arg` that makes it up"
        ),
        None => format!("put it into {folder}, or correct `file` in `{manifest}`"),
    }
}

/// Where a file was looked for, and what was in the way.
fn looked_in(root: &Root) -> Vec<String> {
    let path = root.path.display();
    let first = match &root.state {
        RootState::Walked { files: 1 } => format!("looked in: {path} (1 file)"),
        RootState::Walked { files } => format!("looked in: {path} ({files} files)"),
        RootState::Missing => format!("looked in: {path}, which does not exist"),
        RootState::NotAFolder => format!("looked in: {path}, which is not a folder"),
        RootState::Unreadable(error) => format!("looked in: {path}, which cannot be read: {error}"),
    };
    let unreadable = root
        .unreadable
        .iter()
        .map(|(folder, error)| format!("could not look in: {}: {error}", folder.display()));
    std::iter::once(first).chain(unreadable).collect()
}

/// A package that has something else in its place.
pub(super) fn disguised(package: &PlannedPackage, path: &Path, disguise: &Disguise) -> Problem {
    let kind = disguise.kind;
    let mut problem = Problem::error(format!("`{}` is {kind}, not a package", package.file))
        .note(format!("file: {}", path.display()))
        .note(kind.reason());
    if let Some(text) = &disguise.says {
        problem = problem.note(format!("it says: {text}"));
    }
    placed(problem, package, label(package)).hint(download_again(package))
}

/// A file that nothing declares and that holds a secret.
pub(super) fn secret(package: &PlannedPackage, path: &Path, secret: &str) -> Problem {
    let problem = Problem::error(format!("`{}` holds {secret}, and is not served", package.file))
        .note(format!("file: {}", path.display()));
    placed(problem, package, "fetched here").hint(match package.place {
        Some(_) => "leave it out of the image; where the image may hold it, declare it in packages.toml, with its sha256",
        None => "take it out of the folder; what builds may have of it is declared in packages.toml, with its sha256",
    })
}

/// A file that holds nothing at all.
pub(super) fn empty(package: &PlannedPackage, path: &Path) -> Problem {
    let problem = Problem::error(format!("`{}` is empty", package.file))
        .note(format!("file: {}", path.display()));
    placed(problem, package, label(package)).hint(download_again(package))
}

/// A file that is shorter than declared; sizes in bytes.
pub(super) fn truncated(
    package: &PlannedPackage,
    path: &Path,
    expected: u64,
    actual: u64,
) -> Problem {
    let problem = Problem::error(format!("`{}` is truncated", package.file))
        .note(format!("file: {}", path.display()))
        .note(format!("expected size: {expected} bytes"))
        .note(format!("  actual size: {actual} bytes, {} missing", expected - actual));
    placed(problem, package, label(package)).hint(format!(
        "{}, or correct `size` in `{}`",
        download_again(package),
        manifest(package)
    ))
}

/// A file that is longer than declared, whose digest is right or not declared.
pub(super) fn too_long(
    package: &PlannedPackage,
    path: &Path,
    expected: u64,
    actual: u64,
) -> Problem {
    let problem = Problem::error(format!("`{}` is larger than declared", package.file))
        .note(format!("file: {}", path.display()))
        .note(format!("expected size: {expected} bytes"))
        .note(format!("  actual size: {actual} bytes"));
    let hint = match package.sha256 {
        Some(_) => format!("its sha256 is right: correct `size` in `{}`", manifest(package)),
        None => {
            format!("{}, or correct `size` in `{}`", download_again(package), manifest(package))
        }
    };
    placed(problem, package, label(package)).hint(hint)
}

/// A file whose digest is not the declared one; size in bytes.
pub(super) fn mismatch(
    package: &PlannedPackage,
    path: &Path,
    expected: &Sha256,
    actual: (&Sha256, u64),
    others: &[PathBuf],
) -> Problem {
    let (digest, size) = actual;
    let mut problem = Problem::error(format!("`{}` does not match its sha256", package.file))
        .note(format!("file: {}", path.display()))
        .note(format!("expected sha256: {expected}"))
        .note(format!("  actual sha256: {digest}"));
    problem = match package.size {
        Some(declared) if declared == size => {
            problem.note(format!("size: {size} bytes, as declared"))
        }
        Some(declared) => problem
            .note(format!("expected size: {declared} bytes"))
            .note(format!("  actual size: {size} bytes")),
        None => problem.note(format!("actual size: {size} bytes")),
    };
    for other in others {
        problem = problem.note(format!("another file of this name: {}", other.display()));
    }
    placed(problem, package, label(package)).hint(format!(
        "{}; if it was meant to change, put the actual sha256 into `{}`",
        download_again(package),
        manifest(package)
    ))
}

/// A planned file that could not be hashed.
pub(super) fn not_hashed(package: &PlannedPackage, path: &Path, error: &HashError) -> Problem {
    placed(unhashable(path, error), package, "declared here")
}

/// A file that could not be hashed.
pub(super) fn unhashable(path: &Path, error: &HashError) -> Problem {
    let shown = path.display();
    match error {
        HashError::Changed => Problem::error(format!("`{shown}` changed while it was being read"))
            .hint("wait until whatever writes it has finished, then run again"),
        HashError::NotAFile => {
            Problem::error(format!("`{shown}` is not a regular file")).hint("put a file there")
        }
        HashError::Io(cause) if cause.kind() == io::ErrorKind::NotFound => {
            Problem::error(format!("`{shown}` disappeared while it was being read"))
                .hint("put it back, then run again")
        }
        HashError::Io(cause) => Problem::error(format!("`{shown}` cannot be read"))
            .cause(same_error(cause))
            .hint("make it readable for the user who runs ascend-build"),
        HashError::Interrupted => Problem::error("interrupted"),
    }
}

/// A copy of an error that several packages share.
fn same_error(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}
