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
/// A silence that is longer than before by less than this is never strange, in seconds.
const SHORT: f64 = 60.0;
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
        return answer(expected, Some(seconds), Bytes::default(), None);
    }
    let built: Vec<&Sample> =
        own.iter().copied().filter(|sample| sample.outcome == "built").collect();
    if built.is_empty() {
        return answer(expected, None, unbuilt(expected, now), None);
    }
    let start = cache::start(expected, &own, now);
    let silence = longest(&built);
    let build = Build { expected, built, first: start.first, now };
    let known = answer(expected, Some(build.seconds()), build.bytes(), Some(silence));
    StageForecast { at_most: start.unsure, ..known }
}

fn answer(
    expected: &Expected,
    seconds: Option<f64>,
    bytes: Bytes,
    silence: Option<f64>,
) -> StageForecast {
    StageForecast {
        stage: expected.stage.clone(),
        reused: expected.reused,
        seconds,
        disk: bytes.lasting,
        passing: bytes.passing,
        context: expected.context,
        silence,
        at_most: false,
    }
}

/// What a stage takes of the engine's disk.
#[derive(Clone, Copy, Default)]
struct Bytes {
    lasting: u64,
    /// While it is built.
    passing: u64,
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

/// Of a stage that was never built, the least is known: its packages, and what it copies.
fn unbuilt(expected: &Expected, now: &Circumstances) -> Bytes {
    let lasting = expected.steps.iter().map(|step| step.bytes + step.copied).sum();
    let layers: Vec<u64> = expected.steps.iter().map(|step| step.copied).collect();
    Bytes { lasting, passing: passing(expected, 0, &layers, now) }
}

/// The bytes that lie on the disk only while the stage is built, its instructions from `first` on
/// having layers of these sizes.
///
/// The classic builder unpacks the context, and makes a second copy of a layer when its instruction
/// has ended. BuildKit keeps the context as it came, and unpacked.
fn passing(expected: &Expected, first: usize, layers: &[u64], now: &Circumstances) -> u64 {
    let running = expected.steps.iter().zip(layers).skip(first);
    let is_classic = now.builder == "classic";
    let of = |(step, layer): (&ExpectedStep, &u64)| {
        if is_classic { step.on_disk.max(*layer) } else { step.on_disk }
    };
    let contexts = if is_classic { 1 } else { 2 };
    contexts * expected.context + running.map(of).max().unwrap_or(0)
}

/// The longest silence of these builds. One that is far longer than all others is left out where two
/// others ran as much: an hour in which the machine slept would hide every stage that hangs. What the
/// cache gave says nothing of how long the same instructions are silent when they run.
fn longest(built: &[&Sample]) -> f64 {
    let mut built: Vec<&Sample> = built.iter().copied().filter(|one| one.has_run()).collect();
    built.sort_by(|one, other| other.pace.silence.total_cmp(&one.pace.silence));
    let [longest, others @ ..] = built.as_slice() else { return 0.0 };
    let as_much = others.iter().filter(|other| other.first_run() <= longest.first_run()).count();
    match others.first() {
        Some(next) if as_much >= 2 && is_strange(longest.pace.silence, next.pace.silence) => {
            next.pace.silence
        }
        _ => longest.pace.silence,
    }
}

/// Whether a silence is far longer than the longest one before, both in seconds.
pub fn is_strange(silent: f64, before: f64) -> bool {
    silent > (2.0 * before).max(before + SHORT)
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
            Some((then.0 * self.growth(step, sample, then.1), self.weight(sample)))
        });
        let place = |sample: &&Sample| {
            let identity = sample.identities.get(index)?;
            let replaced = !self.expected.steps.iter().any(|other| other.identity == *identity);
            let then = sample.step(|other| replaced && other == identity)?;
            Some((then.0 * self.growth(step, sample, then.1), self.weight(sample)))
        };
        weighted(same)
            .or_else(|| weighted(self.built.iter().filter_map(place)))
            .unwrap_or_else(|| self.any(&step.keyword))
    }

    /// How many times as many bytes as in `sample` the instruction takes in: its packages', or what it copies.
    fn growth(&self, step: &ExpectedStep, sample: &Sample, packages: u64) -> f64 {
        if step.copied > 0 {
            return scale(self.expected.context, sample.context.unwrap_or(0));
        }
        scale(step.bytes, packages)
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

    fn bytes(&self) -> Bytes {
        let layers = self.layers();
        let passing = passing(self.expected, self.first, &layers, self.now);
        Bytes { lasting: layers.iter().sum(), passing }
    }

    /// What each instruction adds to the image; one that does not run, nothing. A `COPY` adds what it
    /// copies; the rest is shared among the instructions with packages, by their bytes. Where no
    /// instruction has any, it is not known which `RUN` wrote how much: one counts for all.
    fn layers(&self) -> Vec<u64> {
        let steps = &self.expected.steps;
        let copied: u64 = steps.iter().map(|step| step.copied).sum();
        let packages: u64 = steps.iter().map(|step| step.bytes).sum();
        let rest = self.grown().saturating_sub(copied);
        let writes = |index: &usize| *index >= self.first && steps[*index].keyword == "RUN";
        let one = (0..steps.len()).find(writes).filter(|_| packages == 0);
        let layer = |index: usize| {
            let of_packages = part(rest, share(steps[index].bytes, packages));
            let of_run = if one == Some(index) { rest } else { 0 };
            steps[index].copied + of_packages + of_run
        };
        (0..steps.len()).map(|index| if index < self.first { 0 } else { layer(index) }).collect()
    }

    /// What the whole image adds to its parent's, in proportion to what goes into it.
    fn grown(&self) -> u64 {
        let packages: u64 = self.expected.steps.iter().map(|step| step.bytes).sum();
        let now = packages + self.expected.context;
        let grown = self.built.iter().filter_map(|sample| {
            let then = sample.bytes + sample.context.unwrap_or(self.expected.context);
            // Nothing goes in any more: what went in then is not there, and the rest is as it was.
            let grown = match now {
                0 => sample.grown?.saturating_sub(then) as f64,
                _ => sample.grown? as f64 * scale(now, then),
            };
            Some((grown, self.weight(sample)))
        });
        weighted(grown).unwrap_or(now as f64) as u64
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
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
