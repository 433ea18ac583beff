//! With what a build is made: the builder that fits, and memory that packages may take.

use super::selection::Wanted;
use crate::engine::{Builder, DockerEngine, Engine, Product};
use crate::error::{Exit, Problem, Result};

/// Bytes of memory that are free both here and, as far as its size tells, on the engine's machine.
pub(super) fn free_memory(engine: &DockerEngine) -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    (kib.unwrap_or(0) * 1024).min(engine.facts().memory / 2)
}

/// The builder that was asked for, where the engine has it.
pub(super) fn choose(wanted: Wanted, engine: &DockerEngine) -> Result<Builder> {
    let facts = engine.facts();
    let builder = match wanted {
        Wanted::Auto => return Ok(facts.builders.first().copied().unwrap_or(Builder::Classic)),
        Wanted::Classic => Builder::Classic,
        Wanted::Buildkit => Builder::BuildKit,
    };
    if facts.builders.contains(&builder) {
        return Ok(builder);
    }
    Err(Problem::error("the engine has no BuildKit")
        .note(match facts.product {
            Product::Podman => format!("podman {} has a builder of its own", facts.version),
            Product::Docker => format!(
                "engine {}, API {}; BuildKit needs API 1.40 (Docker Engine 19.03)",
                facts.version, facts.api_version
            ),
        })
        .hint("leave `--builder` out, or use `--builder classic`")
        .exit(Exit::Engine))
}
