//! A run in one line: what `history` lists and what the index keeps.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::past::{PastRun, Standing, Unread};
use crate::run::{Revision, RunId};

/// The version of the line; raised when a field changes its meaning or goes away.
pub const SCHEMA: u32 = 1;

/// The file in which a run tells what it is about to do.
pub(in crate::run) const BEGUN: &str = "begun.json";

/// A run in short.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The run's id.
    pub run: String,
    /// When it started.
    #[serde(with = "time::serde::rfc3339")]
    pub started: OffsetDateTime,
    /// Seconds from start to end; of a run that was killed, to the last that is known of it.
    pub seconds: f64,
    /// `done`, `failed`, `interrupted`, `killed` or `running`.
    pub result: String,
    /// The process's exit code, where it gave one.
    pub exit_code: Option<u8>,
    /// The project's image repository.
    pub project: String,
    /// The stage that was asked for; empty where the run left nothing that tells.
    pub target: String,
    /// What the target was to be tagged.
    pub image: String,
    /// What the images were built for.
    pub platform: String,
    /// `classic` or `buildkit`.
    pub builder: Option<String>,
    /// The commit that the project stood at.
    pub revision: Option<Revision>,
    /// The stages that ended, in the order of their ends.
    pub stages: Vec<StageSummary>,
}

/// A stage in short.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageSummary {
    /// The stage.
    pub stage: String,
    /// `built`, `reused`, `failed`, `interrupted`, or the run's result
    /// where only the stage's log is there.
    pub outcome: String,
    /// Seconds that it took; absent where it was killed.
    pub seconds: Option<f64>,
    /// The image's size in bytes, base included.
    pub size: Option<u64>,
}

impl RunSummary {
    /// Whether nothing will be added to the run.
    pub fn is_over(&self) -> bool {
        self.result != "running"
    }

    /// What a run's report says.
    pub fn of(past: &PastRun) -> Self {
        let plan = &past.plan;
        let target = plan.stages.iter().find(|stage| stage.name == plan.target);
        let stages = past.stages.iter().map(|stage| StageSummary {
            stage: stage.stage.clone(),
            outcome: stage.outcome.clone(),
            seconds: Some(stage.seconds),
            size: stage.size,
        });
        Self {
            schema: SCHEMA,
            run: past.run.clone(),
            started: past.started.replace_nanosecond(0).unwrap_or(past.started),
            seconds: past.seconds,
            result: past.result.clone(),
            exit_code: Some(past.exit_code),
            project: plan.project.clone(),
            target: plan.target.clone(),
            image: target.map(|stage| stage.reference.clone()).unwrap_or_default(),
            platform: plan.platform.clone(),
            builder: past.builder.clone(),
            revision: past.revision.clone(),
            stages: stages.collect(),
        }
    }

    /// What a run tells that stands so.
    ///
    /// # Errors
    /// It left no report, and what it wrote before it began is broken.
    pub fn standing(folder: &Path, run: &RunId, standing: &Standing) -> Result<Self, Unread> {
        match standing {
            Standing::Ended(past) => Ok(Self::of(past)),
            Standing::Running => Self::of_folder(folder, run, "running"),
            Standing::Killed => Self::of_folder(folder, run, "killed"),
        }
    }

    /// What the folder of a run tells that left no report.
    fn of_folder(folder: &Path, run: &RunId, result: &str) -> Result<Self, Unread> {
        let begun = match fs::read(folder.join(BEGUN)) {
            Ok(text) => serde_json::from_slice(&text).map_err(Unread::Begun)?,
            Err(_) => Begun::default(),
        };
        let started = run.started();
        let seconds = last_change(folder).map_or(0.0, |last| (last - started).as_seconds_f64());
        Ok(Self {
            schema: SCHEMA,
            run: run.to_string(),
            started,
            seconds: seconds.max(0.0),
            result: result.to_owned(),
            exit_code: None,
            project: begun.project,
            target: begun.target,
            image: begun.image,
            platform: begun.platform,
            builder: None,
            revision: begun.revision,
            stages: logged(folder, result),
        })
    }
}

/// What a run is about to do, written before it does.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Begun {
    /// The project's image repository.
    pub project: String,
    /// The stage that was asked for.
    pub target: String,
    /// What the target is to be tagged.
    pub image: String,
    /// What the images are built for.
    pub platform: String,
    /// The commit that the project stands at.
    pub revision: Option<Revision>,
}

/// The stages that have a log, by name: those that had begun.
fn logged(folder: &Path, outcome: &str) -> Vec<StageSummary> {
    let mut stages = super::logs(folder);
    stages.sort();
    let summary =
        |stage| StageSummary { stage, outcome: outcome.to_owned(), seconds: None, size: None };
    stages.into_iter().map(summary).collect()
}

/// When a file of the folder was changed last.
fn last_change(folder: &Path) -> Option<OffsetDateTime> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    let times = entries.filter_map(|entry| entry.metadata().ok()?.modified().ok());
    times.max().map(OffsetDateTime::from)
}
