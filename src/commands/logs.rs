//! `logs`: what the stages of a run printed.

use std::fs::File;
use std::path::Path;

use super::past;
use crate::error::{Exit, Problem, Result, did_you_mean};
use crate::run::history::{self, PastRun};
use crate::ui::Printer;

/// Print the logs of a run: what its stages printed, as it was said
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ascend-build logs\n  ascend-build logs B_stage\n  ascend-build logs 20261121-0626 B_stage | less\n\nRUN is a run's id, an unambiguous beginning of it, or `last`; `ascend-build history` lists\nthem. A word that begins with no digit is the STAGE."
)]
pub struct Args {
    /// The run [default: the last one]
    #[arg(value_name = "RUN", value_parser = parse_word)]
    run: Option<String>,
    /// The stage [default: all, in the order in which they were planned]
    #[arg(value_name = "STAGE", value_parser = parse_word)]
    stage: Option<String>,
}

/// Prints.
///
/// # Errors
/// [`Exit::Usage`]: there is no such run, or the stage has no log in it.
pub fn run(args: &Args, folder: &Path, printer: Printer) -> Result<()> {
    let (run, stage) = meant(args);
    let state = past::state(folder);
    let run = past::run(&state, run)?;
    let folder = history::run_folder(&state, &run);
    let mut stages = in_order(&folder);
    if let Some(wanted) = stage {
        if !stages.iter().any(|stage| stage == wanted) {
            return Err(no_log(&state, run.as_str(), wanted, &stages));
        }
        stages.retain(|stage| stage == wanted);
    }
    if stages.is_empty() {
        printer.talk(&format!("run {run} built no stage"));
    }
    stages.iter().try_for_each(|stage| print(&folder.join(format!("{stage}.log")), printer))
}

fn parse_word(text: &str) -> std::result::Result<String, &'static str> {
    match text {
        "" => Err("it is empty; expected a run's id, a beginning of it, `last`, or a stage"),
        _ => Ok(text.to_owned()),
    }
}

/// The run and the stage, whichever were given.
fn meant(args: &Args) -> (&str, Option<&str>) {
    let is_run = |word: &str| word == "last" || word.starts_with(|c: char| c.is_ascii_digit());
    match (args.run.as_deref(), args.stage.as_deref()) {
        (Some(word), None) if !is_run(word) => ("last", Some(word)),
        // No stage's name begins with a digit, so the order can only be a slip.
        (Some(word), Some(run)) if !is_run(word) && is_run(run) => (run, Some(word)),
        (run, stage) => (run.unwrap_or("last"), stage),
    }
}

/// The stages that have a log: in the plan's order, where a report tells it, else by name.
fn in_order(folder: &Path) -> Vec<String> {
    let planned = PastRun::read(folder).map(|past| past.plan.stages).unwrap_or_default();
    let place = |stage: &String| planned.iter().position(|planned| planned.name == *stage);
    let mut stages = history::logs(folder);
    stages.sort_by_cached_key(|stage| (place(stage).unwrap_or(usize::MAX), stage.clone()));
    stages
}

fn print(path: &Path, printer: Printer) -> Result<()> {
    let opened = File::open(path).and_then(|mut log| printer.stream(&mut log));
    opened.map_err(|error| {
        let problem = Problem::error(format!("cannot read `{}`", path.display()));
        problem.cause(error).hint("make it readable").exit(Exit::Failed)
    })
}

/// The last run that has a log of a stage; those that never ended count as well.
fn last_with(state: &Path, stage: &str) -> Option<String> {
    let runs = history::all(state).into_iter().rev();
    let mut with =
        runs.filter(|run| history::run_folder(state, run).join(format!("{stage}.log")).is_file());
    with.next().map(|run| format!("`ascend-build logs {run} {stage}` prints the last one there is"))
}

fn no_log(state: &Path, run: &str, stage: &str, stages: &[String]) -> crate::error::Error {
    let problem = Problem::error(format!("run {run} has no log of a stage `{stage}`"));
    let names: Vec<_> = stages.iter().map(|stage| format!("`{stage}`")).collect();
    let alike = || did_you_mean(stage, stages.iter().map(String::as_str));
    let logs = if names.is_empty() { "of no stage".to_owned() } else { names.join(", ") };
    problem
        .note(format!("logs: {logs}; a stage that was reused has none"))
        .maybe_hint(last_with(state, stage).or_else(alike))
        .exit(Exit::Usage)
}
