//! `history`: the runs of a project, the last one first.

use std::collections::BTreeSet;
use std::path::Path;

use time::OffsetDateTime;
use time::macros::format_description;

use super::output::Output;
use super::past;
use crate::error::{Result, did_you_mean};
use crate::run::Revision;
use crate::run::history::{History, RunSummary};
use crate::ui::{Printer, Table, seconds};

/// How many digits of a commit are shown.
const DIGITS: usize = 10;

/// List the runs: when, of which target and revision, with which result
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ascend-build history\n  ascend-build history --target C_stage --limit 5\n  ascend-build history --limit 0 --format json | jq -r '.[] | select(.result == \"failed\") | .run'\n\nTimes are UTC. A `+` behind a revision: files differed from the commit. `killed`: the process\nended without a report. Runs are kept for 90 days, the last 100 of a project; the last one of\neach target and platform stays. docs/runs.md tells more."
)]
pub struct Args {
    /// List the runs of this target alone
    #[arg(long, value_name = "STAGE")]
    target: Option<String>,
    /// List at most N runs; 0 lists all
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    #[command(flatten)]
    output: Output,
}

/// Lists.
///
/// # Errors
/// None but those of writing JSON.
pub fn run(args: &Args, folder: &Path, printer: Printer) -> Result<()> {
    let state = past::state(folder);
    let limit = if args.limit == 0 { usize::MAX } else { args.limit };
    // Without a filter, what is not listed need not be read.
    let mut history = match args.target {
        None => History::last(&state, limit),
        Some(_) => History::read(&state),
    };
    past::warn(&history, printer);
    history.runs.reverse();
    let targets: BTreeSet<_> = history.runs.iter().map(|run| run.target.clone()).collect();
    history.runs.retain(|run| {
        args.target.as_ref().is_none_or(|target| run.target.eq_ignore_ascii_case(target))
    });
    let left_out = history.earlier + history.runs.len().saturating_sub(limit);
    history.runs.truncate(limit);
    let shown = &history.runs;
    if args.output.is_table() && shown.is_empty() {
        printer.talk(&nothing(args.target.as_deref(), &targets));
        return Ok(());
    }
    args.output.print(printer, || table(shown), || shown)?;
    if args.output.is_table() && left_out > 0 {
        printer.talk(&format!("{left_out} more (`--limit 0` lists all)"));
    }
    Ok(())
}

fn nothing(target: Option<&str>, targets: &BTreeSet<String>) -> String {
    let Some(target) = target else { return "no runs".to_owned() };
    let meant = did_you_mean(target, targets.iter().map(String::as_str));
    let hint = meant.map(|hint| format!("; {hint}")).unwrap_or_default();
    format!("no runs of `{target}`{hint}")
}

fn table(runs: &[RunSummary]) -> String {
    let mut table =
        Table::new(&["RUN", "STARTED", "TARGET", "RESULT", "TIME", "REVISION", "STAGES"]);
    for run in runs {
        table.row([
            run.run.clone(),
            started(run.started),
            or_dash(&run.target),
            run.result.clone(),
            seconds(run.seconds),
            run.revision.as_ref().map_or("-".to_owned(), revision),
            stages(run),
        ]);
    }
    table.to_string()
}

fn or_dash(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { text.to_owned() }
}

/// Such as `2026-11-21 06:26:40`.
pub(super) fn started(time: OffsetDateTime) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    time.to_offset(time::UtcOffset::UTC).format(format).unwrap_or_default()
}

/// Such as `7484a71f02+`.
pub(super) fn revision(revision: &Revision) -> String {
    let digits: String = revision.commit.chars().take(DIGITS).collect();
    format!("{digits}{}", if revision.dirty { "+" } else { "" })
}

/// Such as `built B C, reused A`.
fn stages(run: &RunSummary) -> String {
    let outcomes = ["failed", "interrupted", "killed", "running", "built", "reused"];
    let of = |outcome: &str| {
        let stages = run.stages.iter().filter(|stage| stage.outcome == outcome);
        let names: Vec<_> = stages.map(|stage| stage.stage.as_str()).collect();
        (!names.is_empty()).then(|| format!("{outcome} {}", names.join(" ")))
    };
    let parts: Vec<_> = outcomes.iter().filter_map(|outcome| of(outcome)).collect();
    if parts.is_empty() { "-".to_owned() } else { parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_that_was_never_built_is_told_with_the_one_that_is_meant() {
        let targets = BTreeSet::from(["C_stage".to_owned()]);
        let check = |target, expected: &str| assert_eq!(nothing(target, &targets), expected);
        check(None, "no runs");
        check(Some("other"), "no runs of `other`");
        check(Some("C_stge"), "no runs of `C_stge`; did you mean `C_stage`?");
    }
}
