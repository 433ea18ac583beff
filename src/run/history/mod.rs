//! What earlier runs left behind: listing them, finding one, reading it,
//! removing the old ones.

mod index;
mod past;
mod prune;
mod summary;
mod telling;
#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use past::{
    PastDecision, PastEngine, PastForecast, PastInstruction, PastPackage, PastPlan,
    PastPlannedStage, PastRefusal, PastRun, PastStage, PastStageForecast, PastTransfer, Standing,
    Unread, text,
};
pub use prune::{Keep, prune};
pub(super) use summary::BEGUN;
pub use summary::{Begun, RunSummary, SCHEMA, StageSummary};
pub use telling::telling;

use self::index::Index;
use super::alive::ids;
use super::{NoRunId, RunId};

/// The runs of a project.
#[derive(Debug, Default)]
pub struct History {
    /// Those that can be told of, oldest first.
    pub runs: Vec<RunSummary>,
    /// The reports that cannot be read, each with the cause.
    pub unread: Vec<(PathBuf, Unread)>,
    /// How many earlier runs were not looked at.
    pub earlier: usize,
}

/// Why no run is meant.
#[derive(Debug, PartialEq, Eq)]
pub enum NotFound {
    /// Nothing was ever run.
    NoRuns,
    /// No run's id begins so.
    Unknown,
    /// Several runs' ids begin so.
    Several(Vec<RunId>),
}

/// The runs below `state` (`.ascend-build`), whatever became of them, oldest first.
pub fn all(state: &Path) -> Vec<RunId> {
    ids(&state.join("runs"))
}

/// The folder of a run below `state` (`.ascend-build`).
pub fn run_folder(state: &Path, run: &RunId) -> PathBuf {
    state.join("runs").join(run.as_str())
}

/// The names of the stages that have a log in a run's folder.
pub fn logs(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter_map(|name| name.strip_suffix(".log").map(str::to_owned)).collect()
}

/// The run that `wanted` means: its id, an unambiguous beginning of it, or `last`.
///
/// # Errors
/// It means none, or several.
pub fn find(state: &Path, wanted: &str) -> Result<RunId, NotFound> {
    let mut ids = ids(&state.join("runs"));
    if wanted == "last" {
        return ids.pop().ok_or(NotFound::NoRuns);
    }
    if let Some(exact) = ids.iter().find(|id| id.as_str() == wanted) {
        return Ok(exact.clone());
    }
    let none = ids.is_empty();
    ids.retain(|id| id.as_str().starts_with(wanted));
    match ids.len() {
        0 if none => Err(NotFound::NoRuns),
        0 => Err(NotFound::Unknown),
        1 => ids.pop().ok_or(NotFound::Unknown),
        _ => Err(NotFound::Several(ids)),
    }
}

impl History {
    /// The runs below `state`, of which the index keeps what had to be read anew.
    pub fn read(state: &Path) -> Self {
        Self::last(state, usize::MAX)
    }

    /// The last `count` of those that can be told of.
    pub fn last(state: &Path, count: usize) -> Self {
        let (index, ids) = (Index::read(state), ids(&state.join("runs")));
        let (mut history, mut new) = (Self::default(), Vec::new());
        for (earlier, id) in ids.iter().enumerate().rev() {
            // A spoilt record does not stand for a run.
            if history.runs.len() == count {
                history.earlier = earlier + 1;
                break;
            }
            if let Some(run) = index.get(id.as_str()).filter(|run| is_final(state, id, run)) {
                history.runs.push(run);
                continue;
            }
            match summary(state, id) {
                Ok(run) => {
                    new.extend(Some(run.clone()).filter(RunSummary::is_over));
                    history.runs.push(run);
                }
                Err(error) => {
                    history.unread.push((run_folder(state, id).join(error.file()), error));
                }
            }
        }
        history.runs.reverse();
        history.unread.reverse();
        new.reverse();
        if let Err(error) = index::append(state, &new) {
            tracing::debug!(%error, "the index of the runs cannot be written");
        }
        history
    }
}

/// Adds a run that has ended to the index.
///
/// # Errors
/// Its report cannot be read, or the index not be written; a later [`History::read`] makes up for it.
pub fn remember(state: &Path, run: &str) -> io::Result<()> {
    let id: RunId = run.parse().map_err(|error: NoRunId| io::Error::other(error))?;
    let run = summary(state, &id).map_err(io::Error::other)?;
    index::append(state, &[run])
}

fn summary(state: &Path, id: &RunId) -> Result<RunSummary, Unread> {
    let folder = run_folder(state, id);
    RunSummary::standing(&folder, id, &Standing::of(&folder)?)
}

/// Whether a line of the index is the last word on its run: an earlier program may have taken a
/// run for killed that left its report a moment later.
fn is_final(state: &Path, id: &RunId, run: &RunSummary) -> bool {
    run.exit_code.is_some() || !run_folder(state, id).join("report.json").exists()
}
