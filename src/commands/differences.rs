//! What differs between what a build would be made from now and an earlier run or image.

use std::collections::BTreeMap;
use std::path::Path;

use super::outlook::Outlook;
use super::past;
use crate::engine::{DockerEngine, Engine};
use crate::error::{Error, Exit, Problem, Result};
use crate::plan::{Inputs, changes, told};
use crate::project::Project;
use crate::run::history::{NotFound, find, run_folder};
use crate::run::{self, Decision, KEY, RunId, STAGE, inputs_of};
use crate::ui::Table;

/// What something earlier was made from, by stage.
pub(super) struct Earlier {
    stages: BTreeMap<String, Inputs>,
    /// All stages that a run was to build; of an image, none.
    planned: Vec<String>,
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
) -> Result<Earlier> {
    let state = run::state_folder(&project.folder);
    match find(&state, wanted) {
        Ok(run) => of_run(&state, &run),
        Err(NotFound::Several(_)) => past::run(&state, wanted).and_then(|run| of_run(&state, &run)),
        Err(NotFound::NoRuns) if wanted == "last" => {
            past::run(&state, wanted).and_then(|run| of_run(&state, &run))
        }
        Err(_) => of_image(engine, wanted).await,
    }
}

async fn of_image(engine: &DockerEngine, wanted: &str) -> Result<Earlier> {
    let Some(facts) = engine.image(wanted).await? else { return Err(nothing(wanted)) };
    let images = engine.labelled(KEY).await?;
    let image = images.iter().find(|image| image.id == facts.id).ok_or_else(|| not_ours(wanted))?;
    let stage = image.labels.get(STAGE).cloned().unwrap_or_default();
    let inputs = inputs_of(&image.labels).ok_or_else(|| silent(wanted))?;
    Ok(Earlier { stages: BTreeMap::from([(stage, inputs)]), planned: Vec::new() })
}

fn of_run(state: &Path, run: &RunId) -> Result<Earlier> {
    let text = std::fs::read(run_folder(state, run).join("report.json"));
    let report = text.ok().and_then(|text| serde_json::from_slice::<ReportInputs>(&text).ok());
    let report = report.filter(|report| !report.decisions.is_empty());
    let report = report.ok_or_else(|| silent(run.as_str()))?;
    let stages = report.decisions.into_iter().map(|one| (one.stage, one.inputs)).collect();
    Ok(Earlier { stages, planned: report.plan.stages.into_iter().map(|one| one.name).collect() })
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

fn silent(name: &str) -> Error {
    Problem::error(format!("`{name}` does not say what its stages were made from"))
        .hint("compare with a run that decided at least one stage")
        .exit(Exit::Usage)
}

/// What is read of a report.
#[derive(serde::Deserialize)]
struct ReportInputs {
    decisions: Vec<StageInputs>,
    plan: ReportPlan,
}

#[derive(serde::Deserialize)]
struct ReportPlan {
    stages: Vec<PlannedName>,
}

#[derive(serde::Deserialize)]
struct PlannedName {
    name: String,
}

#[derive(serde::Deserialize)]
struct StageInputs {
    stage: String,
    inputs: Inputs,
}

/// The stages of the plan, then those of the earlier run that the project has no more, each with
/// what differs.
///
/// # Errors
/// They have no stage in common.
pub(super) fn differences(
    project: &Project,
    outlook: &Outlook,
    earlier: &Earlier,
) -> Result<Vec<(String, Vec<String>)>> {
    let now: Vec<&str> = outlook.iter().map(|(stage, _)| stage.as_str()).collect();
    if !now.iter().any(|stage| earlier.stages.contains_key(*stage)) {
        return Err(nothing_in_common(&now, earlier));
    }
    let compared = outlook.iter().filter_map(|(stage, decision)| {
        Some((stage.to_string(), compared(stage.as_str(), decision, earlier)?))
    });
    let gone = earlier.planned.iter().filter(|stage| !project.stages.contains_key(stage.as_str()));
    let gone = gone.map(|stage| (stage.clone(), vec!["the stage is gone".to_owned()]));
    Ok(compared.chain(gone).collect())
}

/// What differs of one stage; `None` where the other is an image of another one.
fn compared(stage: &str, decision: &Decision, earlier: &Earlier) -> Option<Vec<String>> {
    let Some(old) = earlier.stages.get(stage) else {
        let planned = earlier.planned.iter().any(|planned| planned == stage);
        let word =
            if planned { "that run did not come so far" } else { "that run did not build it" };
        return (!earlier.planned.is_empty()).then(|| vec![word.to_owned()]);
    };
    let mut differs = told(&changes(old, &decision.inputs), |_| None);
    if let (true, Some(what)) = (differs.is_empty(), &decision.assumed) {
        differs.push(format!("none, if {what} is what it was"));
    }
    Some(differs)
}

fn nothing_in_common(now: &[&str], earlier: &Earlier) -> Error {
    let before: Vec<&str> = earlier.stages.keys().map(String::as_str).collect();
    Problem::error("there is no stage to compare: none is in both")
        .note(format!("stages now: {}; then: {}", now.join(", "), before.join(", ")))
        .hint("name the stage that is meant with `--target STAGE`")
        .exit(Exit::Usage)
}

/// The differences for people.
pub(super) fn table(differences: &[(String, Vec<String>)]) -> String {
    let mut table = Table::new(&["STAGE", "DIFFERENCES"]);
    for (stage, told) in differences {
        let first = told.first().map_or("none", String::as_str);
        table.row([stage.clone(), first.to_owned()]);
        for difference in told.iter().skip(1) {
            table.row([String::new(), difference.clone()]);
        }
    }
    table.to_string()
}

/// The differences for programs.
pub(super) fn json(differences: &[(String, Vec<String>)]) -> serde_json::Value {
    let one = |(stage, told): &(String, Vec<String>)| serde_json::json!({ "stage": stage, "differences": told });
    differences.iter().map(one).collect()
}
