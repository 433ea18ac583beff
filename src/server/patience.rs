//! Waiting for a client to read, but not for ever.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// Notices when writes make no progress.
pub(super) struct Patience {
    limit: Duration,
    progress: Instant,
    /// Set up once and moved only when it fires: a write is far more often than a stall.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    /// Patience for `limit` without progress.
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit, progress: Instant::now(), alarm: None }
    }

    /// Passes a write's result on; one that was pending for too long becomes an error.
    pub(super) fn watch<T>(
        &mut self,
        cx: &mut Context<'_>,
        write: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if write.is_ready() {
            self.progress = Instant::now();
            return write;
        }
        loop {
            let deadline = self.progress + self.limit;
            let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
            if alarm.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            if Instant::now() >= deadline {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            alarm.as_mut().reset(deadline);
        }
    }
}
