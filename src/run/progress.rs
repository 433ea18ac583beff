//! What a stage's build tells of its instructions: which ran, and which came from the cache.

use std::collections::HashSet;
use std::mem::take;

use super::Event;
use crate::engine::{BuildEvent, BuildFailure};
use crate::plan::PlannedStage;

/// Which instructions ran in any attempt, and how far the one under way is.
#[derive(Default)]
pub(super) struct Progress {
    started: HashSet<usize>,
    cached: HashSet<usize>,
    ran: HashSet<usize>,
}

impl Progress {
    /// Takes what the builder tells; what is to be told of it.
    pub(super) fn take(&mut self, stage: &PlannedStage, event: BuildEvent) -> Option<Event> {
        let (index, cached) = match event {
            BuildEvent::Output { line, .. } => {
                return Some(Event::StageOutput { stage: stage.name.clone(), line });
            }
            BuildEvent::Step { index, cached } => (index, cached),
            BuildEvent::Cached { index } => (index, true),
            BuildEvent::Clipped => return None,
        };
        self.started.insert(index);
        if cached {
            self.cached.insert(index);
        }
        step(stage, index, cached)
    }

    /// An attempt has ended: the one that failed, or was under way when the engine did, has not run.
    pub(super) fn end(&mut self, failure: Option<&BuildFailure>) {
        let failed = match failure {
            None => None,
            Some(BuildFailure::Instruction { index: Some(index), .. }) => Some(*index),
            Some(_) => self.started.iter().max().copied(),
        };
        let (started, cached) = (take(&mut self.started), take(&mut self.cached));
        self.ran.extend(started.difference(&cached).filter(|index| Some(**index) != failed));
    }

    /// The user's instructions that ran, in order, counted from 0.
    pub(super) fn ran(&self, stage: &PlannedStage) -> Vec<usize> {
        let ran = self.ran.iter();
        let mut ran: Vec<_> =
            ran.filter_map(|index| Some(stage.instruction(*index)?.0 - 1)).collect();
        ran.sort_unstable();
        ran
    }

    /// Whether an instruction ran that an `ONBUILD` of the parent brings.
    pub(super) fn ran_triggers(&self, stage: &PlannedStage) -> bool {
        let mut ran = self.ran.iter();
        ran.any(|index| stage.written.get(*index).is_some_and(|one| one.trigger.is_some()))
    }
}

fn step(stage: &PlannedStage, index: usize, cached: bool) -> Option<Event> {
    let (number, instruction) = stage.instruction(index)?;
    Some(Event::StageStep {
        stage: stage.name.clone(),
        step: number,
        steps: stage.instructions.len(),
        instruction: instruction.text.clone(),
        cached,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which instructions ran in attempts that started them, took some from the cache, and ended so.
    fn check(attempts: &[(&[usize], &[usize], Option<BuildFailure>)], expected: &[usize]) {
        let mut progress = Progress::default();
        for (started, cached, failure) in attempts {
            progress.started.extend(*started);
            progress.cached.extend(*cached);
            progress.end(failure.as_ref());
        }
        let mut ran: Vec<_> = progress.ran.into_iter().collect();
        ran.sort_unstable();
        assert_eq!(ran, expected);
    }

    fn failed(index: Option<usize>) -> Option<BuildFailure> {
        Some(BuildFailure::Instruction { index, exit_code: Some(1), message: String::new() })
    }

    #[test]
    fn what_ran_is_known_across_attempts() {
        check(&[(&[1, 2, 3], &[1], None)], &[2, 3]);
        check(&[(&[1, 2, 3], &[1], failed(Some(3)))], &[2]);
        check(&[(&[1, 2, 3], &[1], failed(Some(3))), (&[1, 2, 3], &[1, 2], None)], &[2, 3]);
        check(&[(&[1, 2], &[], failed(None))], &[1]);
        check(&[(&[], &[], failed(None))], &[]);
    }
}
