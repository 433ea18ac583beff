//! A run from its plan to its tags.

use std::fs::File;
use std::future::Future;
use std::path::PathBuf;

use indexmap::IndexMap;

use super::stage::{self, Scratch};
use super::{Recorder, base};
use crate::engine::{Builder, Engine};
use crate::error::Result;
use crate::plan::{Plan, PlannedParent, PlannedStage, VerifiedPackage};
use crate::project::BaseFile;

/// What a run takes from this machine's disks.
pub trait Materials: Sync {
    /// A tar archive of what `stage` copies, with `dockerfile` in it under [`Job::DOCKERFILE`], to be read from its start.
    fn context(&self, stage: &PlannedStage, dockerfile: &str) -> Result<File>;
    /// A base's file, its content verified.
    fn base_file(&self, file: &BaseFile) -> impl Future<Output = Result<PathBuf>> + Send;
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
    /// The predefined proxy arguments: the user's own, with the bridge's gateway in `no_proxy`.
    pub proxies: IndexMap<String, String>,
    /// The package server's `host:port`, as build containers see it.
    pub server: String,
    /// The verified files.
    pub packages: &'a [VerifiedPackage],
    /// Whether to build everything anew.
    pub no_cache: bool,
    /// Whether a stage fails that never fetched what its instructions name.
    pub strict: bool,
    /// References that must not outlive the run.
    pub scratch: &'a Scratch,
}

impl<E, M> Job<'_, E, M> {
    /// The Dockerfile's name inside a context: one that no user's file has.
    pub const DOCKERFILE: &'static str = ".ascend-build.Dockerfile";
}

/// Builds the plan's stages, each after its parents, and tags what passed its checks.
///
/// # Errors
/// The first stage that fails, or the engine's failure. Finished stages keep their tags.
pub async fn execute<E: Engine, M: Materials>(job: &Job<'_, E, M>) -> Result<()> {
    for stage in &job.plan.stages {
        if let PlannedParent::Base(planned) = &stage.from {
            base::prepare(job, planned).await?;
        }
        stage::make(job, stage).await?;
    }
    Ok(())
}
