//! The table at the end of a run.

use super::{Table, bytes, seconds};
use crate::run::{Outcome, StageResult};

/// One line a stage: outcome, time, size, digest, tags.
pub(super) fn summary(results: &[StageResult]) -> String {
    let mut table = Table::new(&["STAGE", "RESULT", "TIME", "SIZE", "IMAGE", "TAGS"]);
    for result in results {
        let image = result
            .image
            .as_deref()
            .map(|id| id.trim_start_matches("sha256:").chars().take(12).collect());
        table.row([
            result.stage.to_string(),
            word(result.outcome).to_owned(),
            seconds(result.seconds),
            result.size.map(bytes).unwrap_or_default(),
            image.unwrap_or_default(),
            result.tags.join(" "),
        ]);
    }
    table.to_string()
}

/// The outcome as people read it.
pub(super) fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Built => "built",
        Outcome::Reused => "reused",
        Outcome::Failed => "failed",
        Outcome::Interrupted => "interrupted",
    }
}
