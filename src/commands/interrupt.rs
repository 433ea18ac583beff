//! Ctrl-C, SIGTERM and SIGHUP: what runs is dropped, what it began is cleared away, and threads that
//! hash are told.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;

use crate::error::{Exit, Problem, Result};

/// What asks a process to stop: Ctrl-C, SIGTERM, a terminal that goes away (unless it was started
/// to outlive that, as by nohup(1)).
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Option<Signal>,
}

impl Signals {
    fn open() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: (!outlives_terminal()).then(|| signal(SignalKind::hangup())).transpose()?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {},
            _ = self.terminate.recv() => {},
            () = hang_up(&mut self.hangup) => {},
        }
    }

    /// The one after the first. A terminal that goes away says so more than once, its shell and the
    /// kernel each, and nobody has asked again.
    async fn again(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {},
            _ = self.terminate.recv() => {},
        }
    }
}

async fn hang_up(hangup: &mut Option<Signal>) {
    match hangup {
        Some(hangup) => _ = hangup.recv().await,
        None => std::future::pending().await,
    }
}

/// Whether SIGHUP was ignored when this process was started; see proc(5).
fn outlives_terminal() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask & 1 != 0)
}

#[expect(clippy::exit, reason = "the user has asked twice, and what is waited for may never come")]
fn end_now() {
    std::process::exit(i32::from(Exit::Interrupted as u8));
}

/// Tells whether the user wants to stop.
#[derive(Debug, Clone)]
pub(super) struct Interrupt {
    token: CancellationToken,
    /// What to do when the user has stopped it.
    hint: &'static str,
}

impl Interrupt {
    /// Listens for Ctrl-C, SIGTERM and the end of the terminal from now on.
    pub(super) fn listen() -> Result<Self> {
        Self::listening("run the same command again", || ())
    }

    /// The same for a build; `told` runs at the first signal. The second one ends the process at once.
    pub(super) fn listen_and(told: impl FnOnce() + Send + 'static) -> Result<Self> {
        Self::listening("run the same command again: finished stages are reused", told)
    }

    fn listening(hint: &'static str, told: impl FnOnce() + Send + 'static) -> Result<Self> {
        let token = CancellationToken::new();
        let mut signals = Signals::open().map_err(|error| {
            Problem::error("cannot listen for signals").cause(error).exit(Exit::Bug)
        })?;
        let wanted = token.clone();
        tokio::spawn(async move {
            signals.next().await;
            wanted.cancel();
            told();
            signals.again().await;
            end_now();
        });
        Ok(Self { token, hint })
    }

    /// Looks whether the user wants to stop, between two pieces of work that cannot be left.
    ///
    /// # Errors
    /// [`Exit::Interrupted`].
    pub(super) fn look(&self) -> Result<()> {
        if self.token.is_cancelled() { Err(self.interrupted()) } else { Ok(()) }
    }

    /// Runs `work` to its end, or until the user wants to stop.
    ///
    /// # Errors
    /// [`Exit::Interrupted`], or those of `work`.
    pub(super) async fn unless<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            () = self.token.cancelled() => Err(self.interrupted()),
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

    fn interrupted(&self) -> crate::error::Error {
        Problem::error("interrupted").hint(self.hint).exit(Exit::Interrupted)
    }

    /// Cancelled when the user wants to stop.
    pub(super) fn token(&self) -> CancellationToken {
        self.token.clone()
    }
}

/// Runs `work` on a thread of its own, which must look at the flag now and then: nobody waits for it
/// when the run has ended.
///
/// # Errors
/// The thread ended early.
pub(super) async fn unless_dropped<T: Send + 'static>(
    work: impl FnOnce(&AtomicBool) -> T + Send + 'static,
) -> std::result::Result<T, JoinError> {
    let stopped = StopOnDrop::default();
    let flag = Arc::clone(&stopped.0);
    tokio::task::spawn_blocking(move || work(&flag)).await
}

/// A flag that is raised when this goes.
#[derive(Default)]
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn nobody_waits_for_work_whose_run_has_ended() {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let (begun, beginning) = std::sync::mpsc::channel();
        runtime.block_on(async {
            let work = unless_dropped(move |stopped| {
                begun.send(()).unwrap();
                while !stopped.load(Ordering::Relaxed) {
                    std::thread::sleep(Duration::from_millis(1));
                }
            });
            tokio::select! {
                biased;
                _ = work => panic!("it ends when it is dropped"),
                () = async { tokio::task::yield_now().await; beginning.recv().unwrap() } => {}
            }
        });
        // Waits for the thread.
        drop(runtime);
    }
}
