//! A command in a build that goes on when its test says so, however busy the machine is.

use std::net::{Ipv4Addr, TcpListener};

use super::Docker;

/// The template that gives the address of an engine's default bridge, or its subnet: an engine that
/// made the bridge itself, when it was started for the first time, names no gateway until it is started again.
const GATEWAY: &str = "{{with index .IPAM.Config 0}}{{or .Gateway .Subnet}}{{end}}";

/// Builds wait at it until this value is gone.
pub(crate) struct Gate {
    listener: TcpListener,
}

impl Gate {
    /// One that the build containers of this machine's engine reach; podman's are in the host's
    /// network, and its bridge is not there before a container runs.
    pub(crate) fn new() -> Self {
        let ask = ["network", "inspect", "bridge", "--format", GATEWAY];
        let (_, gateway) = Docker::default().attempt(&ask);
        let listener = TcpListener::bind((address(&gateway), 0));
        let listener = listener.or_else(|_| TcpListener::bind(("127.0.0.1", 0)));
        Self { listener: listener.expect("every network has a loopback") }
    }

    /// The command that waits: its connection is never taken, and ends with the listener.
    pub(crate) fn command(&self) -> String {
        let address = self.listener.local_addr().expect("a listener has an address");
        format!("nc {} {} || true", address.ip(), address.port())
    }

    /// Lets everybody through.
    pub(crate) fn open(self) {
        drop(self.listener);
    }
}

/// A gateway as it is, and of a subnet the first address.
fn address(gateway: &str) -> String {
    let Some((subnet, _)) = gateway.split_once('/') else { return gateway.to_owned() };
    let subnet: Ipv4Addr = subnet.parse().expect("an engine names subnets by address");
    Ipv4Addr::from(u32::from(subnet) + 1).to_string()
}
