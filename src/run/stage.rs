//! One stage: decide, render, build, check, tag.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indexmap::IndexMap;
use sha2::{Digest, Sha256};

use super::base::{Bases, NOTHING, pin};
use super::decide::{Ground, decide};
use super::labels::{base_of, labels};
use super::passed::Passed;
use super::progress::Progress;
use super::request::request;
use super::retry::Attempts;
use super::schedule::parents;
use super::stock::{KEY, Made, MadeStage};
use super::{Event, Job, Materials, Outcome, StageResult, failure, unfetched};
use crate::engine::{
    BuildEvent, BuildFailure, BuildRequest, CheckOutcome, CheckRequest, Engine, ImageFacts,
    ImageId, LabelledImage,
};
use crate::error::{Error, Exit, Result};
use crate::plan::{PlannedStage, VerifiedPackage};
use crate::project::StageName;

/// The folder of the references that a run gives to bases, below the project's repository.
const BASES: &str = "base";

/// References by which later stages of the same run name their parents: another
/// run of the project may move the lasting tags meanwhile.
#[derive(Debug)]
pub struct Scratch {
    run: String,
    references: Mutex<BTreeSet<String>>,
}

impl Scratch {
    /// The references of the run with this id.
    pub fn new(run: &str) -> Self {
        Self { run: run.to_owned(), references: Mutex::default() }
    }

    pub(super) fn reference(&self, project: &str, stage: &StageName) -> String {
        format!("{project}/{}:run-{}", stage.lower(), self.run)
    }

    /// The reference of a base's image, in a folder of its own because stages may have any name.
    pub(super) fn base(&self, project: &str, image: &str) -> String {
        if image == NOTHING {
            return NOTHING.to_owned();
        }
        let digest = hex::encode(Sha256::digest(image));
        format!("{project}/{BASES}/{}:run-{}", &digest[..12], self.run)
    }

    /// Notes that the reference is to be taken away.
    pub(super) fn keep(&self, reference: &str) {
        self.references.lock().unwrap_or_else(PoisonError::into_inner).insert(reference.to_owned());
    }

    /// Takes all of them away; whether none is left that could go.
    pub async fn clear(&self, engine: &impl Engine) -> bool {
        let mut cleared = true;
        let references =
            std::mem::take(&mut *self.references.lock().unwrap_or_else(PoisonError::into_inner));
        for reference in references {
            if let Err(error) = engine.untag(&reference, KEY).await {
                tracing::warn!(%error, reference, "a run's own tag could not be removed");
                cleared = false;
            }
        }
        cleared
    }
}

/// An image of a stage, before it is checked.
struct Built {
    image: String,
    outcome: Outcome,
    size: u64,
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
    let mut attempts = Attempts::new(job.retries);
    let base = match base_of(job.plan, stage) {
        Some(planned) => attempts.until(job, stage, || bases.prepare(job, planned)).await?,
        None => None,
    };
    let packages = job.materials.packages(stage).await?;
    let ground = Ground { packages: &packages, base: base.as_ref(), made };
    let sources = job.sources();
    let decision = attempts.until(job, stage, || decide(&sources, stage, &ground)).await?;
    job.recorder.decide(stage, &decision);
    let built = match &decision.reuse {
        Some(image) => reused(image),
        None => {
            let labels = labels(job.plan, stage, &decision, &job.annotations, base.as_ref());
            let sources = &decision.inputs.sources;
            let order = Order { packages: &packages, labels, base: base.as_ref(), sources };
            build(job, stage, &order, &mut attempts).await?
        }
    };
    unfetched::judge(job, stage, &built.ran)?;
    check(job, stage, &built, &mut attempts).await?;
    let tags = attempts.until(job, stage, || tag(job, stage, &built)).await?;
    made.note(
        &stage.name,
        MadeStage {
            content: Some(decision.key.map_or_else(|| built.image.clone(), |key| key.to_string())),
            assumed: false,
            built: decision.reuse.is_none(),
        },
    );
    job.recorder.record(&Event::StageFinished(StageResult {
        stage: stage.name.clone(),
        outcome: built.outcome,
        seconds: started.elapsed().as_secs_f64(),
        image: Some(built.image),
        size: Some(built.size),
        tags,
    }));
    Ok(())
}

/// What a stage is built from and what its image is labelled with.
pub(super) struct Order<'a> {
    pub(super) packages: &'a [VerifiedPackage],
    pub(super) labels: IndexMap<String, String>,
    pub(super) base: Option<&'a ImageFacts>,
    /// What its key says that it copies.
    pub(super) sources: &'a BTreeMap<String, String>,
}

