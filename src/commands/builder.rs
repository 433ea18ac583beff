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
pub(super) fn refuse_heredocs(project: &Project, plan: &Plan, builder: Builder) -> Result<()> {
    if builder == Builder::BuildKit {
        return Ok(());
    }
    let stages = plan.stages.iter().filter_map(|stage| project.stages.get(&stage.name));
    Error::check(Exit::Project, stages.flat_map(problems).collect()).map(drop)
}

fn problems(stage: &Stage) -> Vec<Problem> {
    let has_heredoc = |instruction: &&Instruction| {
        let innermost = instruction.innermost();
        !innermost.heredocs.is_empty() && innermost.flag("package").is_none()
    };
    let problem = |instruction: &Instruction| {
        Problem::error("the classic builder does not understand heredocs")
            .at(instruction.place(stage.file.source()), "this would run without its heredoc")
            .hint("leave `--builder classic` out where the engine has BuildKit, or write the commands with `&&`")
    };
    stage.instructions().filter(has_heredoc).map(problem).collect()
}
