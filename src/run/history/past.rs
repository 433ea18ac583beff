//! Reports of earlier runs, as far as they can be read: an older program wrote
//! fewer fields, a newer one writes more.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Deserializer};
use time::OffsetDateTime;

use super::summary::BEGUN;
use crate::plan::Inputs;
use crate::run::report::SCHEMA;
use crate::run::{Diagnostic, Revision, StagePace, is_alive};

/// What an earlier run did.
#[derive(Debug, Clone, Deserialize)]
pub struct PastRun {
    /// The version of the report's schema.
    pub schema: u32,
    /// The run's id.
    pub run: String,
    /// When it started.
    #[serde(with = "time::serde::rfc3339")]
    pub started: OffsetDateTime,
    /// Seconds from start to end.
    pub seconds: f64,
    /// `done`, `failed` or `interrupted`.
    pub result: String,
    /// The process's exit code.
    pub exit_code: u8,
    /// What was wrong, one message a problem.
    #[serde(default)]
    pub problems: Vec<String>,
    /// The same with all that was said of them; empty in reports of older programs.
    #[serde(default)]
    pub diagnostics: Vec<Diagnostic>,
    /// The commit that the project stood at.
    #[serde(default)]
    pub revision: Option<Revision>,
    /// `classic` or `buildkit`; absent where the run ended before an engine was chosen.
    #[serde(default)]
    pub builder: Option<String>,
    /// The engine.
    #[serde(default)]
    pub engine: Option<PastEngine>,
    /// What became of the stages, in the order of their ends.
    #[serde(default)]
    pub stages: Vec<PastStage>,
    /// Why each was built or used again.
    #[serde(default)]
    pub decisions: Vec<PastDecision>,
    /// The verified files.
    #[serde(default)]
    pub packages: Vec<PastPackage>,
    /// The downloads.
    #[serde(default)]
    pub transfers: Vec<PastTransfer>,
    /// The requests that got no file.
    #[serde(default)]
    pub refused: Vec<PastRefusal>,
    /// How the stages went that were given to a builder.
    #[serde(default)]
    pub pace: Vec<StagePace>,
    /// The sizes of the bases in bytes, by their images.
    #[serde(default)]
    pub bases: BTreeMap<String, u64>,
    /// What the run was expected to need.
    #[serde(default)]
    pub forecast: Option<PastForecast>,
    /// What the run was to do.
    #[serde(default)]
    pub plan: PastPlan,
}

/// What a run was expected to need.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct PastForecast {
    /// Seconds from the first stage's start to the last one's end.
    pub seconds: Option<f64>,
    /// Bytes of disk.
    pub disk: u64,
    /// What was noted of its stages.
    pub stages: Vec<PastStageForecast>,
}

/// What a stage was expected to need.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct PastStageForecast {
    /// The stage.
    pub stage: String,
    /// Bytes of the files that were to be sent to the engine for it.
    pub context: Option<u64>,
}

/// The engine of an earlier run.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct PastEngine {
    /// Its version.
    pub version: String,
}

/// What became of a stage.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct PastStage {
    /// The stage.
    pub stage: String,
    /// `built`, `reused`, `failed` or `interrupted`.
    pub outcome: String,
    /// Seconds that it took.
    pub seconds: f64,
    /// The image's content id.
    pub image: Option<String>,
    /// The image's size in bytes, base included.
    pub size: Option<u64>,
    /// The references that it was given.
    pub tags: Vec<String>,
}

/// Why a stage was built or used again, and what decided its content.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct PastDecision {
    /// The stage.
    pub stage: String,
    /// Whether the engine had an image of the same content.
    pub reused: bool,
    /// The causes, the nearest first.
    pub reasons: Vec<String>,
    /// What decided its content, where this program understands it.
    #[serde(deserialize_with = "understood")]
    pub inputs: Option<Inputs>,
}

/// Inputs of another format are passed over: the rest of the report is as good without them.
fn understood<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Inputs>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).ok())
}

/// A verified file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct PastPackage {
    /// The file's name.
    pub file: String,
    /// The digest of its content.
    pub sha256: String,
    /// Size in bytes.
    pub size: u64,
    /// Whether a declaration vouched for the digest.
    pub declared: bool,
}

/// A download.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct PastTransfer {
    /// The stage that was being built.
    pub stage: Option<String>,
    /// The file.
    pub file: String,
    /// Bytes sent.
    pub sent: u64,
    /// `whole`, `cut`, `changed` or `running`.
    pub outcome: String,
}

