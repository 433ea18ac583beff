//! RUNs that install the downloader that `RUN --package` needs before they begin.

use std::ops::Range;

use super::super::Instruction;
use super::super::commands::{Ran, Run};
use super::super::evaluate::Text;
use super::super::inputs::Inputs;
use super::super::stages::Stages;

/// What installs packages of a distribution.
const INSTALLERS: [&str; 9] =
    ["apt-get", "apt", "yum", "dnf", "microdnf", "apk", "zypper", "conda", "mamba"];

/// The bytes of the command with which `instruction`, a RUN of `stage`, installs curl, wget or
/// Python; `None` where one is there before, as far as the Dockerfile tells.
pub fn installs_its_downloader(
    stages: &Stages<'_>,
    stage: usize,
    inputs: &Inputs,
    instruction: &Instruction,
) -> Option<Range<usize>> {
    let runs = runs(stages, stage, inputs);
    let place = runs.iter().rposition(|run| std::ptr::eq(run.instruction, instruction))?;
    let before = runs[..place].iter().flat_map(|run| &run.commands);
    if before.into_iter().any(|ran| is_downloader(ran.name()) || installs_downloader(ran)) {
        return None;
    }
    let installs = runs[place].commands.iter().find(|ran| installs_downloader(ran));
    installs.map(|ran| ran.span.clone())
}

/// The RUNs of a stage and, before them, of those that it is built from.
fn runs<'f>(stages: &Stages<'f>, stage: usize, inputs: &Inputs) -> Vec<Run<'f>> {
    let steps = stages.below(stage).into_iter().chain([stage]).flat_map(|one| stages.steps(one));
    steps.filter_map(|step| Run::read(&step, inputs)).collect()
}

fn is_downloader(name: &str) -> bool {
    matches!(name, "curl" | "wget" | "python3" | "pip3")
}

fn installs_downloader(ran: &Ran) -> bool {
    let brings = |word: &Text| {
        let name = word.text().split(['=', ':']).next().unwrap_or_default();
        matches!(name, "curl" | "wget") || name.starts_with("python3")
    };
    INSTALLERS.contains(&ran.name())
        && (ran.says("install") || ran.says("add"))
        && ran.operands().any(brings)
}
