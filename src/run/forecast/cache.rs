//! Which instructions of a stage the engine's cache has: those before the first
//! one that differs from every earlier build, as long as something shows that what
//! that build left is still there.
//!
//! The classic builder's cache is the images themselves: who removes a stage's image
//! removes the steps below it. BuildKit keeps records of its own, and says when each
//! was made: a build is still there when the engine has as many records of its time
//! as instructions ran.

use super::{Circumstances, Expected, ExpectedStep, Sample};

/// Where a stage is expected to begin.
pub(super) struct Start {
    /// The index of the first instruction that is expected to run; their count where none is.
    pub(super) first: usize,
    /// Whether the cache may have more, which nothing shows.
    pub(super) unsure: bool,
}

/// Where the stage begins, by its own earlier builds.
pub(super) fn start(expected: &Expected, samples: &[&Sample], now: &Circumstances) -> Start {
    if expected.fresh {
        return Start { first: 0, unsure: false };
    }
    // One builder knows nothing of what the other has built.
    let own = |sample: &&&Sample| sample.outcome == "built" && sample.builder == now.builder;
    let built: Vec<&Sample> = samples.iter().filter(own).copied().collect();
    let same_as = |sample: &&Sample| same(expected, sample);
    let hoped = built.iter().map(same_as).max().unwrap_or(0);
    let first = match &now.records {
        Some(records) => recorded(expected, &built, records),
        None => built.iter().filter(|sample| has(now, sample)).map(same_as).max().unwrap_or(0),
    };
    Start { first, unsure: first < hoped }
}

fn has(now: &Circumstances, sample: &Sample) -> bool {
    sample.image.as_ref().is_some_and(|image| now.images.contains(image))
}

/// How many instructions at the start have run in builds that the engine has records of.
fn recorded(expected: &Expected, built: &[&Sample], records: &[i64]) -> usize {
    let kept = built.iter().filter(|sample| sample.is_recorded(records));
    let kept: Vec<_> = kept.map(|sample| (same(expected, sample), sample)).collect();
    let has = |(index, step): &(usize, &ExpectedStep)| {
        let ran = |(same, sample): &(usize, &&Sample)| same > index && sample.ran(*index);
        !writes(&step.keyword) || kept.iter().any(ran)
    };
    expected.steps.iter().enumerate().take_while(has).count()
}

/// Whether instructions with this keyword make layers.
pub(super) fn writes(keyword: &str) -> bool {
    matches!(keyword, "RUN" | "COPY" | "ADD")
}

/// How many instructions at the start are as they were in an earlier build.
fn same(expected: &Expected, sample: &Sample) -> usize {
    let (now, Some(then)) = (&expected.inputs, &sample.inputs) else { return 0 };
    let start = (&now.platform, &now.from.content, &now.copied, &now.arguments);
    if start != (&then.platform, &then.from.content, &then.copied, &then.arguments) {
        return 0;
    }
    let same_files = |step: &ExpectedStep| {
        step.packages.iter().all(|file| now.packages.get(file) == then.packages.get(file))
    };
    let copies = |step: &ExpectedStep| matches!(step.keyword.as_str(), "COPY" | "ADD");
    let same = |(step, identity): &(&ExpectedStep, &String)| {
        step.identity == **identity
            && same_files(step)
            && (!copies(step) || now.sources == then.sources)
    };
    expected.steps.iter().zip(&sample.identities).take_while(same).count()
}
