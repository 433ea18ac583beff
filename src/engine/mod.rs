//! What builds: the [`Engine`] trait, its plain types, and the Docker Engine
//! behind it. The only room that knows bollard.
//!
//! The engine, not its caller, answers where its build containers reach this
//! host, what it can do, and what it runs on.

mod docker;
mod examination;

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::Duration;

use indexmap::IndexMap;
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

pub use docker::{DockerEngine, Make};
pub use examination::{Disk, Elsewhere, Examination, ListedContainer, ListedImage};

use crate::error::{Problem, Result};
use crate::project::Platform;

/// The content id of an image: `sha256:<64 hexadecimal digits>`.
pub type ImageId = String;

/// How an engine builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Builder {
    /// The engine's first builder: one container an instruction.
    Classic,
    /// BuildKit inside the engine.
    BuildKit,
}

impl fmt::Display for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Classic => "classic",
            Self::BuildKit => "buildkit",
        })
    }
}

/// Who made an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Product {
    /// Docker Engine, or what says of itself that it is one.
    Docker,
    /// podman, behind its Docker-compatible socket.
    Podman,
}

/// What an engine is and can do.
#[derive(Debug, Clone, Serialize)]
pub struct EngineFacts {
    /// Who made it.
    pub product: Product,
    /// Such as `20.10.24`.
    pub version: String,
    /// The API version spoken with it, such as `1.41`.
    pub api_version: String,
    /// What it runs on; `None` where Ascend packages do not exist for it.
    pub platform: Option<Platform>,
    /// The builders that it has, the preferred one first.
    pub builders: Vec<Builder>,
    /// Memory of its machine, in bytes.
    pub memory: u64,
    /// Where it keeps its data, as its machine names it.
    pub data_folder: String,
}

/// Where build containers reach this host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HostAccess {
    /// The address to listen on.
    pub listen: IpAddr,
    /// The name or address that containers connect to.
    pub name: String,
    /// The containers' network: its address and the length of its prefix; `None` where it is not known.
    pub network: Option<(Ipv4Addr, u8)>,
}

/// An image in the engine.
#[derive(Debug, Clone, Serialize)]
pub struct ImageFacts {
    /// Its content id.
    pub id: ImageId,
    /// What it is built for; `None` where Ascend packages do not exist for it.
    pub platform: Option<Platform>,
    /// Its size in bytes, base included.
    pub size: u64,
    /// How many layers it has.
    pub layers: usize,
    /// Whether it brings instructions along for what is built on it (`ONBUILD`).
    pub triggers: bool,
}

/// An image that a label names.
#[derive(Debug, Clone)]
pub struct LabelledImage {
    /// Its content id.
    pub id: ImageId,
    /// When it was made, in seconds since the epoch.
    pub created: i64,
    /// Its size in bytes, base included.
    pub size: u64,
    /// The references that it has.
    pub references: Vec<String>,
    /// All its labels.
    pub labels: HashMap<String, String>,
}

/// One build of one stage.
#[derive(Debug)]
pub struct BuildRequest {
    /// Which builder to use.
    pub builder: Builder,
    /// A tar archive of the context, with the Dockerfile in it, read from its start.
    pub context: File,
    /// The Dockerfile's name inside the archive.
    pub dockerfile: String,
    /// The stage to build.
    pub target: String,
    /// The platform, where it is not the engine's own.
    pub platform: Option<Platform>,
    /// Build arguments, the predefined proxy arguments among them.
    pub arguments: IndexMap<String, String>,
    /// Whether its containers' `/dev/shm` has 2 GiB, the most that the client library can ask for (first builder).
    pub large_shm: bool,
    /// The id of the run that builds, by which what outlives it is known; `None` where the
    /// instructions read `no_proxy`, which would carry it.
    pub run: Option<String>,
    /// The keyword of each instruction of the Dockerfile, in order; behind a `FROM`, those of the
    /// parent's triggers as `ONBUILD RUN`.
    pub keywords: Vec<String>,
    /// Whether to build everything anew.
    pub no_cache: bool,
}

/// What a trigger does, by its keyword in [`BuildRequest::keywords`].
fn triggered(keyword: &str) -> Option<&str> {
    keyword.strip_prefix("ONBUILD ")
}

/// What an engine says while it builds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildEvent {
    /// The instruction with this index (from 0) has started.
    Step {
        /// Index into [`BuildRequest::keywords`].
        index: usize,
        /// Whether its result came from the cache.
        cached: bool,
    },
    /// The result of that instruction came from the cache, as it turns out.
    Cached {
        /// Index into [`BuildRequest::keywords`].
        index: usize,
    },
    /// A line of output of the instruction with this index.
    Output {
        /// Index into [`BuildRequest::keywords`].
        index: usize,
        /// The line, without its end and without control sequences.
        line: String,
    },
    /// The engine passes on only a part of the output.
    Clipped,
}

/// Why a build gave no image.
#[derive(Debug)]
pub enum BuildFailure {
    /// An instruction failed.
    Instruction {
        /// Index into [`BuildRequest::keywords`], where it is known.
        index: Option<usize>,
        /// The exit code of its command, where it ran one.
        exit_code: Option<i64>,
        /// The engine's words.
        message: String,
    },
    /// The engine failed.
    Engine(Problem),
}

