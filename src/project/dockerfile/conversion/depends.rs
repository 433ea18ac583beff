//! What the files that a RUN fetches hang on: the platform, and arguments.
//!
//! A project is built for several platforms and with other arguments, and `--package` names one
//! file. So the RUN is read once more with something else, and both readings are compared.

use super::super::fetches::found;
use super::super::inputs::Inputs;
use super::super::requests::Request;
use super::super::stages::Stages;
use super::super::{Fetch, Instruction};

/// What an argument is given in the second reading.
const ANOTHER: &str = "another-value";

/// What is known without the platform.
pub(super) fn without_platform(inputs: &Inputs) -> Inputs {
    Inputs { platform: None, ..inputs.clone() }
}

/// Whether a RUN asks for the same in both readings.
pub(super) fn asks_the_same(
    instruction: &Instruction,
    stage: usize,
    one: (&Stages<'_>, &Inputs),
    other: (&Stages<'_>, &Inputs),
) -> bool {
    requests(instruction, stage, one) == requests(instruction, stage, other)
}

fn requests(
    instruction: &Instruction,
    stage: usize,
    (stages, inputs): (&Stages<'_>, &Inputs),
) -> Vec<Request> {
    let steps = stages.steps(stage).into_iter();
    let own: Vec<_> = steps.filter(|step| std::ptr::eq(step.instruction, instruction)).collect();
    found(&own, inputs).into_iter().map(|(request, _)| request).collect()
}

/// Those of the arguments `names` that decide which file each of `fetches`, all of one instruction
/// of `stage`, asks for: another server alone is no other file.
pub fn arguments_of_files<'n>(
    stages: &Stages<'_>,
    stage: usize,
    inputs: &Inputs,
    fetches: &[&Fetch<'_>],
    names: impl Iterator<Item = &'n String>,
) -> Vec<&'n String> {
    let Some(first) = fetches.first() else { return Vec::new() };
    let files = |stages: &Stages<'_>, inputs: &Inputs| {
        let requests = requests(first.instruction, stage, (stages, inputs)).into_iter();
        let own =
            requests.filter(|one| fetches.iter().any(|fetch| fetch.url_span == one.address.span));
        own.map(|one| (path(one.address.text()).to_owned(), one.doubt)).collect::<Vec<_>>()
    };
    let now = files(stages, inputs);
    let decides = |name: &&String| {
        let mut changed = inputs.clone();
        changed.build_args.insert((*name).clone(), ANOTHER.to_owned());
        files(&Stages::read(stages.file(), &changed).0, &changed) != now
    };
    names.filter(decides).collect()
}

/// The path of an address, whose server may be the value of a variable.
fn path(address: &str) -> &str {
    let behind = address.split_once("://").map_or(address, |(_, rest)| rest);
    behind.split_once('/').map_or("", |(_, path)| path)
}
