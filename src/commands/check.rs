//! `check`: everything about a project that can be known without an engine.
//!
//! 1. Plan each stage as a target, or the one that is named, and judge it.
//! 2. Look for the files that a Dockerfile fetches, without reading them.
//! 3. Tell everything at once.

use std::path::Path;

use super::judgement::judge;
use super::presence::missing;
use super::selection::{Source, own_platform};
use super::{guesses, materials};
use crate::error::{Error, Exit, Problem, Result, Severity};
use crate::plan::{PlannedPackage, Wishes, ancestors, make};
use crate::project::dockerfile::WARNING_CODES;
use crate::project::{self, Platform, Project, Stage, StageName};
use crate::ui::{Printer, counted};

/// Check the project's files: every stage, name and package selection, without an engine
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ascend-build check\n  ascend-build check --target C_stage\n  ascend-build check --platform linux/arm64 --chip 310p"
)]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// Check only this stage and what it needs, as a build of it would [default: every stage]
    #[arg(long, value_name = "STAGE")]
    target: Option<String>,
}

/// Checks the target, or every last stage as one, and so all; prints one line when all is well.
///
/// # Errors
/// Every problem of the project; [`Exit::Package`] where only files that a Dockerfile fetches are
/// missing.
pub fn run(args: &Args, folder: &Path, printer: Printer) -> Result<()> {
    let platform = own_platform()?;
    let (project, mut problems) = args.project(folder, &platform)?;
    let targets = args.targets(&project, &platform)?;
    let stages: Vec<_> = targets.iter().flat_map(|target| ancestors(&project, target)).collect();
    let built: Vec<&StageName> =
        project.stages.keys().filter(|name| stages.iter().any(|one| one.name == **name)).collect();
    problems.retain(|problem| project::concerns(&project, &built, problem));
    problems.extend(project::unused_arguments(&project, &built));
    problems.extend(args.source.unset_arguments(&project, &built));
    let mut checked = Checked { problems, ..Checked::default() };
    for stage in targets {
        checked.stage(&args.source, &project, stage, &platform);
    }
    let warnings = checked.end(&args.source, &project)?;
    printer.problems(&warnings);
    printer.data(&args.summary(&project, built.len(), &checked.packages, &warnings));
    let on_page = |code| guesses::CODES.contains(&code) || WARNING_CODES.contains(&code);
    if warnings.iter().filter_map(|problem| problem.code).any(on_page) {
        printer
            .talk("docs/warnings.md tells what a warning means; `--deny CODE` makes it an error");
    }
    Ok(())
}

impl Args {
    fn project(&self, folder: &Path, platform: &Platform) -> Result<(Project, Vec<Problem>)> {
        match &self.target {
            Some(target) => self.source.load_for(target, folder, platform),
            None => self.source.load(folder, platform),
        }
    }

    /// The stage that was asked for, else the last ones: what a stage needs, everything that is
    /// built on it needs as well.
    fn targets<'a>(&self, project: &'a Project, platform: &Platform) -> Result<Vec<&'a Stage>> {
        if let Some(name) = &self.target {
            let unknown =
                || make(project, &wishes(&self.source, project, name, platform)).map(drop);
            return match project.stage(name) {
                Some(stage) => Ok(vec![stage]),
                None => unknown().map(|()| Vec::new()),
            };
        }
        let is_parent =
            |name| project.stages.values().any(|stage| stage.parents().any(|of| of == name));
        Ok(project.stages.values().filter(|stage| !is_parent(&stage.name)).collect())
    }

    fn summary(
        &self,
        project: &Project,
        stages: usize,
        needed: &[PlannedPackage],
        warnings: &[Problem],
    ) -> String {
        let packages = match (&project.dockerfile, &self.target) {
            (None, None) => project.packages.len(),
            _ => needed.len(),
        };
        let (stages, packages) = (counted(stages, "stage"), counted(packages, "package"));
        let warned = |problem: &&Problem| problem.severity == Severity::Warning;
        let told = match warnings.iter().filter(warned).count() {
            0 => "no problem found".to_owned(),
            number => counted(number, "warning"),
        };
        format!("{}: {stages}, {packages}, {told}\n", project.name)
    }
}

fn wishes(source: &Source, project: &Project, target: &str, platform: &Platform) -> Wishes {
    Wishes {
        target: Some(target.to_owned()),
        selection: source.selection(project, platform),
        settings: Vec::new(),
        tag: "latest".to_owned(),
        extra_tags: Vec::new(),
    }
}

/// What all stages together have shown so far.
#[derive(Default)]
struct Checked {
    problems: Vec<Problem>,
    /// What was told, so that a stage's problem does not come back with every stage that builds on it.
    told: Vec<(String, Option<String>)>,
    /// Every file that a stage certainly needs, each once.
    packages: Vec<PlannedPackage>,
    /// What is there and may be asked for.
    possible: Vec<PlannedPackage>,
}

impl Checked {
    fn stage(&mut self, source: &Source, project: &Project, stage: &Stage, platform: &Platform) {
        match make(project, &wishes(source, project, stage.name.as_str(), platform)) {
            Ok(mut plan) => {
                self.need(&plan.packages);
                self.tell(judge(project, &plan));
                let certain = plan.packages.len();
                self.tell(guesses::add(project, &mut plan));
                let fresh = |file: &PlannedPackage| {
                    self.possible.iter().all(|known| known.file != file.file)
                };
                let possible: Vec<_> = plan.packages.drain(certain..).filter(fresh).collect();
                self.possible.extend(possible);
                for planned in &plan.stages {
                    self.tell(materials::missing_sources(project, planned));
                }
            }
            Err(error) => self.tell(error.problems),
        }
    }

    fn need(&mut self, packages: &[PlannedPackage]) {
        for package in packages {
            if self.packages.iter().all(|known| known.file != package.file) {
                self.packages.push(package.clone());
            }
        }
    }

    fn tell(&mut self, problems: Vec<Problem>) {
        let fresh = problems.into_iter().filter(|problem| fresh(problem, &mut self.told));
        self.problems.extend(fresh);
    }

    /// The warnings; files of a Dockerfile's own addresses must be there, as for a build.
    fn end(&mut self, source: &Source, project: &Project) -> Result<Vec<Problem>> {
        let mut problems = source.denied(std::mem::take(&mut self.problems));
        let is_error = |problem: &Problem| problem.severity == Severity::Error;
        let exit = if problems.iter().any(is_error) { Exit::Project } else { Exit::Package };
        self.possible.retain(|file| self.packages.iter().all(|known| known.file != file.file));
        problems.extend(missing(project, &self.packages));
        problems.extend(missing(project, &self.possible));
        Error::check(exit, problems)
    }
}

fn fresh(problem: &Problem, seen: &mut Vec<(String, Option<String>)>) -> bool {
    // One conflict may be told in other words where another stage brings more packages.
    let what = problem.code.map_or_else(|| problem.message.clone(), str::to_owned);
    let key = (what, problem.place.as_ref().map(ToString::to_string));
    let fresh = !seen.contains(&key);
    seen.push(key);
    fresh
}
