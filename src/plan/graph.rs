//! Which stages a target needs, and in which order.

use crate::project::{Project, Stage};

/// The target's ancestors and the target, each after its parents, in the order of the file where free.
///
/// The project's stages make no cycle (see `project`), so this ends.
pub fn ancestors<'a>(project: &'a Project, target: &'a Stage) -> Vec<&'a Stage> {
    let mut ordered = Vec::new();
    visit(project, target, &mut ordered);
    ordered
}

fn visit<'a>(project: &'a Project, stage: &'a Stage, ordered: &mut Vec<&'a Stage>) {
    if ordered.iter().any(|done| done.name == stage.name) {
        return;
    }
    for parent in stage.parents().filter_map(|name| project.stages.get(name)) {
        visit(project, parent, ordered);
    }
    ordered.push(stage);
}
