//! The engine's process behind a local socket, and what can be told from it: it may be in networks,
//! mounts and control groups of its own.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use rustix::net::sockopt::socket_peercred;

/// Where control groups are; those of memory are in a folder of their own in the first version.
const GROUPS: &str = "/sys/fs/cgroup";

/// The process that listens on the socket of an endpoint; the first of the system where systemd does
/// for the engine. `None` where the engine has no socket here.
pub(super) fn behind(endpoint: &str) -> Option<i32> {
    let stream = UnixStream::connect(endpoint.strip_prefix("unix://")?).ok()?;
    Some(socket_peercred(stream).ok()?.pid.as_raw_nonzero().get())
}

/// Whether a process is in this program's network; `None` where that may not be looked at.
pub(super) fn is_in_this_network(process: i32) -> Option<bool> {
    let network = |process: &str| std::fs::read_link(format!("/proc/{process}/ns/net")).ok();
    Some(network(&process.to_string())? == network("self")?)
}

/// Memory that a process's control group, and those around it, still give it, in bytes; `None` without
/// a limit. Build containers are in groups beside or below the engine's.
pub(super) fn memory_left(process: i32) -> Option<u64> {
    let groups = std::fs::read_to_string(format!("/proc/{process}/cgroup")).ok()?;
    groups.lines().filter_map(left_in_line).min()
}

/// What is left by one line of `/proc/<process>/cgroup`, such as `0::/user.slice` or `5:memory:/docker`.
fn left_in_line(line: &str) -> Option<u64> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (controllers, path) = (parts.next()?, parts.next()?.trim_start_matches('/'));
    let (root, names) = match controllers {
        "" => (PathBuf::from(GROUPS), ["memory.max", "memory.current", "inactive_file"]),
        some if some.split(',').any(|one| one == "memory") => (
            Path::new(GROUPS).join("memory"),
            ["memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"],
        ),
        _ => return None,
    };
    let group = root.join(path);
    group
        .ancestors()
        .take_while(|group| group.starts_with(&root))
        .filter_map(|group| left(group, names))
        .min()
}

/// Files that were read and are not used now are given back when memory is wanted.
fn left(group: &Path, [limit, usage, unused]: [&str; 3]) -> Option<u64> {
    let number = |name: &str| std::fs::read_to_string(group.join(name)).ok()?.trim().parse().ok();
    let statistics = std::fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
    let unused = statistics.lines().find_map(|line| line.strip_prefix(unused)?.trim().parse().ok());
    let (limit, usage): (u64, u64) = (number(limit)?, number(usage)?);
    Some(limit.saturating_sub(usage.saturating_sub(unused.unwrap_or(0))))
}
