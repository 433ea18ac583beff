//! Engines whose bridge is out of this program's reach, though this machine may have an address like
//! its gateway's: the bridge of another engine.

use super::{DockerEngine, process};
use crate::engine::Elsewhere;
use crate::error::{Error, Exit, Problem};

/// Where the engine is, if it is not beside this program.
pub(super) fn elsewhere(engine: &DockerEngine) -> Option<Elsewhere> {
    if engine.system.contains("Docker Desktop") {
        return Some(Elsewhere::VirtualMachine);
    }
    let other =
        process::behind(&engine.endpoint).and_then(process::is_in_this_network) == Some(false);
    match other {
        true if engine.rootless => Some(Elsewhere::Rootless),
        true => Some(Elsewhere::Network),
        false => None,
    }
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
