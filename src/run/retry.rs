//! Whether a failed build, or what the engine is asked for before and after it, is worth another
//! attempt: only where the cause can pass, a network or an engine that comes back, and never for a
//! failing installer.

use std::time::Duration;

use super::{Event, Job};
use crate::engine::{BuildFailure, Engine, Gone};
use crate::error::{Error, Exit, Problem, Result};
use crate::plan::PlannedStage;

/// How long an engine may take to come back, and the pause before it is asked each time.
const COMING_BACK: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_secs(1);

/// What `plan/fetch.sh` says when it reaches no package server, and its exit code then.
const NOT_FETCHED: (i64, &str) = (75, "ascend-build: giving up on ");

/// How a program's own end looks after a network failed: its exit code, and what stands among the
/// last lines of its output. Neither is enough: an installer's log speaks of timeouts, too.
const NETWORK: [(i64, &str); 15] = [
    // GNU Wget: "Network failure".
    (4, "unable to resolve host address"),
    (4, "failed: Temporary failure in name resolution"),
    (4, "failed: Connection "),
    (4, "failed: Network is unreachable"),
    (4, "failed: No route to host"),
    (6, "curl: (6) "),
    (7, "curl: (7) "),
    (28, "curl: (28) "),
    (35, "curl: (35) "),
    (56, "curl: (56) "),
    // pip, before it says that nothing matches.
    (1, "after connection broken by"),
    (1, "pip._vendor.urllib3.exceptions."),
    (100, "E: Failed to fetch "),
    (128, "Could not resolve host: "),
    (128, "Failed to connect to "),
];

/// What apt says besides, where the address could not be had for want of a network.
const APT: [&str; 5] = [
    "Temporary failure resolving",
    "Could not connect to",
    "Connection timed out",
    "Connection failed",
    "Network is unreachable",
];

/// What an engine says of a network that fails while it pulls or adds something itself.
const ENGINE: [&str; 10] = [
    "Temporary failure in name resolution",
    "connection reset by peer",
    "connection refused",
    "network is unreachable",
    "no route to host",
    "TLS handshake timeout",
    "i/o timeout",
    "connection timed out",
    "Client.Timeout exceeded",
    "unexpected EOF",
];

/// How many lines at the end of the output are a program's last words.
const LAST: usize = 3;

/// How many attempts a stage has left.
pub(super) struct Attempts {
    asked_for: u32,
    /// An instruction may have joined the same one of another run, whose server has gone: BuildKit
    /// runs the same instruction only once. That is nobody's failure, and is tried again unasked.
    unasked: u32,
}

impl Attempts {
    pub(super) fn new(retries: u32) -> Self {
        Self { asked_for: retries, unasked: 1 }
    }

    /// Asks the engine for what a stage needs besides its build, until it does not fail for a cause
    /// that can pass.
    pub(super) async fn until<E: Engine, M, T, F: Future<Output = Result<T>>>(
        &mut self,
        job: &Job<'_, E, M>,
        stage: &PlannedStage,
        ask: impl Fn() -> F,
    ) -> Result<T> {
        loop {
            match ask().await {
                Err(error) if self.left(job, stage, of_error(&error)).await => {}
                answer => return answer,
            }
        }
    }

    /// Waits where that helps; whether to build again.
    pub(super) async fn again<E: Engine, M>(
        &mut self,
        job: &Job<'_, E, M>,
        stage: &PlannedStage,
        failure: &BuildFailure,
    ) -> bool {
        self.left(job, stage, cause(job, stage, failure)).await
    }

    async fn left<E: Engine, M>(
        &mut self,
        job: &Job<'_, E, M>,
        stage: &PlannedStage,
        cause: Option<Cause>,
    ) -> bool {
        let Some(cause) = cause else { return false };
        let left = match cause {
            Cause::NotFetched if self.unasked > 0 => &mut self.unasked,
            _ => &mut self.asked_for,
        };
        if *left == 0 {
            return false;
        }
        *left -= 1;
        let message = format!("stage `{}` failed: {}; trying again", stage.name, cause.word());
        job.recorder.record(&Event::Warning { message });
        !matches!(cause, Cause::Engine) || comes_back(job.engine).await
    }
}

/// A cause that can pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    NotFetched,
    Network,
    Engine,
}

impl Cause {
    fn word(&self) -> &'static str {
        match self {
            Self::NotFetched => "its packages could not be fetched",
            Self::Network => "the network did not answer",
            Self::Engine => "the engine stopped",
        }
    }
}

fn cause<E, M>(job: &Job<'_, E, M>, stage: &PlannedStage, failure: &BuildFailure) -> Option<Cause> {
    let BuildFailure::Instruction { index, exit_code, message } = failure else {
        return Some(Cause::Engine);
    };
    let tail = job.recorder.tail(&stage.name);
    let instruction = index.and_then(|index| stage.instruction(index));
    let installs = instruction.is_some_and(|(_, instruction)| !instruction.packages.is_empty());
    of_instruction(*exit_code, message, &tail, installs)
}

