//! Which instructions of a stage the engine's cache has: those before the first
//! one that differs from every earlier build.

use super::{Expected, ExpectedStep, Sample};

/// The index of the first instruction that is expected to run; their count where none is.
pub(super) fn first_to_run(expected: &Expected, samples: &[&Sample]) -> usize {
    if expected.fresh {
        return 0;
    }
    let same = samples.iter().map(|sample| same(expected, sample));
    same.max().unwrap_or(0)
}

/// How many instructions at the start are as they were in an earlier build.
fn same(expected: &Expected, sample: &Sample) -> usize {
    let (now, Some(then)) = (&expected.inputs, &sample.inputs) else { return 0 };
    let start = (&now.platform, &now.from.content, &now.copied, &now.arguments);
    let is_complete = sample.outcome == "built" || sample.outcome == "reused";
    if !is_complete || start != (&then.platform, &then.from.content, &then.copied, &then.arguments)
    {
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
