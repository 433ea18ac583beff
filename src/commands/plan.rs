//! `plan`: what a build would do. An engine that answers is asked what it has; nothing is changed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::differences;
use super::outlook::{self, Outlook};
use super::output::json;
use super::presence::missing_yet;
use super::selection::{Target, Wanted, own_platform};
use crate::error::{Exit, Problem, Result, Severity, SourceFile};
use crate::plan::{Bindings, Plan, PlannedParent, VerifiedPackage};
use crate::project::Project;
use crate::project::dockerfile::Dockerfile;
use crate::ui::{Printer, Table, bytes};

/// Show what a build would do, stage by stage, and why; nothing is built
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ascend-build plan --target C_stage --chip 910b\n  ascend-build plan --format json | jq '.packages[].file'\n  ascend-build plan --format dockerfile        # what the engine would be given\n  ascend-build plan --diff last                # what changed since the last run\n  ascend-build plan --diff mindie/c_stage:8.5.0"
)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// How to print it
    #[arg(
        long,
        value_enum,
        default_value_t,
        hide_possible_values = true,
        value_name = "table|json|dockerfile"
    )]
    format: Format,
    /// Show what differs from an earlier run, or from what an image was made from
    #[arg(long, value_name = "RUN|IMAGE", value_parser = differences::parse_earlier)]
    diff: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum Format {
    /// For people
    #[default]
    Table,
    /// For programs (docs/plan.md)
    Json,
    /// What the engine would be given, per stage
    Dockerfile,
}

/// Prints the plan on stdout.
///
/// # Errors
/// The project's files or the command line are wrong.
pub async fn run(args: &Args, folder: &Path, printer: Printer) -> Result<()> {
    let (project, plan, warnings) = args.target.plan(folder, &own_platform()?)?;
    let missing = missing_yet(&project, &plan.packages);
    printer.problems(&warnings.into_iter().chain(missing).collect::<Vec<_>>());
    if let Some(wanted) = &args.diff {
        let told = compared(args, &project, &plan, wanted).await?;
        printer.data(&told);
        return Ok(());
    }
    if let Format::Dockerfile = args.format {
        printer.data(&dockerfiles(&plan));
        return Ok(());
    }
    let files = outlook::packages(&project, &plan);
    let known = files.as_ref().map_or_else(|_| Vec::new(), Clone::clone);
    let outlook = foreseen(&project, &plan, files, args.target.source.builder, printer).await;
    match args.format {
        Format::Json => {
            let outlook = outlook.as_ref().map(outlook::json);
            printer.data(&json(&Foretold { plan: &plan, outlook })?);
        }
        _ => printer.page(&page(&plan, &known, outlook.as_ref())),
    }
    Ok(())
}

/// What differs from the run or image `wanted`.
async fn compared(args: &Args, project: &Project, plan: &Plan, wanted: &str) -> Result<String> {
    let packages = outlook::packages(project, plan)?;
    let builder = args.target.source.builder;
    let (outlook, engine) = outlook::outlook(project, plan, packages, builder).await?;
    let earlier = differences::earlier(project, &engine, wanted).await?;
    let differences = differences::differences(project, &outlook, &earlier)?;
    match args.format {
        Format::Table => Ok(differences::table(&differences)),
        Format::Json => json(&differences::json(&differences)),
        Format::Dockerfile => {
            Err(Problem::error("`--diff` does not go with `--format dockerfile`")
                .hint("leave one of them out; `--format json` gives the differences to programs")
                .exit(Exit::Usage))
        }
    }
}

/// What a build would do with each stage; where that cannot be known, it is said why.
async fn foreseen(
    project: &Project,
    plan: &Plan,
    files: Result<Vec<VerifiedPackage>>,
    builder: Wanted,
    printer: Printer,
) -> Option<Outlook> {
    let outlook = match files {
        Ok(files) => outlook::outlook(project, plan, files, builder).await,
        Err(error) => Err(error),
    };
    match outlook {
        Ok((outlook, _)) => Some(outlook),
        Err(error) => {
            let note = Problem {
                severity: Severity::Note,
                ..Problem::error("whether each stage would be built or reused is not known")
            };
            let cause = error.problems.first().map(|problem| problem.message.clone());
            printer.problems(&[cause.into_iter().fold(note, Problem::note)]);
            None
        }
    }
}

