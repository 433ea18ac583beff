//! Removing what an ended run left in the engine: containers of its checks, those of
//! the first builder's instructions, and the references that it gave to parents and bases.
//!
//! A check's container has the run's id as a label. The first builder makes its
//! containers by itself; they are known by the run's mark in `no_proxy`, which
//! every one that runs is given and which is part of no image. Those of instructions
//! that run nothing are known by what they stand on: the layers of an image that has one of
//! the run's references.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use bollard::errors::Error as DockerError;
use bollard::models::{ContainerInspectResponse, ContainerStateStatusEnum};
use bollard::query_parameters::{ListContainersOptions, ListImagesOptions};

use super::container::{look_at, remove};
use super::{DockerEngine, failure, images};
use crate::error::Result;

/// The label of a check's container that names its run; no image has it.
pub(super) const CHECK_OF: &str = "ascend-build.check-of";

/// An instruction that runs nothing has its container for milliseconds, unless the engine dies: one
/// that is still there after this is nobody's.
const FLEETING: Duration = Duration::from_secs(3);

/// Removes them; nothing of another run is touched. What cannot be removed does not keep the rest,
/// and is the error.
pub(super) async fn sweep(engine: &DockerEngine, runs: &[&str], label: &str) -> Result<()> {
    let references = references(engine, runs).await?;
    let grounds = references.iter().map(|(_, image)| image.as_str()).collect();
    let swept = sweep_containers(engine, runs, &grounds).await;
    let mut swept = swept.map_err(|error| {
        failure::error("removing containers of earlier runs", &engine.endpoint, &error)
    });
    for (reference, _) in &references {
        swept = swept.and(images::untag(engine, reference, label).await);
    }
    swept
}

async fn sweep_containers(
    engine: &DockerEngine,
    runs: &[&str],
    grounds: &HashSet<&str>,
) -> std::result::Result<(), DockerError> {
    let (mut swept, mut idle) = (Ok(()), Vec::new());
    for id in containers(engine).await? {
        let container = match look_at(&engine.docker, &id).await {
            Ok(Some(container)) => container,
            other => {
                swept = swept.and(other.map(drop));
                continue;
            }
        };
        if runs.iter().any(|run| is_of(&container, run)) {
            swept = swept.and(remove(&engine.docker, &id).await);
        } else if is_idle(&container) && stands_on(engine, &container, grounds).await {
            idle.push(id);
        }
    }
    swept.and(remove_idle(engine, &idle).await)
}

/// What the runs called images, and the images' ids.
async fn references(engine: &DockerEngine, runs: &[&str]) -> Result<Vec<(String, String)>> {
    let of_run = |name: &String| {
        let run = name.rsplit_once(":run-").map(|(_, run)| run);
        run.is_some_and(|run| runs.contains(&run))
    };
    let images = images::list(engine, &ListImagesOptions::default()).await?;
    let of_image = |image: bollard::models::ImageSummary| {
        let own = image.repo_tags.into_iter().filter(of_run);
        own.map(|name| (name, image.id.clone())).collect::<Vec<_>>()
    };
    Ok(images.into_iter().flat_map(of_image).collect())
}

/// Whether it is the first builder's, for an instruction that runs nothing.
fn is_idle(container: &ContainerInspectResponse) -> bool {
    let words = container.config.as_ref().and_then(|config| config.cmd.as_ref());
    let runs_nothing = words.is_some_and(|words| words.iter().any(|word| word == "#(nop) "));
    let state = container.state.as_ref().and_then(|state| state.status);
    runs_nothing && state == Some(ContainerStateStatusEnum::CREATED)
}

/// Whether its image has the layers of one of `grounds` below its own, or is one of them.
async fn stands_on(
    engine: &DockerEngine,
    container: &ContainerInspectResponse,
    grounds: &HashSet<&str>,
) -> bool {
    let Some(image) = container.image.as_deref() else { return false };
    let own = layers(engine, image).await;
    for ground in grounds {
        let below = layers(engine, ground).await;
        if !below.is_empty() && own.starts_with(&below) {
            return true;
        }
    }
    false
}

