//! Where to listen.
//!
//! 1. on the socket that systemd opened, else
//! 2. on the address that `--listen` names, else
//! 3. on the gateway of the engine's bridge, else, where no engine answers,
//! 4. on loopback.
//!
//! An address that neither loopback nor a bridge of containers has is open to
//! others, and wants a token.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

use super::{bridge, systemd};
use crate::engine::{DockerEngine, Engine, HostAccess};
use crate::error::{Error, Exit, Problem, Result};
use crate::server;
use crate::ui::Printer;

/// A bound port, and who can reach it.
#[derive(Debug)]
pub(super) struct Place {
    listener: TcpListener,
    address: SocketAddr,
    /// The only network, beside this machine, that is answered; `None` answers everybody.
    pub(super) network: Option<(Ipv4Addr, u8)>,
}

impl Place {
    fn new(listener: TcpListener, access: Option<&HostAccess>) -> Result<Self> {
        let address = listener.local_addr().map_err(unusable)?;
        let network = network(address.ip(), access);
        Ok(Self { listener, address, network })
    }

    /// The address that is listened on.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether others than this machine and its containers reach it.
    pub(super) fn is_open(&self) -> bool {
        self.network.is_none() && !self.address.ip().to_canonical().is_loopback()
    }

    /// Whoever listens in reads the token, so the user should know.
    pub(super) fn note_unencrypted(&self, printer: Printer) {
        let message = format!(
            "the token and the files cross the network in the open: `{}` is not encrypted",
            self.address
        );
        let note = Problem { severity: crate::error::Severity::Note, ..Problem::error(message) };
        printer.problems(&[note.hint("encrypt with `--tls`, where others share the network")]);
    }

    /// The listener, for the current runtime.
    pub(super) fn listener(self) -> Result<tokio::net::TcpListener> {
        self.listener.set_nonblocking(true).map_err(unusable)?;
        tokio::net::TcpListener::from_std(self.listener).map_err(unusable)
    }
}

/// The address that `--listen` names.
///
/// # Errors
/// What was expected.
pub(super) fn parse_address(text: &str) -> std::result::Result<IpAddr, String> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if let Ok(address) = bare.parse() {
        return Ok(address);
    }
    Err(match text.parse::<SocketAddr>() {
        Ok(both) => format!(
            "the port is an option of its own: `--listen {} --port {}`",
            both.ip(),
            both.port()
        ),
        Err(_) => "expected an IP address of this machine; `127.0.0.1` is for this machine alone, `0.0.0.0` for everybody".to_owned(),
    })
}

fn unusable(error: std::io::Error) -> Error {
    Problem::error("the listening socket cannot be used").cause(error).exit(Exit::Engine)
}

/// The network of containers whose gateway `address` is; loopback is one of this machine alone.
fn network(address: IpAddr, access: Option<&HostAccess>) -> Option<(Ipv4Addr, u8)> {
    if let IpAddr::V4(address) = address.to_canonical()
        && address.is_loopback()
    {
        return Some((Ipv4Addr::new(127, 0, 0, 0), 8));
    }
    let gateway = access.filter(|access| access.listen == address.to_canonical());
    gateway.and_then(|access| access.network).or_else(|| bridge::network_of(address))
}

/// Binds the port.
///
/// # Errors
/// [`Exit::Engine`] where it cannot listen there.
pub(super) async fn choose(listen: Option<IpAddr>, port: u16, printer: Printer) -> Result<Place> {
    if let Some(listener) = systemd::listener()? {
        let access = access().await.ok();
        return Place::new(listener, access.as_ref());
    }
    let access = access().await;
    let address = match (listen, &access) {
        (Some(address), _) => address,
        (None, Ok(access)) => access.listen,
        (None, Err(error)) => {
            note_loopback(error, printer);
            Ipv4Addr::LOCALHOST.into()
        }
    };
    let bound = server::bind(SocketAddr::new(address, port)).await;
    let listener = bound.map_err(|error| with_other_port(error, port))?;
    Place::new(listener.into_std().map_err(unusable)?, access.as_ref().ok())
}

/// A port that is taken is not the only one.
fn with_other_port(mut error: Error, port: u16) -> Error {
    let is_taken = |problem: &Problem| {
        let cause =
            problem.source.as_ref().and_then(|cause| cause.downcast_ref::<std::io::Error>());
        cause.is_some_and(|cause| cause.kind() == std::io::ErrorKind::AddrInUse)
    };
    for problem in error.problems.iter_mut().filter(|problem| is_taken(problem)) {
        let other = port.checked_add(1).unwrap_or(3000);
        problem
            .hints
            .push(format!("or choose another port: `--port {other}`; `--port 0` takes a free one"));
    }
    error
}

async fn access() -> Result<HostAccess> {
    DockerEngine::connect().await?.access().await
}

/// Containers will not reach it, so the user should know.
fn note_loopback(error: &Error, printer: Printer) {
    let note = Problem {
        severity: crate::error::Severity::Note,
        ..Problem::error("no engine answers: only this machine itself is served")
    };
    let why = error.problems.first().map(|problem| problem.message.clone());
    let note = why.into_iter().fold(note, Problem::note);
    printer.problems(&[note.hint(
        "start the engine first, or name the address that containers reach with `--listen`",
    )]);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Beside an engine whose bridge is 10.9.0.1/24.
    fn check(address: &str, expected: Option<(&str, u8)>) {
        let access = HostAccess {
            listen: "10.9.0.1".parse().unwrap(),
            name: "10.9.0.1".to_owned(),
            network: Some(("10.9.0.0".parse().unwrap(), 24)),
        };
        let expected = expected.map(|(network, prefix)| (network.parse().unwrap(), prefix));
        assert_eq!(network(address.parse().unwrap(), Some(&access)), expected, "{address}");
    }

    #[test]
    fn an_address_stands_alone() {
        let check = |text: &str, expected: std::result::Result<&str, &str>| {
            let parsed = parse_address(text).map(|address| address.to_string());
            match expected {
                Ok(address) => assert_eq!(parsed.as_deref(), Ok(address)),
                Err(part) => assert!(parsed.is_err_and(|error| error.contains(part)), "{text}"),
            }
        };
        check("10.0.0.5", Ok("10.0.0.5"));
        check("[::1]", Ok("::1"));
        check("127.0.0.1:3000", Err("`--listen 127.0.0.1 --port 3000`"));
        check("[::1]:80", Err("`--listen ::1 --port 80`"));
        check("localhost", Err("expected an IP address"));
        check("", Err("expected an IP address"));
    }

    #[test]
    fn only_loopback_and_the_gateway_are_closed_to_others() {
        check("127.0.0.1", Some(("127.0.0.0", 8)));
        check("10.9.0.1", Some(("10.9.0.0", 24)));
        check("10.9.0.2", None);
        check("0.0.0.0", None);
        check("192.0.2.1", None);
        check("::", None);
    }
}