fn reused(image: &LabelledImage) -> Built {
    Built {
        image: image.id.clone(),
        outcome: Outcome::Reused,
        size: image.size,
        references: image.references.clone(),
        ran: Vec::new(),
    }
}

async fn build<E: Engine, M: Materials>(
    job: &Job<'_, E, M>,
    stage: &PlannedStage,
    order: &Order<'_>,
    attempts: &mut Attempts,
) -> Result<Built> {
    job.recorder.record(&Event::StageStarted {
        stage: stage.name.clone(),
        steps: stage.instructions.len(),
    });
    let files = order.packages.iter().map(|package| package.file.clone());
    job.recorder.ledger().enter(&stage.name, files);
    attempts.until(job, stage, || pin(job, stage, order.base)).await?;
    let mut progress = Progress::default();
    loop {
        let request = request(job, stage, order)?;
        let built = build_once(job, stage, request, &mut progress).await;
        job.materials.settled().await?;
        match built {
            Ok(image) => {
                return attempts
                    .until(job, stage, || finished(job, stage, &image, &progress))
                    .await;
            }
            Err(error) if attempts.again(job, stage, &error).await => {}
            Err(error) => {
                unfetched::tell(job, stage, &progress.ran(stage));
                job.scene.note_build(stage, &error);
                return Err(failure::of_build(job, stage, error).await);
            }
        }
    }
}

async fn build_once<E: Engine, M>(
    job: &Job<'_, E, M>,
    stage: &PlannedStage,
    request: BuildRequest,
    progress: &mut Progress,
) -> std::result::Result<ImageId, BuildFailure> {
    let shared = Mutex::new(&mut *progress);
    let sink = |event| {
        if event == BuildEvent::Clipped {
            return job.recorder.clip(&stage.name);
        }
        let events = shared.lock().unwrap_or_else(PoisonError::into_inner).take(stage, event);
        events.iter().for_each(|event| job.recorder.record(event));
    };
    let built = job.engine.build(request, &sink).await;
    progress.end(built.as_ref().err());
    built
}

/// Looks at what was built: it must be there.
async fn finished<E: Engine, M>(
    job: &Job<'_, E, M>,
    stage: &PlannedStage,
    image: &ImageId,
    progress: &Progress,
) -> Result<Built> {
    let facts = job.engine.image(image).await?.ok_or_else(|| failure::of_removed(stage))?;
    let ran = progress.ran(stage);
    let built = !ran.is_empty() || progress.ran_triggers(stage);
    let outcome = if built { Outcome::Built } else { Outcome::Reused };
    let image = image.clone();
    Ok(Built { image, outcome, size: facts.size, references: Vec::new(), ran })
}

/// Runs the checks; what a reused image has passed before it need not pass again.
async fn check<E: Engine, M>(
    job: &Job<'_, E, M>,
    stage: &PlannedStage,
    built: &Built,
    attempts: &mut Attempts,
) -> Result<()> {
    let passed = Passed::of(job.recorder.folder());
    let mut problems = Vec::new();
    for (name, command) in &stage.checks {
        if built.outcome == Outcome::Reused && passed.knows(&built.image, command) {
            continue;
        }
        let outcome = run_check(job, stage, (&built.image, name, command), attempts).await?;
        if outcome.exit_code == Some(0) {
            passed.remember(&built.image, command);
        } else {
            job.scene.note_check(stage, &built.image, command);
            problems.push(failure::of_check(job, stage, name, command, &outcome));
        }
    }
    Error::check(Exit::Failed, problems).map(drop)
}

async fn run_check<E: Engine, M>(
    job: &Job<'_, E, M>,
    stage: &PlannedStage,
    (image, name, command): (&str, &str, &str),
    attempts: &mut Attempts,
) -> Result<CheckOutcome> {
    let started = Instant::now();
    let (stage_name, check) = (stage.name.clone(), name.to_owned());
    job.recorder.record(&Event::CheckStarted { stage: stage_name.clone(), check: check.clone() });
    let timeout = Duration::from_secs(stage.check_timeout);
    let (image, command) = (image.to_owned(), command.to_owned());
    let run = job.recorder.folder().id.clone();
    let request = CheckRequest { image, command, timeout, run };
    let outcome = attempts.until(job, stage, || job.engine.check(&request)).await;
    let outcome = outcome.map_err(|error| failure::beside_check(error, stage, name))?;
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
