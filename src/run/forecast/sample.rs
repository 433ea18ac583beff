//! What earlier runs tell of one stage each.

use std::collections::HashMap;

use super::cache::writes;
use crate::plan::Inputs;
use crate::run::StagePace;
use crate::run::history::{PastPlannedStage, PastRun, PastStage};

/// How a stage went once.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    /// The stage.
    pub stage: String,
    /// The place of its run among those that are gone by, the latest first.
    pub run: usize,
    /// How many later ones of the same stage ended so, and likewise did or did not run an instruction.
    pub age: usize,
    /// `built`, `reused`, `failed` or `interrupted`.
    pub outcome: String,
    /// `classic` or `buildkit`.
    pub builder: String,
    /// The content id of the image that it gave.
    pub image: Option<String>,
    /// When its run began and ended, in whole seconds since the epoch.
    pub span: (i64, i64),
    /// How many instructions ran in its run that make layers, whatever their stage.
    pub layers: usize,
    /// Seconds that it took.
    pub seconds: f64,
    /// Bytes that its image adds to its parent's.
    pub grown: Option<u64>,
    /// The bytes of its packages.
    pub bytes: u64,
    /// Bytes of the files that were sent to the engine for it, where they were noted.
    pub context: Option<u64>,
    /// What decided its content.
    pub inputs: Option<Inputs>,
    /// What each instruction said, in order: see [`super::ExpectedStep::identity`].
    pub identities: Vec<String>,
    /// The bytes that each instruction fetched, where that is known, in order.
    pub step_bytes: Vec<u64>,
    /// How long its instructions took.
    pub pace: StagePace,
}

impl Sample {
    /// The index of the first instruction that ran.
    pub(super) fn first_run(&self) -> Option<usize> {
        let ran = self.pace.steps.iter().find(|step| !step.cached);
        ran.map(|step| step.step.saturating_sub(1))
    }

    /// Whether something ran: the cache gave not all of it. A report without instructions tells of a whole build.
    pub(super) fn has_run(&self) -> bool {
        self.outcome == "built" && (self.pace.steps.is_empty() || self.first_run().is_some())
    }

    /// Whether the instruction at `index` ran.
    pub(super) fn ran(&self, index: usize) -> bool {
        self.pace.steps.iter().any(|step| step.step == index + 1 && !step.cached)
    }

    /// Whether as many of the cache's records were made during its run as the run had layers to keep.
    pub(super) fn is_recorded(&self, records: &[i64]) -> bool {
        let (begun, ended) = self.span;
        let own = records.iter().filter(|made| (begun..=ended).contains(*made)).count();
        own >= self.layers
    }

    /// What the instruction took that is meant, if it ran: its seconds, and the bytes of its packages.
    pub(super) fn step(&self, meant: impl Fn(&String) -> bool) -> Option<(f64, u64)> {
        let index = self.identities.iter().position(meant)?;
        let step = self.pace.steps.iter().find(|step| step.step == index + 1 && !step.cached)?;
        Some((step.seconds, self.step_bytes.get(index).copied().unwrap_or(0)))
    }

    /// What it took besides its instructions: context, checks, tags.
    pub(super) fn rest(&self) -> f64 {
        let steps: f64 = self.pace.steps.iter().map(|step| step.seconds).sum();
        (self.seconds - steps).max(0.0)
    }
}

/// What these runs, the latest first, tell of their stages.
pub fn samples(runs: &[PastRun]) -> Vec<Sample> {
    let numbered = runs.iter().enumerate();
    let mut samples: Vec<Sample> = numbered
        .flat_map(|(number, run)| run.stages.iter().map(move |stage| sample(number, run, stage)))
        .collect();
    // What a hundred runs without anything to do add must not make the last build old.
    let mut later = HashMap::new();
    for sample in &mut samples {
        let kind = (sample.stage.clone(), sample.outcome.clone(), sample.has_run());
        let count = later.entry(kind).or_insert(0);
        sample.age = *count;
        *count += 1;
    }
    samples
}

