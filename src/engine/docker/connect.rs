//! Finding the engine, what it can do, and where its containers reach this host.
//!
//! The engine is the one that `docker` itself would use: `DOCKER_HOST`, else
//! the context named by `DOCKER_CONTEXT` or the configuration file, else the
//! local socket.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use bollard::{API_DEFAULT_VERSION, Docker};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio_util::task::TaskTracker;

use super::{DockerEngine, LONG, SHORT, failure};
use crate::engine::{Builder, EngineFacts, HostAccess, Product};
use crate::error::{Exit, Problem, Result};

const LOCAL_SOCKET: &str = "unix:///var/run/docker.sock";

impl DockerEngine {
    /// Connects to the engine that `docker` would use.
    ///
    /// # Errors
    /// [`Exit::Engine`]: it cannot be reached, or is too old.
    pub async fn connect() -> Result<Self> {
        let endpoint = endpoint()?;
        let docker = client(&endpoint).map_err(|error| unreachable(&endpoint, error))?;
        let docker = docker
            .with_timeout(SHORT)
            .negotiate_version()
            .await
            .map_err(|error| unreachable(&endpoint, error))?;
        let facts = facts(&docker).await.map_err(|error| unreachable(&endpoint, error))?;
        let patient = docker.clone().with_timeout(LONG);
        Ok(Self { docker, patient, endpoint, facts, cleaning: TaskTracker::new() })
    }
}

fn client(endpoint: &str) -> std::result::Result<Docker, bollard::errors::Error> {
    match endpoint.strip_prefix("unix://") {
        Some(_) => Docker::connect_with_unix(endpoint, SHORT.as_secs(), API_DEFAULT_VERSION),
        None => Docker::connect_with_host(endpoint),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "an adapter for `map_err`")]
fn unreachable(endpoint: &str, error: bollard::errors::Error) -> crate::error::Error {
    let problem = Problem::error("the Docker Engine cannot be reached")
        .note(format!("looked for it at `{endpoint}`"))
        .hint(hint(&error));
    problem.cause(root_cause(&error)).exit(Exit::Engine)
}

