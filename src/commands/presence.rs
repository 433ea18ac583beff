//! Whether the files that a Dockerfile fetches are there; none of them is read.

use crate::error::{Problem, Severity};
use crate::plan::PlannedPackage;
use crate::project::Project;
use crate::store::look_for;

/// Which of `packages` are not under the roots. A project's own `--package` files are
/// `package verify`'s matter: they may be fetched yet.
pub(super) fn missing(project: &Project, packages: &[PlannedPackage]) -> Vec<Problem> {
    match project.dockerfile {
        Some(_) => look_for(packages, &project.roots),
        None => Vec::new(),
    }
}

/// The same as warnings, for who only looks at what would be done.
pub(super) fn missing_yet(project: &Project, packages: &[PlannedPackage]) -> Vec<Problem> {
    let problems = missing(project, packages).into_iter();
    problems.map(|problem| Problem { severity: Severity::Warning, ..problem }).collect()
}
