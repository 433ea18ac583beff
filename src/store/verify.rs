//! Verifying the files of a plan, all problems in one go.
//!
//! 1. Walk the roots once and look every planned name up.
//! 2. Say without hashing what is missing, no file, or too short.
//! 3. Hash the rest, each path once, in parallel, the largest first, except what
//!    is remembered.
//! 4. Judge each planned package by what was found.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use super::digest::{HashError, Hashed, PIECE};
use super::hashing::{Observer, Outcomes, VerifyEvent, hash_all};
use super::index::{Found, RootIndex};
use super::secret_content::secret_in;
use super::{disguise, problems};
use crate::error::{Error, Exit, Problem};
use crate::plan::{PlannedPackage, VerifiedPackage};

/// Where and how to verify.
#[derive(Debug, Clone)]
pub struct VerifyOptions {
    /// Absolute folders to search, in order of preference.
    pub roots: Vec<PathBuf>,
    /// Files hashed at a time.
    pub jobs: usize,
    /// Hash again what is remembered.
    pub rehash: bool,
    /// The folder of remembered digests; `None` does not remember.
    pub memory: Option<PathBuf>,
}

/// Finds every planned file under the roots and checks its content.
///
/// Blocking; `cancelled` is looked at after every piece of 1 MiB.
///
/// # Errors
/// [`Exit::Package`] with every problem of every file, in the order of
/// `planned`, or [`Exit::Interrupted`].
pub fn verify(
    planned: &[PlannedPackage],
    options: &VerifyOptions,
    observer: &(dyn Fn(VerifyEvent) + Sync),
    cancelled: &AtomicBool,
) -> Result<Vec<VerifiedPackage>, Error> {
    verify_by(SystemTime::now, planned, options, observer, cancelled)
}

/// [`verify`] for files that do not depend on each other: those that are right, in the order of
/// `planned`, and what is wrong with the others.
///
/// # Errors
/// [`Exit::Interrupted`].
pub fn verify_each(
    planned: &[PlannedPackage],
    options: &VerifyOptions,
    observer: &(dyn Fn(VerifyEvent) + Sync),
    cancelled: &AtomicBool,
) -> Result<(Vec<VerifiedPackage>, Vec<Problem>), Error> {
    judge_all(SystemTime::now, planned, options, observer, cancelled)
}

/// [`verify`] by a clock of the caller's.
pub(super) fn verify_by(
    clock: fn() -> SystemTime,
    planned: &[PlannedPackage],
    options: &VerifyOptions,
    observer: Observer<'_>,
    cancelled: &AtomicBool,
) -> Result<Vec<VerifiedPackage>, Error> {
    let (verified, problems) = judge_all(clock, planned, options, observer, cancelled)?;
    Error::check(Exit::Package, problems).map(|_| verified)
}

fn judge_all(
    clock: fn() -> SystemTime,
    planned: &[PlannedPackage],
    options: &VerifyOptions,
    observer: Observer<'_>,
    cancelled: &AtomicBool,
) -> Result<(Vec<VerifiedPackage>, Vec<Problem>), Error> {
    let index = RootIndex::walk(&options.roots);
    let located: Vec<_> = planned.iter().map(|package| locate(package, &index)).collect();
    let paths: BTreeSet<&Path> = located.iter().flatten().map(|found| &*found.path).collect();
    let hashed = hash_all(clock, paths, options, observer, cancelled);
    if cancelled.load(Ordering::Relaxed) {
        return Err(interrupted());
    }
    let mut problems = Vec::new();
    let mut verified = Vec::new();
    for (package, located) in planned.iter().zip(located) {
        match located.and_then(|located| judge_located(package, &located, &hashed)) {
            Ok(package) => verified.push(package),
            Err(problem) => problems.push(*problem),
        }
    }
    Ok((verified, problems))
}

/// What is wrong with planned files at first sight, in their order: missing under `roots`, no
/// file, too short. Nothing is read.
pub fn look_for(planned: &[PlannedPackage], roots: &[PathBuf]) -> Vec<Problem> {
    let index = RootIndex::walk(roots);
    let located = planned.iter().map(|package| locate(package, &index));
    located.filter_map(Result::err).map(|problem| *problem).collect()
}

pub(super) fn interrupted() -> Error {
    Problem::error("interrupted while verifying packages").exit(Exit::Interrupted)
}

/// A file that is there and not too short.
pub(super) struct Located {
    pub(super) path: PathBuf,
    others: Vec<PathBuf>,
}

/// Looks a planned file up.
pub(super) fn locate(package: &PlannedPackage, index: &RootIndex) -> Result<Located, Box<Problem>> {
    // Only an entry of packages.toml lets a hidden file through.
    let found = match &package.sha256 {
        Some(_) => index.find(&package.file),
        None => index.find_shown(&package.file),
    };
    let Found::File { path, others } = found else {
        return Err(Box::new(problems::not_found(package, &found, index)));
    };
    if let Some(rival) = package.sha256.is_none().then(|| rival(path, index, package)).flatten() {
        return Err(Box::new(problems::ambiguous(package, path, rival)));
    }
    let metadata = path
        .metadata()
        .map_err(|error| Box::new(problems::not_hashed(package, path, &HashError::Io(error))))?;
    match wrong_at_first_sight(package, path, metadata.len()) {
        Some(problem) => Err(Box::new(problem)),
        None => Ok(Located {
            path: without_link(path, index),
            others: others.into_iter().map(Path::to_owned).collect(),
        }),
    }
}

