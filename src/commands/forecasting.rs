//! What a build is expected to need, told before its first stage.

use std::path::Path;

use super::silence;
use crate::engine::{Builder, Engine};
use crate::error::{Error, Exit, Problem, Result};
use crate::plan::{PlannedBase, PlannedInstruction, PlannedParent, PlannedStage, VerifiedPackage};
use crate::run::forecast::{
    BaseForecast, Circumstances, Expected, ExpectedStep, Forecast, copied, forecast, identity,
    samples,
};
use crate::run::history::telling;
use crate::run::{Decision, Event, Job, Materials, Pace, Sources, foresee, parents};
use crate::ui::bytes;

/// What Docker calls the image that holds nothing: there is none to get.
const NOTHING: &str = "scratch";

/// Tells what the job is expected to need, before its first stage.
///
/// # Errors
/// The engine's failure, or what is wrong with the stages' files.
pub(super) async fn foretell<E: Engine, M: Materials>(
    job: &Job<'_, E, M>,
    packages: &[VerifiedPackage],
) -> Result<Forecast> {
    let forecast = expect(job, job.recorder.folder().state(), packages).await?;
    job.recorder.record(&Event::Forecast(forecast.clone()));
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
        never = silence::watch(pace, job.recorder, forecast) => match never {},
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
        builder: job.builder,
        materials: job.materials,
        stock: job.stock,
        no_cache: job.no_cache,
    };
    let decisions = foresee(&sources).await?;
    let stages = job.plan.stages.iter().zip(decisions);
    let expected: Vec<_> = stages
        .map(|(stage, (_, decision))| expected(job, stage, decision, packages))
        .collect::<Result<_>>()?;
    let platform = job.plan.platform.to_string();
    let names: Vec<_> = job.plan.stages.iter().map(|stage| stage.name.as_str()).collect();
    let past = telling(state, &platform, &names);
    let free = job.engine.free_disk();
    let now = Circumstances {
        builder: job.builder.to_string(),
        jobs: job.jobs,
        free,
        bases: bases(job).await?,
        images: job.stock.images(),
        records: records(job, free, &expected).await,
    };
    Ok(forecast(&expected, &samples(&past), &now))
}

/// What BuildKit's cache has, where a build could be refused for it. An engine that does not say it is
/// taken to have nothing: a disk is refused that may do, and not the other way round.
async fn records<E: Engine, M>(
    job: &Job<'_, E, M>,
    free: Option<u64>,
    expected: &[Expected],
) -> Option<Vec<i64>> {
    free.filter(|_| job.builder == Builder::BuildKit)?;
    let matters = expected.iter().any(|stage| !stage.reused && !stage.fresh);
    Some(if matters { job.engine.cache_records().await.unwrap_or_default() } else { Vec::new() })
}

fn expected<E: Engine, M: Materials>(
    job: &Job<'_, E, M>,
    stage: &PlannedStage,
    decision: Decision,
    packages: &[VerifiedPackage],
) -> Result<Expected> {
    let own = packages.iter().filter(|file| stage.may_fetch(&file.file));
    let in_memory = job.in_memory(own).is_some();
    let sources = copied(stage);
    let step = |(instruction, sources): (&PlannedInstruction, &Vec<&str>)| {
        let files = packages.iter().filter(|file| instruction.packages.contains(&file.file));
        let bytes = files.map(|file| file.size).sum();
        let in_memory = in_memory && job.keeps_in_memory(instruction);
        let (file, line) = (&instruction.file, instruction.line);
        Ok(ExpectedStep {
            identity: identity(Some(&decision.inputs), file, line, &instruction.text),
            keyword: instruction.keyword.clone(),
            packages: instruction.packages.clone(),
            bytes,
            copied: job.materials.copied(sources)?,
            on_disk: if in_memory { 0 } else { bytes },
        })
    };
    let steps = stage.instructions.iter().zip(&sources).map(step).collect::<Result<_>>()?;
    let all: Vec<&str> = stage.context.iter().map(String::as_str).collect();
    Ok(Expected {
        stage: stage.name.clone(),
        parents: parents(stage).cloned().collect(),
        reused: decision.reuse.is_some(),
        fresh: job.no_cache,
        steps,
        context: job.materials.copied(&all)?,
        inputs: decision.inputs,
    })
}

/// The bases that the engine has not got, in the plan's order.
async fn bases<E: Engine, M: Materials>(job: &Job<'_, E, M>) -> Result<Vec<BaseForecast>> {
    let mut bases: Vec<BaseForecast> = Vec::new();
    for stage in &job.plan.stages {
        let PlannedParent::Base(base) = &stage.from else { continue };
        let known = base.image == NOTHING || bases.iter().any(|one| one.image == base.image);
        if !known && !has(job, base).await? {
            bases.push(expected_base(job.materials, base));
        }
    }
    Ok(bases)
}

async fn has<E: Engine, M>(job: &Job<'_, E, M>, base: &PlannedBase) -> Result<bool> {
    let image = job.engine.image(&base.image).await?;
    Ok(image.is_some_and(|image| image.platform.as_ref() == Some(&job.plan.platform)))
}

/// An engine unpacks an archive beside the layers that it makes of it; a root file system becomes a layer at once.
fn expected_base(materials: &impl Materials, base: &PlannedBase) -> BaseForecast {
    let archive = base.source.archive.as_ref();
    let file = archive.or(base.source.rootfs.as_ref());
    let disk = file.and_then(|file| materials.base_size(file));
    let passing = disk.filter(|_| archive.is_some()).unwrap_or(0);
    BaseForecast { image: base.image.clone(), disk, passing }
}

