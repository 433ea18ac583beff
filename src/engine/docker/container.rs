//! Containers that must not outlive what they were made for.

use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error as DockerError;
use bollard::query_parameters::RemoveContainerOptions;
use tokio_util::task::TaskTracker;

/// How often a removal is tried, and the pause between: the engine may be busy stopping it.
const ATTEMPTS: u32 = 240;
const PAUSE: Duration = Duration::from_millis(250);

/// A container that is removed when this goes out of scope, however that happens.
pub(super) struct Container {
    pub(super) id: String,
    docker: Docker,
    cleaning: TaskTracker,
}

impl Container {
    pub(super) fn new(id: String, docker: &Docker, cleaning: &TaskTracker) -> Self {
        Self { id, docker: docker.clone(), cleaning: cleaning.clone() }
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let (docker, id) = (self.docker.clone(), std::mem::take(&mut self.id));
        self.cleaning.spawn(async move { remove(&docker, &id).await });
    }
}

/// Removes a container and waits until it is gone, whoever else is removing it.
pub(super) async fn remove(docker: &Docker, id: &str) {
    for _ in 0..ATTEMPTS {
        let options =
            RemoveContainerOptions { force: true, v: true, ..RemoveContainerOptions::default() };
        match docker.remove_container(id, Some(options)).await {
            Ok(()) | Err(DockerError::DockerResponseServerError { status_code: 404, .. }) => return,
            Err(DockerError::DockerResponseServerError { .. }) => tokio::time::sleep(PAUSE).await,
            Err(error) => {
                tracing::warn!(%error, container = id, "a container could not be removed");
                return;
            }
        }
    }
    tracing::warn!(container = id, "a container could not be removed");
}
