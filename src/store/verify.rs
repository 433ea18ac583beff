//! Verifying the files of a plan, all problems in one go.
//!
//! 1. Walk the roots once and look every planned name up.
//! 2. Say without hashing what is missing, no file, or too short.
//! 3. Hash the rest, each path once, in parallel, the largest first, except what
//!    is remembered.
//! 4. Judge each planned package by what was found.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use super::digest::{self, HashError, Hashed};
use super::index::{Found, RootIndex};
use super::memory::Memory;
use super::{disguise, problems};
use crate::error::{Error, Exit, Problem};
use crate::plan::{FileIdentity, PlannedPackage, VerifiedPackage};

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

/// What happens while packages are verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VerifyEvent {
    /// The files were found; this much is to be read.
    Started {
        /// Number of files, the remembered ones included.
        files: usize,
        /// Bytes that will be hashed; what is remembered is not read.
        bytes: u64,
    },
    /// More bytes were hashed; add them up.
    Read {
        /// Number of bytes.
        bytes: u64,
    },
    /// A file is done.
    Finished {
        /// Its name.
        file: String,
        /// Whether its digest was remembered, so that nothing was read.
        remembered: bool,
    },
}

/// Reports an event; called from several threads.
type Observer<'a> = &'a (dyn Fn(VerifyEvent) + Sync);

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

/// [`verify`] by a clock of the caller's.
fn verify_by(
    clock: fn() -> SystemTime,
    planned: &[PlannedPackage],
    options: &VerifyOptions,
    observer: Observer<'_>,
    cancelled: &AtomicBool,
) -> Result<Vec<VerifiedPackage>, Error> {
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
        match located.and_then(|located| judge(package, &located, &hashed)) {
            Ok(package) => verified.push(package),
            Err(problem) => problems.push(*problem),
        }
    }
    Error::check(Exit::Package, problems).map(|_| verified)
}

fn interrupted() -> Error {
    Problem::error("interrupted while verifying packages").exit(Exit::Interrupted)
}

/// A file that is there and not too short.
struct Located {
    path: PathBuf,
    others: Vec<PathBuf>,
}

fn locate(package: &PlannedPackage, index: &RootIndex) -> Result<Located, Box<Problem>> {
    let found = index.find(&package.file);
    let Found::File { path, others } = found else {
        return Err(Box::new(problems::not_found(package, &found, index)));
    };
    let metadata = path
        .metadata()
        .map_err(|error| Box::new(problems::not_hashed(package, path, &HashError::Io(error))))?;
    match wrong_at_first_sight(package, path, metadata.len()) {
        Some(problem) => Err(Box::new(problem)),
        None => Ok(Located {
            path: path.to_owned(),
            others: others.into_iter().map(Path::to_owned).collect(),
        }),
    }
}

/// What can be said without hashing; `size` is in bytes.
fn wrong_at_first_sight(package: &PlannedPackage, path: &Path, size: u64) -> Option<Problem> {
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

type Outcomes = BTreeMap<PathBuf, Result<Hashed, HashError>>;

/// What the workers share.
struct Hashing<'a> {
    clock: fn() -> SystemTime,
    /// Files to hash with their sizes in bytes, the largest first.
    queue: Vec<(u64, &'a Path)>,
    next: AtomicUsize,
    memory: Option<Memory>,
    observer: Observer<'a>,
    cancelled: &'a AtomicBool,
    outcomes: Mutex<Outcomes>,
}

/// Finds the digest of each of `paths` once: remembered or hashed.
fn hash_all<'a>(
    clock: fn() -> SystemTime,
    paths: BTreeSet<&'a Path>,
    options: &VerifyOptions,
    observer: Observer<'a>,
    cancelled: &'a AtomicBool,
) -> Outcomes {
    let memory = options.memory.as_deref().map(Memory::read);
    let recall = memory.as_ref().filter(|_| !options.rehash);
    let now = clock();
    let mut outcomes = BTreeMap::new();
    let mut queue = Vec::new();
    let files = paths.len();
    for path in paths {
        let identity = path.metadata().ok().map(|metadata| FileIdentity::from(&metadata));
        match identity.and_then(|identity| recalled(recall?, identity, now)) {
            Some(hashed) => drop(outcomes.insert(path.to_owned(), Ok(hashed))),
            None => queue.push((identity.map_or(0, |identity| identity.size), path)),
        }
    }
    // A large file that starts last would keep one core busy alone.
    queue.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
    observer(VerifyEvent::Started { files, bytes: queue.iter().map(|(size, _)| size).sum() });
    for path in outcomes.keys() {
        observer(VerifyEvent::Finished { file: file_name(path), remembered: true });
    }
    let (next, outcomes) = (AtomicUsize::new(0), Mutex::new(outcomes));
    Hashing { clock, queue, next, memory, observer, cancelled, outcomes }.run(options.jobs)
}

fn recalled(memory: &Memory, identity: FileIdentity, now: SystemTime) -> Option<Hashed> {
    Some(Hashed { sha256: memory.recall(&identity, now)?, identity })
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

impl Hashing<'_> {
    fn run(self, jobs: usize) -> Outcomes {
        std::thread::scope(|scope| {
            for _ in 0..jobs.max(1).min(self.queue.len()) {
                scope.spawn(|| self.work());
            }
        });
        self.outcomes.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes files from the queue until it is empty or the run is cancelled.
    fn work(&self) {
        let mut buffer = Vec::new();
        let read = |bytes| (self.observer)(VerifyEvent::Read { bytes });
        while let Some((_, path)) = self.queue.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            let outcome = digest::hash_file(path, &mut buffer, &read, self.cancelled);
            if matches!(outcome, Err(HashError::Interrupted)) {
                return;
            }
            if let (Some(memory), Ok(hashed)) = (&self.memory, &outcome) {
                memory.remember(&hashed.identity, &hashed.sha256, (self.clock)());
            }
            (self.observer)(VerifyEvent::Finished { file: file_name(path), remembered: false });
            let mut outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
            outcomes.insert((*path).to_owned(), outcome);
        }
    }
}

fn judge(
    package: &PlannedPackage,
    located: &Located,
    outcomes: &Outcomes,
) -> Result<VerifiedPackage, Box<Problem>> {
    let path = &located.path;
    let outcome = outcomes.get(path).expect("every located file was hashed unless cancelled");
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
