//! Getting a base: in the engine already, else an archive, else a root file
//! system, else pulled.
//!
//! One run of a user at a time gets a base, whatever the project: a root file system that is
//! imported twice becomes two images, and what is built on the one is built again on the other.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::Mutex;

use super::{Asked, Event, Holder, Job, Materials, Turn};
use crate::engine::{Engine, ImageFacts};
use crate::error::{Exit, Problem, Result};
use crate::plan::{PlannedBase, PlannedParent, PlannedStage};
use crate::project::{BaseFile, Platform};

/// What Docker calls the image that holds nothing: there is none to get.
pub(super) const NOTHING: &str = "scratch";

/// How often a lock is asked for that another run has.
const AGAIN: Duration = Duration::from_millis(250);

/// The bases of a run, each got once, whatever how many stages start from it.
#[derive(Default)]
pub(super) struct Bases(Mutex<HashMap<String, ImageFacts>>);

impl Bases {
    /// Makes sure that the base is in the engine, for the plan's platform; `None` for `scratch`.
    pub(super) async fn prepare<E: Engine, M: Materials>(
        &self,
        job: &Job<'_, E, M>,
        base: &PlannedBase,
    ) -> Result<Option<ImageFacts>> {
        if base.image == NOTHING {
            return Ok(None);
        }
        let mut ready = self.0.lock().await;
        if let Some(facts) = ready.get(&base.image) {
            return Ok(Some(facts.clone()));
        }
        let facts = prepare(job, base).await?;
        ready.insert(base.image.clone(), facts.clone());
        Ok(Some(facts))
    }
}

async fn prepare<E: Engine, M: Materials>(
    job: &Job<'_, E, M>,
    base: &PlannedBase,
) -> Result<ImageFacts> {
    if let Some(image) = fitting(job, base).await? {
        return Ok(ready(job, base, image, "present"));
    }
    let _turn = turn(job, base).await;
    // Another run may have got it meanwhile.
    if let Some(image) = fitting(job, base).await? {
        return Ok(ready(job, base, image, "present"));
    }
    let how = get(job, base, &job.plan.platform).await?;
    match fitting(job, base).await? {
        Some(image) => Ok(ready(job, base, image, how)),
        None => Err(not_there(job, base, how)),
    }
}

/// Waits until no other run gets the base; `None` where locks cannot be had, which is no reason not
/// to get it.
async fn turn<E, M>(job: &Job<'_, E, M>, base: &PlannedBase) -> Option<Turn> {
    let holder = Holder::this(&job.recorder.folder().id, OffsetDateTime::now_utc());
    let mut told = None;
    loop {
        match Turn::ask(job.cache.as_deref()?, &base.image, &holder) {
            Ok(Asked::Ours(turn)) => return Some(turn),
            Ok(Asked::Theirs(Some(theirs))) if told.as_ref() != Some(&theirs) => {
                job.recorder.record(&Event::Warning { message: waiting(base, &theirs) });
                told = Some(theirs);
            }
            Ok(Asked::Theirs(_)) => {}
            Err(error) => {
                tracing::debug!(%error, base = base.image, "the base cannot be locked");
                return None;
            }
        }
        tokio::time::sleep(AGAIN).await;
    }
}

fn waiting(base: &PlannedBase, theirs: &Holder) -> String {
    let (run, process) = (&theirs.run, theirs.process);
    format!("waiting for run `{run}`, process {process}, which gets the base `{}`", base.image)
}

/// Gives the base a reference of the run's own, by which it is named to the builder: whoever gives
/// the user's reference to another image meanwhile does not change what this run builds on.
pub(super) async fn pin<E: Engine, M>(
    job: &Job<'_, E, M>,
    stage: &PlannedStage,
    base: Option<&ImageFacts>,
) -> Result<()> {
    let (PlannedParent::Base(planned), Some(base)) = (&stage.from, base) else { return Ok(()) };
    let reference = job.scratch.base(&job.plan.project, &planned.image);
    job.scratch.keep(&reference);
    job.engine.tag(&base.id, &reference).await
}

async fn fitting<E: Engine, M>(
    job: &Job<'_, E, M>,
    base: &PlannedBase,
) -> Result<Option<ImageFacts>> {
    let image = job.engine.image(&base.image).await?;
    Ok(image.filter(|image| image.platform.as_ref() == Some(&job.plan.platform)))
}

fn ready<E, M>(
    job: &Job<'_, E, M>,
    base: &PlannedBase,
    facts: ImageFacts,
    how: &'static str,
) -> ImageFacts {
    let (image, id, size) = (base.image.clone(), facts.id.clone(), facts.size);
    job.recorder.record(&Event::BaseReady { image, id, how, size });
    facts
}

async fn get<E: Engine, M: Materials>(
    job: &Job<'_, E, M>,
    base: &PlannedBase,
    platform: &Platform,
) -> Result<&'static str> {
    let progress = |how| {
        move |bytes, total| {
            job.recorder.record(&Event::BaseProgress {
                image: base.image.clone(),
                how,
                bytes,
                total,
            });
        }
    };
    if let Some(archive) = &base.source.archive {
        let path = file(job, archive).await?;
        job.engine.load(&path, &progress("load")).await?;
        return Ok("load");
    }
    if let Some(rootfs) = &base.source.rootfs {
        let path = file(job, rootfs).await?;
        job.engine.import(&path, &base.image, platform, &progress("import")).await?;
        return Ok("import");
    }
    job.engine.pull(&base.image, platform, &progress("pull")).await?;
    Ok("pull")
}

async fn file<E, M: Materials>(job: &Job<'_, E, M>, file: &BaseFile) -> Result<PathBuf> {
    job.materials.base_file(file).await
}

fn not_there<E, M>(job: &Job<'_, E, M>, base: &PlannedBase, how: &str) -> crate::error::Error {
    let what = match how {
        "load" => "the archive was loaded, but holds no image of this name and platform",
        "import" => "the root file system was imported, but for another platform",
        _ => "the image was pulled, but not for this platform",
    };
    Problem::error(format!("base `{}` has no image `{}` for {}", base.name, base.image, job.plan.platform))
        .at(base.source.place.clone(), "declared here")
        .note(what)
        .hint("`docker image inspect` shows what an image is for; `docker load` prints what an archive holds")
        .exit(Exit::Engine)
}
