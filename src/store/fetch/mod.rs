//! Fetching package files from their addresses.
//!
//! 1. What is already there with the right digest is left alone.
//! 2. Free space is looked at before the first byte.
//! 3. Each file grows as a hidden partial file beside its place, hashed while it
//!    is written. A cut transfer goes on from where it was, after a growing pause,
//!    in this process or in a later one.
//! 4. Only a file of the right length and digest gets its name.
//!
//! So the process can end at any byte, and never leaves a wrong file behind under
//! a package's name.

mod partial;
mod problems;
mod request;
mod transfer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio_util::sync::CancellationToken;

use self::partial::Partial;
use self::transfer::{Failure, Transfer};
use super::hashing::{HashedFile, hash_files};
use super::verify::VerifyOptions;
use crate::error::{Error, Exit, Place, Problem};
use crate::project::Sha256;

/// Times that a useless partial file is thrown away before giving up.
const MOST_RESTARTS: u32 = 3;

/// One file to fetch.
#[derive(Debug, Clone)]
pub struct FetchItem {
    /// The file's name (no folder).
    pub file: String,
    /// Where it is: `http://` or `https://`.
    pub url: String,
    /// What its content must be; `None` accepts what comes, after a look at its first bytes.
    pub sha256: Option<Sha256>,
    /// Its size in bytes, where it is declared.
    pub size: Option<u64>,
    /// Where it is declared, for messages.
    pub place: Option<Place>,
}

/// How to fetch.
#[derive(Debug, Clone)]
pub struct FetchOptions {
    /// Files fetched at a time.
    pub jobs: usize,
    /// Attempts in a row that may bring nothing before a file is given up.
    pub attempts: u32,
    /// The pause after the first attempt that failed; it doubles up to 64 times itself.
    pub pause: Duration,
    /// How long a connection may be silent.
    pub silence: Duration,
    /// `Referer` headers by host; a host stands for its subdomains too.
    pub referers: Vec<(String, String)>,
    /// The folder of remembered digests, so that what is there is not read again.
    pub memory: Option<PathBuf>,
    /// Ends the work; what was fetched stays for the next time.
    pub cancelled: CancellationToken,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self {
            jobs: 4,
            attempts: 6,
            pause: Duration::from_secs(1),
            silence: Duration::from_secs(60),
            referers: Vec::new(),
            memory: None,
            cancelled: CancellationToken::new(),
        }
    }
}

/// What happens while files are fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchEvent {
    /// A file begins, or goes on after a cut.
    Started {
        /// Its name.
        file: String,
        /// Bytes that are here already.
        from: u64,
        /// Its size in bytes, where the server or the declaration tells.
        size: Option<u64>,
    },
    /// More bytes of a file were written; add them to the last `from`.
    Read {
        /// Its name.
        file: String,
        /// Number of bytes.
        bytes: u64,
    },
    /// An attempt failed and will be repeated.
    Retrying {
        /// The file's name.
        file: String,
        /// Why the attempt failed.
        reason: String,
        /// How long until the next one.
        pause: Duration,
    },
    /// Another process is fetching this file; its end is waited for.
    Waiting {
        /// The file's name.
        file: String,
    },
    /// A file is in its place.
    Finished {
        /// Its name.
        file: String,
        /// Whether it was there before.
        already: bool,
    },
}

/// A file that is in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The file's name.
    pub file: String,
    /// Where it is.
    pub path: PathBuf,
    /// The digest of its content.
    pub sha256: Sha256,
    /// Size in bytes.
    pub size: u64,
    /// Whether it was there before.
    pub already: bool,
}

/// Reports an event; called from several tasks.
type Observer<'a> = &'a (dyn Fn(FetchEvent) + Sync);

/// Gets every one of `items` into the folder `into`, which is made if need be.
///
/// # Errors
/// [`Exit::Package`] with a problem for each file that could not be had; the
/// others are in their places. [`Exit::Interrupted`] when cancelled.
pub async fn fetch(
    items: &[FetchItem],
    into: &Path,
    options: &FetchOptions,
    observer: &(dyn Fn(FetchEvent) + Sync),
) -> Result<Vec<Fetched>, Error> {
    let client = request::client(options, true)?;
    fetch_by(&client, items, into, options, observer).await
}

