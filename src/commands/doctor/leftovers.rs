//! What ended runs of this project left in the engine.

use crate::doctor::Leftovers;
use crate::engine::{DockerEngine, ListedImage};
use crate::project::Project;
use crate::run::{is_alive, state_folder};

/// What the tags begin with that a run gives its stages while it lasts.
const RUN: &str = "run-";

/// Images without a name, images that only an ended run names, containers of checks.
pub(super) async fn leftovers(
    engine: &DockerEngine,
    images: &[ListedImage],
    project: Option<&Project>,
) -> Leftovers {
    let containers = engine.check_containers().await.unwrap_or_default();
    let Some(project) = project else { return Leftovers { images: Vec::new(), containers } };
    let runs = state_folder(&project.folder).join("runs");
    let is_stale = |image: &&ListedImage| {
        let ended =
            |reference: &String| run_of(reference).is_some_and(|run| !is_alive(&runs.join(run)));
        image.project.as_deref() == Some(project.name.as_str())
            && image.references.iter().all(ended)
    };
    Leftovers { images: images.iter().filter(is_stale).cloned().collect(), containers }
}

/// The run that gave this reference.
fn run_of(reference: &str) -> Option<&str> {
    reference.rsplit_once(':')?.1.strip_prefix(RUN)
}
