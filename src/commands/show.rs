//! `show`: all that is known of one run.

use std::fmt::Write as _;
use std::path::Path;

use super::history::{revision, started};
use super::output::{self, Output};
use super::past;
use crate::doctor::Code;
use crate::error::{Exit, Problem, Result};
use crate::run::history::{self, PastPackage, PastRun, PastTransfer, RunSummary, Standing, Unread};
use crate::ui::{Printer, Table, bytes, rendered, seconds, visible_lines};

/// How many digits of a digest are shown.
const DIGITS: usize = 12;

/// Show one run: result, revision, engine, stages, packages, downloads, problems
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ascend-build show\n  ascend-build show 20261121-0626\n  ascend-build show last --format json | jq '.stages[] | {stage, seconds}'\n\nRUN is a run's id, an unambiguous beginning of it, or `last`; `ascend-build history` lists\nthem. `--format json` gives the run's report (docs/runs.md)."
)]
pub struct Args {
    /// The run
    #[arg(value_name = "RUN", default_value = "last", value_parser = past::parse_run)]
    run: String,
    #[command(flatten)]
    output: Output,
}

/// Shows.
///
/// # Errors
/// [`Exit::Usage`]: there is no such run. [`Exit::Failed`]: its report cannot be read.
pub fn run(args: &Args, folder: &Path, printer: Printer) -> Result<()> {
    let state = past::state(folder);
    let run = past::run(&state, &args.run)?;
    let folder = history::run_folder(&state, &run);
    let standing = Standing::of(&folder).map_err(|error| unread(&folder, &error))?;
    match (args.output.is_table(), &standing) {
        (false, Standing::Ended(_)) => printer.data(&report(&folder)?),
        (false, _) => {
            let summary = RunSummary::standing(&folder, &run, &standing);
            printer.data(&output::json(&summary.map_err(|error| unread(&folder, &error))?)?);
        }
        (true, Standing::Ended(past)) => {
            printer.page(&page(past, &folder));
            printer.data(&visible_lines(&problems(past)));
        }
        (true, _) => {
            let summary = RunSummary::standing(&folder, &run, &standing);
            let summary = summary.map_err(|error| unread(&folder, &error))?;
            printer.page(&short_page(&folder, &summary));
        }
    }
    Ok(())
}

fn report(folder: &Path) -> Result<String> {
    let text = history::text(folder).map_err(|error| unread(folder, &error))?;
    Ok(String::from_utf8_lossy(&text).trim_end().to_owned() + "\n")
}

fn unread(folder: &Path, error: &Unread) -> crate::error::Error {
    let problem = Problem::error("the run's report cannot be read");
    let problem = problem.note(format!("`{}`: {error}", folder.join(error.file()).display()));
    problem.hint("`ascend-build logs` prints what its stages printed").exit(Exit::Failed)
}

/// A run without a report: what its folder tells.
fn short_page(folder: &Path, summary: &RunSummary) -> String {
    let took = format!("{} UTC, {} or more", started(summary.started), seconds(summary.seconds));
    let result = match summary.is_over() {
        true => "killed: the process ended without a report".to_owned(),
        false => "running".to_owned(),
    };
    let stages: Vec<_> = summary.stages.iter().map(|stage| stage.stage.as_str()).collect();
    heads(&[
        ("run", summary.run.clone()),
        ("result", result),
        ("started", took),
        ("target", joined(&[&summary.target, &summary.image, &summary.platform])),
        ("revision", summary.revision.as_ref().map(revision).unwrap_or_default()),
        ("begun", stages.join(", ")),
        ("logs", folder.display().to_string()),
    ])
}

fn page(past: &PastRun, folder: &Path) -> String {
    let mut page = heads(&[
        ("run", past.run.clone()),
        ("result", format!("{}, exit code {}", past.result, past.exit_code)),
        ("started", format!("{} UTC, took {}", started(past.started), seconds(past.seconds))),
        ("target", target(past)),
        ("revision", of_revision(past)),
        ("engine", engine(past)),
        ("expected", expected(past)),
        ("logs", folder.display().to_string()),
    ]);
    for part in [stages(past), packages(past), refused(past)] {
        if !part.is_empty() {
            page = page + "\n" + &part;
        }
    }
    page
}

fn heads(heads: &[(&str, String)]) -> String {
    let mut text = String::new();
    for (name, value) in heads.iter().filter(|(_, value)| !value.is_empty()) {
        _ = writeln!(text, "{name:<10}{value}");
    }
    text
}

fn joined(parts: &[&str]) -> String {
    let parts: Vec<_> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    parts.join(", ")
}

