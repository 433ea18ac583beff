//! One stage: decide, render, build, check, tag.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indexmap::IndexMap;

use super::base::Bases;
use super::decide::{FINISHED, Ground, decide};
use super::labels::{base_of, labels};
use super::passed::Passed;
use super::retry::Attempts;
use super::schedule::parents;
use super::stock::{Made, MadeStage};
use super::{Event, Job, Materials, Outcome, StageResult, failure, unfetched};
use crate::engine::{
    BuildEvent, BuildFailure, BuildRequest, Builder, CheckOutcome, CheckRequest, Engine,
    LabelledImage,
};
use crate::error::{Error, Exit, Result};
use crate::plan::{Bindings, PlannedStage, VerifiedPackage};
use crate::project::StageName;

/// References by which later stages of the same run name their parents: another
/// run of the project may move the lasting tags meanwhile.
#[derive(Debug)]
pub struct Scratch {
    run: String,
    references: Mutex<Vec<String>>,
}

impl Scratch {
    /// The references of the run with this id.
    pub fn new(run: &str) -> Self {
        Self { run: run.to_owned(), references: Mutex::default() }
    }

    fn reference(&self, project: &str, stage: &StageName) -> String {
        format!("{project}/{}:run-{}", stage.lower(), self.run)
    }

    fn keep(&self, reference: &str) {
        let mut references = self.references.lock().unwrap_or_else(PoisonError::into_inner);
        references.push(reference.to_owned());
    }

    /// Takes all of them away.
    pub async fn clear(&self, engine: &impl Engine) {
        let references =
            std::mem::take(&mut *self.references.lock().unwrap_or_else(PoisonError::into_inner));
        for reference in references {
            if let Err(error) = engine.untag(&reference).await {
                tracing::warn!(%error, reference, "a run's own tag could not be removed");
            }
        }
    }
}

/// An image of a stage, before it is checked.
struct Built {
    image: String,
    outcome: Outcome,
    size: Option<u64>,
    /// The references that it has already.
    references: Vec<String>,
    /// The instructions that ran, by their place in the plan.
    ran: Vec<usize>,
}

/// Makes one stage: decides, builds where that is needed, checks, tags.
pub(super) async fn make<E: Engine, M: Materials>(
    job: &Job<'_, E, M>,
    stage: &PlannedStage,
    made: &Made,
    bases: &Bases,
) -> Result<()> {
    let started = Instant::now();
    let result = attempt(job, stage, made, bases, started).await;
    job.recorder.ledger().leave(&stage.name);
    if result.is_err() {
        let seconds = started.elapsed().as_secs_f64();
        let failed = StageResult {
            stage: stage.name.clone(),
            outcome: Outcome::Failed,
            seconds,
            image: None,
            size: None,
            tags: Vec::new(),
        };
        job.recorder.record(&Event::StageFinished(failed));
    }
    result
}

async fn attempt<E: Engine, M: Materials>(
    job: &Job<'_, E, M>,
    stage: &PlannedStage,
    made: &Made,
    bases: &Bases,
    started: Instant,
) -> Result<()> {
    let base = match base_of(job.plan, stage) {
        Some(planned) => bases.prepare(job, planned).await?,
        None => None,
    };
    let packages = job.materials.packages(stage).await?;
    let ground = Ground { packages: &packages, base: base.as_ref(), made };
    let decision = decide(&job.sources(), stage, &ground).await?;
    job.recorder.decide(stage, &decision);
    let built = match &decision.reuse {
        Some(image) => reused(image),
        None => {
            let labels = labels(job.plan, stage, &decision, &job.annotations, base.as_ref());
            build(job, stage, &packages, labels).await?
        }
    };
    unfetched::judge(job, stage, &built.ran)?;
    check(job, stage, &built).await?;
    let tags = tag(job, stage, &built).await?;
    if let Some(key) = &decision.key {
        Passed::of(job.recorder.folder()).remember_once(&built.image, &format!("{FINISHED}{key}"));
    }
    made.note(
        &stage.name,
        MadeStage {
            content: decision.key.map_or_else(|| built.image.clone(), |key| key.to_string()),
            built: decision.reuse.is_none(),
        },
    );
    let size = match built.size {
        Some(size) => Some(size),
        None => job.engine.image(&built.image).await?.map(|facts| facts.size),
    };
    job.recorder.record(&Event::StageFinished(StageResult {
        stage: stage.name.clone(),
        outcome: built.outcome,
        seconds: started.elapsed().as_secs_f64(),
        image: Some(built.image),
        size,
        tags,
    }));
    Ok(())
}

fn reused(image: &LabelledImage) -> Built {
    Built {
        image: image.id.clone(),
        outcome: Outcome::Reused,
        size: Some(image.size),
        references: image.references.clone(),
        ran: Vec::new(),
    }
}

