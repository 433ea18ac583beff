//! A run from its plan to its tags.
//!
//! A stage begins when its parents are done; stages that do not depend on each
//! other are built side by side, up to [`Job::jobs`]. When one fails, those
//! under way go on to their end, because what they have done would be lost, and
//! no other begins unless [`Job::keep_going`] says so.

use std::collections::BTreeMap;
use std::fs::File;
use std::future::Future;
use std::path::PathBuf;

use futures_util::stream::{FuturesUnordered, StreamExt};
use indexmap::IndexMap;

use super::base::Bases;
use super::scene::Scene;
use super::schedule::Schedule;
use super::stage::{self, Scratch};
use super::stock::{Made, Stock};
use super::{Event, Recorder};
use crate::engine::{Builder, Engine};
use crate::error::{Error, Result};
use crate::plan::{Plan, PlannedStage, VerifiedPackage};
use crate::project::BaseFile;

/// What a run takes from this machine's disks and its package server.
pub trait Materials: Sync {
    /// A tar archive of what `stage` copies, with `dockerfile` in it under [`Job::DOCKERFILE`], to be read from its start.
    fn context(&self, stage: &PlannedStage, dockerfile: &str) -> Result<File>;
    /// A digest over mode, kind and content of everything that `stage` copies, by path.
    fn sources(&self, stage: &PlannedStage) -> Result<BTreeMap<String, String>>;
    /// The bytes that these sources of a stage's `COPY`s take on a disk.
    fn copied(&self, sources: &[&str]) -> Result<u64>;
    /// Bytes of a base's file, unpacked as far as that can be told; `None` where it is not there.
    fn base_size(&self, file: &BaseFile) -> Option<u64>;
    /// A base's file, its content verified.
    fn base_file(&self, file: &BaseFile) -> impl Future<Output = Result<PathBuf>> + Send;
    /// The files that `stage` needs, by what is declared of those that are still to be verified.
    fn expected(&self, stage: &PlannedStage) -> Vec<VerifiedPackage>;
    /// Waits until the ledger has every download up to now.
    fn settled(&self) -> impl Future<Output = Result<()>> + Send;
    /// The files that `stage` needs, as soon as each has its declared content.
    fn packages(
        &self,
        stage: &PlannedStage,
    ) -> impl Future<Output = Result<Vec<VerifiedPackage>>> + Send;
}

/// Everything that a run needs.
pub struct Job<'a, E, M> {
    /// What to do.
    pub plan: &'a Plan,
    /// What builds.
    pub engine: &'a E,
    /// How it builds.
    pub builder: Builder,
    /// What comes from disk.
    pub materials: &'a M,
    /// What takes the events.
    pub recorder: &'a Recorder<'a>,
    /// The images that the engine has.
    pub stock: &'a Stock,
    /// The predefined proxy arguments: the user's own, with the bridge's gateway in `no_proxy`.
    pub proxies: IndexMap<String, String>,
    /// The package server's `host:port`, as build containers see it.
    pub server: String,
    /// What `RUN --package` fetches from: the same, and the unguessable part of its paths, if any.
    pub packages: String,
    /// Part of what plain lines that fetch are cached by, where another process's server answers them.
    pub mark: Option<String>,
    /// Labels that every stage's image gets.
    pub annotations: IndexMap<String, String>,
    /// Whether to build everything anew.
    pub no_cache: bool,
    /// Whether a stage fails that never fetched what its instructions name.
    pub strict: bool,
    /// How many bytes of packages each stage may keep in memory while it is built.
    pub memory: u64,
    /// How many stages are built at the same time, at least 1.
    pub jobs: usize,
    /// Whether a failure lets other stages begin that do not depend on it.
    pub keep_going: bool,
    /// How often a stage is tried again whose failure can pass.
    pub retries: u32,
    /// The user's cache folder, where runs of all projects lock what they get for the engine; `None`
    /// where there is none.
    pub cache: Option<PathBuf>,
    /// References that must not outlive the run.
    pub scratch: &'a Scratch,
    /// Where it failed first.
    pub scene: Scene,
}

impl<E, M> Job<'_, E, M> {
    /// The Dockerfile's name inside a context: one that no user's file has.
    pub const DOCKERFILE: &'static str = ".ascend-build.Dockerfile";
}

/// Builds the plan's stages, each after its parents, and tags what passed its checks.
///
/// # Errors
/// Every stage that fails, or the engine's failure. Finished stages keep their tags.
pub async fn execute<E: Engine, M: Materials>(job: &Job<'_, E, M>) -> Result<()> {
    let (made, bases) = (Made::default(), Bases::default());
    let mut schedule = Schedule::new(job.plan);
    let mut running = FuturesUnordered::new();
    let mut failures: Option<Error> = None;
    loop {
        while running.len() < job.jobs.max(1) {
            let Some(stage) = schedule.next() else { break };
            let made = stage::make(job, stage, &made, &bases);
            running.push(async move { (stage, made.await) });
        }
        match running.next().await {
            None => break,
            Some((stage, Ok(()))) => schedule.finish(stage),
            Some((stage, Err(error))) => {
                schedule.fail(stage);
                if !job.keep_going {
                    schedule.stop();
                }
                told_waiting(job, stage, running.len());
                failures = Some(join(failures, error));
            }
        }
    }
    for (stage, cause) in schedule.left() {
        let message = format!("`{stage}` was not built, because it needs `{cause}`, which failed");
        job.recorder.record(&Event::Warning { message });
    }
    failures.map_or(Ok(()), Err)
}

fn told_waiting<E, M>(job: &Job<'_, E, M>, failed: &PlannedStage, running: usize) {
    if running > 0 && !job.keep_going {
        let stages = if running == 1 { "the stage" } else { "the stages" };
        let message =
            format!("`{}` failed: {stages} under way may end, no other begins", failed.name);
        job.recorder.record(&Event::Warning { message });
    }
}

/// Both failures; the exit code of the first.
fn join(first: Option<Error>, second: Error) -> Error {
    match first {
        None => second,
        Some(mut first) => {
            first.problems.extend(second.problems);
            first
        }
    }
}
