//! What happens in a run, as a stream of values.
//!
//! `--progress json` prints each as one JSON object a line. docs/events.md
//! describes them: no test accepts one that has a name or a field that the page lacks.

use serde::Serialize;
use time::OffsetDateTime;

use super::Forecast;
use crate::engine::Builder;
use crate::project::{Platform, StageName};

/// The version of the events' JSON form; raised when a field changes its meaning or goes away.
pub const SCHEMA: u32 = 1;

/// Something that happened in a run.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The first event: what will be done.
    RunStarted {
        /// [`SCHEMA`].
        schema: u32,
        /// The run's id, the name of its folder under `.ascend-build/runs`.
        run: String,
        /// The project's image repository.
        project: String,
        /// The stage that was asked for.
        target: StageName,
        /// What the images are built for.
        platform: Platform,
        /// All stages of the plan, in order.
        stages: Vec<StageName>,
    },
    /// Another run builds the same image; this one goes on when that one ends.
    Waiting {
        /// The other run's id.
        run: String,
        /// Its process.
        process: u32,
        /// What both build.
        image: String,
        /// When the other run began to build it.
        #[serde(with = "time::serde::rfc3339")]
        since: OffsetDateTime,
    },
    /// Hashing the package files has begun.
    VerifyStarted {
        /// How many files.
        files: usize,
        /// How many bytes they are.
        bytes: u64,
    },
    /// More bytes were hashed.
    VerifyProgress {
        /// Bytes hashed so far.
        bytes: u64,
        /// Bytes in all.
        total: u64,
    },
    /// Every package file has its declared content.
    VerifyFinished {
        /// How many files.
        files: usize,
        /// How many of them were not read, because their digests are remembered.
        remembered: usize,
        /// How many bytes they are.
        bytes: u64,
        /// Seconds that it took.
        seconds: f64,
    },
    /// The engine that builds.
    EngineReady {
        /// Its version.
        version: String,
        /// The builder in use.
        builder: Builder,
        /// The package server's address, as build containers see it.
        server: String,
        /// Whether that is an `ascend-build serve` that other builds use as well.
        shared: bool,
    },
    /// A base is being loaded, imported or pulled.
    BaseProgress {
        /// The base's image.
        image: String,
        /// `load`, `import` or `pull`.
        how: &'static str,
        /// Bytes done.
        bytes: u64,
        /// Bytes in all, where known.
        total: Option<u64>,
    },
    /// A base is in the engine.
    BaseReady {
        /// The base's image.
        image: String,
        /// Its content id.
        id: String,
        /// `present`, `load`, `import` or `pull`.
        how: &'static str,
        /// Its size in bytes.
        size: u64,
    },
    /// What the stages are expected to need, before the first one begins.
    Forecast(Forecast),
    /// A stage has been silent far longer than it ever was.
    Silent {
        /// The stage.
        stage: StageName,
        /// For how long, in seconds.
        seconds: f64,
        /// The longest silence of earlier builds, in seconds.
        before: f64,
    },
    /// Whether a stage is built, or an image of the same content is used again.
    StageDecided {
        /// The stage.
        stage: StageName,
        /// Whether the engine has an image of the same content.
        reused: bool,
        /// The causes, the nearest first.
        reasons: Vec<String>,
        /// What names its content; `null` where only the engine can tell whether something changed.
        key: Option<String>,
    },
    /// A stage is being built.
    StageStarted {
        /// The stage.
        stage: StageName,
        /// How many instructions it has.
        steps: usize,
    },
    /// An instruction has begun, or was found in the cache.
    StageStep {
        /// The stage.
        stage: StageName,
        /// The instruction's number, from 1.
        step: usize,
        /// How many there are.
        steps: usize,
        /// The instruction as the user wrote it, on one line.
        instruction: String,
        /// Whether its result came from the engine's cache.
        cached: bool,
    },
    /// A line of output.
    StageOutput {
        /// The stage.
        stage: StageName,
        /// The line.
        line: String,
    },
    /// A check has begun.
    CheckStarted {
        /// The stage.
        stage: StageName,
        /// The check's name.
        check: String,
    },
    /// A check has ended.
    CheckFinished {
        /// The stage.
        stage: StageName,
        /// The check's name.
        check: String,
        /// Whether it passed.
        passed: bool,
        /// Its exit code; `null` when its time was up.
        exit_code: Option<i64>,
        /// Seconds that it took.
        seconds: f64,
    },
    /// A stage has ended.
    StageFinished(StageResult),
    /// A shell is being made ready where the run failed first: nothing else happens meanwhile.
    ShellStarted {
        /// The stage that failed.
        stage: StageName,
    },
    /// The shell has ended.
    ShellFinished {
        /// The stage that failed.
        stage: StageName,
        /// Seconds that it was open.
        seconds: f64,
    },
    /// A package file is on its way into a build container, or a request was refused.
    Transfer(Transfer),
    /// Something that the user should know.
    Warning {
        /// What.
        message: String,
    },
    /// The last event.
    RunFinished {
        /// The run's id.
        run: String,
        /// The process's exit code.
        exit_code: u8,
        /// What was wrong, one message a problem.
        problems: Vec<String>,
        /// Seconds from start to end.
        seconds: f64,
        /// The report, relative to the project.
        report: String,
    },
}

/// How a stage ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// At least one instruction ran.
    Built,
    /// Every instruction's result was there already.
    Reused,
    /// An instruction or a check failed.
    Failed,
    /// The user stopped the run.
    Interrupted,
}

/// What became of a stage.
#[derive(Debug, Clone, Serialize)]
pub struct StageResult {
    /// The stage.
    pub stage: StageName,
    /// How it ended.
    pub outcome: Outcome,
    /// Seconds that it took.
    pub seconds: f64,
    /// The image's content id; absent when it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The image's size in bytes, base included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The references that it was given.
    pub tags: Vec<String>,
}

/// What the package server did.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum Transfer {
    /// A download has begun.
    Started {
        /// Names this download in later events.
        id: u64,
        /// The stage that it is for, where its path says so, as those of `RUN --package` do.
        stage: Option<StageName>,
        /// The container's address.
        client: String,
        /// The file.
        file: String,
        /// Bytes that this response will carry.
        length: u64,
    },
    /// More was sent.
    Progress {
        /// The download.
        id: u64,
        /// Bytes sent so far.
        sent: u64,
    },
    /// A download has ended.
    Ended {
        /// The download.
        id: u64,
        /// Bytes sent.
        sent: u64,
        /// `whole`, `cut`, or `changed` (the file changed and the response was cut).
        outcome: &'static str,
    },
    /// A request for something that is not served.
    Refused {
        /// The stage that it was for, where its path says so.
        stage: Option<StageName>,
        /// The client's address.
        client: String,
        /// What was asked for; empty for what is no HTTP request.
        path: String,
        /// The HTTP status.
        status: u16,
        /// The served name most like what was asked for.
        nearest: Option<String>,
    },
    /// A server that builds share had more to tell than it keeps.
    Lost {
        /// The files that somebody has fetched meanwhile: maybe this build.
        files: Vec<String>,
    },
}