async fn build<E: Engine, M: Materials>(
    job: &Job<'_, E, M>,
    stage: &PlannedStage,
    packages: &[VerifiedPackage],
    labels: IndexMap<String, String>,
) -> Result<Built> {
    job.recorder.record(&Event::StageStarted {
        stage: stage.name.clone(),
        steps: stage.instructions.len(),
    });
    job.recorder.ledger().enter(&stage.name, packages.iter().map(|package| package.file.clone()));
    let mut attempts = Attempts::new(job.retries);
    loop {
        let request = request(job, stage, packages, &labels)?;
        match build_once(job, stage, request).await {
            Ok(built) => return Ok(built),
            Err(error) if attempts.again(job, stage, &error).await => {}
            Err(error) => return Err(failure::of_build(job, stage, error)),
        }
    }
}

fn request<E: Engine, M: Materials>(
    job: &Job<'_, E, M>,
    stage: &PlannedStage,
    packages: &[VerifiedPackage],
    labels: &IndexMap<String, String>,
) -> Result<BuildRequest> {
    let dockerfile = dockerfile(job, stage, packages, labels);
    Ok(BuildRequest {
        builder: job.builder,
        context: job.materials.context(stage, &dockerfile)?,
        dockerfile: Job::<E, M>::DOCKERFILE.to_owned(),
        target: stage.name.lower(),
        platform: Some(job.plan.platform.clone())
            .filter(|platform| job.engine.facts().platform.as_ref() != Some(platform)),
        arguments: arguments(job, stage, packages),
        run: Some(job.recorder.folder().id.clone()).filter(|_| !reads_no_proxy(job)),
        keywords: stage.keywords(),
        no_cache: job.no_cache,
    })
}

async fn build_once<E: Engine, M>(
    job: &Job<'_, E, M>,
    stage: &PlannedStage,
    request: BuildRequest,
) -> std::result::Result<Built, BuildFailure> {
    let progress = Mutex::new(Progress::default());
    let sink = |event| {
        if event == BuildEvent::Clipped {
            return job.recorder.clip(&stage.name);
        }
        let events = progress.lock().unwrap_or_else(PoisonError::into_inner).take(stage, event);
        events.iter().for_each(|event| job.recorder.record(event));
    };
    let image = job.engine.build(request, &sink).await?;
    let progress = progress.into_inner().unwrap_or_else(PoisonError::into_inner);
    let ran = progress.ran(stage);
    let built = !ran.is_empty() || progress.ran_triggers(stage);
    let outcome = if built { Outcome::Built } else { Outcome::Reused };
    Ok(Built { image, outcome, size: None, references: Vec::new(), ran })
}

/// A declared argument is part of the cache key, so it must not change from run to run.
fn reads_no_proxy<E, M>(job: &Job<'_, E, M>) -> bool {
    let mut instructions = job.plan.stages.iter().flat_map(|stage| &stage.instructions);
    instructions.any(|one| one.keyword == "ARG" && one.text.to_lowercase().contains("no_proxy"))
}

/// The stage's Dockerfile, with what only the run knows.
fn dockerfile<E, M>(
    job: &Job<'_, E, M>,
    stage: &PlannedStage,
    packages: &[VerifiedPackage],
    labels: &IndexMap<String, String>,
) -> String {
    let files: Vec<_> = packages
        .iter()
        .map(|package| (package.file.clone(), Some(package.sha256.clone())))
        .collect();
    let bindings = Bindings {
        reference: &|parent| job.scratch.reference(&job.plan.project, parent),
        files: &files,
        authority: &|_| job.server.clone(),
        mounts: job.builder == Builder::BuildKit,
    };
    stage.labelled_dockerfile(&bindings, labels)
}

/// The stage's arguments and the predefined proxy arguments. FTP_PROXY carries
/// the package server's address to `RUN --package` (see `plan/fetch.sh`): the
/// predefined ones reach every RUN and are no part of the cache key.
fn arguments<E, M>(
    job: &Job<'_, E, M>,
    stage: &PlannedStage,
    packages: &[VerifiedPackage],
) -> IndexMap<String, String> {
    let mut arguments = stage.args.clone();
    arguments.extend(stage.build_args.clone());
    arguments.extend(job.proxies.clone());
    if !stage.packages.is_empty() {
        let own = arguments.shift_remove("ftp_proxy").unwrap_or_default();
        let bytes: u64 = packages.iter().map(|package| package.size).sum();
        let fits = job.fits_in_memory(bytes);
        let kib = if fits { bytes.div_ceil(1024).to_string() } else { String::new() };
        let address = format!("http://{}/#{kib}#{own}", job.server);
        arguments.insert("FTP_PROXY".to_owned(), address);
    }
    arguments
}

