//! What a run will need, from what earlier ones took: pure.
//!
//! An instruction that is to run is expected to take what it took before, in
//! proportion to the bytes of its packages; one that the engine's cache has,
//! nothing. What was measured last weighs most. Nothing is guessed of a stage
//! that was never built.

mod base;
mod cache;
mod copied;
mod median;
mod sample;
mod schedule;
mod stage;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::Serialize;

pub use base::{BaseForecast, unpacked};
pub use copied::copied;
pub use sample::{Sample, identity, samples};
pub use stage::is_strange;

use crate::plan::Inputs;
use crate::project::StageName;

/// A stage that is about to be made.
#[derive(Debug, Clone)]
pub struct Expected {
    /// The stage.
    pub stage: StageName,
    /// The stages of the plan that must be there before it.
    pub parents: Vec<StageName>,
    /// Whether the engine has an image of the same content.
    pub reused: bool,
    /// What decides its content.
    pub inputs: Inputs,
    /// Whether the engine's cache is passed over.
    pub fresh: bool,
    /// Its instructions, in order.
    pub steps: Vec<ExpectedStep>,
    /// Bytes of the files that are sent to the engine for it, on a disk.
    pub context: u64,
}

/// An instruction that is about to be run, or found in the cache.
#[derive(Debug, Clone, Default)]
pub struct ExpectedStep {
    /// What it says: the digest of its canonical form, else its text.
    pub identity: String,
    /// `RUN`, `COPY`, ….
    pub keyword: String,
    /// The package files that it fetches.
    pub packages: Vec<String>,
    /// Their bytes.
    pub bytes: u64,
    /// The bytes of the context's files that it copies, on a disk.
    pub copied: u64,
    /// Those of its packages' bytes that lie on the engine's disk while it runs.
    pub on_disk: u64,
}

/// The circumstances of all stages.
#[derive(Debug, Clone, Default)]
pub struct Circumstances {
    /// `classic` or `buildkit`.
    pub builder: String,
    /// How many stages are built at the same time, at least 1.
    pub jobs: usize,
    /// Bytes that are free where the engine keeps its data, where that is known.
    pub free: Option<u64>,
    /// The bases that the engine has not got.
    pub bases: Vec<BaseForecast>,
    /// The content ids of the stages' images that the engine has.
    pub images: BTreeSet<String>,
    /// When the records of BuildKit's cache were made, in seconds since the epoch; absent where the
    /// images must do as the proof that the cache is there.
    pub records: Option<Vec<i64>>,
}

/// What a run is expected to need.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Forecast {
    /// Its stages, in the plan's order.
    pub stages: Vec<StageForecast>,
    /// The bases that the engine has not got.
    pub bases: Vec<BaseForecast>,
    /// Seconds from the first stage's start to the last one's end; absent where a stage is not known.
    pub seconds: Option<f64>,
    /// Bytes of disk that it needs at most at one time; where a stage or a base is not known, at least.
    pub disk: u64,
    /// Bytes that are free where the engine keeps its data, where that is known.
    pub free: Option<u64>,
    /// How many earlier runs it goes by.
    pub runs: usize,
}

/// What a stage is expected to need.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StageForecast {
    /// The stage.
    pub stage: StageName,
    /// Whether the engine has an image of the same content.
    pub reused: bool,
    /// Seconds; absent where it was never built.
    pub seconds: Option<f64>,
    /// Bytes that its image adds to its parent's; where it was never built, those of its packages
    /// and of what it copies.
    pub disk: u64,
    /// Bytes besides, while it is built.
    pub passing: u64,
    /// Bytes of the files that are sent to the engine for it, on a disk.
    pub context: u64,
    /// The longest silence of earlier builds, in seconds.
    pub silence: Option<f64>,
    /// Whether it needs less if the engine's cache still has what earlier builds left, which nothing shows.
    pub at_most: bool,
}

impl Forecast {
    /// The stages that are to be built and never were.
    pub fn unknown(&self) -> impl Iterator<Item = &StageForecast> {
        self.stages.iter().filter(|stage| stage.seconds.is_none())
    }

    /// The bases of unknown size.
    pub fn unknown_bases(&self) -> impl Iterator<Item = &BaseForecast> {
        self.bases.iter().filter(|base| base.disk.is_none())
    }

    /// Whether it needs less if the cache has more than what is certain, and all else is known.
    pub fn is_upper_bound(&self) -> bool {
        let is_known = self.unknown().next().is_none() && self.unknown_bases().next().is_none();
        is_known && self.stages.iter().any(|stage| stage.at_most)
    }

    /// Whether the engine's disk is too small, as far as both are known.
    pub fn does_not_fit(&self) -> bool {
        self.free.is_some_and(|free| self.disk > free)
    }
}

/// What the stages will need, by `samples` of earlier runs, the latest run first.
pub fn forecast(expected: &[Expected], samples: &[Sample], now: &Circumstances) -> Forecast {
    let stages: Vec<_> =
        expected.iter().map(|expected| stage::forecast(expected, samples, now)).collect();
    let used = samples
        .iter()
        .filter(|sample| expected.iter().any(|expected| expected.stage.as_str() == sample.stage));
    let runs: BTreeSet<usize> = used.map(|sample| sample.run).collect();
    let schedule = schedule::simulate(expected, &stages, now.jobs);
    let known = stages.iter().all(|stage| stage.seconds.is_some());
    Forecast {
        seconds: known.then_some(schedule.seconds),
        disk: base::together(&now.bases, schedule.disk),
        bases: now.bases.clone(),
        free: now.free,
        runs: runs.len(),
        stages,
    }
}
