//! Leaving a stage out: its children start from its parent.

use super::{Parent, Project, Stage, StageName};
use crate::error::{Exit, Problem, Result, did_you_mean};

/// Leaves the stages called `names` out of `project`.
///
/// # Errors
/// [`Exit::Usage`]: there is no such stage, or another stage copies files from it.
pub fn skip(project: &mut Project, names: &[String]) -> Result<()> {
    let all = names.iter().map(|name| known(project, name)).collect::<Result<Vec<_>>>()?;
    for skipped in all.clone() {
        refuse_copies(project, &skipped, &all)?;
        let Some(stage) = project.stages.shift_remove(&skipped) else { continue };
        for child in
            project.stages.values_mut().filter(|child| child.from == Parent::Stage(skipped.clone()))
        {
            child.from = stage.from.clone();
            child.instead_of.push(skipped.clone());
            child.instead_of.extend(stage.instead_of.iter().cloned());
        }
        if project.default_target.as_ref() == Some(&skipped) {
            project.default_target = None;
        }
    }
    Ok(())
}

fn known(project: &Project, name: &str) -> Result<StageName> {
    project.stage(name).map(|stage| stage.name.clone()).ok_or_else(|| {
        let hint = did_you_mean(name, project.stages.keys().map(StageName::as_str));
        let stages: Vec<_> = project.stages.keys().map(|name| format!("`{name}`")).collect();
        Problem::error(format!("there is no stage `{name}` to skip"))
            .note(format!("stages: {}", stages.join(", ")))
            .maybe_hint(hint)
            .exit(Exit::Usage)
    })
}

/// Refuses where a stage that is not in `all` copies from the skipped one.
fn refuse_copies(project: &Project, skipped: &StageName, all: &[StageName]) -> Result<()> {
    let copying = |stage: &&Stage| stage.copies.contains(skipped) && !all.contains(&stage.name);
    match project.stages.values().find(copying) {
        None => Ok(()),
        Some(stage) => Err(Problem::error(format!("stage `{skipped}` cannot be skipped"))
            .at(stage.place.clone(), format!("`{}` copies files from it", stage.name))
            .hint(format!("skip `{}` as well, or build with `{skipped}`", stage.name))
            .exit(Exit::Usage)),
    }
}
