//! What killed runs left behind in the engine is cleared away by the next run.

use std::fs;
use std::path::Path;

use super::{KEY, dead_runs};
use crate::engine::Engine;

/// The file in a dead run's folder that says that nothing of it is left.
const CLEARED: &str = "cleared";

/// Clears away what the dead runs below `state` left; what fails is tried again by the next run.
pub async fn clear_leftovers(engine: &impl Engine, state: &Path) {
    for run in dead_runs(state) {
        let cleared = state.join("runs").join(run.as_str()).join(CLEARED);
        if cleared.exists() {
            continue;
        }
        match engine.sweep(run.as_str(), KEY).await {
            Ok(()) => _ = fs::write(cleared, ""),
            Err(error) => tracing::warn!(%error, %run, "leftovers could not be cleared away"),
        }
    }
}
