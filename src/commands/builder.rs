//! Which builder builds, and what it would not understand: heredocs.
//!
//! The first builder of Docker Engine 20.10 refuses them, that of 26.1 runs the
//! instruction without them and calls it a success, and podman 4.3 has none.
//! `RUN --package` is no heredoc any more when an engine sees it.

use super::selection::Wanted;
use crate::engine::{Builder, EngineFacts, Product};
use crate::error::{Error, Exit, Problem, Result};
use crate::plan::Plan;
use crate::project::dockerfile::Instruction;
use crate::project::{Project, Stage};

/// The first Docker Engine whose BuildKit reads heredocs by itself (Dockerfile frontend 1.4).
const HEREDOCS_SINCE: u32 = 23;

/// The builder that is wanted, else the engine's preferred one.
///
/// # Errors
/// [`Exit::Engine`]: the engine does not have it.
pub(super) fn choose(wanted: Wanted, facts: &EngineFacts) -> Result<Builder> {
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

/// Refuses what would be built without its heredocs.
///
/// # Errors
/// [`Exit::Project`]: each instruction that has one.
pub(super) fn refuse_heredocs(
    project: &Project,
    plan: &Plan,
    engine: &EngineFacts,
    builder: Builder,
) -> Result<()> {
    let old = major(&engine.version).is_some_and(|major| major < HEREDOCS_SINCE);
    if builder == Builder::BuildKit && !old {
        return Ok(());
    }
    let stages = plan.stages.iter().filter_map(|stage| project.stages.get(&stage.name));
    let problems = stages.flat_map(|stage| problems(stage, builder, engine));
    Error::check(Exit::Project, problems.collect()).map(drop)
}

/// The first number of a version such as `20.10.24+dfsg1`.
fn major(version: &str) -> Option<u32> {
    version.split('.').next()?.parse().ok()
}

fn problems(stage: &Stage, builder: Builder, engine: &EngineFacts) -> Vec<Problem> {
    let has_heredoc = |instruction: &&Instruction| {
        let innermost = instruction.innermost();
        !innermost.heredocs.is_empty() && innermost.flag("package").is_none()
    };
    let problem = |instruction: &Instruction| {
        let place = instruction.place(stage.file.source());
        match builder {
            Builder::Classic => Problem::error("the classic builder does not understand heredocs")
                .at(place, "this would run without its heredoc")
                .hint(format!("write the commands with `&& \\`, or use BuildKit of Docker Engine {HEREDOCS_SINCE} or later")),
            Builder::BuildKit => Problem::error(format!("BuildKit of engine {} does not understand heredocs", engine.version))
                .at(place, "this would be taken for instructions")
                .hint(format!("write the commands with `&& \\`, or use Docker Engine {HEREDOCS_SINCE} or later")),
        }
    };
    stage.instructions().filter(has_heredoc).map(problem).collect()
}
