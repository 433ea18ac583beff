//! `check`: everything about a project that can be known without an engine.

use std::path::Path;

use super::judgement::judge;
use super::selection::{Source, own_platform};
use super::{guesses, materials};
use crate::error::{Error, Exit, Problem, Result, Severity};
use crate::plan::{Wishes, make};
use crate::project::dockerfile::WARNING_CODES;
use crate::ui::Printer;

/// Check the project's files: every stage, name and package selection, without an engine
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ascend-build check\n  ascend-build check --platform linux/arm64 --chip 310p"
)]
pub struct Args {
    #[command(flatten)]
    source: Source,
}

/// Checks every stage as a target; prints one line when all is well.
///
/// # Errors
/// Every problem of the project.
pub fn run(args: &Args, folder: &Path, printer: Printer) -> Result<()> {
    let platform = own_platform()?;
    let (project, mut problems) = args.source.load(folder, &platform)?;
    let mut seen = Vec::new();
    for stage in project.stages.keys() {
        let wishes = Wishes {
            target: Some(stage.to_string()),
            selection: args.source.selection(&project, &platform),
            settings: Vec::new(),
            tag: "latest".to_owned(),
            extra_tags: Vec::new(),
        };
        match make(&project, &wishes) {
            Ok(mut plan) => {
                let judged = judge(&project, &plan).into_iter();
                problems.extend(judged.filter(|problem| fresh(problem, &mut seen)));
                let guessed = args.source.denied(guesses::add(&project, &mut plan)).into_iter();
                problems.extend(guessed.filter(|problem| fresh(problem, &mut seen)));
                let planned = plan.stage(stage).into_iter();
                problems.extend(
                    planned.flat_map(|planned| materials::missing_sources(&project, planned)),
                );
            }
            // A stage's problem comes back with every stage that builds on it.
            Err(error) => problems
                .extend(error.problems.into_iter().filter(|problem| fresh(problem, &mut seen))),
        }
    }
    let warnings = Error::check(Exit::Project, args.source.denied(problems))?;
    printer.problems(&warnings);
    let counts = format!("{} stages, {} packages", project.stages.len(), project.packages.len());
    let count = warnings.iter().filter(|problem| problem.severity == Severity::Warning).count();
    printer.data(&match count {
        0 => format!("{}: {counts}, no problem found\n", project.name),
        1 => format!("{}: {counts}, 1 warning\n", project.name),
        several => format!("{}: {counts}, {several} warnings\n", project.name),
    });
    let on_page = |code| code == guesses::CODE || WARNING_CODES.contains(&code);
    if warnings.iter().filter_map(|problem| problem.code).any(on_page) {
        printer
            .talk("docs/warnings.md tells what a warning means; `--deny CODE` makes it an error");
    }
    Ok(())
}

fn fresh(problem: &Problem, seen: &mut Vec<(String, Option<String>)>) -> bool {
    // One conflict may be told in other words where another stage brings more packages.
    let what = problem.code.map_or_else(|| problem.message.clone(), str::to_owned);
    let key = (what, problem.place.as_ref().map(ToString::to_string));
    let fresh = !seen.contains(&key);
    seen.push(key);
    fresh
}
