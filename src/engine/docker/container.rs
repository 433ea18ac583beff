//! Containers that must not outlive what they were made for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error as DockerError;
use bollard::models::ContainerInspectResponse;
use bollard::query_parameters::RemoveContainerOptions;
use tokio_util::task::TaskTracker;

use super::sweep::is_of;

/// How often a removal is tried, and the pause between: the engine may be busy stopping it.
const ATTEMPTS: u32 = 240;
const PAUSE: Duration = Duration::from_millis(250);

/// What is cleared away in the background, and whether all of it could be.
#[derive(Debug, Clone, Default)]
pub(super) struct Cleaning {
    tasks: TaskTracker,
    in_doubt: Arc<AtomicBool>,
}

impl Cleaning {
    /// Does this to its end, whoever is interrupted meanwhile.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Notes that something may be left of which nobody here knows: the engine went away.
    pub(super) fn doubt(&self) {
        self.in_doubt.store(true, Ordering::Relaxed);
    }

    /// Waits for all of it; whether nothing is left.
    pub(super) async fn settle(&self) -> bool {
        self.tasks.close();
        self.tasks.wait().await;
        !self.in_doubt.load(Ordering::Relaxed)
    }
}

/// A container that is removed when this goes out of scope, however that happens.
pub(super) struct Container {
    pub(super) id: String,
    /// The run whose mark it must have, where somebody else made it.
    run: Option<String>,
    docker: Docker,
    cleaning: Cleaning,
}

impl Container {
    /// One that was made here.
    pub(super) fn new(id: String, docker: &Docker, cleaning: &Cleaning) -> Self {
        Self { id, run: None, docker: docker.clone(), cleaning: cleaning.clone() }
    }

    /// One of which the first builder tells, among the output of commands: it is removed only
    /// where it is one of `run`.
    pub(super) fn told(id: String, run: &str, docker: &Docker, cleaning: &Cleaning) -> Self {
        let mut container = Self::new(id, docker, cleaning);
        container.run = Some(run.to_owned());
        container
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let (docker, cleaning) = (self.docker.clone(), self.cleaning.clone());
        let (id, run) = (std::mem::take(&mut self.id), self.run.take());
        self.cleaning.spawn(async move {
            let removed = match run {
                Some(run) => remove_of(&docker, &id, &run).await,
                None => remove(&docker, &id).await,
            };
            if let Err(error) = removed {
                tracing::warn!(%error, container = id, "a container could not be removed");
                cleaning.doubt();
            }
        });
    }
}

/// Removes a container of this name or id where it has the mark of `run`.
async fn remove_of(docker: &Docker, id: &str, run: &str) -> Result<(), DockerError> {
    let own = look_at(docker, id).await?.filter(|container| is_of(container, run));
    // By its whole id: the name may become another's.
    match own.and_then(|container| container.id) {
        Some(whole) => remove(docker, &whole).await,
        None => Ok(()),
    }
}

/// What the engine knows of a container; `None` where it is gone.
pub(super) async fn look_at(
    docker: &Docker,
    id: &str,
) -> Result<Option<ContainerInspectResponse>, DockerError> {
    match docker.inspect_container(id, None).await {
        Ok(container) => Ok(Some(container)),
        Err(DockerError::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes a container and waits until it is gone, whoever else is removing it.
pub(super) async fn remove(docker: &Docker, id: &str) -> Result<(), DockerError> {
    for _ in 1..ATTEMPTS {
        match remove_once(docker, id).await {
            Err(DockerError::DockerResponseServerError { .. }) => tokio::time::sleep(PAUSE).await,
            other => return other,
        }
    }
    remove_once(docker, id).await
}

async fn remove_once(docker: &Docker, id: &str) -> Result<(), DockerError> {
    let options =
        RemoveContainerOptions { force: true, v: true, ..RemoveContainerOptions::default() };
    match docker.remove_container(id, Some(options)).await {
        Err(DockerError::DockerResponseServerError { status_code: 404, .. }) => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_ground::{Answer, Ground};
    use super::*;

    const ID: &str = "0123456789ab";
    const REMOVED: Answer = ("DELETE /containers/", 204, "");
    const OWN: Answer = (
        "GET /containers/0123456789ab/json",
        200,
        r#"{"Id":"0123456789abcd","Config":{"Env":["no_proxy=x,1.ascend-build.invalid"]}}"#,
    );

    /// What is removed of a container of which the builder told in run `1`, and whether nothing is left.
    async fn check(answers: &'static [Answer], expected: &[&str], gone: bool) {
        let ground = Ground::new(answers);
        let engine = &ground.engine;
        drop(Container::told(ID.to_owned(), "1", &engine.docker, &engine.cleaning));
        assert_eq!(engine.cleaning.settle().await, gone, "{answers:?}");
        let paths = ground.asked("DELETE ").into_iter();
        let paths: Vec<_> = paths.map(|path| path.split('?').next().unwrap().to_owned()).collect();
        assert_eq!(paths, expected, "{:?}", ground.asked(""));
    }

    #[tokio::test]
    async fn only_what_has_the_runs_mark_is_removed() {
        check(&[OWN, REMOVED], &["DELETE /containers/0123456789abcd"], true).await;
        for foreign in [
            r#"{"Id":"0123456789abcd","Config":{"Env":["no_proxy=2.ascend-build.invalid"]}}"#,
            r#"{"Id":"0123456789abcd","Config":{"Env":[]}}"#,
            r#"{"Id":"0123456789abcd"}"#,
        ] {
            let answers = vec![("GET /containers/0123456789ab/json", 200, foreign), REMOVED];
            check(answers.leak(), &[], true).await;
        }
    }

    #[tokio::test]
    async fn what_is_not_known_to_be_gone_is_in_doubt() {
        const GONE: Answer = ("GET /containers/0123456789ab/json", 404, r#"{"message":"no such"}"#);
        check(&[GONE], &[], true).await;
        check(&[], &[], false).await;
        let removal = &["DELETE /containers/0123456789abcd"];
        check(&[OWN, ("DELETE /containers/", 404, r#"{"message":"no such"}"#)], removal, true)
            .await;
        check(&[OWN], removal, false).await;
    }
}