/// [`fetch`] with a client of the caller's.
async fn fetch_by(
    client: &reqwest::Client,
    items: &[FetchItem],
    into: &Path,
    options: &FetchOptions,
    observer: Observer<'_>,
) -> Result<Vec<Fetched>, Error> {
    let wrong: Vec<Problem> = items.iter().filter_map(problems::wrong_item).collect();
    Error::check(Exit::Package, wrong)?;
    prepare(items, into)?;
    let fetcher = Fetcher { client, into, options, observer };
    let outcomes: Vec<_> = stream::iter(items)
        .map(|item| fetcher.fetch(item))
        .buffered(options.jobs.max(1))
        .collect()
        .await;
    if options.cancelled.is_cancelled() {
        return Err(Problem::error("interrupted while fetching packages").exit(Exit::Interrupted));
    }
    let mut fetched = Vec::new();
    let mut problems = Vec::new();
    for outcome in outcomes {
        match outcome {
            Ok(file) => fetched.push(file),
            Err(problem) => problems.push(*problem),
        }
    }
    Error::check(Exit::Package, problems).map(|_| fetched)
}

/// Makes the folder and looks whether what is declared fits into it.
fn prepare(items: &[FetchItem], into: &Path) -> Result<(), Error> {
    let failed = |error| problems::folder(into, error).exit(Exit::Package);
    std::fs::create_dir_all(into).map_err(failed)?;
    let missing = items.iter().filter(|item| !into.join(&item.file).exists());
    let needed = missing.map(|item| {
        let here = partial::length(into, &item.file);
        item.size.unwrap_or(0).saturating_sub(here)
    });
    let needed = needed.fold(0, u64::saturating_add);
    match free_space(into) {
        Ok(free) if free < needed => {
            Err(problems::no_space(into, needed, free).exit(Exit::Package))
        }
        // A file system that does not tell may still have the space.
        _ => Ok(()),
    }
}

/// Bytes that this user may still write into `folder`.
fn free_space(folder: &Path) -> std::io::Result<u64> {
    let space = rustix::fs::statvfs(folder)?;
    Ok(space.f_bavail.saturating_mul(space.f_frsize))
}

struct Fetcher<'a> {
    client: &'a reqwest::Client,
    into: &'a Path,
    options: &'a FetchOptions,
    observer: Observer<'a>,
}

