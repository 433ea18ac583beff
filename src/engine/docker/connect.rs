//! Connecting to the engine, what it can do, and where its containers reach this host.

use std::net::{IpAddr, Ipv4Addr};

use bollard::models::{SystemInfo, SystemVersion};
use bollard::{API_DEFAULT_VERSION, Docker};

use super::container::Cleaning;
use super::endpoint::Endpoint;
use super::{DockerEngine, LONG, SHORT, failure};
use crate::engine::{Builder, EngineFacts, HostAccess, Product};
use crate::error::{Exit, Problem, Result};

impl DockerEngine {
    /// Connects to the engine that `docker` would use.
    ///
    /// # Errors
    /// [`Exit::Engine`]: it cannot be reached.
    pub async fn connect() -> Result<Self> {
        let endpoint = Endpoint::of_environment()?;
        let docker = client(&endpoint.address).map_err(|error| unreachable(&endpoint, error))?;
        let docker = docker
            .with_timeout(SHORT)
            .negotiate_version()
            .await
            .map_err(|error| unreachable(&endpoint, error))?;
        let answers = tell(&docker).await.map_err(|error| unreachable(&endpoint, error))?;
        let (facts, info) = answers;
        let patient = docker.clone().with_timeout(LONG);
        let endpoint = endpoint.address;
        let rootless = is_rootless(&info);
        let system = info.operating_system.unwrap_or_default();
        let cleaning = Cleaning::default();
        Ok(Self { docker, patient, endpoint, facts, system, rootless, cleaning })
    }
}

fn client(endpoint: &str) -> std::result::Result<Docker, bollard::errors::Error> {
    match endpoint.strip_prefix("unix://") {
        Some(_) => Docker::connect_with_unix(endpoint, SHORT.as_secs(), API_DEFAULT_VERSION),
        None => Docker::connect_with_host(endpoint),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "an adapter for `map_err`")]
fn unreachable(endpoint: &Endpoint, error: bollard::errors::Error) -> crate::error::Error {
    let (code, hint) = reason(&error);
    let problem = Problem::error("the Docker Engine cannot be reached")
        .code(code)
        .note(format!("looked for it at {endpoint}"))
        .hint(hint);
    problem.cause(root_cause(&error)).exit(Exit::Engine)
}

/// What is wrong, by its name in docs/doctor.md, and what to do: it stands at the bottom of the error.
fn reason(error: &(dyn std::error::Error + 'static)) -> (&'static str, &'static str) {
    let causes = || std::iter::successors(Some(error), |error| error.source());
    let kind =
        causes().find_map(|error| error.downcast_ref::<std::io::Error>()).map(std::io::Error::kind);
    let says = |word: &str| causes().any(|error| error.to_string().to_lowercase().contains(word));
    match kind {
        Some(std::io::ErrorKind::PermissionDenied) => {
            ("engine-denied", "run as root, or as a member of the group `docker`")
        }
        _ if says("scheme") => ("engine-address", ADDRESS),
        Some(std::io::ErrorKind::NotFound) => ("engine-missing", START),
        _ if says("socket not found") => ("engine-missing", START),
        _ => ("engine-silent", START),
    }
}

const ADDRESS: &str = "expected an address such as `unix:///var/run/docker.sock` or `tcp://host:2375` in `DOCKER_HOST`";
const START: &str = "start it (`systemctl start docker`, or `dockerd` where there is no systemd), or name another with `DOCKER_HOST`";

/// The layers between say only that something failed.
fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .last()
        .map(ToString::to_string)
        .unwrap_or_default()
}

/// What the engine says of itself.
async fn tell(
    docker: &Docker,
) -> std::result::Result<(EngineFacts, SystemInfo), bollard::errors::Error> {
    let version = docker.version().await?;
    let info = docker.info().await?;
    Ok((facts(version, &info), info))
}

fn facts(version: SystemVersion, info: &SystemInfo) -> EngineFacts {
    let api_version = version.api_version.unwrap_or_default();
    let podman =
        version.components.iter().flatten().any(|component| component.name.contains("Podman"));
    let os = version.os.unwrap_or_default();
    let platform = format!("{os}/{}", version.arch.unwrap_or_default());
    EngineFacts {
        product: if podman { Product::Podman } else { Product::Docker },
        version: version.version.unwrap_or_default(),
        builders: builders(&api_version, podman),
        api_version,
        platform: platform.parse().ok(),
        memory: info.mem_total.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0),
        data_folder: info.docker_root_dir.clone().unwrap_or_default(),
    }
}

fn is_rootless(info: &SystemInfo) -> bool {
    let options = info.security_options.iter().flatten();
    options
        .flat_map(|option| option.split(','))
        .any(|part| part == "name=rootless" || part == "rootless")
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

/// The gateway of the default bridge network, as the engine reports it; loopback where builds are in this host's network.
pub(super) async fn access(engine: &DockerEngine) -> Result<HostAccess> {
    if engine.facts.product == Product::Podman {
        return Ok(loopback());
    }
    bridge(engine).await
}

/// podman builds in the host's network, whatever it is asked for (4.3), and its bridge exists only while a container runs.
fn loopback() -> HostAccess {
    let network = Some((Ipv4Addr::new(127, 0, 0, 0), 8));
    HostAccess {
        listen: Ipv4Addr::LOCALHOST.into(),
        name: Ipv4Addr::LOCALHOST.to_string(),
        network,
    }
}

async fn bridge(engine: &DockerEngine) -> Result<HostAccess> {
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
    Ok(HostAccess { listen, name: listen.to_string(), network })
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