/// A request that got no file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct PastRefusal {
    /// What was asked for.
    pub path: String,
    /// The HTTP status.
    pub status: u16,
}

/// What an earlier run was to do.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct PastPlan {
    /// The project's image repository.
    pub project: String,
    /// The stage that was asked for.
    pub target: String,
    /// What the images were built for.
    pub platform: String,
    /// The tag of each stage's image.
    pub tag: String,
    /// The stages, each after its parents.
    pub stages: Vec<PastPlannedStage>,
}

/// A stage of an earlier plan.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct PastPlannedStage {
    /// The stage.
    pub name: String,
    /// Its parent: `stage` and its name, or `base` and what is known of it.
    pub from: BTreeMap<String, serde_json::Value>,
    /// The files that it needed.
    pub packages: Vec<String>,
    /// The image's final reference.
    pub reference: String,
    /// Its instructions, in order.
    pub instructions: Vec<PastInstruction>,
}

/// An instruction of an earlier plan.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct PastInstruction {
    /// Its text on one line.
    pub text: String,
    /// The file that holds it, relative to the project.
    pub file: String,
    /// Its first line, counted from 1.
    pub line: usize,
    /// The files that it fetches.
    pub packages: Vec<String>,
}

/// Why a report gives nothing.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// There is none.
    #[error("the run left no report")]
    Missing,
    /// It cannot be read.
    #[error("{0}")]
    File(std::io::Error),
    /// It is no report, or half of one.
    #[error("it is no report, or only a part of one (line {}, column {})", .0.line(), .0.column())]
    Content(serde_json::Error),
    /// There is none, and what was written before the run is broken.
    #[error("it is only a part of what a run writes before it begins (line {}, column {})", .0.line(), .0.column())]
    Begun(serde_json::Error),
    /// It says things that this program does not know.
    #[error("a newer ascend-build wrote it (schema {0}, known: {SCHEMA})")]
    Newer(u32),
    /// It lies in the folder of another run.
    #[error("it is the report of run {0}, whose folder this is not")]
    Foreign(String),
}

impl Unread {
    /// The file in the run's folder that gives nothing.
    pub fn file(&self) -> &'static str {
        if matches!(self, Self::Begun(_)) { BEGUN } else { "report.json" }
    }
}

/// What has become of a run.
#[derive(Debug)]
pub enum Standing {
    /// It has ended, and left its report.
    Ended(Box<PastRun>),
    /// It is under way.
    Running,
    /// Its process ended without a report.
    Killed,
}

impl Standing {
    /// Looks at a run's folder.
    ///
    /// # Errors
    /// The report is there, and is not to be understood.
    pub fn of(run_folder: &Path) -> Result<Self, Unread> {
        Self::asking(run_folder, is_alive)
    }

    /// A run gives its lock back after it has written its report: whoever asks for the lock first
    /// and reads then never takes a run that ends meanwhile for one that was killed.
    pub(super) fn asking(
        run_folder: &Path,
        is_alive: impl FnOnce(&Path) -> bool,
    ) -> Result<Self, Unread> {
        let alive = is_alive(run_folder);
        match PastRun::read(run_folder) {
            Ok(past) => Ok(Self::Ended(Box::new(past))),
            Err(Unread::Missing) if alive => Ok(Self::Running),
            Err(Unread::Missing) => Ok(Self::Killed),
            Err(error) => Err(error),
        }
    }
}

/// The part that every version of a report has.
#[derive(Deserialize)]
struct Versioned {
    schema: u32,
}

impl PastRun {
    /// Reads the report in a run's folder.
    ///
    /// # Errors
    /// There is none, or it is not to be understood.
    pub fn read(run_folder: &Path) -> Result<Self, Unread> {
        let text = text(run_folder)?;
        let version: Versioned = serde_json::from_slice(&text).map_err(Unread::Content)?;
        if version.schema > SCHEMA {
            return Err(Unread::Newer(version.schema));
        }
        let past: Self = serde_json::from_slice(&text).map_err(Unread::Content)?;
        let own = run_folder.file_name().is_some_and(|name| name == past.run.as_str());
        if own { Ok(past) } else { Err(Unread::Foreign(past.run)) }
    }
}

/// The report in a run's folder, as it is written there.
///
/// # Errors
/// There is none, or it cannot be read.
pub fn text(run_folder: &Path) -> Result<Vec<u8>, Unread> {
    fs::read(run_folder.join("report.json")).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Unread::Missing,
        _ => Unread::File(error),
    })
}