/// What to do depends on what stands at the bottom of the error.
fn hint(error: &(dyn std::error::Error + 'static)) -> &'static str {
    let causes = || std::iter::successors(Some(error), |error| error.source());
    let kind =
        causes().find_map(|error| error.downcast_ref::<std::io::Error>()).map(std::io::Error::kind);
    let unknown = causes().any(|error| error.to_string().to_lowercase().contains("scheme"));
    match kind {
        Some(std::io::ErrorKind::PermissionDenied) => {
            "run as root, or as a member of the group `docker`"
        }
        _ if unknown => {
            "expected an address such as `unix:///var/run/docker.sock` or `tcp://host:2375` in `DOCKER_HOST`"
        }
        _ => {
            "start it (`systemctl start docker`, or `dockerd` where there is no systemd), or name another with `DOCKER_HOST`"
        }
    }
}

/// The layers between say only that something failed.
fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .last()
        .map(ToString::to_string)
        .unwrap_or_default()
}

/// Where `docker` would look for its engine.
fn endpoint() -> Result<String> {
    if let Some(host) = variable("DOCKER_HOST") {
        return Ok(host);
    }
    let folder = variable("DOCKER_CONFIG").map_or_else(|| home().join(".docker"), PathBuf::from);
    let configured = || {
        std::fs::read_to_string(folder.join("config.json"))
            .ok()
            .and_then(|text| current_context(&text))
    };
    match variable("DOCKER_CONTEXT").or_else(configured) {
        Some(context) if context != "default" => context_endpoint(&folder, &context),
        _ => Ok(LOCAL_SOCKET.to_owned()),
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn home() -> PathBuf {
    std::env::home_dir().unwrap_or_else(|| PathBuf::from("/"))
}

fn current_context(config: &str) -> Option<String> {
    let config: Value = serde_json::from_str(config).ok()?;
    config.get("currentContext")?.as_str().map(str::to_owned)
}

/// Docker keeps a context's endpoint under the SHA-256 of its name.
fn context_endpoint(folder: &std::path::Path, context: &str) -> Result<String> {
    let file = folder
        .join("contexts/meta")
        .join(hex::encode(Sha256::digest(context.as_bytes())))
        .join("meta.json");
    let read = || -> Option<String> {
        let meta: Value = serde_json::from_str(&std::fs::read_to_string(&file).ok()?).ok()?;
        meta.pointer("/Endpoints/docker/Host")?.as_str().map(str::to_owned)
    };
    read().ok_or_else(|| {
        Problem::error(format!("the Docker context `{context}` is not known"))
            .note(format!("looked for `{}`", file.display()))
            .hint("`docker context ls` lists the contexts; `DOCKER_CONTEXT` or the configuration file chose this one")
            .exit(Exit::Engine)
    })
}

async fn facts(docker: &Docker) -> std::result::Result<EngineFacts, bollard::errors::Error> {
    let version = docker.version().await?;
    let info = docker.info().await?;
    let api_version = version.api_version.unwrap_or_default();
    let podman =
        version.components.iter().flatten().any(|component| component.name.contains("Podman"));
    let os = version.os.unwrap_or_default();
    let platform = format!("{os}/{}", version.arch.unwrap_or_default());
    Ok(EngineFacts {
        product: if podman { Product::Podman } else { Product::Docker },
        version: version.version.unwrap_or_default(),
        builders: builders(&api_version, podman),
        api_version,
        platform: platform.parse().ok(),
        memory: info.mem_total.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0),
        data_folder: info.docker_root_dir.unwrap_or_default(),
    })
}

/// BuildKit is part of the engine from API 1.40 on (Engine 19.03); podman has a builder of its own behind the classic door.
fn builders(api_version: &str, podman: bool) -> Vec<Builder> {
    let minor =
        api_version.split_once('.').and_then(|(_, minor)| minor.parse::<u32>().ok()).unwrap_or(0);
    if minor >= 40 && !podman {
        vec![Builder::BuildKit, Builder::Classic]
    } else {
        vec![Builder::Classic]
    }
}

/// The gateway of the default bridge network, as the engine reports it.
pub(super) async fn access(engine: &DockerEngine) -> Result<HostAccess> {
    let network = engine
        .docker
        .inspect_network("bridge", None::<bollard::query_parameters::InspectNetworkOptions>)
        .await;
    let network = network.map_err(|error| {
        failure::error("asking for the bridge network", &engine.endpoint, &error)
    })?;
    let configs = network.ipam.and_then(|ipam| ipam.config).unwrap_or_default();
    let gateways = configs.iter().filter_map(|config| config.gateway.as_deref());
    let gateway =
        gateways.filter_map(|gateway| gateway.parse::<IpAddr>().ok()).find(IpAddr::is_ipv4);
    let gateway = gateway
        .or_else(|| configs.iter().find_map(|config| first_address(config.subnet.as_deref()?)));
    let listen = gateway.ok_or_else(|| {
        Problem::error("the engine's default bridge network has no gateway")
            .note(format!("engine: `{}`", engine.endpoint))
            .hint("build containers reach the package server there: is the engine started with `--bridge=none`?")
            .exit(Exit::Engine)
    })?;
    let network = configs.iter().filter_map(|config| network_of(config.subnet.as_deref()?)).next();
    let comes_later = engine.facts.product == Product::Podman;
    Ok(HostAccess { listen, name: listen.to_string(), network, comes_later })
}

/// `172.17.0.0/16` taken apart.
fn network_of(subnet: &str) -> Option<(Ipv4Addr, u8)> {
    let (address, prefix) = subnet.split_once('/')?;
    Some((address.parse().ok()?, prefix.parse().ok().filter(|prefix| *prefix <= 32)?))
}

/// Where an engine names no gateway, it uses the first address of the subnet.
fn first_address(subnet: &str) -> Option<IpAddr> {
    let (network, _) = subnet.split_once('/')?;
    let network: std::net::Ipv4Addr = network.parse().ok()?;
    Some(IpAddr::V4(std::net::Ipv4Addr::from_bits(network.to_bits().checked_add(1)?)))
}