/// Why an instruction failed, where that can pass; `installs` says that it is given packages.
fn of_instruction(
    exit_code: Option<i64>,
    message: &str,
    tail: &[String],
    installs: bool,
) -> Option<Cause> {
    let Some(code) = exit_code else {
        return met_no_network(message).then_some(Cause::Network);
    };
    let last = &tail[tail.len().saturating_sub(LAST)..];
    let says = |words: &str| last.iter().any(|line| line.contains(words));
    if code == NOT_FETCHED.0 && says(NOT_FETCHED.1) {
        return Some(Cause::NotFetched);
    }
    let ended = NETWORK.iter().any(|(exit, words)| *exit == code && says(words));
    let apt = code != 100 || APT.iter().any(|words| says(words));
    (ended && apt && !installs).then_some(Cause::Network)
}

/// Why the engine failed beside a build, where that can pass.
fn of_error(error: &Error) -> Option<Cause> {
    let causes = || error.problems.iter().filter_map(|problem: &Problem| problem.source.as_ref());
    if error.exit != Exit::Engine {
        None
    } else if causes().any(|cause| cause.is::<Gone>()) {
        Some(Cause::Engine)
    } else {
        causes().any(|cause| met_no_network(&cause.to_string())).then_some(Cause::Network)
    }
}

fn met_no_network(message: &str) -> bool {
    ENGINE.iter().any(|words| message.contains(words))
}

/// Whether the engine answers in time; one that hangs takes no longer than one that is gone.
async fn comes_back(engine: &impl Engine) -> bool {
    let asking = async {
        loop {
            tokio::time::sleep(PAUSE).await;
            if engine.image("scratch").await.is_ok() {
                return;
            }
        }
    };
    tokio::time::timeout(COMING_BACK, asking).await.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: i64, tail: &str, expected: Option<Cause>) {
        let tail: Vec<String> = tail.lines().map(str::to_owned).collect();
        let message = format!("The command returned a non-zero code: {code}");
        assert_eq!(of_instruction(Some(code), &message, &tail, false), expected, "{code} {tail:?}");
    }

    #[test]
    fn programs_that_met_no_network() {
        let network = Some(Cause::Network);
        check(4, "wget: unable to resolve host address 'x.test'", network);
        check(4, "failed: Connection timed out.\nGiving up.\n", network);
        check(7, "curl: (7) Failed to connect to x.test port 80: Connection refused", network);
        check(
            1,
            "WARNING: Retrying (total=0) after connection broken by 'NewConnectionError'\n\
             ERROR: Could not find a version\nERROR: No matching distribution found for torch",
            network,
        );
        let apt = "E: Failed to fetch http://x.test/gcc.deb  Temporary failure resolving 'x.test'";
        check(100, &format!("{apt}\nE: Unable to fetch some archives"), network);
        check(
            128,
            "fatal: unable to access 'https://x.test/': Could not resolve host: x.test",
            network,
        );
    }

    #[test]
    fn failures_that_do_not_pass() {
        check(1, "waiting for the licence server: Connection timed out\ninstall failed", None);
        check(1, "curl: (28) Connection timed out\ninstall failed", None);
        check(4, "4 errors", None);
        check(22, "curl: (22) The requested URL returned error: 404", None);
        check(100, "E: Failed to fetch http://x.test/gcc.deb  404  Not Found", None);
        check(1, "ERROR: No matching distribution found for torch==0", None);
        check(4, "failed: Connection timed out\nretried\ninstalling\nchecking\nno space", None);
        check(75, "my own words", None);
        check(1, "ascend-build: giving up on tool.run after 5 attempts: timeout", None);
    }

    #[test]
    fn packages_that_could_not_be_fetched() {
        let line = "ascend-build: giving up on tool.run after 5 attempts: timeout";
        check(75, line, Some(Cause::NotFetched));
        let tail = ["curl: (7) Failed to connect".to_owned()];
        assert_eq!(
            of_instruction(Some(7), "", &tail, true),
            None,
            "an installer is never repeated"
        );
    }

    #[test]
    fn what_the_engine_itself_could_not_get() {
        let pull = "Get \"https://x.test/v2/\": net/http: TLS handshake timeout";
        assert_eq!(of_instruction(None, pull, &[], false), Some(Cause::Network));
        assert_eq!(of_instruction(None, "manifest unknown", &[], false), None);
        let check = |problem: Problem, exit, expected| {
            let error = problem.exit(exit);
            assert_eq!(of_error(&error), expected, "{error:?}");
        };
        let pulling = |cause: &str| Problem::error("pulling").cause(cause.to_owned());
        check(pulling(pull), Exit::Engine, Some(Cause::Network));
        check(pulling("manifest unknown"), Exit::Engine, None);
        check(pulling(pull), Exit::Package, None);
        let gone = || Problem::error("tagging").cause(Gone("connection refused".to_owned()));
        check(gone(), Exit::Engine, Some(Cause::Engine));
        check(gone(), Exit::Project, None);
    }
}
