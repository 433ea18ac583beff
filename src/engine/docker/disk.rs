//! How much room there is where the engine keeps its data.
//!
//! An engine behind a socket of this machine may still have a disk of its own
//! (a chroot, a container): so its process is asked for, and its data folder is
//! looked at with that process's eyes where this is allowed.

use std::path::{Path, PathBuf};

use super::{DockerEngine, process};

/// Bytes that are free for the engine; `None` for an engine on another machine, or in a virtual one.
pub(super) fn free(engine: &DockerEngine) -> Option<u64> {
    let process = process::behind(&engine.endpoint)?;
    let data = Path::new(&engine.facts.data_folder);
    let relative = data.strip_prefix("/").ok().filter(|data| !data.as_os_str().is_empty())?;
    let seen = PathBuf::from(format!("/proc/{process}/root")).join(relative);
    free_in(&seen).or_else(|| free_in(data))
}

fn free_in(folder: &Path) -> Option<u64> {
    let space = rustix::fs::statvfs(folder).ok()?;
    space.f_bavail.checked_mul(space.f_frsize)
}
