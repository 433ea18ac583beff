//! A command in a build that goes on when its test says so, however busy the machine is.

use std::net::TcpListener;

use super::Docker;

/// The template that gives the address of an engine's default bridge.
const GATEWAY: &str = "{{(index .IPAM.Config 0).Gateway}}";

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
        let listener = TcpListener::bind((gateway, 0));
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