impl Fetcher<'_> {
    async fn fetch(&self, item: &FetchItem) -> Result<Fetched, Box<Problem>> {
        if let Some(fetched) = self.already_there(item).await {
            return Ok(fetched);
        }
        let mut partial = self.open(item).await?;
        // Another process may have finished it while this one waited.
        if let Some(fetched) = self.already_there(item).await {
            partial.remove();
            return Ok(fetched);
        }
        if let Err(problem) = self.transfer(item, &mut partial).await {
            if partial.len() == 0 {
                partial.remove();
            }
            return Err(problem);
        }
        let (sha256, size) = (partial.sha256(), partial.len());
        let path = self.into.join(&item.file);
        let failed = |error| Box::new(problems::not_written(item, &path, error));
        partial.finish(&path).await.map_err(failed)?;
        let file = item.file.clone();
        (self.observer)(FetchEvent::Finished { file: file.clone(), already: false });
        Ok(Fetched { file, path, sha256, size, already: false })
    }

    /// The file where it is in its place with the declared content. A wrong one is
    /// replaced when the right one has come.
    async fn already_there(&self, item: &FetchItem) -> Option<Fetched> {
        let path = self.into.join(&item.file);
        let there = std::fs::metadata(&path).ok()?;
        if item.size.is_some_and(|size| size != there.len()) {
            return None;
        }
        let hashed = self.hash(path).await?;
        if item.sha256.as_ref().is_some_and(|declared| *declared != hashed.sha256) {
            return None;
        }
        let file = item.file.clone();
        (self.observer)(FetchEvent::Finished { file: file.clone(), already: true });
        let (path, sha256, size) = (hashed.path, hashed.sha256, hashed.identity.size);
        Some(Fetched { file, path, sha256, size, already: true })
    }

    async fn hash(&self, path: PathBuf) -> Option<HashedFile> {
        let memory = self.options.memory.clone();
        let options = VerifyOptions { roots: Vec::new(), jobs: 1, rehash: false, memory };
        let cancelled = Arc::new(AtomicBool::new(false));
        // When this future is dropped, so is the work on its behalf.
        let _guard = CancelOnDrop(Arc::clone(&cancelled));
        let hash = move || hash_files(&[path], &options, &|_| (), &cancelled);
        tokio::select! {
            hashed = tokio::task::spawn_blocking(hash) => hashed.ok()?.ok()?.0.pop(),
            () = self.options.cancelled.cancelled() => None,
        }
    }

    /// Opens the partial file as soon as no other process has it.
    async fn open(&self, item: &FetchItem) -> Result<Partial, Box<Problem>> {
        let failed = |error| Box::new(problems::not_written(item, self.into, error));
        let mut told = false;
        loop {
            if let Some(partial) = Partial::open(self.into, item).await.map_err(failed)? {
                return Ok(partial);
            }
            if !std::mem::replace(&mut told, true) {
                (self.observer)(FetchEvent::Waiting { file: item.file.clone() });
            }
            self.sleep(Duration::from_millis(200)).await?;
        }
    }

    /// Repeats attempts until the partial file is whole and right.
    async fn transfer(&self, item: &FetchItem, partial: &mut Partial) -> Result<(), Box<Problem>> {
        let (mut attempts, mut restarts) = (0, 0);
        loop {
            let before = partial.len();
            let failure = match self.attempt(item, partial).await {
                Ok(()) => return Ok(()),
                Err(failure) => failure,
            };
            match failure {
                Failure::Fatal(problem) => return Err(problem),
                Failure::Restart(problem) => {
                    restarts += 1;
                    partial.clear().await.map_err(|e| problems::not_written(item, self.into, e))?;
                    if restarts > MOST_RESTARTS {
                        return Err(problem);
                    }
                }
                Failure::Retry { reason, after } => {
                    // An attempt that brought something on is a success of its kind.
                    attempts = if partial.len() > before { 1 } else { attempts + 1 };
                    if attempts >= self.options.attempts {
                        return Err(Box::new(problems::given_up(item, attempts, &reason, partial)));
                    }
                    self.pause(item, reason, after, attempts).await?;
                }
            }
        }
    }

    async fn attempt(&self, item: &FetchItem, partial: &mut Partial) -> Result<(), Failure> {
        let transfer = Transfer {
            client: self.client,
            options: self.options,
            observer: self.observer,
            into: self.into,
            item,
        };
        let outcome = tokio::select! {
            outcome = transfer.run(partial) => outcome,
            () = self.options.cancelled.cancelled() => Err(Failure::Fatal(interrupted())),
        };
        let flushed = partial.flush().await;
        outcome?;
        flushed
            .map_err(|error| Failure::Fatal(problems::not_written(item, self.into, error).into()))
    }

    async fn pause(
        &self,
        item: &FetchItem,
        reason: String,
        after: Option<Duration>,
        attempts: u32,
    ) -> Result<(), Box<Problem>> {
        let doubled = self.options.pause * 2_u32.pow((attempts - 1).min(6));
        let pause = after.unwrap_or(doubled).min(self.options.pause * 64);
        (self.observer)(FetchEvent::Retrying { file: item.file.clone(), reason, pause });
        self.sleep(pause).await
    }

    async fn sleep(&self, pause: Duration) -> Result<(), Box<Problem>> {
        tokio::select! {
            () = tokio::time::sleep(pause) => Ok(()),
            () = self.options.cancelled.cancelled() => Err(interrupted()),
        }
    }
}

/// Tells blocking work that nobody waits for it any more.
struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn interrupted() -> Box<Problem> {
    Box::new(Problem::error("interrupted"))
}

#[cfg(test)]
mod refusal_tests;
#[cfg(test)]
mod test_server;
#[cfg(test)]
mod tests;
