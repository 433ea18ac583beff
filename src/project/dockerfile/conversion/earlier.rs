//! Whether a file may be there before the RUN that fetches it.
//!
//! A fetch takes its place, and the `rm` behind it removes it: both must stay then.

use super::super::commands::{Ran, Run};
use super::super::folders::{absolute, current};
use super::super::inputs::Inputs;
use super::super::pattern;
use super::super::stages::{Stages, Step};
use super::Output;
use super::taken::Taken;

/// Whether one of the files may be there already, as far as the instructions before `run` in
/// `stage` and in those below tell: what the base image holds, they do not.
pub(super) fn may_be_there(
    stages: &Stages<'_>,
    stage: usize,
    inputs: &Inputs,
    run: &Run<'_>,
    taken: &[Taken],
) -> bool {
    let below = stages.below(stage).into_iter().flat_map(|one| stages.steps(one));
    let own = stages.steps(stage).into_iter();
    let own = own.take_while(|step| !std::ptr::eq(step.instruction, run.instruction));
    let earlier: Vec<Step<'_>> = below.chain(own).collect();
    let here = taken.iter().filter(|one| one.output == Output::Here);
    here.into_iter().any(|one| {
        let folder = current(run, one.command);
        earlier.iter().any(|step| may_make(step, inputs, &one.file, folder.as_deref()))
    })
}

/// Whether an instruction may make `file` in `folder`.
fn may_make(step: &Step<'_>, inputs: &Inputs, file: &str, folder: Option<&str>) -> bool {
    let text = step.instruction.arguments.text.as_str();
    match step.instruction.keyword.as_str() {
        "COPY" | "ADD" => may_copy(step, text, file, folder),
        "RUN" => {
            let run = Run::read(step, inputs);
            text.contains(file)
                || run.is_none_or(|run| run.commands.iter().any(|ran| may_write(ran, file)))
        }
        _ => false,
    }
}

/// Whether the last word of a COPY leads to the folder, or to one around it.
fn may_copy(step: &Step<'_>, text: &str, file: &str, folder: Option<&str>) -> bool {
    let last = text.split_whitespace().next_back().unwrap_or_default();
    let target = absolute(last, step.scope.workdir.known());
    let plain = !text.contains(['$', '"', '[', '\'']) && step.instruction.heredocs.is_empty();
    let (Some(target), Some(folder), true) = (target, folder, plain) else { return true };
    let path = format!("{}/{file}", folder.trim_end_matches('/'));
    target == "/" || path == target || path.starts_with(&format!("{target}/"))
}

/// Whether a command names the file, or takes files whose names a pattern tells.
fn may_write(ran: &Ran, file: &str) -> bool {
    let copies = matches!(ran.name(), "cp" | "mv" | "ln" | "rsync" | "install");
    let last = |word: &str| word.rsplit('/').next().unwrap_or_default().to_owned();
    ran.words.iter().any(|word| {
        let text = word.text();
        text.contains(file)
            || copies && (word.known().is_none() || pattern::matches(file, &last(text)))
    })
}
