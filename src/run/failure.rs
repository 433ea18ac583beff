//! What a failed build or check tells the user.

use super::recorder::TAIL;
use super::{Job, parents};
use crate::engine::{BuildFailure, CheckOutcome, Engine};
use crate::error::{Error, Exit, Problem};
use crate::plan::{PlannedInstruction, PlannedStage};
use crate::project::StageName;

pub(super) async fn of_build<E: Engine, M>(
    job: &Job<'_, E, M>,
    stage: &PlannedStage,
    failure: BuildFailure,
) -> Error {
    match failure {
        BuildFailure::Engine(problem) => {
            problem.note(format!("while building stage `{}`", stage.name)).exit(Exit::Engine)
        }
        BuildFailure::Instruction { index, exit_code, message } => {
            let lost = match exit_code {
                None => lost_parent(job, stage).await,
                Some(_) => None,
            };
            match lost {
                Some(parent) => of_lost(stage, parent, &message),
                None => instruction(job, stage, index, exit_code, &message).exit(Exit::Failed),
            }
        }
    }
}

fn of_lost(stage: &PlannedStage, parent: &StageName, message: &str) -> Error {
    let name = &stage.name;
    Problem::error(format!(
        "the build of stage `{name}` failed: `{parent}` is gone from the engine"
    ))
    .note(format!("somebody removed the image of `{parent}` while this run needed it"))
    .note(format!("the engine says: {message}"))
    .hint("run the same command again: what is gone is built again")
    .exit(Exit::Failed)
}

fn instruction<E, M>(
    job: &Job<'_, E, M>,
    stage: &PlannedStage,
    index: Option<usize>,
    exit_code: Option<i64>,
    message: &str,
) -> Problem {
    let (what, label) = match exit_code {
        Some(code) => ("an instruction", format!("exit code {code}")),
        None => ("the build", "failed here".to_owned()),
    };
    let mut problem = Problem::error(format!("{what} of stage `{}` failed", stage.name));
    if let Some(heredoc) = heredoc(stage).filter(|_| message.contains("parse error")) {
        return problem
            .at(heredoc.place.clone(), "this engine's builder does not read heredocs")
            .note(format!("the engine says: {message}"))
            .hint("join the commands with `&& \\`, or use Docker Engine 23.0 or later");
    }
    if let Some(place) = index.and_then(|index| stage.place(index)) {
        problem = problem.at(place.clone(), label);
    }
    if exit_code.is_none() {
        problem = problem.note(format!("the engine says: {message}"));
    }
    // What no command did is no command's output: BuildKit stops what runs beside, which then says so.
    let tail = exit_code.map(|_| job.recorder.tail(&stage.name)).unwrap_or_default();
    if !tail.is_empty() {
        problem = problem.note(last_lines(&tail));
    }
    problem.note(log(job, stage)).hint(hint(message, &tail, exit_code))
}

/// The parent whose image is no longer in the engine, which then looks for it in a registry.
async fn lost_parent<'a, E: Engine, M>(
    job: &Job<'_, E, M>,
    stage: &'a PlannedStage,
) -> Option<&'a StageName> {
    for parent in parents(stage) {
        let reference = job.scratch.reference(&job.plan.project, parent);
        if let Ok(None) = job.engine.image(&reference).await {
            return Some(parent);
        }
    }
    None
}

/// A stage's image that is gone as soon as it was built.
pub(super) fn of_removed(stage: &PlannedStage) -> Error {
    Problem::error(format!(
        "somebody removed the image of stage `{}` before it was tagged",
        stage.name
    ))
    .hint("run the same command again")
    .exit(Exit::Failed)
}

/// A stage whose files changed between its key and its context.
pub(super) fn of_changed(stage: &PlannedStage) -> Error {
    Problem::error(format!("files that stage `{}` copies changed while it was begun", stage.name))
        .note("the image would not be what its key says, so it is not built")
        .hint("run the same command again when nothing writes to them")
        .exit(Exit::Project)
}

