//! Secrets that a Dockerfile's addresses name.

use super::{Plan, is_secret};
use crate::error::Problem;
use crate::project::{Fetched, Project};

/// Hidden files, keys and credentials are not served because an address names them: only an
/// entry of packages.toml says that an image may hold one.
pub fn secrets(project: &Project, plan: &Plan) -> Vec<Problem> {
    let stages = plan.stages.iter().filter_map(|planned| project.stages.get(&planned.name));
    let fetches = stages.flat_map(|stage| &stage.fetches);
    fetches.filter_map(|fetched| secret(project, fetched)).collect()
}

fn secret(project: &Project, fetched: &Fetched) -> Option<Problem> {
    let file = fetched.file.as_ref().ok().filter(|file| is_secret(file))?;
    if project.declared(file).is_some() {
        return None;
    }
    let problem =
        Problem::error(format!("hidden files, keys and credentials are not served: `{file}`"));
    Some(problem.at(fetched.place.clone(), "fetched here").hint(
        "leave it out of the image; where the image may hold it, declare it in packages.toml, with its sha256",
    ))
}
