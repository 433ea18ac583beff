//! A shell in a throwaway container, joined to somebody's terminal.

use std::pin::Pin;

use bollard::errors::Error as DockerError;
use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::{
    AttachContainerOptions, ResizeContainerTTYOptions, StartContainerOptions,
};
use futures_util::StreamExt;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;

use super::check::create;
use super::sweep::CHECK_OF;
use super::{DockerEngine, failure};
use crate::engine::{Product, ShellRequest, Terminal};
use crate::error::Result;

/// The label of the containers that are made here.
const LABEL: &str = "ascend-build.shell";

/// Keys that leave a container running, which nobody presses: the usual Ctrl-P belongs to the shell.
const DETACH: &str = "ctrl-@,ctrl-_,ctrl-@,ctrl-_";

/// How much is taken from the terminal at once, in bytes.
const PIECE: usize = 4096;

/// Opens a shell and stays until it ends.
pub(super) async fn shell(
    engine: &DockerEngine,
    request: &ShellRequest,
    terminal: Terminal,
) -> Result<()> {
    run(engine, request, terminal)
        .await
        .map_err(|error| failure::error("opening a shell", &engine.endpoint, &error))
}

async fn run(
    engine: &DockerEngine,
    request: &ShellRequest,
    mut terminal: Terminal,
) -> std::result::Result<(), DockerError> {
    let container = create(engine, body(engine, request)).await?;
    // Attached before it is started, so that its first words are not lost.
    let attached = engine.patient.attach_container(&container.id, Some(attaching())).await?;
    engine.docker.start_container(&container.id, None::<StartContainerOptions>).await?;
    // What was typed ahead must find the right size already.
    set_size(engine, &container.id, &mut terminal.size).await;
    let (mut output, mut input) = (attached.output, attached.input);
    let showing = async {
        while let Some(piece) = output.next().await {
            show(&mut *terminal.output, &piece?.into_bytes()).await?;
        }
        Ok(())
    };
    tokio::select! {
        shown = showing => shown,
        error = type_into(input.as_mut(), &mut *terminal.input) => Err(error),
        never = resize(engine, &container.id, &mut terminal.size) => match never {},
    }
}

async fn show(
    screen: &mut (dyn AsyncWrite + Send + Unpin),
    bytes: &[u8],
) -> std::result::Result<(), DockerError> {
    screen.write_all(bytes).await?;
    Ok(screen.flush().await?)
}

/// Ends only where the terminal or the container is gone.
async fn type_into(
    mut container: Pin<&mut (dyn AsyncWrite + Send)>,
    keys: &mut (dyn AsyncRead + Send + Unpin),
) -> DockerError {
    let mut piece = [0; PIECE];
    loop {
        match keys.read(&mut piece).await {
            // The shell hears of a terminal's end by what it reads, and ends.
            Ok(0) => {
                _ = container.shutdown().await;
                std::future::pending::<()>().await;
            }
            Ok(count) => {
                // A shell that has ended takes nothing more, and its output ends too.
                if container.write_all(&piece[..count]).await.is_err()
                    || container.flush().await.is_err()
                {
                    std::future::pending::<()>().await;
                }
            }
            Err(error) => return error.into(),
        }
    }
}

/// Tells the container the terminal's size whenever it changes.
async fn resize(
    engine: &DockerEngine,
    id: &str,
    size: &mut watch::Receiver<(u16, u16)>,
) -> std::convert::Infallible {
    while size.changed().await.is_ok() {
        set_size(engine, id, size).await;
    }
    std::future::pending().await
}

async fn set_size(engine: &DockerEngine, id: &str, size: &mut watch::Receiver<(u16, u16)>) {
    let (columns, rows) = *size.borrow_and_update();
    let options = ResizeContainerTTYOptions { w: columns.into(), h: rows.into() };
    if let Err(error) = engine.docker.resize_container_tty(id, options).await {
        tracing::debug!(%error, "the shell's terminal has another size");
    }
}

fn attaching() -> AttachContainerOptions {
    AttachContainerOptions {
        detach_keys: Some(DETACH.to_owned()),
        stream: true,
        stdin: true,
        stdout: true,
        stderr: true,
        ..AttachContainerOptions::default()
    }
}

fn body(engine: &DockerEngine, request: &ShellRequest) -> ContainerCreateBody {
    let network = match (request.network, engine.facts.product) {
        (false, _) => "none",
        // Where podman's builds reach this host (see `connect::access`).
        (true, Product::Podman) => "host",
        (true, Product::Docker) => "bridge",
    };
    let mut words = request.command.iter().cloned();
    ContainerCreateBody {
        image: Some(request.image.clone()),
        entrypoint: Some(words.next().into_iter().collect()),
        cmd: Some(words.collect()),
        env: Some(
            request.environment.iter().map(|(name, value)| format!("{name}={value}")).collect(),
        ),
        labels: Some(
            [(LABEL, "1"), (CHECK_OF, request.run.as_str())]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        ),
        tty: Some(true),
        open_stdin: Some(true),
        stdin_once: Some(true),
        attach_stdin: Some(true),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        network_disabled: Some(!request.network),
        host_config: Some(HostConfig {
            network_mode: Some(network.to_owned()),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    }
}