/// Which instructions ran, and which came from the cache.
#[derive(Default)]
struct Progress {
    started: HashSet<usize>,
    cached: HashSet<usize>,
}

impl Progress {
    fn take(&mut self, stage: &PlannedStage, event: BuildEvent) -> Option<Event> {
        let (index, cached) = match event {
            BuildEvent::Output { line, .. } => {
                return Some(Event::StageOutput { stage: stage.name.clone(), line });
            }
            BuildEvent::Step { index, cached } => (index, cached),
            BuildEvent::Cached { index } => (index, true),
            BuildEvent::Clipped => return None,
        };
        self.started.insert(index);
        if cached {
            self.cached.insert(index);
        }
        step(stage, index, cached)
    }

    /// The user's instructions that ran, in order, counted from 0.
    fn ran(&self, stage: &PlannedStage) -> Vec<usize> {
        let ran = self.started.difference(&self.cached);
        let mut ran: Vec<_> =
            ran.filter_map(|index| Some(stage.instruction(*index)?.0 - 1)).collect();
        ran.sort_unstable();
        ran
    }

    /// Whether an instruction ran that an `ONBUILD` of the parent brings.
    fn ran_triggers(&self, stage: &PlannedStage) -> bool {
        let mut ran = self.started.difference(&self.cached);
        ran.any(|index| stage.written.get(*index).is_some_and(|one| one.trigger.is_some()))
    }
}

fn step(stage: &PlannedStage, index: usize, cached: bool) -> Option<Event> {
    let (number, instruction) = stage.instruction(index)?;
    Some(Event::StageStep {
        stage: stage.name.clone(),
        step: number,
        steps: stage.instructions.len(),
        instruction: instruction.text.clone(),
        cached,
    })
}

/// Runs the checks; what a reused image has passed before it need not pass again.
async fn check<E: Engine, M>(
    job: &Job<'_, E, M>,
    stage: &PlannedStage,
    built: &Built,
) -> Result<()> {
    let passed = Passed::of(job.recorder.folder());
    let mut problems = Vec::new();
    for (name, command) in &stage.checks {
        if built.outcome == Outcome::Reused && passed.knows(&built.image, command) {
            continue;
        }
        let outcome = run_check(job, stage, &built.image, name, command).await?;
        if outcome.exit_code == Some(0) {
            passed.remember(&built.image, command);
        } else {
            problems.push(failure::of_check(job, stage, name, command, &outcome));
        }
    }
    Error::check(Exit::Failed, problems).map(drop)
}

async fn run_check<E: Engine, M>(
    job: &Job<'_, E, M>,
    stage: &PlannedStage,
    image: &str,
    name: &str,
    command: &str,
) -> Result<CheckOutcome> {
    let started = Instant::now();
    let (stage_name, check) = (stage.name.clone(), name.to_owned());
    job.recorder.record(&Event::CheckStarted { stage: stage_name.clone(), check: check.clone() });
    let timeout = Duration::from_secs(stage.check_timeout);
    let (image, command) = (image.to_owned(), command.to_owned());
    let run = job.recorder.folder().id.clone();
    let request = CheckRequest { image, command, timeout, run };
    let outcome = job.engine.check(&request).await?;
    for line in &outcome.output {
        job.recorder.record(&Event::StageOutput { stage: stage_name.clone(), line: line.clone() });
    }
    job.recorder.record(&Event::CheckFinished {
        stage: stage_name,
        check,
        passed: outcome.exit_code == Some(0),
        exit_code: outcome.exit_code,
        seconds: started.elapsed().as_secs_f64(),
    });
    Ok(outcome)
}

/// The lasting references, and for parents of later stages the run's own.
async fn tag<E: Engine, M>(
    job: &Job<'_, E, M>,
    stage: &PlannedStage,
    built: &Built,
) -> Result<Vec<String>> {
    let extra = if stage.name == job.plan.target { job.plan.extra_tags.as_slice() } else { &[] };
    let tags: Vec<String> = [&stage.reference].into_iter().chain(extra).cloned().collect();
    for reference in tags.iter().filter(|reference| !built.references.contains(reference)) {
        job.engine.tag(&built.image, reference).await?;
    }
    if is_parent(job, &stage.name) {
        let reference = job.scratch.reference(&job.plan.project, &stage.name);
        job.scratch.keep(&reference);
        job.engine.tag(&built.image, &reference).await?;
    }
    Ok(tags)
}

fn is_parent<E, M>(job: &Job<'_, E, M>, name: &StageName) -> bool {
    job.plan.stages.iter().any(|stage| parents(stage).any(|parent| parent == name))
}
