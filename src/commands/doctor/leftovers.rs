//! What ended runs of this project left in the engine.

use std::path::{Path, PathBuf};

use time::{Duration, OffsetDateTime};

use crate::doctor::Leftovers;
use crate::engine::{DockerEngine, ListedContainer, ListedImage};
use crate::project::Project;
use crate::run::{is_alive, state_folder};

/// What the tags begin with that a run gives its stages while it lasts.
const RUN: &str = "run-";

/// How old a container must be that nobody here is known to use: one that was just made, or has just
/// ended, belongs to a build of another project or to a doctor, this one included.
const YOUNG: Duration = Duration::minutes(5);

/// Images without a name, images that only an ended run names, containers of checks.
/// `now` is by the engine's clock.
pub(super) async fn leftovers(
    engine: &DockerEngine,
    images: &[ListedImage],
    project: Option<&Project>,
    now: OffsetDateTime,
) -> Leftovers {
    let runs = project.map(|project| state_folder(&project.folder).join("runs"));
    let containers = engine.check_containers().await.unwrap_or_default();
    let is_left = |container: &ListedContainer| is_left(container, runs.as_deref(), now);
    let containers = containers.into_iter().filter(is_left).map(|container| container.id).collect();
    let images = match (project, &runs) {
        (Some(project), Some(runs)) => stale_images(images, project, runs),
        _ => Vec::new(),
    };
    Leftovers { images, containers }
}

/// Whether nobody uses the container. Of a run of this project its lock tells; of others, whether the
/// container still runs, and its age.
fn is_left(container: &ListedContainer, runs: Option<&Path>, now: OffsetDateTime) -> bool {
    let own = container.run.as_ref().zip(runs).map(|(run, runs)| runs.join(run));
    match own.filter(|folder| folder.is_dir()) {
        Some(folder) => !is_alive(&folder),
        None => {
            !container.is_running && container.created.is_none_or(|created| now - created > YOUNG)
        }
    }
}

/// An image that is being built has no name before its checks have passed.
fn stale_images(images: &[ListedImage], project: &Project, runs: &Path) -> Vec<ListedImage> {
    let is_building = folders(runs).iter().any(|run| is_alive(run));
    let ended =
        |reference: &String| run_of(reference).is_some_and(|run| !is_alive(&runs.join(run)));
    let is_stale = |image: &&ListedImage| {
        image.project.as_deref() == Some(project.name.as_str())
            && image.references.iter().all(ended)
            && !(is_building && image.references.is_empty())
    };
    images.iter().filter(is_stale).cloned().collect()
}

fn folders(runs: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(runs).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

/// The run that gave this reference.
fn run_of(reference: &str) -> Option<&str> {
    reference.rsplit_once(':')?.1.strip_prefix(RUN)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a container of `run`, made so many seconds ago, is left; the run `ended` has its folder here.
    fn check(run: Option<&str>, is_running: bool, age: i64, expected: bool) {
        let runs = tempfile::tempdir().unwrap();
        std::fs::create_dir(runs.path().join("ended")).unwrap();
        let now = OffsetDateTime::UNIX_EPOCH + Duration::days(20_000);
        let created = Some(now - Duration::seconds(age));
        let run = run.map(str::to_owned);
        let container = ListedContainer { id: "1".to_owned(), run, is_running, created };
        assert_eq!(is_left(&container, Some(runs.path()), now), expected, "{container:?}");
    }

    #[test]
    fn a_container_that_somebody_may_use_is_not_left() {
        check(Some("ended"), false, 0, true);
        check(Some("ended"), true, 0, true);
        check(Some("doctor"), false, 0, false);
        check(Some("doctor"), false, 299, false);
        check(Some("doctor"), false, 301, true);
        check(Some("elsewhere"), true, 100_000, false);
        check(None, false, 301, true);
    }
}
