//! What a build is expected to need, told before its first stage; and while it
//! runs, which stage is silent for longer than it ever was.

use std::convert::Infallible;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::engine::Engine;
use crate::error::{Error, Exit, Problem, Result};
use crate::plan::{PlannedInstruction, PlannedStage, VerifiedPackage};
use crate::run::forecast::{
    Circumstances, Expected, ExpectedStep, Forecast, forecast, identity, samples,
};
use crate::run::history::latest;
use crate::run::{Decision, Event, Job, Materials, Pace, Recorder, Sources, foresee, parents};
use crate::ui::bytes;

/// How many earlier runs are gone by.
const RUNS: usize = 20;
/// How often silence is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// A silence shorter than this is never strange, in seconds.
const SHORT: f64 = 60.0;

/// Tells what the job is expected to need, before its first stage.
///
/// # Errors
/// [`Exit::Engine`]: the engine's disk is too small, unless that is to be ignored; or the engine's failure.
pub(super) async fn foretell<E: Engine, M: Materials>(
    job: &Job<'_, E, M>,
    packages: &[VerifiedPackage],
    ignore_disk: bool,
) -> Result<Forecast> {
    let forecast = expect(job, job.recorder.folder().state(), packages).await?;
    job.recorder.record(&Event::Forecast(forecast.clone()));
    if !ignore_disk {
        refuse_small_disk(&forecast, &job.engine.facts().data_folder)?;
    }
    Ok(forecast)
}

/// Executes the job, and meanwhile says which stage is silent for longer than it ever was.
///
/// # Errors
/// Those of [`crate::run::execute`].
pub(super) async fn execute<E: Engine, M: Materials>(
    job: &Job<'_, E, M>,
    pace: &Pace,
    forecast: &Forecast,
) -> Result<()> {
    tokio::select! {
        result = crate::run::execute(job) => result,
        never = watch(pace, job.recorder, forecast) => match never {},
    }
}

/// What the job is expected to need, by what runs of the same stages left below `state`.
async fn expect<E: Engine, M: Materials>(
    job: &Job<'_, E, M>,
    state: &Path,
    packages: &[VerifiedPackage],
) -> Result<Forecast> {
    let sources = Sources {
        plan: job.plan,
        engine: job.engine,
        materials: job.materials,
        stock: job.stock,
        no_cache: job.no_cache,
    };
    let decisions = foresee(&sources).await?;
    let stages = job.plan.stages.iter().zip(decisions);
    let expected: Vec<_> =
        stages.map(|(stage, (_, decision))| expected(job, stage, decision, packages)).collect();
    let platform = job.plan.platform.to_string();
    let past = latest(state, RUNS, |run| {
        let known = |name: &str| job.plan.stages.iter().any(|stage| stage.name.as_str() == name);
        run.platform == platform && run.stages.iter().any(|stage| known(&stage.stage))
    });
    let now = Circumstances {
        builder: job.builder.to_string(),
        jobs: job.jobs,
        free: job.engine.free_disk(),
    };
    Ok(forecast(&expected, &samples(&past), &now))
}

fn expected<E, M>(
    job: &Job<'_, E, M>,
    stage: &PlannedStage,
    decision: Decision,
    packages: &[VerifiedPackage],
) -> Expected {
    let own = packages.iter().filter(|file| stage.may_fetch(&file.file));
    let in_memory = job.fits_in_memory(own.map(|file| file.size).sum());
    let step = |instruction: &PlannedInstruction| {
        let files = packages.iter().filter(|file| instruction.packages.contains(&file.file));
        let bytes = files.map(|file| file.size).sum();
        let in_memory = in_memory && instruction.text.contains("--package");
        let (file, line) = (&instruction.file, instruction.line);
        ExpectedStep {
            identity: identity(Some(&decision.inputs), file, line, &instruction.text),
            keyword: instruction.keyword.clone(),
            packages: instruction.packages.clone(),
            bytes,
            on_disk: if in_memory { 0 } else { bytes },
        }
    };
    Expected {
        stage: stage.name.clone(),
        parents: parents(stage).cloned().collect(),
        reused: decision.reuse.is_some(),
        fresh: job.no_cache,
        steps: stage.instructions.iter().map(step).collect(),
        inputs: decision.inputs,
    }
}

