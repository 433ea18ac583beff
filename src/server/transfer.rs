//! What the server tells its observer: one value an event, counted per transfer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::project::{PackageName, Sha256};

/// Called for every event, from the server's tasks: it must return quickly.
pub type Observer = Arc<dyn Fn(Transfer) + Send + Sync>;

/// One event of the package server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "transfer", rename_all = "snake_case")]
pub enum Transfer {
    /// A file's content begins to be sent.
    Started {
        /// Tells the transfers of one server apart.
        id: u64,
        /// Who fetches.
        client: SocketAddr,
        /// The file's name.
        file: String,
        /// The package that the file belongs to.
        package: PackageName,
        /// The digest of its content.
        sha256: Sha256,
        /// The run and the stage that it is fetched for, where the path says so.
        errand: Option<Errand>,
        /// First byte of the file that is sent (of the first range where there are several).
        offset: u64,
        /// Bytes of the file that this response will send, all ranges together.
        length: u64,
        /// Size of the whole file in bytes.
        size: u64,
    },
    /// So many bytes of the file were taken by the socket; at most ten a second.
    Progress {
        /// The transfer.
        id: u64,
        /// Bytes so far.
        sent: u64,
    },
    /// The transfer is over; always the last event of its id.
    Ended {
        /// The transfer.
        id: u64,
        /// Bytes that the socket took.
        sent: u64,
        /// How it ended.
        outcome: Outcome,
    },
    /// A request got no file: nothing of that name is served, or the request was wrong.
    Refused {
        /// Who asked.
        client: SocketAddr,
        /// The run and the stage that it asked for, where the path says so.
        errand: Option<Errand>,
        /// The request's method; empty for what is no HTTP request.
        method: String,
        /// The request's path as it was sent, without its run and stage; empty for what is no HTTP request.
        path: String,
        /// The response's status code.
        status: u16,
        /// The served file whose name is most like the wanted one.
        nearest: Option<String>,
    },
    /// Nobody knows any more who fetched these files, because a server that builds share had more
    /// to tell than it keeps; nor how transfers went that were running then.
    Lost {
        /// Those of the build's files that somebody has fetched meanwhile.
        files: Vec<String>,
    },
}

/// For whom a file is fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Errand {
    /// The id of a build's run.
    pub run: String,
    /// The stage that it builds.
    pub stage: String,
}

/// How a transfer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every byte of the response was taken by the socket.
    Whole,
    /// The client went away or stopped reading, or the server was stopped.
    Cut,
    /// The file changed while it was sent, so the response was cut.
    Changed,
}

/// One response's file bytes; tells the observer how far they got.
///
/// Whoever still has bytes to send holds one; when the last holder lets go
/// before every byte was sent, the transfer was cut.
pub(super) struct RunningTransfer {
    id: u64,
    length: u64,
    sent: Arc<AtomicU64>,
    changed: AtomicBool,
    ended: AtomicBool,
    started: Instant,
    reported: AtomicU64,
    observer: Observer,
}

/// Milliseconds between two progress events of one transfer.
const PROGRESS_EVERY: u64 = 100;

impl RunningTransfer {
    /// A transfer of `length` bytes; the caller has announced it as `id`.
    pub(super) fn new(id: u64, length: u64, observer: Observer) -> Self {
        Self {
            id,
            length,
            sent: Arc::default(),
            changed: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            started: Instant::now(),
            reported: AtomicU64::new(0),
            observer,
        }
    }

    /// The bytes so far, for whoever wants to look between two events.
    pub(super) fn counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.sent)
    }

    /// Counts bytes that the socket took.
    pub(super) fn add(&self, count: u64) {
        let sent = self.sent.fetch_add(count, Ordering::Relaxed) + count;
        if sent >= self.length {
            self.end();
        } else if self.progress_is_due() {
            (self.observer)(Transfer::Progress { id: self.id, sent });
        }
    }

    /// Notes that the file is no longer the one that was verified.
    pub(super) fn file_changed(&self) {
        self.changed.store(true, Ordering::Relaxed);
        self.end();
    }

    fn progress_is_due(&self) -> bool {
        let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let due = now >= self.reported.load(Ordering::Relaxed) + PROGRESS_EVERY;
        if due {
            self.reported.store(now, Ordering::Relaxed);
        }
        due
    }

    fn end(&self) {
        if self.ended.swap(true, Ordering::Relaxed) {
            return;
        }
        let sent = self.sent.load(Ordering::Relaxed);
        let outcome = match self.changed.load(Ordering::Relaxed) {
            true => Outcome::Changed,
            false if sent >= self.length => Outcome::Whole,
            false => Outcome::Cut,
        };
        (self.observer)(Transfer::Ended { id: self.id, sent, outcome });
    }
}

impl Drop for RunningTransfer {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// What the observer hears last when `act` is done to a transfer of 10 bytes.
    fn check(act: impl Fn(&RunningTransfer), expected: (u64, Outcome)) {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ear = Arc::clone(&heard);
        let observer: Observer = Arc::new(move |event| ear.lock().unwrap().push(event));
        let transfer = RunningTransfer::new(7, 10, observer);
        act(&transfer);
        drop(transfer);
        let (sent, outcome) = expected;
        assert_eq!(*heard.lock().unwrap(), [Transfer::Ended { id: 7, sent, outcome }]);
    }

    #[test]
    fn a_transfer_ends_once_with_its_outcome() {
        check(|transfer| (0..2).for_each(|_| transfer.add(5)), (10, Outcome::Whole));
        check(|transfer| transfer.add(4), (4, Outcome::Cut));
        check(RunningTransfer::file_changed, (0, Outcome::Changed));
    }
}
