//! What a build would do with each stage, asked of an engine and changing nothing,
//! and what differs from an earlier run or image.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use tokio::sync::watch;

use super::materials::Disk;
use super::packages::Packages;
use super::verification;
use crate::engine::{DockerEngine, Engine};
use crate::error::{Error, Exit, Problem, Result};
use crate::plan::{FileIdentity, Inputs, Plan, PlannedPackage, VerifiedPackage, changes, told};
use crate::project::{Project, StageName};
use crate::run::{self, Decision, KEY, STAGE, Sources, Stock, foresee, inputs_of};
use crate::store::{Found, RootIndex, verify};
use crate::ui::Table;

/// What would become of each stage, in the plan's order.
pub(super) type Outlook = Vec<(StageName, Decision)>;

/// Asks an engine what a build would do.
///
/// # Errors
/// No engine answers, or a file that nothing declares is missing.
pub(super) async fn outlook(
    project: &Project,
    plan: &Plan,
    packages: Vec<VerifiedPackage>,
) -> Result<(Outlook, DockerEngine)> {
    let engine = DockerEngine::connect().await?;
    let disk = Disk {
        context: project.context.clone(),
        dockerfile: project.dockerfile.clone(),
        options: verification::options(project.roots.clone(), false),
        verified: watch::channel(Packages::new(packages.clone())).1,
        expected: Packages::new(packages),
        shared: None,
    };
    let stock = Stock::of(&engine).await?;
    let sources =
        Sources { plan, engine: &engine, materials: &disk, stock: &stock, no_cache: false };
    let outlook = foresee(&sources).await?;
    Ok((outlook, engine))
}

/// The plan's files by what is declared of them; what nothing declares is hashed.
///
/// # Errors
/// A file that nothing declares is missing or cannot be read.
pub(super) fn packages(project: &Project, plan: &Plan) -> Result<Vec<VerifiedPackage>> {
    let undeclared: Vec<_> =
        plan.packages.iter().filter(|package| package.sha256.is_none()).cloned().collect();
    let options = verification::options(project.roots.clone(), false);
    let mut packages = verify(&undeclared, &options, &|_| {}, &AtomicBool::new(false))?;
    packages.extend(declared_packages(project, plan));
    Ok(packages)
}

/// The plan's files that are declared, as they are declared; none is read.
pub(super) fn declared_packages(project: &Project, plan: &Plan) -> Vec<VerifiedPackage> {
    let index = RootIndex::walk(&project.roots);
    plan.packages.iter().filter_map(|package| declared(package, &index)).collect()
}

fn declared(package: &PlannedPackage, index: &RootIndex) -> Option<VerifiedPackage> {
    let path = match index.find(&package.file) {
        Found::File { path, .. } => path.to_owned(),
        _ => PathBuf::new(),
    };
    let metadata = path.metadata().ok();
    Some(VerifiedPackage {
        name: package.name.clone(),
        file: package.file.clone(),
        sha256: package.sha256.clone()?,
        size: metadata.as_ref().map(std::fs::Metadata::len).or(package.size).unwrap_or(0),
        declared: true,
        identity: metadata.as_ref().map(FileIdentity::from).unwrap_or_default(),
        path,
    })
}

/// The outlook for people.
pub(super) fn table(outlook: &Outlook) -> String {
    let mut table = Table::new(&["STAGE", "A BUILD", "BECAUSE"]);
    for (stage, decision) in outlook {
        let word = if decision.reuse.is_some() { "reuses it" } else { "builds it" };
        table.row([stage.to_string(), word.to_owned(), decision.reasons.join("; ")]);
    }
    format!("\n{table}")
}

/// The outlook for programs.
pub(super) fn json(outlook: &Outlook) -> serde_json::Value {
    let one = |(stage, decision): &(StageName, Decision)| {
        serde_json::json!({
            "stage": stage,
            "reused": decision.reuse.is_some(),
            "reasons": decision.reasons,
            "key": decision.key,
            "inputs": decision.inputs,
        })
    };
    outlook.iter().map(one).collect()
}

