//! Gathers what decides a stage's content, and decides whether it is built.

use std::collections::HashMap;

use super::stock::{Decision, Made, Question};
use super::{Job, Materials};
use crate::engine::{Engine, ImageFacts};
use crate::error::Result;
use crate::plan::{Canonical, PlannedParent, PlannedStage, Surroundings, VerifiedPackage};
use crate::project::Sha256;

/// What a stage starts from and what it is given.
pub(super) struct Ground<'a> {
    pub(super) packages: &'a [VerifiedPackage],
    pub(super) base: Option<&'a ImageFacts>,
    pub(super) made: &'a Made,
}

/// Decides; the engine is asked again before a stage is given to a builder.
pub(super) async fn decide<E: Engine, M: Materials>(
    job: &Job<'_, E, M>,
    stage: &PlannedStage,
    ground: &Ground<'_>,
) -> Result<Decision> {
    let canonical = Canonical::of(stage);
    let images = images(job.engine, canonical.images(stage)).await?;
    let files: Vec<(String, Sha256)> = ground
        .packages
        .iter()
        .map(|package| (package.file.clone(), package.sha256.clone()))
        .collect();
    let content = |name: &_| ground.made.get(name).map(|made| made.content).unwrap_or_default();
    let from = match &stage.from {
        PlannedParent::Stage(name) => content(name),
        PlannedParent::Base(base) => {
            ground.base.map_or_else(|| base.image.clone(), |facts| facts.id.clone())
        }
    };
    let surroundings = Surroundings {
        from,
        stage: &content,
        image: &|name| images.get(name).cloned(),
        files: &files,
        sources: job.materials.sources(stage)?,
    };
    let inputs = canonical.inputs(job.plan, stage, surroundings);
    let built = |name: &str| ground.made.built(name);
    let question = || Question {
        project: &job.plan.project,
        stage,
        inputs: inputs.clone(),
        forced: forced(job.no_cache, stage, &canonical),
        built: &built,
        packages: ground.packages,
    };
    let decision = job.stock.decide(question());
    if decision.reuse.is_some() {
        return Ok(decision);
    }
    job.stock.refresh(job.engine).await?;
    Ok(job.stock.decide(question()))
}

/// Why a stage is given to the builder whatever its key.
pub fn forced(no_cache: bool, stage: &PlannedStage, canonical: &Canonical) -> Option<String> {
    if no_cache {
        return Some("`--no-cache` was given".to_owned());
    }
    let remote = canonical.remote(stage)?;
    let place = format!("line {} of {}", remote.line, remote.file);
    Some(format!("{place} adds from an address: only the engine can tell whether that changed"))
}

/// The content ids of the images that the engine has.
async fn images<'a>(
    engine: &impl Engine,
    names: impl Iterator<Item = &'a str>,
) -> Result<HashMap<String, String>> {
    let mut images = HashMap::new();
    for name in names {
        if let Some(facts) = engine.image(name).await? {
            images.insert(name.to_owned(), facts.id);
        }
    }
    Ok(images)
}
