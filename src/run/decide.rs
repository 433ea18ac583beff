//! Gathers what decides a stage's content, and decides whether it is built.

use std::collections::HashMap;

use super::labels::base_of;
use super::stock::{Decision, Made, MadeStage, Question, Stock};
use super::{Job, Materials};
use crate::engine::{Engine, ImageFacts};
use crate::error::Result;
use crate::plan::{Canonical, Plan, PlannedParent, PlannedStage, Surroundings, VerifiedPackage};
use crate::project::{Sha256, StageName};

/// Whom to ask what decides a stage's content.
pub struct Sources<'a, E, M> {
    /// What is to be done.
    pub plan: &'a Plan,
    /// What builds.
    pub engine: &'a E,
    /// What comes from disk.
    pub materials: &'a M,
    /// The images that the engine has.
    pub stock: &'a Stock,
    /// Whether to build everything anew.
    pub no_cache: bool,
}

impl<'a, E, M> Job<'a, E, M> {
    pub(super) fn sources(&self) -> Sources<'a, E, M> {
        Sources {
            plan: self.plan,
            engine: self.engine,
            materials: self.materials,
            stock: self.stock,
            no_cache: self.no_cache,
        }
    }
}

/// What a stage starts from and what it is given.
pub(super) struct Ground<'a> {
    pub(super) packages: &'a [VerifiedPackage],
    pub(super) base: Option<&'a ImageFacts>,
    pub(super) made: &'a Made,
}

/// Decides; the engine is asked again before a stage is given to a builder.
pub(super) async fn decide<E: Engine, M: Materials>(
    sources: &Sources<'_, E, M>,
    stage: &PlannedStage,
    ground: &Ground<'_>,
) -> Result<Decision> {
    let canonical = Canonical::of(stage);
    let images = images(sources.engine, canonical.images(stage)).await?;
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
        sources: sources.materials.sources(stage)?,
    };
    let inputs = canonical.inputs(sources.plan, stage, surroundings);
    let built = |name: &str| ground.made.built(name);
    let no_cache = sources.no_cache.then(|| "`--no-cache` was given".to_owned());
    let unknowable = unknowable(stage, &canonical, ground.base);
    let key = inputs.key();
    let own = || sources.stock.own(sources.engine, &key, &stage.reference);
    let question = |own| Question {
        project: &sources.plan.project,
        stage,
        inputs: inputs.clone(),
        forced: unknowable.clone().or_else(|| no_cache.clone()),
        knowable: unknowable.is_none(),
        own,
        built: &built,
        packages: ground.packages,
    };
    let decision = sources.stock.decide(question(own().await?));
    if decision.reuse.is_some() {
        return Ok(decision);
    }
    sources.stock.refresh(sources.engine).await?;
    Ok(sources.stock.decide(question(own().await?)))
}

/// What a run would decide of each stage now; nothing is built, and no base is got.
///
/// # Errors
/// The engine's failure, or what is wrong with the stages' files.
pub async fn foresee<E: Engine, M: Materials>(
    sources: &Sources<'_, E, M>,
) -> Result<Vec<(StageName, Decision)>> {
    let made = Made::default();
    let mut decisions = Vec::new();
    for stage in &sources.plan.stages {
        let base = match base_of(sources.plan, stage) {
            Some(planned) => sources.engine.image(&planned.image).await?,
            None => None,
        };
        let packages = sources.materials.expected(stage);
        let ground = Ground { packages: &packages, base: base.as_ref(), made: &made };
        let decision = decide(sources, stage, &ground).await?;
        let content = decision.key.as_ref().map(ToString::to_string);
        made.note(
            &stage.name,
            MadeStage {
                content: content.unwrap_or_else(|| "only the engine can tell".to_owned()),
                built: decision.reuse.is_none(),
            },
        );
        decisions.push((stage.name.clone(), decision));
    }
    Ok(decisions)
}

/// Why only the engine can tell whether a stage's content changed.
fn unknowable(
    stage: &PlannedStage,
    canonical: &Canonical,
    base: Option<&ImageFacts>,
) -> Option<String> {
    if base.is_some_and(|base| base.triggers) && matches!(stage.from, PlannedParent::Base(_)) {
        return Some("its base brings instructions along (`ONBUILD`)".to_owned());
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