fn target(past: &PastRun) -> String {
    let plan = &past.plan;
    let stage = plan.stages.iter().find(|stage| stage.name == plan.target);
    let image = stage.map(|stage| stage.reference.as_str()).unwrap_or_default();
    joined(&[&plan.target, image, &plan.platform])
}

fn of_revision(past: &PastRun) -> String {
    let Some(of) = &past.revision else { return String::new() };
    let origin = of.origin.as_ref().map(|origin| format!(" of {origin}")).unwrap_or_default();
    let dirty = if of.dirty { ", files differed from it" } else { "" };
    format!("{}{origin}{dirty}", of.commit)
}

fn engine(past: &PastRun) -> String {
    let version = past.engine.as_ref().map(|engine| engine.version.clone()).unwrap_or_default();
    let builder = past.builder.as_ref().map(|builder| format!("builder {builder}"));
    joined(&[&version, &builder.unwrap_or_default()])
}

/// What was forecast, such as `2 min 40 s for the stages, 4.30 GiB of disk`.
fn expected(past: &PastRun) -> String {
    let Some(forecast) = &past.forecast else { return String::new() };
    let time = forecast.seconds.map(|time| format!("{} for the stages", seconds(time)));
    let disk = format!("{} of disk", bytes(forecast.disk));
    joined(&[&time.unwrap_or_default(), &disk])
}

fn stages(past: &PastRun) -> String {
    let mut table = Table::new(&["STAGE", "RESULT", "TIME", "SIZE", "IMAGE", "WHY"]);
    for stage in &past.stages {
        let why = past.decisions.iter().find(|decision| decision.stage == stage.stage);
        table.row([
            stage.stage.clone(),
            stage.outcome.clone(),
            seconds(stage.seconds),
            stage.size.map_or("-".to_owned(), bytes),
            stage.image.as_deref().map_or("-".to_owned(), short),
            why.map(|why| why.reasons.join("; ")).unwrap_or_default(),
        ]);
    }
    if past.stages.is_empty() { String::new() } else { table.to_string() }
}

fn short(digest: &str) -> String {
    digest.trim_start_matches("sha256:").chars().take(DIGITS).collect()
}

fn packages(past: &PastRun) -> String {
    let mut table = Table::new(&["PACKAGE", "SIZE", "SHA256", "FETCHED"]);
    for package in &past.packages {
        let digest = short(&package.sha256);
        let digest = if package.declared { digest } else { format!("{digest} (not declared)") };
        let fetched = fetched(package, &past.transfers);
        table.row([package.file.clone(), bytes(package.size), digest, fetched]);
    }
    if past.packages.is_empty() { String::new() } else { table.to_string() }
}

/// Such as `by B_stage`, `by B_stage 3 times`, `by B_stage, cut`.
fn fetched(package: &PastPackage, transfers: &[PastTransfer]) -> String {
    let of = transfers.iter().filter(|transfer| transfer.file == package.file);
    let mut stages: Vec<(&str, usize, bool)> = Vec::new();
    for transfer in of {
        let stage = transfer.stage.as_deref().unwrap_or("no stage");
        let cut = transfer.outcome != "whole";
        match stages.iter_mut().find(|(known, ..)| *known == stage) {
            Some((_, count, known_cut)) => {
                *count += 1;
                *known_cut = cut;
            }
            None => stages.push((stage, 1, cut)),
        }
    }
    let told = stages.iter().map(|(stage, count, cut)| {
        let times = if *count > 1 { format!(" {count} times") } else { String::new() };
        format!("by {stage}{times}{}", if *cut { ", not whole" } else { "" })
    });
    let told: Vec<_> = told.collect();
    if told.is_empty() { "-".to_owned() } else { told.join("; ") }
}

fn refused(past: &PastRun) -> String {
    let mut table = Table::new(&["REFUSED", "STATUS"]);
    past.refused.iter().for_each(|refusal| {
        table.row([refusal.path.clone(), refusal.status.to_string()]);
    });
    if past.refused.is_empty() { String::new() } else { table.to_string() }
}

/// What was wrong, as the run's end said it; an older report has its messages alone.
fn problems(past: &PastRun) -> String {
    let known = |name: &str| Code::of(name).map(Code::as_str);
    let told: Vec<_> = past.diagnostics.iter().map(|one| one.problem(known)).collect();
    let messages = || past.problems.iter().map(Problem::error).collect();
    let told: Vec<Problem> = if told.is_empty() { messages() } else { told };
    told.iter().map(|problem| format!("\n{}\n", rendered(problem))).collect()
}
