//! Which stage may be built next: one whose parents are done, in the plan's order.

use crate::plan::{Plan, PlannedParent, PlannedStage};
use crate::project::StageName;

/// The stages of a plan on their way.
pub(super) struct Schedule<'a> {
    waiting: Vec<&'a PlannedStage>,
    done: Vec<&'a StageName>,
    failed: Vec<&'a StageName>,
}

impl<'a> Schedule<'a> {
    /// Nothing is done yet.
    pub(super) fn new(plan: &'a Plan) -> Self {
        Self { waiting: plan.stages.iter().collect(), done: Vec::new(), failed: Vec::new() }
    }

    /// The next stage whose parents are done.
    pub(super) fn next(&mut self) -> Option<&'a PlannedStage> {
        let ready =
            |stage: &&PlannedStage| parents(stage).all(|parent| self.done.contains(&parent));
        let index = self.waiting.iter().position(ready)?;
        Some(self.waiting.remove(index))
    }

    /// A stage has been built, or was there.
    pub(super) fn finish(&mut self, stage: &'a PlannedStage) {
        self.done.push(&stage.name);
    }

    /// A stage failed: what is built on it never becomes ready.
    pub(super) fn fail(&mut self, stage: &'a PlannedStage) {
        self.failed.push(&stage.name);
    }

    /// Lets nothing begin any more.
    pub(super) fn stop(&mut self) {
        self.waiting.clear();
    }

    /// The stages that could not begin, each with the failed one that it needs.
    pub(super) fn left(&self) -> Vec<(&'a StageName, &'a StageName)> {
        let mut lost: Vec<(&StageName, &StageName)> =
            self.failed.iter().map(|failed| (*failed, *failed)).collect();
        for stage in &self.waiting {
            let cause = parents(stage).find_map(|parent| {
                lost.iter().find(|(name, _)| *name == parent).map(|(_, cause)| *cause)
            });
            lost.extend(cause.map(|cause| (&stage.name, cause)));
        }
        lost.split_off(self.failed.len())
    }
}

/// The stages that must be there before `stage` can be built.
pub fn parents(stage: &PlannedStage) -> impl Iterator<Item = &StageName> {
    let from = match &stage.from {
        PlannedParent::Stage(name) => Some(name),
        PlannedParent::Base(_) => None,
    };
    from.into_iter().chain(&stage.copies)
}
