//! What an engine is asked to build: a stage, or the beginning of one.

use indexmap::IndexMap;

use super::stage::Order;
use super::{Job, Materials, failure};
use crate::engine::{BuildRequest, Builder, Engine};
use crate::error::Result;
use crate::plan::{Bindings, Halt, PlannedStage, VerifiedPackage, folded};

/// The whole stage, its image labelled.
///
/// # Errors
/// What it copies cannot be read, or is another than when its key was made.
pub(super) fn request<E: Engine, M: Materials>(
    job: &Job<'_, E, M>,
    stage: &PlannedStage,
    order: &Order<'_>,
) -> Result<BuildRequest> {
    let labelled = |bindings: &Bindings<'_>| stage.labelled_dockerfile(bindings, &order.labels);
    let dockerfile = bound(job, order.packages, labelled);
    let request = of(job, stage, order.packages, &dockerfile)?;
    // Only now that it is packed: what is packed must be what the key was made from.
    if folded(job.materials.sources(stage)?) != *order.sources {
        return Err(failure::of_changed(stage));
    }
    Ok(BuildRequest { keywords: stage.keywords(), no_cache: job.no_cache, ..request })
}

/// What stands before an instruction of the stage; everything of it has been built just now.
pub(super) fn beginning<E: Engine, M: Materials>(
    job: &Job<'_, E, M>,
    stage: &PlannedStage,
    packages: &[VerifiedPackage],
    halt: &Halt,
) -> Result<BuildRequest> {
    let request = of(job, stage, packages, &halt.dockerfile)?;
    Ok(BuildRequest { keywords: halt.keywords.clone(), ..request })
}

fn of<E: Engine, M: Materials>(
    job: &Job<'_, E, M>,
    stage: &PlannedStage,
    packages: &[VerifiedPackage],
    dockerfile: &str,
) -> Result<BuildRequest> {
    Ok(BuildRequest {
        builder: job.builder,
        context: job.materials.context(stage, dockerfile)?,
        dockerfile: Job::<E, M>::DOCKERFILE.to_owned(),
        target: stage.name.lower(),
        platform: Some(job.plan.platform.clone())
            .filter(|platform| job.engine.facts().platform.as_ref() != Some(platform)),
        arguments: arguments(job, stage, packages),
        large_shm: job.has_large_shm(stage),
        run: Some(job.recorder.folder().id.clone()).filter(|_| !reads_no_proxy(job)),
        keywords: Vec::new(),
        no_cache: false,
    })
}

/// A declared argument is part of the cache key, so it must not change from run to run.
fn reads_no_proxy<E, M>(job: &Job<'_, E, M>) -> bool {
    let mut instructions = job.plan.stages.iter().flat_map(|stage| &stage.instructions);
    instructions.any(|one| one.keyword == "ARG" && one.text.to_lowercase().contains("no_proxy"))
}

/// Makes something of a stage's Dockerfile with what only the run knows.
pub(super) fn bound<E, M, T>(
    job: &Job<'_, E, M>,
    packages: &[VerifiedPackage],
    make: impl FnOnce(&Bindings<'_>) -> T,
) -> T {
    let files: Vec<_> = packages
        .iter()
        .map(|package| (package.file.clone(), Some(package.sha256.clone())))
        .collect();
    make(&Bindings {
        reference: &|parent| job.scratch.reference(&job.plan.project, parent),
        base: &|image| job.scratch.base(&job.plan.project, image),
        files: &files,
        mark: job.mark.as_deref(),
        authority: &|_| job.server.clone(),
        mounts: job.builder == Builder::BuildKit,
        relocated: true,
    })
}

/// The stage's arguments and the predefined proxy arguments.
fn arguments<E: Engine, M>(
    job: &Job<'_, E, M>,
    stage: &PlannedStage,
    packages: &[VerifiedPackage],
) -> IndexMap<String, String> {
    let mut arguments = stage.args.clone();
    arguments.extend(stage.build_args.clone());
    arguments.extend(job.proxies.clone());
    if !stage.packages.is_empty() {
        let kib = job.in_memory(packages.iter()).map(|bytes| bytes.div_ceil(1024));
        tell_server(&mut arguments, &packages_of(job, stage), kib);
    }
    arguments
}

/// Where a stage finds its packages, by a path that says for whom they are fetched.
pub(super) fn packages_of<E, M>(job: &Job<'_, E, M>, stage: &PlannedStage) -> String {
    format!("{}/for/{}/{}", job.packages, job.recorder.folder().id, stage.name)
}

/// `FTP_PROXY` carries the package server's address to `RUN --package` (see `plan/fetch.sh`): the
/// predefined ones reach every RUN and are no part of the cache key.
pub(super) fn tell_server(
    arguments: &mut IndexMap<String, String>,
    server: &str,
    in_memory: Option<u64>,
) {
    let own = arguments.shift_remove("ftp_proxy").unwrap_or_default();
    let kib = in_memory.map(|kib| kib.to_string()).unwrap_or_default();
    arguments.insert("FTP_PROXY".to_owned(), format!("http://{server}/#{kib}#{own}"));
}
