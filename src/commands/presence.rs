//! Whether the files that a Dockerfile fetches are there; none of them is read.

use crate::error::{Problem, Severity};
use crate::plan::{PlannedPackage, is_secret};
use crate::project::Project;
use crate::store::look_for;

/// Which of `packages` are not under the roots. A project's own `--package` files are
/// `package verify`'s matter: they may be fetched yet. What the plan's judgement refuses as a
/// secret by its name is not told a second time.
pub(super) fn missing(project: &Project, packages: &[PlannedPackage]) -> Vec<Problem> {
    if project.dockerfile.is_none() {
        return Vec::new();
    }
    let refused = |package: &&PlannedPackage| package.sha256.is_none() && is_secret(&package.file);
    let packages: Vec<_> = packages.iter().filter(|one| !refused(one)).cloned().collect();
    look_for(&packages, &project.roots)
}

/// The same as warnings, for who only looks at what would be done.
pub(super) fn missing_yet(project: &Project, packages: &[PlannedPackage]) -> Vec<Problem> {
    let problems = missing(project, packages).into_iter();
    problems.map(|problem| Problem { severity: Severity::Warning, ..problem }).collect()
}