/// Whether the engine's disk has room for the job.
///
/// # Errors
/// [`Exit::Engine`] with the figures.
pub(super) fn fits<E: Engine, M>(job: &Job<'_, E, M>, forecast: &Forecast) -> Result<()> {
    refuse_small_disk(forecast, &job.engine.facts().data_folder)
}

/// Refuses a build for which the engine's disk is too small.
fn refuse_small_disk(forecast: &Forecast, data_folder: &str) -> Result<()> {
    let Some(free) = forecast.free.filter(|_| forecast.does_not_fit()) else { return Ok(()) };
    let unknown: Vec<_> = forecast.unknown().map(|stage| format!("`{}`", stage.stage)).collect();
    let is_known = unknown.is_empty() && forecast.unknown_bases().next().is_none();
    let least = match is_known {
        true if forecast.is_upper_bound() => "at most",
        true => "about",
        false => "at least",
    };
    let mut problem = Problem::error("the engine's disk is too small for this build")
        .note(format!("expected {least} {} free, actual {}", bytes(forecast.disk), bytes(free)))
        .note(format!("the engine keeps its data in `{data_folder}`"));
    for base in &forecast.bases {
        problem = problem.note(needs_base(base));
    }
    for stage in forecast.stages.iter().filter(|stage| stage.disk + stage.passing > 0) {
        problem = problem.note(needs(stage));
    }
    let unsure: Vec<_> = forecast.stages.iter().filter(|stage| stage.at_most).collect();
    if !unsure.is_empty() {
        let stages: Vec<_> = unsure.iter().map(|stage| format!("`{}`", stage.stage)).collect();
        let stages = stages.join(", ");
        problem = problem.note(format!(
            "nothing shows that the engine's cache still has what earlier builds of {stages} left: it is counted once more"
        ));
    }
    if !unknown.is_empty() {
        let stages = unknown.join(", ");
        problem = problem.note(format!(
            "no earlier run tells of {stages}: the bytes of the packages and of what is copied are counted"
        ));
    }
    let error: Error = problem
        .hint("free some space (`docker system df` shows what uses it), or build with `--ignore-disk` all the same")
        .exit(Exit::Engine);
    Err(error)
}

fn needs_base(base: &BaseForecast) -> String {
    let image = &base.image;
    match (base.disk, base.passing) {
        (None, _) => format!("the base `{image}` needs more, and nobody here knows how much"),
        (Some(disk), 0) => format!("the base `{image}` needs {}", bytes(disk)),
        (Some(disk), passing) => {
            let (disk, passing) = (bytes(disk), bytes(passing));
            format!("the base `{image}` needs {disk}, and {passing} while it is loaded")
        }
    }
}

fn needs(stage: &crate::run::StageForecast) -> String {
    let passing = match stage.passing {
        0 => String::new(),
        passing => format!(", and {} while it is built", bytes(passing)),
    };
    format!("`{}` needs {}{passing}", stage.stage, bytes(stage.disk))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The refusal's facts of one stage that needs so many bytes, and so many more meanwhile.
    fn check_refusal(
        seconds: Option<f64>,
        free: Option<u64>,
        bases: &[BaseForecast],
        expected: &[&str],
    ) {
        let stage = crate::run::StageForecast {
            stage: "B".parse().unwrap(),
            reused: false,
            seconds,
            disk: 5 << 30,
            passing: 1 << 30,
            context: 0,
            silence: None,
            at_most: false,
        };
        let (stages, bases) = (vec![stage], bases.to_vec());
        let forecast = Forecast { stages, bases, seconds, disk: 6 << 30, free, runs: 1 };
        let refused = refuse_small_disk(&forecast, "/data").err();
        let problems = refused.map(|error| error.problems).unwrap_or_default();
        let notes: Vec<_> = problems.into_iter().flat_map(|problem| problem.notes).collect();
        assert_eq!(notes, expected);
    }

    #[test]
    fn a_small_disk_is_refused_with_figures() {
        check_refusal(Some(1.0), None, &[], &[]);
        check_refusal(Some(1.0), Some(6 << 30), &[], &[]);
        let needs = "`B` needs 5.00 GiB, and 1.00 GiB while it is built";
        let data = "the engine keeps its data in `/data`";
        let about = "expected about 6.00 GiB free, actual 2.00 GiB";
        check_refusal(Some(1.0), Some(2 << 30), &[], &[about, data, needs]);
        let least = "expected at least 6.00 GiB free, actual 2.00 GiB";
        let counted = "no earlier run tells of `B`: the bytes of the packages and of what is copied are counted";
        check_refusal(None, Some(2 << 30), &[], &[least, data, needs, counted]);
        let base =
            |image: &str, disk, passing| BaseForecast { image: image.to_owned(), disk, passing };
        let loaded = base("loaded", Some(1 << 30), 1 << 30);
        let of_loaded = "the base `loaded` needs 1.00 GiB, and 1.00 GiB while it is loaded";
        check_refusal(Some(1.0), Some(2 << 30), &[loaded], &[about, data, of_loaded, needs]);
        let of_pulled = "the base `pulled` needs more, and nobody here knows how much";
        let pulled = base("pulled", None, 0);
        check_refusal(Some(1.0), Some(2 << 30), &[pulled], &[least, data, of_pulled, needs]);
    }
}
