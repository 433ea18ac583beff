//! What a stage starts from and copies from.
//!
//! In a run all of it is known when the stage's turn comes. Before the run a base may not be in
//! the engine, or only the engine can tell what a parent will be: each is taken to be what it was
//! when the stage's earlier image was made, and what is said of the stage says so.

use super::base::NOTHING;
use super::decide::{Ground, Sources};
use super::schedule::parents;
use super::stock::Made;
use crate::engine::ImageFacts;
use crate::plan::{Inputs, PlannedParent, PlannedStage};
use crate::project::StageName;

/// What is below one stage.
pub(super) struct Below<'a> {
    stage: &'a PlannedStage,
    base: Option<&'a ImageFacts>,
    made: &'a Made,
    /// What the stage's earlier image was made from, where something must be taken from there.
    earlier: Option<Inputs>,
}

impl<'a> Below<'a> {
    pub(super) fn of<E, M>(
        sources: &Sources<'_, E, M>,
        stage: &'a PlannedStage,
        ground: &Ground<'a>,
    ) -> Self {
        let below = Self { stage, base: ground.base, made: ground.made, earlier: None };
        let assumed = below.assumed().is_some();
        let earlier = || sources.stock.earlier_inputs(&sources.plan.project, stage);
        Self { earlier: assumed.then(earlier).flatten(), ..below }
    }

    /// The parent's key or content id, or the base's content id.
    pub(super) fn from(&self) -> String {
        let (name, known) = match &self.stage.from {
            PlannedParent::Stage(name) => (name.as_str(), self.made.content(name)),
            PlannedParent::Base(base) => (&*base.image, self.base.map(|facts| facts.id.clone())),
        };
        let earlier = self.earlier.as_ref().filter(|earlier| earlier.from.name == name);
        let earlier = || Some(earlier?.from.content.clone());
        known.or_else(earlier).unwrap_or_else(|| name.to_owned())
    }

    /// The same of a stage that it copies from.
    pub(super) fn copied(&self, name: &StageName) -> String {
        let earlier = || self.earlier.as_ref()?.copied.get(&name.lower()).cloned();
        self.made.content(name).or_else(earlier).unwrap_or_else(|| name.lower())
    }

    /// What is not known, and taken to be what it was.
    pub(super) fn assumed(&self) -> Option<String> {
        if let PlannedParent::Base(base) = &self.stage.from
            && base.image != NOTHING
            && self.base.is_none()
        {
            return Some(format!("base {}, which the engine has not got,", base.image));
        }
        let stage = parents(self.stage).find(|name| self.made.is_assumed(name))?;
        Some(stage.to_string())
    }
}
