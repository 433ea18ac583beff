//! Which of the warnings of a whole project concern a build of some of its stages.

use std::sync::Arc;

use super::{Project, Stage, StageName};
use crate::error::{Place, Problem};

/// Whether `problem` is one of the stages `built`, or of no stage at all.
pub fn concerns(project: &Project, built: &[&StageName], problem: &Problem) -> bool {
    let Some(place) = &problem.place else { return true };
    let mut holding = project.stages.values().filter(|stage| holds(stage, place)).peekable();
    holding.peek().is_none() || holding.any(|stage| built.contains(&&stage.name))
}

/// Whether a place is in a stage's instructions, or in its `FROM` or declaration.
fn holds(stage: &Stage, place: &Place) -> bool {
    let within = |file: &Arc<_>, span: &std::ops::Range<usize>| {
        Arc::ptr_eq(file, &place.file)
            && span.start <= place.span.start
            && place.span.start < span.end
    };
    within(stage.file.source(), &stage.span) || within(&stage.place.file, &stage.place.span)
}
