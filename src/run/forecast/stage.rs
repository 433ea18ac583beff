//! What one stage will need.

use super::median::weighted;
use super::{Circumstances, Expected, ExpectedStep, Sample, StageForecast, cache};

/// How much less a run weighs than the one after it.
const FADING: f64 = 0.8;
/// How much less another builder's run weighs.
const OTHER_BUILDER: f64 = 0.2;
/// How much more a build weighs in which the same instructions ran.
const ALIKE: f64 = 4.0;
/// What using an image again takes where no run tells, in seconds.
const REUSE: f64 = 0.2;
/// What an instruction takes that only changes the image's configuration, in seconds.
const TRIFLE: f64 = 0.1;
/// How far times are scaled by the bytes of packages.
const SCALE: std::ops::RangeInclusive<f64> = 0.1..=10.0;

/// What `expected` will need, by the samples of its own earlier builds.
pub(super) fn forecast(
    expected: &Expected,
    samples: &[Sample],
    now: &Circumstances,
) -> StageForecast {
    let own: Vec<&Sample> =
        samples.iter().filter(|sample| expected.stage.as_str() == sample.stage).collect();
    if expected.reused {
        let seconds = reuse(&own, samples);
        return answer(expected, Some(seconds), 0, 0, None);
    }
    let built: Vec<&Sample> =
        own.iter().copied().filter(|sample| sample.outcome == "built").collect();
    let bytes = expected.steps.iter().map(|step| step.bytes).sum();
    if built.is_empty() {
        return answer(expected, None, bytes, passing(expected, 0, None, now), None);
    }
    let first = cache::first_to_run(expected, &own);
    let build = Build { expected, built, first, now };
    let (seconds, disk) = (build.seconds(), build.disk());
    let silence = build.built.iter().map(|sample| sample.pace.silence).fold(0.0, f64::max);
    let passing = passing(expected, first, Some(disk), now);
    answer(expected, Some(seconds), disk, passing, Some(silence))
}

fn answer(
    expected: &Expected,
    seconds: Option<f64>,
    disk: u64,
    passing: u64,
    silence: Option<f64>,
) -> StageForecast {
    let (stage, reused) = (expected.stage.clone(), expected.reused);
    StageForecast { stage, reused, seconds, disk, passing, silence }
}

fn reuse(own: &[&Sample], all: &[Sample]) -> f64 {
    let of = |sample: &Sample| {
        (sample.outcome == "reused" && sample.pace.steps.is_empty())
            .then(|| (sample.seconds, FADING.powi(age(sample))))
    };
    let own = weighted(own.iter().filter_map(|sample| of(sample)));
    own.or_else(|| weighted(all.iter().filter_map(of))).unwrap_or(REUSE)
}

fn age(sample: &Sample) -> i32 {
    i32::try_from(sample.age).unwrap_or(i32::MAX)
}

/// The bytes that lie on the disk only while the stage is built: the packages of one instruction;
/// and with the classic builder a second copy of what that instruction has written.
fn passing(expected: &Expected, first: usize, disk: Option<u64>, now: &Circumstances) -> u64 {
    let all: u64 = expected.steps.iter().skip(first).map(|step| step.bytes).sum();
    let written = |step: &ExpectedStep| match (disk, all) {
        (Some(disk), all) if all > 0 => part(disk, step.bytes as f64 / all as f64),
        _ => 0,
    };
    let of = |step: &ExpectedStep| match now.builder.as_str() {
        "classic" => step.on_disk.max(written(step)),
        _ => step.on_disk,
    };
    expected.steps.iter().skip(first).map(of).max().unwrap_or(0)
}

/// A stage that is to be built, and its earlier builds.
struct Build<'a> {
    expected: &'a Expected,
    built: Vec<&'a Sample>,
    /// The index of the first instruction that will run.
    first: usize,
    now: &'a Circumstances,
}

impl Build<'_> {
    fn weight(&self, sample: &Sample) -> f64 {
        let builder = if sample.builder == self.now.builder { 1.0 } else { OTHER_BUILDER };
        let alike = if sample.first_run() == Some(self.first) { ALIKE } else { 1.0 };
        FADING.powi(age(sample)) * builder * alike
    }

    fn seconds(&self) -> f64 {
        if self.built.iter().all(|sample| sample.pace.steps.is_empty()) {
            let whole = self.built.iter().map(|sample| (sample.seconds, self.weight(sample)));
            return weighted(whole).unwrap_or_default();
        }
        let steps: f64 = (self.first..self.expected.steps.len()).map(|step| self.step(step)).sum();
        let rests = self.built.iter().filter(|sample| !sample.pace.steps.is_empty());
        let rests = rests.map(|sample| (sample.rest(), self.weight(sample)));
        steps + weighted(rests).unwrap_or_default()
    }

    /// What the instruction at `index` takes: what it took before, else what the one took whose place it has.
    fn step(&self, index: usize) -> f64 {
        let step = &self.expected.steps[index];
        let same = self.built.iter().filter_map(|sample| {
            let then = sample.step(|identity| *identity == step.identity)?;
            Some((then.0 * scale(step.bytes, then.1), self.weight(sample)))
        });
        let place = |sample: &&Sample| {
            let identity = sample.identities.get(index)?;
            let replaced = !self.expected.steps.iter().any(|other| other.identity == *identity);
            let then = sample.step(|other| replaced && other == identity)?;
            Some((then.0 * scale(step.bytes, then.1), self.weight(sample)))
        };
        weighted(same)
            .or_else(|| weighted(self.built.iter().filter_map(place)))
            .unwrap_or_else(|| self.any(&step.keyword))
    }

    /// A new instruction, of which nothing is known: what one `RUN` among the others took.
    fn any(&self, keyword: &str) -> f64 {
        if keyword != "RUN" {
            return TRIFLE;
        }
        let ran = self.built.iter().flat_map(|sample| {
            let ran = sample.pace.steps.iter().filter(|step| !step.cached);
            ran.map(|step| (step.seconds, self.weight(sample)))
        });
        weighted(ran).unwrap_or(TRIFLE)
    }

    /// What the image adds to its parent's, of the instructions that run.
    fn disk(&self) -> u64 {
        let bytes: u64 = self.expected.steps.iter().map(|step| step.bytes).sum();
        let running = self.expected.steps.iter().skip(self.first);
        let running: u64 = running.map(|step| step.bytes).sum();
        let grown = self.built.iter().filter_map(|sample| {
            let scaled = sample.grown? as f64 * scale(bytes, sample.bytes);
            Some((scaled, self.weight(sample)))
        });
        let whole = weighted(grown).unwrap_or(bytes as f64);
        let share = if bytes == 0 { 1.0 } else { running as f64 / bytes as f64 };
        (whole * share) as u64
    }
}

fn scale(now: u64, then: u64) -> f64 {
    if now == 0 || then == 0 {
        return 1.0;
    }
    (now as f64 / then as f64).clamp(*SCALE.start(), *SCALE.end())
}

fn part(of: u64, share: f64) -> u64 {
    (of as f64 * share) as u64
}
