//! Running a command in a throwaway container without a network.

use std::io;

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

/// What podman says, as a failure of its own, of a program that it cannot start; Docker answers 400.
const NOT_STARTED: [&str; 2] =
    ["OCI runtime attempted to invoke a command that was not found", "OCI permission denied"];

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
    let started = engine.docker.start_container(&container.id, None::<StartContainerOptions>);
    if let Err(error) = started.await {
        return not_started(error);
    }
    let mut waiting = engine.patient.wait_container(&container.id, None::<WaitContainerOptions>);
    let exit_code = match tokio::time::timeout(request.timeout, waiting.next()).await {
        Err(_) => None,
        // The engine closed the connection without a word of how the command ended.
        Ok(None) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
        Ok(Some(Ok(answer))) => Some(answer.status_code),
        Ok(Some(Err(DockerError::DockerContainerWaitError { code, .. }))) => Some(code),
        Ok(Some(Err(error))) => return Err(error),
    };
    let output = output(engine, &container.id).await?;
    Ok(CheckOutcome { exit_code, output })
}

/// An image without `/bin/sh`, or with one that may not be run, has not passed its check: that is no
/// failure of the engine. The exit codes are those of a shell.
fn not_started(error: DockerError) -> std::result::Result<CheckOutcome, DockerError> {
    let DockerError::DockerResponseServerError { status_code, message } = &error else {
        return Err(error);
    };
    if *status_code != 400 && !NOT_STARTED.iter().any(|words| message.contains(words)) {
        return Err(error);
    }
    let denied = message.to_lowercase().contains("permission denied");
    let exit_code = Some(if denied { 126 } else { 127 });
    Ok(CheckOutcome { exit_code, output: message.lines().map(plain).collect() })
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::test_ground::{Answer, Ground};
    use super::*;

    const CREATED: Answer = ("POST /containers/create", 201, r#"{"Id":"1","Warnings":[]}"#);
    const STARTED: Answer = ("POST /containers/1/start", 204, "");
    const REMOVED: Answer = ("DELETE /containers/1", 204, "");
    const SILENT: Answer = ("GET /containers/1/logs", 200, "");

    /// The exit code of a check, and its output; `None` where the engine failed.
    async fn check(answers: &[Answer], expected: Option<(i64, &[&str])>) {
        let ground = Ground::new([answers, &[CREATED, REMOVED]].concat().leak());
        let text = || "true".to_owned();
        let timeout = Duration::from_secs(60);
        let request = CheckRequest { image: text(), command: text(), timeout, run: text() };
        let outcome = super::check(&ground.engine, &request).await.ok();
        let outcome = outcome.map(|outcome| (outcome.exit_code.unwrap(), outcome.output));
        let expected = expected
            .map(|(code, output)| (code, output.iter().copied().map(str::to_owned).collect()));
        assert_eq!(outcome, expected, "{answers:?}");
    }

    #[tokio::test]
    async fn a_check_that_cannot_start_has_failed() {
        let start = |status, message| (STARTED.0, status, message);
        let missing = r#"{"message":"exec: \"/bin/sh\": no such file or directory"}"#;
        let words = [r#"exec: "/bin/sh": no such file or directory"#];
        check(&[start(400, missing)], Some((127, &words))).await;
        let denied = r#"{"message":"exec: \"/bin/sh\": permission denied"}"#;
        let words = [r#"exec: "/bin/sh": permission denied"#];
        check(&[start(400, denied)], Some((126, &words))).await;
        let words = [
            "crun: executable file `/bin/sh` not found: OCI runtime attempted to invoke a command that was not found",
        ];
        let podman = r#"{"message":"crun: executable file `/bin/sh` not found: OCI runtime attempted to invoke a command that was not found"}"#;
        check(&[start(500, podman)], Some((127, &words))).await;
        check(&[start(500, r#"{"message":"no space left on device"}"#)], None).await;
        check(&[], None).await;
    }

    #[tokio::test]
    async fn an_engine_that_does_not_say_how_a_check_ended_has_failed() {
        let wait = |body| ("POST /containers/1/wait", 200, body);
        check(&[STARTED, SILENT, wait("{\"StatusCode\":0}\n")], Some((0, &[]))).await;
        check(&[STARTED, SILENT, wait("{\"StatusCode\":3}\n")], Some((3, &[]))).await;
        check(&[STARTED, SILENT, wait("")], None).await;
    }
}
