//! `check`: everything about a project that can be known without an engine.

use std::path::Path;

use super::judgement::judge;
use super::materials;
use super::selection::{load, own_platform};
use crate::error::{Error, Exit, Problem, Result};
use crate::plan::{Selection, Wishes, make};
use crate::project::Platform;
use crate::ui::Printer;

/// Check the project's files: every stage, name and package selection, without an engine
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ascend-build check\n  ascend-build check --platform linux/arm64 --chip 310p"
)]
pub struct Args {
    /// Check for this platform [default: this machine's]
    #[arg(long, value_name = "linux/arm64|linux/amd64")]
    platform: Option<Platform>,
    /// Check for this chip [default: the project's `default-chip`]
    #[arg(long, value_name = "CHIP")]
    chip: Option<String>,
}

/// Checks every stage as a target; prints one line when all is well.
///
/// # Errors
/// Every problem of the project.
pub fn run(args: &Args, folder: &Path, printer: Printer) -> Result<()> {
    let (project, mut problems) = load(folder)?;
    let platform = args.platform.clone().map_or_else(own_platform, Ok)?;
    let chip =
        args.chip.clone().or_else(|| project.default_chip.clone()).map(|chip| chip.to_lowercase());
    let mut seen = Vec::new();
    for stage in project.stages.keys() {
        let wishes = Wishes {
            target: Some(stage.to_string()),
            selection: Selection { platform: platform.clone(), chip: chip.clone() },
            settings: Vec::new(),
            tag: "latest".to_owned(),
            extra_tags: Vec::new(),
        };
        match make(&project, &wishes) {
            Ok(plan) => {
                let judged = judge(&project, &plan).into_iter();
                problems.extend(judged.filter(|problem| fresh(problem, &mut seen)));
                let planned = plan.stage(stage).into_iter();
                problems.extend(planned.flat_map(|planned| {
                    materials::missing_sources(&project.stages_folder(), planned)
                }));
            }
            // A stage's problem comes back with every stage that builds on it.
            Err(error) => problems
                .extend(error.problems.into_iter().filter(|problem| fresh(problem, &mut seen))),
        }
    }
    let warnings = Error::check(Exit::Project, problems)?;
    printer.problems(&warnings);
    printer.data(&format!(
        "{}: {} stages, {} packages, no problem found\n",
        project.name,
        project.stages.len(),
        project.packages.len()
    ));
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
