//! A Docker Engine, reached through its API.

mod build;
mod buildkit;
mod cache;
mod check;
mod classic;
mod connect;
mod container;
mod disk;
mod elsewhere;
mod endpoint;
mod examine;
mod export;
mod failure;
mod images;
mod plain_text;
mod podman;
mod process;
mod shell;
mod sweep;
#[cfg(test)]
mod test_ground;

pub use export::Make;

use std::path::Path;
use std::time::Duration;

use bollard::Docker;
use container::Cleaning;

use super::{
    BaseSink, BuildFailure, BuildRequest, BuildSink, CheckOutcome, CheckRequest, Engine,
    EngineFacts, HostAccess, ImageFacts, ImageId, LabelledImage, ShellRequest, Terminal,
};
use crate::error::Result;
use crate::project::Platform;

/// How long the engine may take to answer a short request.
const SHORT: Duration = Duration::from_secs(60);
/// How long a request may take that builds, loads or pulls: bounded by the user's patience alone.
const LONG: Duration = Duration::from_secs(7 * 24 * 3600);

/// A Docker Engine.
#[derive(Debug)]
pub struct DockerEngine {
    docker: Docker,
    patient: Docker,
    endpoint: String,
    facts: EngineFacts,
    /// The system that it runs on, as it names it.
    system: String,
    /// Whether it runs without root's rights.
    rootless: bool,
    cleaning: Cleaning,
}

impl Engine for DockerEngine {
    fn facts(&self) -> &EngineFacts {
        &self.facts
    }

    fn free_disk(&self) -> Option<u64> {
        disk::free(self)
    }

    async fn cache_records(&self) -> Option<Vec<i64>> {
        cache::records(self).await
    }

    async fn access(&self) -> Result<HostAccess> {
        match self.elsewhere() {
            Some(place) => Err(elsewhere::refusal(self, place)),
            None => connect::access(self).await,
        }
    }

    async fn image(&self, reference: &str) -> Result<Option<ImageFacts>> {
        images::find(self, reference).await
    }

    async fn labelled(&self, name: &str) -> Result<Vec<LabelledImage>> {
        images::labelled(self, name).await
    }

    async fn newest_instruction(&self, image: &str) -> Result<Option<String>> {
        images::newest_instruction(self, image).await
    }

    async fn pull(&self, reference: &str, platform: &Platform, sink: BaseSink<'_>) -> Result<()> {
        images::pull(self, reference, platform, sink).await
    }

    async fn load(&self, archive: &Path, sink: BaseSink<'_>) -> Result<()> {
        images::load(self, archive, sink).await
    }

    async fn import(
        &self,
        rootfs: &Path,
        reference: &str,
        platform: &Platform,
        sink: BaseSink<'_>,
    ) -> Result<()> {
        images::import(self, rootfs, reference, platform, sink).await
    }

    async fn build(
        &self,
        request: BuildRequest,
        sink: BuildSink<'_>,
    ) -> std::result::Result<ImageId, BuildFailure> {
        build::build(self, request, sink).await
    }

    async fn check(&self, request: &CheckRequest) -> Result<CheckOutcome> {
        check::check(self, request).await
    }

    async fn shell(&self, request: &ShellRequest, terminal: Terminal) -> Result<()> {
        shell::shell(self, request, terminal).await
    }

    async fn tag(&self, image: &str, reference: &str) -> Result<()> {
        images::tag(self, image, reference).await
    }

    async fn untag(&self, reference: &str, label: &str) -> Result<()> {
        images::untag(self, reference, label).await
    }

    async fn sweep(&self, runs: &[&str], label: &str) -> Result<()> {
        sweep::sweep(self, runs, label).await
    }

    async fn settle(&self) -> bool {
        self.cleaning.settle().await
    }
}