fn sample(number: usize, run: &PastRun, stage: &PastStage) -> Sample {
    let planned = run.plan.stages.iter().find(|planned| planned.name == stage.stage);
    let decision = run.decisions.iter().find(|decision| decision.stage == stage.stage);
    let inputs = decision.and_then(|decision| decision.inputs.clone());
    let pace = run.pace.iter().find(|pace| pace.stage == stage.stage);
    let size = |file: &String| {
        run.packages.iter().find(|package| package.file == *file).map(|package| package.size)
    };
    let files = planned.map(|planned| planned.packages.as_slice()).unwrap_or_default();
    let bytes_of = |files: &[String]| files.iter().filter_map(size).sum();
    let fetched = planned.map(|planned| &planned.instructions).into_iter().flatten();
    Sample {
        stage: stage.stage.clone(),
        run: number,
        age: 0,
        outcome: stage.outcome.clone(),
        builder: run.builder.clone().unwrap_or_default(),
        image: stage.image.clone(),
        span: span(run),
        layers: layers(run),
        seconds: stage.seconds,
        grown: planned.and_then(|planned| grown(run, planned, stage)),
        bytes: bytes_of(files),
        context: context(run, &stage.stage),
        step_bytes: fetched.map(|instruction| bytes_of(&instruction.packages)).collect(),
        identities: planned.map(|planned| identities(planned, inputs.as_ref())).unwrap_or_default(),
        inputs,
        pace: pace.cloned().unwrap_or_default(),
    }
}

fn span(run: &PastRun) -> (i64, i64) {
    let begun = run.started.unix_timestamp();
    // A second more, because both ends were cut to whole ones.
    (begun, begun.saturating_add(run.seconds.ceil() as i64).saturating_add(1))
}

/// How many instructions of the run gave the builder's cache something to keep.
fn layers(run: &PastRun) -> usize {
    let of = |pace: &StagePace| {
        let planned = run.plan.stages.iter().find(|planned| planned.name == pace.stage);
        let instructions = planned.map(|planned| planned.instructions.as_slice());
        let keyword = |number: usize| {
            let text = instructions?.get(number.checked_sub(1)?)?.text.as_str();
            text.split_whitespace().next().map(str::to_ascii_uppercase)
        };
        let ran = pace.steps.iter().filter(|step| !step.cached);
        ran.filter(|step| keyword(step.step).is_some_and(|keyword| writes(&keyword))).count()
    };
    run.pace.iter().map(of).sum()
}

/// What the run's own forecast noted of the stage's context.
fn context(run: &PastRun, stage: &str) -> Option<u64> {
    let stages = &run.forecast.as_ref()?.stages;
    stages.iter().find(|noted| noted.stage == stage)?.context
}

fn identities(planned: &PastPlannedStage, inputs: Option<&Inputs>) -> Vec<String> {
    let of = planned.instructions.iter().map(|instruction| {
        identity(inputs, &instruction.file, instruction.line, &instruction.text)
    });
    of.collect()
}

/// What an instruction says: the digest of its canonical form, else its text.
pub fn identity(inputs: Option<&Inputs>, file: &str, line: usize, text: &str) -> String {
    let known = inputs.into_iter().flat_map(|inputs| &inputs.instructions);
    let mut known = known.filter(|known| known.line == line && known.file == file);
    known.next().map_or_else(|| text.to_owned(), |known| known.digest.clone())
}

/// What the image adds to the image that it starts from.
fn grown(run: &PastRun, planned: &PastPlannedStage, stage: &PastStage) -> Option<u64> {
    let parent = if let Some(parent) = planned.from.get("stage") {
        let parent = run.stages.iter().find(|stage| parent.as_str() == Some(&stage.stage));
        parent?.size?
    } else {
        let image = planned.from.get("base")?.get("image")?.as_str()?;
        if image == "scratch" { 0 } else { *run.bases.get(image)? }
    };
    Some(stage.size?.saturating_sub(parent))
}
