//! Whether a failed build is worth another attempt: only where the cause can pass,
//! a network or an engine that comes back, and never for a failing installer.

use std::time::Duration;

use super::{Event, Job};
use crate::engine::{BuildFailure, Engine};
use crate::plan::PlannedStage;

/// How long an engine may take to come back, in seconds, asked once a second.
const COMING_BACK: u32 = 60;

/// What `plan/fetch.sh` says when it reaches no package server.
const NOT_FETCHED: &str = "ascend-build: giving up on ";

/// What programs say of a network that fails: glibc, apt, curl, pip, wget, Go.
const NETWORK: [&str; 10] = [
    "Temporary failure resolving",
    "Temporary failure in name resolution",
    "Could not resolve host",
    "Connection timed out",
    "Connection reset by peer",
    "Connection failed",
    "Network is unreachable",
    "No route to host",
    "TLS handshake timeout",
    "i/o timeout",
];

/// How many attempts are left.
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

    /// Waits where that helps; whether to try again.
    pub(super) async fn again<E: Engine, M>(
        &mut self,
        job: &Job<'_, E, M>,
        stage: &PlannedStage,
        failure: &BuildFailure,
    ) -> bool {
        let Some(cause) = cause(job, stage, failure) else { return false };
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
    let BuildFailure::Instruction { index, message, .. } = failure else {
        return Some(Cause::Engine);
    };
    let tail = job.recorder.tail(&stage.name);
    if tail.iter().any(|line| line.contains(NOT_FETCHED)) {
        return Some(Cause::NotFetched);
    }
    let instruction = index.and_then(|index| stage.instruction(index));
    if instruction.is_some_and(|(_, instruction)| !instruction.packages.is_empty()) {
        return None;
    }
    let lines = tail.iter().chain([message]);
    let network = |line: &String| NETWORK.iter().any(|words| line.contains(words));
    lines.into_iter().any(network).then_some(Cause::Network)
}

async fn comes_back(engine: &impl Engine) -> bool {
    for _ in 0..COMING_BACK {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if engine.image("scratch").await.is_ok() {
            return true;
        }
    }
    false
}
