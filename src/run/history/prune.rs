//! Removing old runs, by count and age.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use time::OffsetDateTime;

use super::{History, RunSummary, index, run_folder};
use crate::run::{RunId, is_alive};

/// How long the folder of a run may stay unfinished whose process died while it made it.
const UNFINISHED: Duration = Duration::from_secs(3600);

/// Which runs stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// At most this many.
    pub count: usize,
    /// For at most this long.
    pub age: time::Duration,
}

impl Default for Keep {
    fn default() -> Self {
        Self { count: 100, age: time::Duration::days(90) }
    }
}

/// Removes the runs below `state` that are too many or too old at `now`: never one that is
/// under way, nor the last one of a target, nor one whose record cannot be read. Returns
/// how many it removed.
pub fn prune(state: &Path, keep: Keep, now: OffsetDateTime) -> usize {
    let history = History::read(state);
    let doomed = doomed(&history.runs, keep, now);
    let mut removed = HashSet::new();
    for run in doomed {
        let Ok(id) = run.run.parse::<RunId>() else { continue };
        let folder = run_folder(state, &id);
        if !is_alive(&folder) && fs::remove_dir_all(&folder).is_ok() {
            removed.insert(run.run.clone());
        }
    }
    forget_unfinished(&state.join("runs"));
    if !removed.is_empty() {
        let kept = history.runs.iter().filter(|run| !removed.contains(&run.run)).cloned();
        let over: Vec<_> = kept.filter(RunSummary::is_over).collect();
        if let Err(error) = index::replace(state, &over) {
            tracing::debug!(%error, "the index of the runs cannot be written");
        }
    }
    removed.len()
}

/// The runs, oldest first, that are to go.
pub(super) fn doomed(runs: &[RunSummary], keep: Keep, now: OffsetDateTime) -> Vec<&RunSummary> {
    let mut lasts = HashSet::new();
    let mut doomed: Vec<&RunSummary> = Vec::new();
    for (newer, run) in runs.iter().rev().enumerate() {
        let last = lasts.insert((&run.target, &run.platform));
        let old = newer >= keep.count || now - run.started > keep.age;
        if old && !last && run.is_over() {
            doomed.push(run);
        }
    }
    doomed.reverse();
    doomed
}

/// Folders that a process left that died before they had their names.
fn forget_unfinished(runs: &Path) {
    for entry in fs::read_dir(runs).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let unfinished =
            name.to_str().is_some_and(|name| name.starts_with('.') && name.ends_with(".new"));
        let modified = entry.metadata().and_then(|metadata| metadata.modified()).ok();
        let old = modified.and_then(|time| SystemTime::now().duration_since(time).ok());
        if unfinished && old.is_some_and(|old| old > UNFINISHED) && !is_alive(&entry.path()) {
            _ = fs::remove_dir_all(entry.path());
        }
    }
}
