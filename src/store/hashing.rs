//! Hashing many files at once: remembered digests first, then the processors.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use super::digest::{self, HashError, Hashed};
use super::memory::Memory;
use super::problems;
use super::verify::{VerifyOptions, interrupted};
use crate::error::{Error, Problem};
use crate::plan::FileIdentity;
use crate::project::Sha256;

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
pub(super) type Observer<'a> = &'a (dyn Fn(VerifyEvent) + Sync);

/// A file and the digest of its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HashedFile {
    /// Where it is.
    pub path: PathBuf,
    /// The digest of its content.
    pub sha256: Sha256,
    /// What the file system said of it when its content was read.
    pub identity: FileIdentity,
}

/// Finds the digests of `paths`, declared or not; the roots in `options` are not looked at.
///
/// Blocking. Gives the files ordered by path, and a problem for each that could
/// not be hashed.
///
/// # Errors
/// [`crate::error::Exit::Interrupted`] when cancelled.
pub fn hash_files(
    paths: &[PathBuf],
    options: &VerifyOptions,
    observer: &(dyn Fn(VerifyEvent) + Sync),
    cancelled: &AtomicBool,
) -> Result<(Vec<HashedFile>, Vec<Problem>), Error> {
    let paths = paths.iter().map(PathBuf::as_path).collect();
    let outcomes = hash_all(SystemTime::now, paths, options, observer, cancelled);
    if cancelled.load(Ordering::Relaxed) {
        return Err(interrupted());
    }
    let (mut files, mut problems) = (Vec::new(), Vec::new());
    for (path, outcome) in outcomes {
        match outcome {
            Ok(Hashed { sha256, identity }) => files.push(HashedFile { path, sha256, identity }),
            Err(error) => problems.push(problems::unhashable(&path, &error)),
        }
    }
    Ok((files, problems))
}

/// The digest of each path, or why it has none; complete unless cancelled.
pub(super) type Outcomes = BTreeMap<PathBuf, Result<Hashed, HashError>>;

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
pub(super) fn hash_all<'a>(
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

/// The digest of one file: remembered, or read into `buffer` and remembered.
pub(super) fn hash_one(
    path: &Path,
    memory: Option<&Memory>,
    buffer: &mut Vec<u8>,
    cancelled: &AtomicBool,
) -> Result<Hashed, HashError> {
    let identity = path.metadata().ok().map(|metadata| FileIdentity::from(&metadata));
    let known = identity.zip(memory);
    let known = known.and_then(|(identity, memory)| recalled(memory, identity, SystemTime::now()));
    if let Some(known) = known {
        return Ok(known);
    }
    let hashed = digest::hash_file(path, buffer, &|_| (), cancelled)?;
    if let Some(memory) = memory {
        memory.remember(&hashed.identity, &hashed.sha256, SystemTime::now());
    }
    Ok(hashed)
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

#[cfg(test)]
#[path = "hashing_tests.rs"]
mod tests;