/// The file itself, where `path` is a link to it: whoever serves it follows none, and wherever the
/// link leads later, this stays the file that was looked up.
fn without_link(path: &Path, index: &RootIndex) -> PathBuf {
    let real = |path: &Path| fs::canonicalize(path).ok();
    let mut roots = index.roots().iter().filter_map(|root| real(&root.path));
    let target = path.is_symlink().then(|| real(path)).flatten();
    let target = target.filter(|target| roots.any(|root| target.starts_with(root)));
    target.unwrap_or_else(|| path.to_owned())
}

/// Another file that an undeclared name could mean as well, of another content.
fn rival<'a>(path: &Path, index: &'a RootIndex, package: &PlannedPackage) -> Option<&'a Path> {
    let rivals = index.rivals(&package.file).into_iter();
    rivals.filter(|rival| *rival != path).find(|rival| !same_content(path, rival))
}

/// Whether two files hold the same bytes; they are read only where their sizes are equal.
fn same_content(one: &Path, other: &Path) -> bool {
    let size = |path: &Path| path.metadata().map(|metadata| metadata.len()).ok();
    size(one) == size(other) && same_bytes(one, other).unwrap_or(false)
}

fn same_bytes(one: &Path, other: &Path) -> io::Result<bool> {
    let open = |path| File::open(path).map(|file| BufReader::with_capacity(PIECE, file));
    let (mut one, mut other) = (open(one)?, open(other)?);
    loop {
        let (left, right) = (one.fill_buf()?, other.fill_buf()?);
        let length = left.len().min(right.len());
        if length == 0 || left[..length] != right[..length] {
            return Ok(left.is_empty() && right.is_empty());
        }
        one.consume(length);
        other.consume(length);
    }
}

/// What can be said without hashing; `size` is in bytes.
fn wrong_at_first_sight(package: &PlannedPackage, path: &Path, size: u64) -> Option<Problem> {
    // Only an entry of packages.toml says that an image may hold a secret.
    let undeclared = package.sha256.is_none();
    if let Some(secret) = undeclared.then(|| secret_in(path)).flatten() {
        return Some(problems::secret(package, path, secret));
    }
    let expected = package.size?;
    if size >= expected {
        return None;
    }
    Some(match disguise::look_at(path) {
        Some(disguise) => problems::disguised(package, path, &disguise),
        None if size == 0 => problems::empty(package, path),
        None => problems::truncated(package, path, expected, size),
    })
}

fn judge_located(
    package: &PlannedPackage,
    located: &Located,
    outcomes: &Outcomes,
) -> Result<VerifiedPackage, Box<Problem>> {
    let outcome = outcomes.get(&located.path);
    judge(package, located, outcome.expect("every located file was hashed unless cancelled"))
}

/// Judges a file by its digest, or by why it has none.
pub(super) fn judge(
    package: &PlannedPackage,
    located: &Located,
    outcome: &Result<Hashed, HashError>,
) -> Result<VerifiedPackage, Box<Problem>> {
    let path = &located.path;
    let hashed =
        outcome.as_ref().map_err(|error| Box::new(problems::not_hashed(package, path, error)))?;
    match wrong_content(package, located, hashed) {
        Some(problem) => Err(Box::new(problem)),
        None => Ok(VerifiedPackage {
            name: package.name.clone(),
            file: package.file.clone(),
            path: path.clone(),
            sha256: hashed.sha256.clone(),
            size: hashed.identity.size,
            declared: package.sha256.is_some(),
            identity: hashed.identity,
        }),
    }
}

/// What the digest and the size say against the package.
fn wrong_content(package: &PlannedPackage, located: &Located, hashed: &Hashed) -> Option<Problem> {
    let path = &located.path;
    let size = hashed.identity.size;
    let wrong_size = package.size.filter(|declared| *declared != size);
    let as_declared = match &package.sha256 {
        Some(declared) => *declared == hashed.sha256,
        None => !is_archive(&package.file),
    };
    if as_declared {
        return wrong_size.map(|declared| problems::too_long(package, path, declared, size));
    }
    if let Some(disguise) = disguise::look_at(path) {
        return Some(problems::disguised(package, path, &disguise));
    }
    if size == 0 {
        return Some(problems::empty(package, path));
    }
    match &package.sha256 {
        Some(expected) => {
            let actual = (&hashed.sha256, size);
            Some(problems::mismatch(package, path, expected, actual, &located.others))
        }
        None => wrong_size.map(|declared| problems::too_long(package, path, declared, size)),
    }
}

/// Whether a file of this name cannot rightly be a page or a JSON document.
/// Scripts and requirements files, which nothing declares, can be anything.
pub(super) fn is_archive(file: &str) -> bool {
    let file = file.to_ascii_lowercase();
    let endings = ["run", "whl", "zip", "gz", "tgz", "tar", "xz", "bz2", "zst", "deb", "rpm"];
    file.rsplit_once('.').is_some_and(|(_, ending)| endings.contains(&ending))
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