async fn layers(engine: &DockerEngine, image: &str) -> Vec<String> {
    let inspected = engine.docker.inspect_image(image).await.ok();
    inspected.and_then(|image| image.root_fs).and_then(|files| files.layers).unwrap_or_default()
}

/// Somebody else may build on the same base at this moment, so these are looked at twice.
async fn remove_idle(
    engine: &DockerEngine,
    idle: &[String],
) -> std::result::Result<(), DockerError> {
    if idle.is_empty() {
        return Ok(());
    }
    tokio::time::sleep(FLEETING).await;
    let mut removed = Ok(());
    for id in idle {
        let container = look_at(&engine.docker, id).await?;
        if container.is_some_and(|container| is_idle(&container)) {
            removed = removed.and(remove(&engine.docker, id).await);
        }
    }
    removed
}

async fn containers(engine: &DockerEngine) -> std::result::Result<Vec<String>, DockerError> {
    let options = ListContainersOptions { all: true, ..ListContainersOptions::default() };
    let found = engine.docker.list_containers(Some(options)).await?;
    Ok(found.into_iter().filter_map(|container| container.id).collect())
}

/// Whether the container is one of `run`, by its label or its mark.
pub(super) fn is_of(container: &ContainerInspectResponse, run: &str) -> bool {
    let config = container.config.as_ref();
    let labels: Option<&HashMap<String, String>> = config.and_then(|config| config.labels.as_ref());
    let labelled = labels.is_some_and(|labels| labels.get(CHECK_OF).is_some_and(|of| of == run));
    let mark = mark(run);
    let environment = config.and_then(|config| config.env.as_ref()).into_iter().flatten();
    let marked = |line: &String| {
        let value = line.strip_prefix("no_proxy=").or_else(|| line.strip_prefix("NO_PROXY="));
        value.is_some_and(|value| value.split(',').any(|host| host == mark))
    };
    labelled || environment.into_iter().any(marked)
}

/// A host that nobody has (RFC 6761), named after the run.
pub(super) fn mark(run: &str) -> String {
    format!("{run}.ascend-build.invalid")
}

#[cfg(test)]
mod tests {
    use super::super::test_ground::{Answer, Ground};
    use super::*;

    const LISTED: Answer = (
        "GET /images/json",
        200,
        r#"[{"Id":"sha256:1","ParentId":"","RepoTags":["p/s:run-1","p/s:latest"],"RepoDigests":[],"Created":0,"Size":0,"SharedSize":0,"Labels":{},"Containers":0}]"#,
    );
    const FOUND: Answer =
        ("GET /images/p/s:run-1/json", 200, r#"{"RepoTags":["p/s:run-1","p/s:latest"]}"#);
    const UNTAGGED: Answer = ("DELETE /images/p/s:run-1", 200, "[]");
    const NONE: Answer = ("GET /containers/json", 200, "[]");

    /// Whether run `1` is swept, and whether its reference is removed.
    async fn check(answers: &[Answer], swept: bool, untagged: bool) {
        let ground = Ground::new(answers.to_vec().leak());
        let result = sweep(&ground.engine, &["1"], "label").await;
        assert_eq!(result.is_ok(), swept, "{:?}", ground.asked(""));
        assert_eq!(!ground.asked(UNTAGGED.0).is_empty(), untagged, "{:?}", ground.asked(""));
    }

    #[tokio::test]
    async fn what_may_be_left_is_an_error() {
        const BROKEN: Answer = ("GET /", 500, r#"{"message":"broken"}"#);
        let gone = ("GET /images/p/s:run-1/json", 404, r#"{"message":"no such image"}"#);
        let used = (UNTAGGED.0, 409, r#"{"message":"in use"}"#);
        check(&[LISTED, FOUND, UNTAGGED, NONE], true, true).await;
        check(&[LISTED, gone, NONE], true, false).await;
        check(&[BROKEN], false, false).await;
        check(&[LISTED, FOUND, UNTAGGED, BROKEN], false, true).await;
        check(&[LISTED, NONE, BROKEN], false, false).await;
        check(&[LISTED, FOUND, used, NONE], true, true).await;
        check(&[LISTED, FOUND, NONE], false, true).await;
    }
}
