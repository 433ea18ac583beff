//! Running a command in a throwaway container without a network.

use bollard::container::LogOutput;
use bollard::errors::Error as DockerError;
use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::{
    CreateContainerOptions, LogsOptions, StartContainerOptions, WaitContainerOptions,
};
use futures_util::StreamExt;

use super::container::Container;
use super::plain_text::plain;
use super::sweep::CHECK_OF;
use super::{DockerEngine, failure};
use crate::engine::{CheckOutcome, CheckRequest, Product};
use crate::error::Result;

/// How much of a check's output is kept, in lines.
const KEPT: usize = 10_000;

/// The label of the containers that are made here.
pub(super) const LABEL: &str = "ascend-build.check";

/// Runs a check, without a network.
pub(super) async fn check(engine: &DockerEngine, request: &CheckRequest) -> Result<CheckOutcome> {
    check_on(engine, request, "none").await
}

/// The same on the engine's network of this name.
pub(super) async fn check_on(
    engine: &DockerEngine,
    request: &CheckRequest,
    network: &str,
) -> Result<CheckOutcome> {
    run(engine, request, network)
        .await
        .map_err(|error| failure::error("running a check", &engine.endpoint, &error))
}

async fn run(
    engine: &DockerEngine,
    request: &CheckRequest,
    network: &str,
) -> std::result::Result<CheckOutcome, DockerError> {
    let container = create(engine, body(request, network)).await?;
    engine.docker.start_container(&container.id, None::<StartContainerOptions>).await?;
    let mut waiting = engine.patient.wait_container(&container.id, None::<WaitContainerOptions>);
    let exit_code = match tokio::time::timeout(request.timeout, waiting.next()).await {
        Err(_) => None,
        Ok(None) => Some(0),
        Ok(Some(Ok(answer))) => Some(answer.status_code),
        Ok(Some(Err(DockerError::DockerContainerWaitError { code, .. }))) => Some(code),
        Ok(Some(Err(error))) => return Err(error),
    };
    let output = output(engine, &container.id).await?;
    Ok(CheckOutcome { exit_code, output })
}

/// Creates the container in a task of its own: whoever is interrupted meanwhile
/// never learns the container's id, and the task then removes it.
pub(super) async fn create(
    engine: &DockerEngine,
    body: ContainerCreateBody,
) -> std::result::Result<Container, DockerError> {
    let (docker, cleaning) = (engine.docker.clone(), engine.cleaning.clone());
    let (sender, receiver) = tokio::sync::oneshot::channel();
    engine.cleaning.spawn(async move {
        let created = docker.create_container(None::<CreateContainerOptions>, body).await;
        if created.as_ref().is_err_and(failure::is_gone) {
            cleaning.doubt();
        }
        let container = created.map(|created| Container::new(created.id, &docker, &cleaning));
        // What nobody takes is dropped here, and so removed.
        drop(sender.send(container));
    });
    receiver.await.expect("the task sends before it ends")
}

fn body(request: &CheckRequest, network: &str) -> ContainerCreateBody {
    ContainerCreateBody {
        image: Some(request.image.clone()),
        entrypoint: Some(vec!["/bin/sh".to_owned(), "-c".to_owned()]),
        cmd: Some(vec![request.command.clone()]),
        labels: Some(
            [(LABEL, "1"), (CHECK_OF, request.run.as_str())]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        ),
        network_disabled: Some(network == "none"),
        host_config: Some(HostConfig {
            network_mode: Some(network.to_owned()),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    }
}

async fn output(engine: &DockerEngine, id: &str) -> std::result::Result<Vec<String>, DockerError> {
    // podman 4.3 loses or joins the last lines where it counts them.
    let tail = match engine.facts.product {
        Product::Docker => KEPT.to_string(),
        Product::Podman => "all".to_owned(),
    };
    let options = LogsOptions { stdout: true, stderr: true, tail, ..LogsOptions::default() };
    let mut logs = engine.docker.logs(id, Some(options));
    let mut text = Vec::new();
    while let Some(piece) = logs.next().await {
        text.extend_from_slice(&LogOutput::into_bytes(piece?));
    }
    let text = String::from_utf8_lossy(&text);
    let skipped = text.lines().count().saturating_sub(KEPT);
    Ok(text.lines().skip(skipped).map(plain).collect())
}
