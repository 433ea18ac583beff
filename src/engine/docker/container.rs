//! Containers that must not outlive what they were made for.

use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error as DockerError;
use bollard::query_parameters::RemoveContainerOptions;
use tokio_util::task::TaskTracker;

use super::sweep::is_of;

/// How often a removal is tried, and the pause between: the engine may be busy stopping it.
const ATTEMPTS: u32 = 240;
const PAUSE: Duration = Duration::from_millis(250);

/// A container that is removed when this goes out of scope, however that happens.
pub(super) struct Container {
    pub(super) id: String,
    /// The run whose mark it must have, where somebody else made it.
    run: Option<String>,
    docker: Docker,
    cleaning: TaskTracker,
}

impl Container {
    /// One that was made here.
    pub(super) fn new(id: String, docker: &Docker, cleaning: &TaskTracker) -> Self {
        Self { id, run: None, docker: docker.clone(), cleaning: cleaning.clone() }
    }

    /// One of which the first builder tells, among the output of commands: it is removed only
    /// where it is one of `run`.
    pub(super) fn told(id: String, run: &str, docker: &Docker, cleaning: &TaskTracker) -> Self {
        let mut container = Self::new(id, docker, cleaning);
        container.run = Some(run.to_owned());
        container
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let (docker, id) = (self.docker.clone(), std::mem::take(&mut self.id));
        match self.run.take() {
            None => self.cleaning.spawn(async move { remove(&docker, &id).await }),
            Some(run) => self.cleaning.spawn(async move { remove_of(&docker, &id, &run).await }),
        };
    }
}

/// Removes a container of this name or id where it has the mark of `run`.
async fn remove_of(docker: &Docker, id: &str, run: &str) {
    let inspected = docker.inspect_container(id, None).await;
    let own = inspected.ok().filter(|container| is_of(container, run));
    // By its whole id: the name may become another's.
    if let Some(whole) = own.and_then(|container| container.id) {
        remove(docker, &whole).await;
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

#[cfg(test)]
mod tests {
    use super::super::test_ground::{Answer, Ground};
    use super::*;

    const ID: &str = "0123456789ab";

    /// What is removed of a container of which the builder told in run `1`.
    async fn check(answers: &'static [Answer], expected: &[&str]) {
        let ground = Ground::new(answers);
        let engine = &ground.engine;
        drop(Container::told(ID.to_owned(), "1", &engine.docker, &engine.cleaning));
        engine.cleaning.close();
        engine.cleaning.wait().await;
        let paths = ground.asked("DELETE ").into_iter();
        let paths: Vec<_> = paths.map(|path| path.split('?').next().unwrap().to_owned()).collect();
        assert_eq!(paths, expected, "{:?}", ground.asked(""));
    }

    #[tokio::test]
    async fn only_what_has_the_runs_mark_is_removed() {
        const REMOVED: Answer = ("DELETE /containers/", 204, "");
        check(
            &[
                ("GET /containers/0123456789ab/json", 200, r#"{"Id":"0123456789abcd","Config":{"Env":["no_proxy=x,1.ascend-build.invalid"]}}"#),
                REMOVED,
            ],
            &["DELETE /containers/0123456789abcd"],
        )
        .await;
        for foreign in [
            r#"{"Id":"0123456789abcd","Config":{"Env":["no_proxy=2.ascend-build.invalid"]}}"#,
            r#"{"Id":"0123456789abcd","Config":{"Env":[]}}"#,
            r#"{"Id":"0123456789abcd"}"#,
        ] {
            let answers = vec![("GET /containers/0123456789ab/json", 200, foreign), REMOVED];
            check(answers.leak(), &[]).await;
        }
    }
}
