//! Ctrl-C and SIGTERM: what runs is dropped, what it began is cleared away.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::error::{Exit, Problem, Result};

/// Tells whether the user wants to stop.
#[derive(Debug, Clone)]
pub(super) struct Interrupt {
    token: CancellationToken,
}

impl Interrupt {
    /// Listens for both signals from now on.
    pub(super) fn listen() -> Result<Self> {
        let token = CancellationToken::new();
        let cannot =
            |error| Problem::error("cannot listen for signals").cause(error).exit(Exit::Bug);
        let mut interrupted = signal(SignalKind::interrupt()).map_err(cannot)?;
        let mut terminated = signal(SignalKind::terminate()).map_err(cannot)?;
        let wanted = token.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupted.recv() => {},
                _ = terminated.recv() => {},
            }
            wanted.cancel();
        });
        Ok(Self { token })
    }

    /// Runs `work` to its end, or until the user wants to stop.
    ///
    /// # Errors
    /// [`Exit::Interrupted`], or those of `work`.
    pub(super) async fn unless<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            () = self.token.cancelled() => Err(interrupted()),
            result = work => result,
        }
    }

    /// Runs `work` on a thread of its own, which must look at the flag now and then.
    ///
    /// # Errors
    /// Those of `work`.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&AtomicBool) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let cancelled = Arc::new(AtomicBool::new(false));
        let (flag, token) = (Arc::clone(&cancelled), self.token.clone());
        let watching = tokio::spawn(async move {
            token.cancelled().await;
            flag.store(true, Ordering::Relaxed);
        });
        let done = tokio::task::spawn_blocking(move || work(&cancelled)).await;
        watching.abort();
        done.map_err(|error| Problem::error("work ended early").cause(error).exit(Exit::Bug))?
    }

    /// Cancelled when the user wants to stop.
    pub(super) fn token(&self) -> CancellationToken {
        self.token.clone()
    }
}

fn interrupted() -> crate::error::Error {
    Problem::error("interrupted")
        .hint("run the same command again: finished stages are reused")
        .exit(Exit::Interrupted)
}
