//! A stand-in for engines that cannot be had here: a door before a real engine's socket
//! that changes what the engine says of itself, and passes everything else on.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use serde_json::Value;

use super::{Docker, eventually};

const PROGRAM: &str = include_str!("stand_in.py");

/// The stand-in; it ends with this value, or with this process.
pub(crate) struct StandIn {
    child: Child,
    door: PathBuf,
}

impl StandIn {
    /// Starts one at `door` in the engine's network. `changes` are fields of the answers to `version` and `info`.
    pub(crate) fn before(engine: &Docker, door: &Path, changes: &Value) -> Self {
        let host = engine.host().expect("the engine has an address");
        let socket = host.strip_prefix("unix://").expect("it is a socket");
        let mut command = engine.beside("python3");
        command.args(["-c", PROGRAM]).arg(door).args([socket, &changes.to_string()]);
        let child = command.stdin(Stdio::piped()).spawn().expect("python3 runs");
        let stand_in = Self { child, door: door.to_owned() };
        let listens = eventually(|| stand_in.door.exists().then_some(()));
        assert!(listens.is_some(), "the stand-in does not listen");
        stand_in
    }

    /// What `DOCKER_HOST` must be for it.
    pub(crate) fn host(&self) -> String {
        format!("unix://{}", self.door.display())
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
