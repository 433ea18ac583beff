//! Removing what an ended run left in the engine: containers of its checks, those of
//! the first builder's instructions, and the references that it gave to parents and bases.
//!
//! A check's container has the run's id as a label. The first builder makes its
//! containers by itself; they are known by the run's mark in `no_proxy`, which
//! every one of them is given and which is part of no image.

use std::collections::HashMap;

use bollard::errors::Error as DockerError;
use bollard::models::{ContainerInspectResponse, ContainerStateStatusEnum};
use bollard::query_parameters::{ListContainersOptions, ListImagesOptions};

use super::container::remove;
use super::{DockerEngine, images};
use crate::error::Result;

/// The label of a check's container that names its run; no image has it.
pub(super) const CHECK_OF: &str = "ascend-build.check-of";

/// Removes them. What cannot be removed is left; nothing of another run is touched.
pub(super) async fn sweep(engine: &DockerEngine, runs: &[&str], label: &str) -> Result<()> {
    for id in containers(engine).await.unwrap_or_default() {
        let inspected = engine.docker.inspect_container(&id, None).await;
        if inspected.is_ok_and(|container| runs.iter().any(|run| is_of(&container, run, label))) {
            remove(&engine.docker, &id).await;
        }
    }
    let of_run = |name: &&String| {
        let run = name.rsplit_once(":run-").map(|(_, run)| run);
        run.is_some_and(|run| runs.contains(&run))
    };
    for image in images::list(engine, &ListImagesOptions::default()).await? {
        for reference in image.repo_tags.iter().filter(of_run) {
            images::untag(engine, reference, label).await?;
        }
    }
    Ok(())
}

async fn containers(engine: &DockerEngine) -> std::result::Result<Vec<String>, DockerError> {
    let options = ListContainersOptions { all: true, ..ListContainersOptions::default() };
    let found = engine.docker.list_containers(Some(options)).await?;
    Ok(found.into_iter().filter_map(|container| container.id).collect())
}

fn is_of(container: &ContainerInspectResponse, run: &str, label: &str) -> bool {
    let config = container.config.as_ref();
    let labels: Option<&HashMap<String, String>> = config.and_then(|config| config.labels.as_ref());
    let labelled = labels.is_some_and(|labels| labels.get(CHECK_OF).is_some_and(|of| of == run));
    // The first builder makes a container for a stage's `LABEL` too, which never runs and is
    // gone within milliseconds, unless the engine dies.
    let labels_image = config
        .and_then(|config| config.cmd.as_ref())
        .and_then(|words| words.last())
        .is_some_and(|last| last.starts_with("LABEL ") && last.contains(&format!("{label}=")));
    let never_ran = container
        .state
        .as_ref()
        .is_some_and(|state| state.status == Some(ContainerStateStatusEnum::CREATED));
    let mark = mark(run);
    let environment = config.and_then(|config| config.env.as_ref()).into_iter().flatten();
    let marked = |line: &String| {
        let value = line.strip_prefix("no_proxy=").or_else(|| line.strip_prefix("NO_PROXY="));
        value.is_some_and(|value| value.split(',').any(|host| host == mark))
    };
    labelled || (labels_image && never_ran) || environment.into_iter().any(marked)
}

/// A host that nobody has (RFC 6761), named after the run.
pub(super) fn mark(run: &str) -> String {
    format!("{run}.ascend-build.invalid")
}
