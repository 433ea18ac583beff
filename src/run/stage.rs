//! One stage: render, build, check, tag.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indexmap::IndexMap;

use super::passed::Passed;
use super::{Event, Job, Materials, Outcome, StageResult, failure, unfetched};
use crate::engine::{BuildEvent, BuildRequest, CheckOutcome, CheckRequest, Engine};
use crate::error::{Error, Exit, Result};
use crate::plan::{Bindings, PlannedParent, PlannedStage};
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

/// What was built, before it is checked.
struct Built {
    image: String,
    outcome: Outcome,
    /// The instructions that ran, by their place in the plan.
    ran: Vec<usize>,
}

pub(super) async fn make<E: Engine, M: Materials>(
    job: &Job<'_, E, M>,
    stage: &PlannedStage,
) -> Result<()> {
    let started = Instant::now();
    job.recorder.record(&Event::StageStarted {
        stage: stage.name.clone(),
        steps: stage.instructions.len(),
    });
    let made = attempt(job, stage, started).await;
    if made.is_err() {
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
    made
}

async fn attempt<E: Engine, M: Materials>(
    job: &Job<'_, E, M>,
    stage: &PlannedStage,
    started: Instant,
) -> Result<()> {
    let built = build(job, stage).await?;
    unfetched::judge(job, stage, &built.ran)?;
    check(job, stage, &built).await?;
    let tags = tag(job, stage, &built.image).await?;
    let facts = job.engine.image(&built.image).await?;
    job.recorder.record(&Event::StageFinished(StageResult {
        stage: stage.name.clone(),
        outcome: built.outcome,
        seconds: started.elapsed().as_secs_f64(),
        image: Some(built.image),
        size: facts.map(|facts| facts.size),
        tags,
    }));
    Ok(())
}

async fn build<E: Engine, M: Materials>(
    job: &Job<'_, E, M>,
    stage: &PlannedStage,
) -> Result<Built> {
    let dockerfile = dockerfile(job, stage);
    let request = BuildRequest {
        builder: job.builder,
        context: job.materials.context(stage, &dockerfile)?,
        dockerfile: Job::<E, M>::DOCKERFILE.to_owned(),
        target: stage.name.lower(),
        platform: Some(job.plan.platform.clone())
            .filter(|platform| job.engine.facts().platform.as_ref() != Some(platform)),
        arguments: arguments(job, stage),
        keywords: stage.keywords(),
        no_cache: job.no_cache,
    };
    let progress = Mutex::new(Progress::default());
    let sink = |event| {
        if event == BuildEvent::Clipped {
            return job.recorder.clip(&stage.name);
        }
        let events = progress.lock().unwrap_or_else(PoisonError::into_inner).take(stage, event);
        events.iter().for_each(|event| job.recorder.record(event));
    };
    let built = job.engine.build(request, &sink).await;
    let image = built.map_err(|error| failure::of_build(job, stage, error))?;
    let progress = progress.into_inner().unwrap_or_else(PoisonError::into_inner);
    let ran = progress.ran(stage);
    let outcome = if ran.is_empty() { Outcome::Reused } else { Outcome::Built };
    Ok(Built { image, outcome, ran })
}

/// The stage's Dockerfile, with what only the run knows.
fn dockerfile<E, M>(job: &Job<'_, E, M>, stage: &PlannedStage) -> String {
    let files: Vec<_> = job
        .packages
        .iter()
        .map(|package| (package.file.clone(), Some(package.sha256.clone())))
        .collect();
    stage.dockerfile(&Bindings {
        reference: &|parent| job.scratch.reference(&job.plan.project, parent),
        files: &files,
        authority: &|_| job.server.clone(),
    })
}

/// The stage's arguments and the predefined proxy arguments. FTP_PROXY carries
/// the package server's address to `RUN --package` (see `plan/fetch.sh`): the
/// predefined ones reach every RUN and are no part of the cache key.
fn arguments<E, M>(job: &Job<'_, E, M>, stage: &PlannedStage) -> IndexMap<String, String> {
    let mut arguments = stage.args.clone();
    arguments.extend(stage.build_args.clone());
    arguments.extend(job.proxies.clone());
    if !stage.packages.is_empty() {
        let own = arguments.shift_remove("ftp_proxy").unwrap_or_default();
        arguments.insert("FTP_PROXY".to_owned(), format!("http://{}/#{own}", job.server));
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
    let request = CheckRequest { image: image.to_owned(), command: command.to_owned(), timeout };
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
    image: &str,
) -> Result<Vec<String>> {
    let extra = if stage.name == job.plan.target { job.plan.extra_tags.as_slice() } else { &[] };
    let tags: Vec<String> = [&stage.reference].into_iter().chain(extra).cloned().collect();
    for reference in &tags {
        job.engine.tag(image, reference).await?;
    }
    if is_parent(job, &stage.name) {
        let reference = job.scratch.reference(&job.plan.project, &stage.name);
        job.scratch
            .references
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(reference.clone());
        job.engine.tag(image, &reference).await?;
    }
    Ok(tags)
}

fn is_parent<E, M>(job: &Job<'_, E, M>, name: &StageName) -> bool {
    let from = |stage: &PlannedStage| matches!(&stage.from, PlannedParent::Stage(parent) if parent == name);
    job.plan.stages.iter().any(|stage| from(stage) || stage.copies.contains(name))
}
