//! Ctrl-C and SIGTERM: what runs is dropped, what it began is cleared away.

use std::future::Future;

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

    /// Resolves when the user wants to stop.
    pub(super) async fn wanted(&self) {
        self.token.cancelled().await;
    }
}

fn interrupted() -> crate::error::Error {
    Problem::error("interrupted")
        .hint("run the same command again: finished stages are reused")
        .exit(Exit::Interrupted)
}
