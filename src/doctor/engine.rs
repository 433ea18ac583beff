//! Judging the engine itself: reached, old, its builders, its layers.

use super::{Code, EngineSide, Facts, Finding, Level, Unreachable};
use crate::engine::{Builder, Product};

/// The oldest API that builds were made for: that of Docker Engine 18.06.
const OLDEST_MINOR: u32 = 38;

/// Storage drivers that are known for trouble, and why.
const DRIVERS: [(&str, &str); 3] = [
    (
        "vfs",
        "every layer is a full copy of the one below: an image of 13 GB takes that many times over",
    ),
    ("devicemapper", "it is slow, and gone from Docker Engine 25"),
    ("aufs", "it is gone from Docker Engine 24"),
];

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    match &facts.engine {
        Err(unreachable) => vec![unreached(unreachable)],
        Ok(side) => {
            let found = [old(side), no_buildkit(side, facts.asked.builder), driver(side)];
            found.into_iter().flatten().collect()
        }
    }
}

fn unreached(unreachable: &Unreachable) -> Finding {
    let code = unreachable.code.and_then(Code::of).unwrap_or(Code::EngineSilent);
    let finding = Finding::error(code, unreachable.what.clone());
    Finding { notes: unreachable.notes.clone(), mend: unreachable.mend.clone(), ..finding }
}

fn old(side: &EngineSide) -> Option<Finding> {
    let api = &side.examination.facts.api_version;
    let minor: u32 = api.strip_prefix("1.")?.parse().ok()?;
    (minor < OLDEST_MINOR).then(|| {
        Finding::warning(
            Code::EngineOld,
            "the engine is older than those that ascend-build is made for",
        )
        .expected(
            format!("API 1.{OLDEST_MINOR} or later (Docker Engine 18.06)"),
            format!("API {api} (engine {})", side.examination.facts.version),
        )
        .mend("install a newer Docker Engine")
    })
}

/// Builds go on without it, unless it is asked for by name.
fn no_buildkit(side: &EngineSide, asked: Option<Builder>) -> Option<Finding> {
    let facts = &side.examination.facts;
    if facts.builders.contains(&Builder::BuildKit) {
        return None;
    }
    let level = if asked == Some(Builder::BuildKit) { Level::Error } else { Level::Warning };
    let finding = Finding::of(level, Code::NoBuildKit, "the engine has no BuildKit");
    Some(match facts.product {
        Product::Podman => finding
            .note(format!("podman {} builds with a builder of its own, one instruction after the other, in this host's network", facts.version))
            .note("`RUN --mount` of secrets and caches, and heredocs in plain instructions, are BuildKit's; docs/engines.md tells what works where")
            .mend("leave `--builder` out or write `--builder classic`; for BuildKit, use a Docker Engine (`DOCKER_HOST=unix:///var/run/docker.sock`)"),
        Product::Docker => finding
            .expected("API 1.40 or later (Docker Engine 19.03)", format!("API {} (engine {})", facts.api_version, facts.version))
            .mend("leave `--builder` out or write `--builder classic`; for BuildKit, install a newer Docker Engine"),
    })
}

fn driver(side: &EngineSide) -> Option<Finding> {
    let driver = side.examination.storage_driver.as_str();
    let (_, why) = DRIVERS.iter().find(|(known, _)| *known == driver)?;
    Some(
        Finding::warning(Code::StorageDriver, format!("the engine keeps layers with the storage driver `{driver}`"))
            .expected("`overlay2`", format!("`{driver}`"))
            .note(*why)
            .mend("write `\"storage-driver\": \"overlay2\"` into /etc/docker/daemon.json and restart the engine; its images must be loaded or built again")
            .mend("where the data folder's file system cannot hold overlays (such as another overlay, or NFS), move it with `\"data-root\"` to ext4 or xfs"),
    )
}