/// What `--format json` prints.
#[derive(Serialize)]
struct Foretold<'a> {
    #[serde(flatten)]
    plan: &'a Plan,
    outlook: Option<serde_json::Value>,
}

fn page(plan: &Plan, known: &[VerifiedPackage], outlook: Option<&Outlook>) -> String {
    table(plan, known) + &outlook.map_or_else(String::new, outlook::table)
}

/// The plan for people.
pub(super) fn table(plan: &Plan, known: &[VerifiedPackage]) -> String {
    let chip = plan.chip.as_ref().map(|chip| format!(", chip {chip}")).unwrap_or_default();
    let mut stages = Table::new(&["STAGE", "FROM", "STEPS", "PACKAGES", "CHECKS", "IMAGE", "WHY"]);
    for stage in &plan.stages {
        let from = match &stage.from {
            PlannedParent::Base(base) => base.image.clone(),
            PlannedParent::Stage(name) => name.to_string(),
        };
        let counts = [stage.instructions.len(), stage.packages.len(), stage.checks.len()]
            .map(|count| count.to_string());
        let [steps, packages, checks] = counts;
        stages.row([
            stage.name.to_string(),
            from,
            steps,
            packages,
            checks,
            stage.reference.clone(),
            stage.reason.clone(),
        ]);
    }
    format!(
        "{} {} for {}{chip}\n\n{stages}{}{}",
        plan.project,
        plan.target,
        plan.platform,
        extra_tags(plan),
        packages(plan, known)
    )
}

fn extra_tags(plan: &Plan) -> String {
    match plan.extra_tags.as_slice() {
        [] => String::new(),
        tags => format!("\n{} is tagged {} as well\n", plan.target, tags.join(", ")),
    }
}

fn packages(plan: &Plan, known: &[VerifiedPackage]) -> String {
    if plan.packages.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["PACKAGE", "FILE", "SIZE", "SHA256"]);
    let known: HashMap<_, _> = known.iter().rev().map(|found| (&found.file, found)).collect();
    for package in &plan.packages {
        let found = known.get(&package.file);
        let digest = match (&package.sha256, found) {
            (Some(declared), _) => declared.short().to_owned(),
            (None, Some(found)) => format!("{} (not verified)", found.sha256.short()),
            (None, None) => "not declared".to_owned(),
        };
        let size = found.map(|found| found.size).filter(|size| *size > 0).or(package.size);
        table.row([
            package.name.to_string(),
            package.file.clone(),
            size.map(bytes).unwrap_or_default(),
            digest,
        ]);
    }
    format!("\n{table}")
}

fn dockerfiles(plan: &Plan) -> String {
    let reference =
        |name: &_| plan.stage(name).map(|stage| stage.reference.clone()).unwrap_or_default();
    let files: Vec<_> = plan
        .packages
        .iter()
        .map(|package| (package.file.clone(), package.sha256.clone()))
        .collect();
    let bindings = Bindings {
        reference: &reference,
        base: &str::to_owned,
        files: &files,
        mark: None,
        authority: &str::to_owned,
        mounts: true,
        relocated: true,
    };
    let texts =
        plan.stages.iter().map(|stage| titled(&stage.reference, stage.dockerfile(&bindings)));
    texts.collect::<Vec<_>>().join("\n")
}

/// A Dockerfile with its image's name above it, but below its directives, which must stay first.
fn titled(reference: &str, text: String) -> String {
    let source = Arc::new(SourceFile { path: PathBuf::from("Dockerfile"), text });
    let (dockerfile, _) = Dockerfile::read(Arc::clone(&source));
    let end = dockerfile.directives().last().map_or(0, |last| last.span.end);
    let end = end + source.text[end..].find('\n').filter(|_| end > 0).map_or(0, |line| line + 1);
    format!("{}# {reference}\n{}", &source.text[..end], &source.text[end..])
}
