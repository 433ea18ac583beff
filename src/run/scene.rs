//! Where a run failed first, and what a shell needs to stand there: the state before
//! the instruction that failed, or the image that failed its check.
//!
//! The state is built like the stage: its instructions have just been built, so the
//! builder takes them from its cache. It gets a reference of the run, which is taken
//! away at the end and swept where the run is killed.

use std::sync::OnceLock;

use indexmap::IndexMap;

use super::request::{beginning, bound, packages_of, tell_server};
use super::{Job, KEY, Materials};
use crate::engine::{BuildFailure, Engine, ImageId, ShellRequest};
use crate::error::{Error, Exit, Problem, Result};
use crate::plan::{Halt, PlannedStage};
use crate::project::StageName;

/// What is run in the container: bash where it is there. It ends well however its last command
/// ended, so that a failure means that there was no shell.
const SHELL: &str = "if command -v bash >/dev/null 2>&1; then bash; else sh; fi; exit 0";

/// The same, where the packages may not come. The proxy is what `plan/fetch.sh` makes of it.
const SHELL_WITHOUT: &str = r#""$@" || {
  echo 'ascend-build: the package files could not be fetched: this is the state without them' >&2
  _ab_own=${FTP_PROXY#*/\#*\#}
  unset FTP_PROXY ftp_proxy
  if [ -n "$_ab_own" ]; then export FTP_PROXY="$_ab_own" ftp_proxy="$_ab_own"; fi
  if command -v bash >/dev/null 2>&1; then bash; else sh; fi
  exit 0
}"#;

/// The first failure of a run that a shell can look at.
#[derive(Debug, Default)]
pub struct Scene(OnceLock<Failed>);

#[derive(Debug)]
struct Failed {
    stage: StageName,
    at: At,
}

#[derive(Debug)]
enum At {
    /// Index into the instructions of the stage's Dockerfile.
    Instruction(usize),
    Check {
        image: ImageId,
        command: String,
    },
}

/// A shell that can be opened.
#[derive(Debug)]
pub struct Standpoint {
    /// The stage that failed.
    pub stage: StageName,
    /// What the engine is asked for.
    pub request: ShellRequest,
    /// What somebody who stands there should know, in lines.
    pub told: Vec<String>,
}

impl Scene {
    pub(super) fn note_build(&self, stage: &PlannedStage, failure: &BuildFailure) {
        if let BuildFailure::Instruction { index: Some(index), .. } = failure {
            self.note(stage, At::Instruction(*index));
        }
    }

    pub(super) fn note_check(&self, stage: &PlannedStage, image: &str, command: &str) {
        let (image, command) = (image.to_owned(), command.to_owned());
        self.note(stage, At::Check { image, command });
    }

    /// The stage that failed, where a shell can look at it.
    pub fn stage(&self) -> Option<&StageName> {
        self.0.get().map(|failed| &failed.stage)
    }

    /// Only the first one is kept.
    fn note(&self, stage: &PlannedStage, at: At) {
        _ = self.0.set(Failed { stage: stage.name.clone(), at });
    }
}

/// Makes what a shell at the first failure needs; `None` where nothing failed that a shell can look at.
///
/// # Errors
/// The state before the failure cannot be built.
pub async fn standpoint<E: Engine, M: Materials>(
    job: &Job<'_, E, M>,
) -> Result<Option<Standpoint>> {
    let Some(failed) = job.scene.0.get() else { return Ok(None) };
    let Some(stage) = job.plan.stage(&failed.stage) else { return Ok(None) };
    match &failed.at {
        At::Instruction(index) => before(job, stage, *index).await,
        At::Check { image, command } => Ok(Some(behind(job, stage, image, command))),
    }
}

/// The state before an instruction.
async fn before<E: Engine, M: Materials>(
    job: &Job<'_, E, M>,
    stage: &PlannedStage,
    index: usize,
) -> Result<Option<Standpoint>> {
    let packages = job.materials.packages(stage).await?;
    // Its parent's key, which it would inherit, is not its own.
    let labels = IndexMap::from([(KEY.to_owned(), String::new())]);
    let halt = bound(job, &packages, |bindings| stage.halt(bindings, &labels, index));
    let Some(halt) = halt else { return Ok(None) };
    let request = beginning(job, stage, &packages, &halt)?;
    let built = job.engine.build(request, &|_| {}).await;
    let image = built.map_err(|failure| not_built(stage, failure))?;
    let reference = job.scratch.reference(&job.plan.project, &stage.name);
    job.scratch.keep(&reference);
    job.engine.tag(&image, &reference).await?;
    let mut environment = job.proxies.clone();
    if !halt.fetch.is_empty() {
        tell_server(&mut environment, &packages_of(job, stage), None);
    }
    let command = command(&halt);
    let run = job.recorder.folder().id.clone();
    let request = ShellRequest { image, command, environment, network: true, run };
    Ok(Some(Standpoint { stage: stage.name.clone(), request, told: told(stage, index, &halt) }))
}

fn not_built(stage: &PlannedStage, failure: BuildFailure) -> Error {
    let problem = match failure {
        BuildFailure::Engine(problem) => problem,
        BuildFailure::Instruction { message, .. } => Problem::error(message),
    };
    problem
        .note(format!("while building stage `{}` up to its failure", stage.name))
        .exit(Exit::Failed)
}

/// The image that failed its check.
fn behind<E, M>(
    job: &Job<'_, E, M>,
    stage: &PlannedStage,
    image: &str,
    command: &str,
) -> Standpoint {
    let request = ShellRequest {
        image: image.to_owned(),
        command: words(&["/bin/sh", "-c", SHELL]),
        environment: IndexMap::new(),
        network: false,
        run: job.recorder.folder().id.clone(),
    };
    let told = vec![
        format!(
            "a check of stage `{}` failed; this shell is in the image that it failed in, without a network",
            stage.name
        ),
        "its command, to be repeated by copy:".to_owned(),
        indented(command),
    ];
    Standpoint { stage: stage.name.clone(), request, told }
}

fn command(halt: &Halt) -> Vec<String> {
    let shell = words(&["/bin/sh", "-c", SHELL]);
    if halt.fetch.is_empty() {
        return shell;
    }
    let mut command = words(&["/bin/sh", "-c", SHELL_WITHOUT, "ascend-build"]);
    command.extend(halt.fetch.clone());
    command.extend(shell);
    command
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn told(stage: &PlannedStage, index: usize, halt: &Halt) -> Vec<String> {
    let mut told = Vec::new();
    if let Some((_, instruction)) = stage.instruction(index) {
        let (name, file, line) = (&stage.name, &instruction.file, instruction.line);
        told.push(format!(
            "stage `{name}` failed at line {line} of {file}; this shell is in the state before it"
        ));
        if halt.command.is_none() {
            told.push(format!("the instruction was `{}`", instruction.text));
        }
    }
    if let Some(command) = &halt.command {
        told.push("its command, to be repeated by copy:".to_owned());
        told.push(indented(command));
    }
    if !halt.fetch.is_empty() {
        told.push("its package files are put into `$PACKAGES` first".to_owned());
    }
    if !halt.secrets.is_empty() {
        told.push(format!(
            "arguments that may be secrets are not set: {}",
            halt.secrets.join(", ")
        ));
    }
    if halt.mounts {
        told.push("its mounts (`--mount`) are not here".to_owned());
    }
    told
}

fn indented(text: &str) -> String {
    text.trim_end().lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}
