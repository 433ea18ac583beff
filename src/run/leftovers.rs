//! What a run left behind in the engine, because it was killed or the engine died,
//! is cleared away by the next run; so is what could not be removed at its end.

use std::fs;
use std::path::{Path, PathBuf};

use super::alive::ids;
use super::{KEY, RunFolder, is_alive};
use crate::engine::Engine;

/// The file in a run's folder that says that nothing of it is left in an engine.
const CLEARED: &str = "cleared";

impl RunFolder {
    /// Notes that nothing of the run is left in an engine. A note that is lost costs one more look.
    pub fn note_cleared(&self) {
        note(&self.path);
    }
}

fn note(run_folder: &Path) {
    if let Err(error) = fs::write(run_folder.join(CLEARED), "") {
        tracing::debug!(%error, folder = %run_folder.display(), "the run is not noted as cleared");
    }
}

/// Clears away what the ended runs below `state` left; what fails is tried again by the next run.
pub async fn clear_leftovers(engine: &impl Engine, state: &Path) {
    let left = left(&state.join("runs"));
    if left.is_empty() {
        return;
    }
    let names = left.iter().filter_map(|folder| folder.file_name()?.to_str()).collect::<Vec<_>>();
    match engine.sweep(&names, KEY).await {
        Ok(()) => left.iter().for_each(|folder| note(folder)),
        Err(error) => tracing::warn!(%error, "leftovers of earlier runs could not be cleared away"),
    }
}

/// The folders of the runs of which something may be left.
fn left(runs: &Path) -> Vec<PathBuf> {
    let folders = ids(runs).into_iter().map(|run| runs.join(run.as_str()));
    folders.filter(|folder| !folder.join(CLEARED).exists() && !is_alive(folder)).collect()
}
