//! Memory that packages may take while they are built with.

use crate::engine::{DockerEngine, Engine};

/// Bytes of memory that are free both here and, as far as its size tells, on the engine's machine.
pub(super) fn free_memory(engine: &DockerEngine) -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    (kib.unwrap_or(0) * 1024).min(engine.facts().memory / 2)
}