/// A command to run in a throwaway container.
#[derive(Debug, Clone)]
pub struct CheckRequest {
    /// The image to run it in.
    pub image: ImageId,
    /// The command, for `/bin/sh -c`.
    pub command: String,
    /// How long it may take.
    pub timeout: Duration,
    /// The id of the run that checks: what outlives it is known by this.
    pub run: String,
}

/// How a check ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckOutcome {
    /// The command's exit code; `None` when the time was up.
    pub exit_code: Option<i64>,
    /// Its output, both streams in the order in which they came.
    pub output: Vec<String>,
}

/// A shell for somebody at a terminal, in a throwaway container.
#[derive(Debug, Clone)]
pub struct ShellRequest {
    /// The image to open it in.
    pub image: ImageId,
    /// What the container runs.
    pub command: Vec<String>,
    /// What its environment has besides the image's.
    pub environment: IndexMap<String, String>,
    /// Whether it has the network that builds have.
    pub network: bool,
    /// The id of the run that opens it: what outlives it is known by this.
    pub run: String,
}

/// Somebody's terminal, byte by byte.
pub struct Terminal {
    /// What is typed.
    pub input: Box<dyn AsyncRead + Send + Unpin>,
    /// What is shown.
    pub output: Box<dyn AsyncWrite + Send + Unpin>,
    /// Its size in columns and rows, now and whenever it changes.
    pub size: watch::Receiver<(u16, u16)>,
}

/// The cause of a problem where the engine went away rather than answered.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Gone(pub String);

/// Takes the events of one build.
pub type BuildSink<'a> = &'a (dyn Fn(BuildEvent) + Send + Sync);

/// Takes the progress of getting a base: what is done and of how much, in bytes where known.
pub type BaseSink<'a> = &'a (dyn Fn(u64, Option<u64>) + Send + Sync);

/// Something that builds images.
///
/// Dropping a future of these stops what it does; [`Engine::settle`] waits
/// until what was begun has been cleared away.
pub trait Engine: Send + Sync {
    /// What the engine is and can do.
    fn facts(&self) -> &EngineFacts;
    /// Bytes that are free where it keeps its data; `None` where this cannot be told.
    fn free_disk(&self) -> Option<u64>;
    /// Where its build containers reach this host.
    fn access(&self) -> impl Future<Output = Result<HostAccess>> + Send;
    /// The image with this reference or id.
    fn image(&self, reference: &str) -> impl Future<Output = Result<Option<ImageFacts>>> + Send;
    /// When the records of BuildKit's cache were made, in seconds since the epoch; `None` where the engine
    /// does not say it at once.
    fn cache_records(&self) -> impl Future<Output = Option<Vec<i64>>> + Send;
    /// Every image that has the label `name`, the newest first.
    fn labelled(&self, name: &str) -> impl Future<Output = Result<Vec<LabelledImage>>> + Send;
    /// The newest instruction that the image's history tells, as the engine writes it.
    fn newest_instruction(
        &self,
        image: &str,
    ) -> impl Future<Output = Result<Option<String>>> + Send;
    /// Pulls `reference`.
    fn pull(
        &self,
        reference: &str,
        platform: &Platform,
        sink: BaseSink<'_>,
    ) -> impl Future<Output = Result<()>> + Send;
    /// Loads a `docker save` archive.
    fn load(&self, archive: &Path, sink: BaseSink<'_>) -> impl Future<Output = Result<()>> + Send;
    /// Imports a root file system as `reference`.
    fn import(
        &self,
        rootfs: &Path,
        reference: &str,
        platform: &Platform,
        sink: BaseSink<'_>,
    ) -> impl Future<Output = Result<()>> + Send;
    /// Builds; the image has no tag yet.
    fn build(
        &self,
        request: BuildRequest,
        sink: BuildSink<'_>,
    ) -> impl Future<Output = std::result::Result<ImageId, BuildFailure>> + Send;
    /// Runs a command in a throwaway container without a network.
    fn check(&self, request: &CheckRequest) -> impl Future<Output = Result<CheckOutcome>> + Send;
    /// Opens a shell and stays until it ends; its container is removed then.
    fn shell(
        &self,
        request: &ShellRequest,
        terminal: Terminal,
    ) -> impl Future<Output = Result<()>> + Send;
    /// Gives an image a reference, taking it from the image that had it.
    fn tag(&self, image: &str, reference: &str) -> impl Future<Output = Result<()>> + Send;
    /// Takes a reference away; layers that builds may still use stay. An image that has neither
    /// another reference nor `label` is somebody else's, and keeps it. An error says that it may still be there.
    fn untag(&self, reference: &str, label: &str) -> impl Future<Output = Result<()>> + Send;
    /// Removes what runs that have ended left: their containers, and their references
    /// (`:run-<id>`), as [`Engine::untag`] does. An error says that something may be left.
    fn sweep(&self, runs: &[&str], label: &str) -> impl Future<Output = Result<()>> + Send;
    /// Waits until everything that was interrupted has been cleared away; whether nothing of it can be left.
    fn settle(&self) -> impl Future<Output = bool> + Send;
}
