//! Engines whose bridge is out of this program's reach, though this machine may have an address like
//! its gateway's: the bridge of another engine.

use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

use super::{DockerEngine, process};
use crate::engine::Elsewhere;
use crate::error::{Error, Exit, Problem};

/// Where the engine is, if it is not beside this program.
pub(super) fn elsewhere(engine: &DockerEngine) -> Option<Elsewhere> {
    if engine.system.contains("Docker Desktop") {
        return Some(Elsewhere::VirtualMachine);
    }
    if is_remote(&engine.endpoint) {
        return Some(Elsewhere::Machine);
    }
    let other =
        process::behind(&engine.endpoint).and_then(process::is_in_this_network) == Some(false);
    match other {
        true if engine.rootless => Some(Elsewhere::Rootless),
        true => Some(Elsewhere::Network),
        false => None,
    }
}

/// Whether an endpoint such as `tcp://10.0.0.5:2375` names no address of this machine.
fn is_remote(endpoint: &str) -> bool {
    let Some((_, host)) = endpoint.split_once("://").filter(|(scheme, _)| *scheme != "unix") else {
        return false;
    };
    let is_here = |address: SocketAddr| TcpListener::bind((address.ip(), 0)).is_ok();
    host.trim_end_matches('/').to_socket_addrs().is_ok_and(|mut addresses| !addresses.any(is_here))
}

/// Why nothing can be built with it.
pub(super) fn refusal(engine: &DockerEngine, elsewhere: Elsewhere) -> Error {
    let (code, what) = match elsewhere {
        Elsewhere::VirtualMachine => {
            ("docker-desktop", "the engine runs in the virtual machine of Docker Desktop")
        }
        Elsewhere::Rootless => {
            ("rootless", "the engine runs without root's rights, in a network of its own")
        }
        Elsewhere::Machine => ("remote-engine", "the engine runs on another machine"),
        Elsewhere::Network => {
            ("gateway-missing", "the engine runs in another network than this program")
        }
    };
    Problem::error(format!("{what}: its build containers cannot reach the package server"))
        .code(code)
        .note(format!("engine: `{}`", engine.endpoint))
        .hint("`ascend-build doctor` says what to use instead (docs/doctor.md)")
        .exit(Exit::Engine)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(endpoint: &str, expected: bool) {
        assert_eq!(is_remote(endpoint), expected, "{endpoint}");
    }

    #[test]
    fn only_another_machines_address_is_remote() {
        check("unix:///var/run/docker.sock", false);
        check("tcp://127.0.0.1:2375", false);
        check("tcp://localhost:2375/", false);
        // An address for documentation, which no machine has.
        check("tcp://192.0.2.1:2375", true);
        check("http://192.0.2.1:2375", true);
    }
}