/// Refuses a build for which the engine's disk is too small.
fn refuse_small_disk(forecast: &Forecast, data_folder: &str) -> Result<()> {
    let Some(free) = forecast.free.filter(|_| forecast.does_not_fit()) else { return Ok(()) };
    let unknown: Vec<_> = forecast.unknown().map(|stage| format!("`{}`", stage.stage)).collect();
    let least = if unknown.is_empty() { "about" } else { "at least" };
    let mut problem = Problem::error("the engine's disk is too small for this build")
        .note(format!("expected {least} {} free, actual {}", bytes(forecast.disk), bytes(free)))
        .note(format!("the engine keeps its data in `{data_folder}`"));
    for stage in forecast.stages.iter().filter(|stage| stage.disk + stage.passing > 0) {
        problem = problem.note(needs(stage));
    }
    if !unknown.is_empty() {
        let stages = unknown.join(", ");
        problem = problem.note(format!(
            "no earlier run tells of {stages}: the bytes of the packages are counted"
        ));
    }
    let error: Error = problem
        .hint("free some space (`docker system df` shows what uses it), or build with `--ignore-disk` all the same")
        .exit(Exit::Engine);
    Err(error)
}

fn needs(stage: &crate::run::StageForecast) -> String {
    let passing = match stage.passing {
        0 => String::new(),
        passing => format!(", and {} while it is built", bytes(passing)),
    };
    format!("`{}` needs {}{passing}", stage.stage, bytes(stage.disk))
}

/// Says once of each silence that it is longer than any before; never ends.
async fn watch(pace: &Pace, recorder: &Recorder<'_>, forecast: &Forecast) -> Infallible {
    let mut told = std::collections::HashSet::new();
    loop {
        tokio::time::sleep(LOOK).await;
        for (stage, silent) in pace.silent(Instant::now()) {
            let known = forecast.stages.iter().find(|known| known.stage == stage);
            let seconds = silent.as_secs_f64();
            match known.and_then(|known| known.silence) {
                Some(before) if is_strange(seconds, before) => {
                    if told.insert(stage.clone()) {
                        recorder.record(&Event::Silent { stage, seconds, before });
                    }
                }
                _ => _ = told.remove(&stage),
            }
        }
    }
}

/// Whether a silence is far longer than the longest one before, both in seconds.
fn is_strange(silent: f64, before: f64) -> bool {
    silent > (2.0 * before).max(before + SHORT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(silent: f64, before: f64, expected: bool) {
        assert_eq!(is_strange(silent, before), expected, "{silent} s after {before} s");
    }

    #[test]
    fn a_silence_is_strange_only_far_beyond_the_longest_one() {
        check(59.0, 0.0, false);
        check(61.0, 0.0, true);
        check(85.0, 30.0, false);
        check(95.0, 30.0, true);
        check(479.0, 240.0, false);
        check(540.0, 240.0, true);
    }

    /// The refusal's facts of one stage that needs so many bytes, and so many more meanwhile.
    fn check_refusal(seconds: Option<f64>, free: Option<u64>, expected: &[&str]) {
        let stage = crate::run::StageForecast {
            stage: "B".parse().unwrap(),
            reused: false,
            seconds,
            disk: 5 << 30,
            passing: 1 << 30,
            silence: None,
        };
        let forecast = Forecast { stages: vec![stage], seconds, disk: 6 << 30, free, runs: 1 };
        let refused = refuse_small_disk(&forecast, "/data").err();
        let problems = refused.map(|error| error.problems).unwrap_or_default();
        let notes: Vec<_> = problems.into_iter().flat_map(|problem| problem.notes).collect();
        assert_eq!(notes, expected);
    }

    #[test]
    fn a_small_disk_is_refused_with_figures() {
        check_refusal(Some(1.0), None, &[]);
        check_refusal(Some(1.0), Some(6 << 30), &[]);
        let needs = "`B` needs 5.00 GiB, and 1.00 GiB while it is built";
        let data = "the engine keeps its data in `/data`";
        let about = "expected about 6.00 GiB free, actual 2.00 GiB";
        check_refusal(Some(1.0), Some(2 << 30), &[about, data, needs]);
        let least = "expected at least 6.00 GiB free, actual 2.00 GiB";
        let counted = "no earlier run tells of `B`: the bytes of the packages are counted";
        check_refusal(None, Some(2 << 30), &[least, data, needs, counted]);
    }
}
