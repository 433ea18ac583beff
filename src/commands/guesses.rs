//! Files for lines that fetch what only the run can tell: whatever is in the
//! roots and looks like a package, a script or a requirements file.

use crate::error::Problem;
use crate::plan::{Plan, PlannedPackage, may_be_served, package_name};
use crate::project::Project;
use crate::store::RootIndex;

/// The code of the warning.
pub(super) const CODE: &str = "fetch-unknown";

/// Adds those files to the plan, and says for which lines.
pub(super) fn add(project: &Project, plan: &mut Plan) -> Vec<Problem> {
    let guesses = || plan.stages.iter().flat_map(|stage| &stage.guesses);
    let problems: Vec<_> =
        guesses().map(|guess| said(guess.place.clone(), &guess.reason)).collect();
    if problems.is_empty() {
        return problems;
    }
    let index = RootIndex::walk(&project.roots);
    let known: Vec<String> = plan.packages.iter().map(|package| package.file.clone()).collect();
    let names = index
        .files()
        .map(|(name, _)| name)
        .filter(|name| may_be_served(name) && !known.iter().any(|file| file == name));
    plan.packages.extend(names.filter_map(|name| served(project, name)));
    problems
}

fn served(project: &Project, file: &str) -> Option<PlannedPackage> {
    let entry = project.packages.iter().find(|package| package.file == file);
    Some(PlannedPackage {
        name: package_name(file)?,
        file: file.to_owned(),
        sha256: entry.map(|entry| entry.sha256.clone()),
        size: entry.and_then(|entry| entry.size),
        url: None,
        place: entry.map(|entry| entry.place.clone()),
    })
}

fn said(place: crate::error::Place, reason: &str) -> Problem {
    Problem::warning("what this line fetches is only known when it runs")
        .code(CODE)
        .at(place, reason)
        .note("every package, script and requirements file in the roots is served to it, and a change of any of them runs it again")
}
