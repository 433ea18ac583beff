//! Gathers what decides a stage's content, and decides whether it is built.

use std::collections::HashMap;
use std::time::Duration;

use super::below::Below;
use super::labels::base_of;
use super::stock::{Decision, Made, MadeStage, Question, Stock};
use super::{Job, Materials};
use crate::engine::{Builder, Engine, ImageFacts};
use crate::error::Result;
use crate::plan::{
    Canonical, Plan, PlannedParent, PlannedStage, Remote, Surroundings, VerifiedPackage, changes,
};
use crate::project::{Sha256, StageName};

/// What is older than this is asked for again before a stage is decided.
const FRESH: Duration = Duration::from_secs(1);

/// An image of a list that is older than this is looked at before it is used again.
const MOMENT: Duration = Duration::from_millis(100);

/// Whom to ask what decides a stage's content.
pub struct Sources<'a, E, M> {
    /// What is to be done.
    pub plan: &'a Plan,
    /// What builds.
    pub engine: &'a E,
    /// Which of its builders.
    pub builder: Builder,
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
            builder: self.builder,
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

/// Decides by what the engine has now: another run may have built the stage meanwhile, and an image
/// that was there when the run began may have been removed.
pub(super) async fn decide<E: Engine, M: Materials>(
    sources: &Sources<'_, E, M>,
    stage: &PlannedStage,
    ground: &Ground<'_>,
) -> Result<Decision> {
    let question = question(sources, stage, ground).await?;
    sources.stock.refresh(sources.engine, FRESH).await?;
    let decision = answer(sources, &question).await?;
    let Some(image) = &decision.reuse else { return Ok(decision) };
    if sources.stock.age() < MOMENT || sources.engine.image(&image.id).await?.is_some() {
        return Ok(decision);
    }
    sources.stock.refresh(sources.engine, Duration::ZERO).await?;
    answer(sources, &question).await
}

async fn answer<E: Engine, M>(
    sources: &Sources<'_, E, M>,
    question: &Question<'_>,
) -> Result<Decision> {
    let (key, reference) = (question.inputs.key(), &question.stage.reference);
    let own = sources.stock.own(sources.engine, &key, reference).await?;
    Ok(sources.stock.decide(question, own.as_ref()))
}

async fn question<'a, E: Engine, M: Materials>(
    sources: &Sources<'a, E, M>,
    stage: &'a PlannedStage,
    ground: &Ground<'a>,
) -> Result<Question<'a>> {
    let plan = sources.plan;
    let canonical = Canonical::of(plan, stage);
    let images = images(sources.engine, canonical.images()).await?;
    let files = ground.packages.iter().map(|one| (one.file.clone(), one.sha256.clone()));
    let files: Vec<(String, Sha256)> = files.collect();
    let below = Below::of(sources, stage, ground);
    let surroundings = Surroundings {
        builder: &sources.builder.to_string(),
        from: below.from(),
        stage: &|name| below.copied(name),
        image: &|name| images.get(name).cloned().flatten(),
        files: &files,
        sources: sources.materials.sources(stage)?,
    };
    let inputs = canonical.inputs(plan, surroundings);
    let unknowable = unknowable(stage, &canonical, ground.base, &images);
    let no_cache = sources.no_cache.then(|| "`--no-cache` was given".to_owned());
    Ok(Question {
        project: &plan.project,
        stage,
        inputs,
        knowable: unknowable.is_none(),
        forced: unknowable.or(no_cache),
        assumed: below.assumed(),
        made: ground.made,
        packages: ground.packages,
    })
}

/// What a run would decide of each stage now; nothing is built, and no base is got.
///
/// # Errors
/// The engine's failure, or what is wrong with the stages' files.
pub async fn foresee<E: Engine, M: Materials>(
    sources: &Sources<'_, E, M>,
) -> Result<Vec<(StageName, Decision)>> {
    let made = Made::default();
    let mut bases = HashMap::new();
    let mut decisions = Vec::new();
    for stage in &sources.plan.stages {
        let base = match base_of(sources.plan, stage) {
            Some(planned) => there(sources, &planned.image, &mut bases).await?,
            None => None,
        };
        let packages = sources.materials.expected(stage);
        let ground = Ground { packages: &packages, base: base.as_ref(), made: &made };
        let decision = decide(sources, stage, &ground).await?;
        let earlier = sources.stock.earlier_inputs(&sources.plan.project, stage);
        let same = earlier.is_some_and(|earlier| changes(&earlier, &decision.inputs).is_empty());
        made.note(&stage.name, MadeStage::foreseen(&decision, !same));
        decisions.push((stage.name.clone(), decision));
    }
    Ok(decisions)
}

/// A base that the engine has for the plan's platform; each is asked for once.
async fn there<E: Engine, M>(
    sources: &Sources<'_, E, M>,
    image: &str,
    known: &mut HashMap<String, Option<ImageFacts>>,
) -> Result<Option<ImageFacts>> {
    if let Some(facts) = known.get(image) {
        return Ok(facts.clone());
    }
    let facts = sources.engine.image(image).await?;
    let facts = facts.filter(|facts| facts.platform.as_ref() == Some(&sources.plan.platform));
    known.insert(image.to_owned(), facts.clone());
    Ok(facts)
}

/// Why only the engine can tell whether a stage's content changed.
fn unknowable(
    stage: &PlannedStage,
    canonical: &Canonical<'_>,
    base: Option<&ImageFacts>,
    images: &HashMap<String, Option<String>>,
) -> Option<String> {
    if base.is_some_and(|base| base.triggers) && matches!(stage.from, PlannedParent::Base(_)) {
        return Some("its base brings instructions along (`ONBUILD`)".to_owned());
    }
    if let Some(Remote { instruction, certain }) = canonical.remote() {
        let adds = if certain { "adds" } else { "may add" };
        let place = format!("line {} of {}", instruction.line, instruction.file);
        return Some(format!(
            "{place} {adds} from an address: only the engine can tell whether that changed"
        ));
    }
    let named = |name: &&str| matches!(images.get(*name), Some(None));
    let image = canonical.images().find(named)?;
    Some(format!(
        "{image}, which it copies from, is not in the engine: whether it changed is known once it is pulled"
    ))
}

/// The content ids of the images that the engine has; one that is named by its digest is known without it.
async fn images<'a>(
    engine: &impl Engine,
    names: impl Iterator<Item = &'a str>,
) -> Result<HashMap<String, Option<String>>> {
    let mut images = HashMap::new();
    for name in names {
        let digest = name.split_once("@sha256:").map(|_| name.to_owned());
        let there = engine.image(name).await?.map(|facts| facts.id);
        images.insert(name.to_owned(), digest.or(there));
    }
    Ok(images)
}