/// What names a run or an image on the command line.
///
/// # Errors
/// It is empty, and would begin every id.
pub(super) fn parse_earlier(text: &str) -> std::result::Result<String, &'static str> {
    match text {
        "" => Err("it is empty; expected a run's id, a beginning of it, `last`, or an image"),
        _ => Ok(text.to_owned()),
    }
}

/// What an earlier run, or an image, was made from.
///
/// # Errors
/// There is no such run or image, or it does not say what it was made from.
pub(super) async fn earlier(
    project: &Project,
    engine: &DockerEngine,
    wanted: &str,
) -> Result<HashMap<String, Inputs>> {
    let state = run::state_folder(&project.folder);
    if let Ok(run) = run::history::find(&state, wanted) {
        return of_run(&state, &run);
    }
    let images = engine.labelled(KEY).await?;
    let full = if wanted.contains(':') { wanted.to_owned() } else { format!("{wanted}:latest") };
    let named = images.iter().find(|image| {
        image.references.contains(&full)
            || image.id.trim_start_matches("sha256:").starts_with(wanted)
            || image.id == wanted
    });
    let Some(image) = named else {
        // The engine may have it, made by somebody else.
        let foreign = engine.image(wanted).await.is_ok_and(|image| image.is_some());
        return Err(if foreign { not_ours(wanted) } else { nothing(wanted) });
    };
    let stage = image.labels.get(STAGE).cloned().unwrap_or_default();
    let inputs = inputs_of(&image.labels).ok_or_else(|| silent(wanted))?;
    Ok(HashMap::from([(stage, inputs)]))
}

fn nothing(wanted: &str) -> Error {
    Problem::error(format!("there is no run and no image `{wanted}` to compare with"))
        .hint("`ascend-build history` lists the runs, `docker images` the images")
        .exit(Exit::Usage)
}

fn not_ours(wanted: &str) -> Error {
    Problem::error(format!("image `{wanted}` does not say what it was made from"))
        .note("it was not built by ascend-build, or before it told")
        .hint("name an image that ascend-build built, or a run: `ascend-build history` lists them")
        .exit(Exit::Usage)
}

fn of_run(state: &std::path::Path, run: &run::RunId) -> Result<HashMap<String, Inputs>> {
    let text = std::fs::read(run::history::run_folder(state, run).join("report.json"))
        .map_err(|_| silent(run.as_str()))?;
    let report: ReportInputs = serde_json::from_slice(&text).map_err(|_| silent(run.as_str()))?;
    Ok(report.decisions.into_iter().map(|one| (one.stage, one.inputs)).collect())
}

fn silent(name: &str) -> Error {
    Problem::error(format!("`{name}` does not say what its stages were made from"))
        .hint("compare with a run that decided at least one stage")
        .exit(Exit::Usage)
}

/// What is read of a report.
#[derive(serde::Deserialize)]
struct ReportInputs {
    decisions: Vec<StageInputs>,
}

#[derive(serde::Deserialize)]
struct StageInputs {
    stage: String,
    inputs: Inputs,
}

/// What differs, stage by stage.
pub(super) fn differences(outlook: &Outlook, earlier: &HashMap<String, Inputs>) -> String {
    let mut table = Table::new(&["STAGE", "DIFFERENCES"]);
    for (stage, decision) in outlook {
        let Some(old) = earlier.get(stage.as_str()) else { continue };
        let told = told(&changes(old, &decision.inputs), |_| None);
        let told = if told.is_empty() { vec!["none".to_owned()] } else { told };
        for (number, difference) in told.into_iter().enumerate() {
            let name = if number == 0 { stage.to_string() } else { String::new() };
            table.row([name, difference]);
        }
    }
    table.to_string()
}
