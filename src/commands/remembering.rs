//! What a build leaves for later ones: what it is about to do, its line in the index, and no
//! more old runs than are kept.

use time::OffsetDateTime;

use crate::plan::Plan;
use crate::run::history::{Begun, Keep, prune, remember};
use crate::run::{Revision, RunFolder};

/// Writes what a run is about to do. Without it, a run that is killed cannot be told of, which is
/// no reason not to build.
pub(super) fn begin(folder: &RunFolder, plan: &Plan, revision: Option<&Revision>) {
    let image = plan.stage(&plan.target).map(|stage| stage.reference.clone());
    let begun = Begun {
        project: plan.project.clone(),
        target: plan.target.to_string(),
        image: image.unwrap_or_default(),
        platform: plan.platform.to_string(),
        revision: revision.cloned(),
    };
    if let Err(error) = folder.write_begun(&begun) {
        tracing::debug!(%error, "what the run is about to do is not written");
    }
}

/// Adds a run that has its report to the index, and removes old ones.
pub(super) fn end(folder: &RunFolder) {
    if let Err(error) = remember(folder.state(), &folder.id) {
        tracing::debug!(%error, "the run is not in the index yet");
    }
    let removed = prune(folder.state(), Keep::default(), OffsetDateTime::now_utc());
    tracing::debug!(removed, "old runs were removed");
}