/// The first instruction that seems to hold a heredoc.
fn heredoc(stage: &PlannedStage) -> Option<&PlannedInstruction> {
    let may_have = |instruction: &&PlannedInstruction| {
        matches!(instruction.keyword.as_str(), "RUN" | "COPY" | "ADD")
            && instruction.text.contains("<<")
    };
    stage.instructions.iter().find(may_have)
}

fn last_lines(tail: &[String]) -> String {
    let what = match tail.len() {
        1 => "its last line of output".to_owned(),
        lines => format!("its last {lines} lines of output"),
    };
    format!("{what}:\n{}", tail.join("\n"))
}

fn log<E, M>(job: &Job<'_, E, M>, stage: &PlannedStage) -> String {
    let what = if job.recorder.is_clipped(&stage.name) {
        "the log, as far as the engine passed it on,"
    } else {
        "the full log"
    };
    format!("{what} is `{}`", job.recorder.folder().log_path(&stage.name).display())
}

fn hint(message: &str, tail: &[String], exit_code: Option<i64>) -> String {
    // With an exit code, the message holds the command's text, and its output is what it said.
    let told = exit_code.is_none().then_some(message);
    let says = |words: &str| {
        told.into_iter().chain(tail.iter().map(String::as_str)).any(|line| line.contains(words))
    };
    let hint = if says("No space left on device") || says("no space left on device") {
        "the engine's disk is full: free some space (`docker system df` shows what uses it) and run again; finished stages are reused"
    } else if exit_code.is_none()
        && (message.contains("dial tcp") || message.contains("no such host"))
    {
        "the engine tried to get an image from a registry that it cannot reach: load it first (`docker load`, `docker import`), and run again"
    } else if message.contains("needs to be defined before current stage") {
        "this engine's BuildKit runs no `ONBUILD COPY --from` a stage that only the trigger names: build with `--builder classic`, or copy from it in an instruction of the stage itself"
    } else if exit_code == Some(137) {
        "the command was killed, often because memory ran out: `dmesg` says so; mend it and run again; finished stages are reused"
    } else {
        "mend the instruction and run the same command again: finished stages and earlier instructions are reused, and no tag was changed; `--shell-on-failure` opens a shell where it failed"
    };
    hint.to_owned()
}

pub(super) fn of_unfetched(
    stage: &PlannedStage,
    instruction: &PlannedInstruction,
    file: &str,
) -> Problem {
    let name = &stage.name;
    Problem::error(format!("stage `{name}` never fetched `{file}`, which its instruction names"))
        .at(instruction.place.clone(), "it ran without fetching it")
        .hint("take the file out of the instruction where nothing needs it, or see in the stage's log why it was not fetched")
}

/// The engine's failure during a check, with what it was doing.
pub(super) fn beside_check(mut error: Error, stage: &PlannedStage, name: &str) -> Error {
    let note = format!("during check `{name}` of stage `{}`", stage.name);
    error.problems.iter_mut().for_each(|problem| problem.notes.push(note.clone()));
    error
}

pub(super) fn of_check<E, M>(
    job: &Job<'_, E, M>,
    stage: &PlannedStage,
    name: &str,
    command: &str,
    outcome: &CheckOutcome,
) -> Problem {
    let ended = match outcome.exit_code {
        Some(code) => format!("expected exit code 0, actual {code}"),
        None => format!("expected an end within {} s, actual none", stage.check_timeout),
    };
    let problem = Problem::error(format!("check `{name}` of stage `{}` failed", stage.name));
    let problem = problem.note(format!("the command was `{command}`")).note(ended);
    let shown = &outcome.output[outcome.output.len().saturating_sub(TAIL)..];
    let problem = if shown.is_empty() {
        problem.note("it printed nothing")
    } else {
        problem.note(format!("its output:\n{}", shown.join("\n")))
    };
    problem
        .note(log(job, stage))
        .hint(format!("the stage was not tagged: `{}` is what it was before", stage.reference))
}
