//! What the engine has already: images whose labels name their stage's key.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::engine::{Engine, ImageId, LabelledImage};
use crate::error::Result;
use crate::plan::{Change, Inputs, PlannedStage, StageKey, VerifiedPackage, changes, told};
use crate::project::StageName;

/// The label that holds a stage's key.
pub const KEY: &str = "ascend-build.key";
/// The label that holds what the key was made from, as JSON.
pub const INPUTS: &str = "ascend-build.inputs";
/// The label that holds the project's name.
pub const PROJECT: &str = "ascend-build.project";
/// The label that holds the stage's name.
pub const STAGE: &str = "ascend-build.stage";

/// The images that have a key.
pub struct Stock {
    state: Mutex<(Instant, Vec<LabelledImage>)>,
    /// Whether an image is the stage that its labels name, as far as it was asked for.
    proofs: Mutex<HashMap<ImageId, bool>>,
}

/// Whether a stage is built, and why.
#[derive(Debug, Clone)]
pub struct Decision {
    /// What decides the stage's content.
    pub inputs: Inputs,
    /// The key; `None` where the engine alone can tell whether something changed.
    pub key: Option<StageKey>,
    /// What was not known yet: the key holds only if it is what it was.
    pub assumed: Option<String>,
    /// The image that is used instead of building.
    pub reuse: Option<LabelledImage>,
    /// The causes, the nearest first.
    pub reasons: Vec<String>,
}

/// What is decided about.
pub(super) struct Question<'a> {
    /// The project's image repository.
    pub project: &'a str,
    /// The stage.
    pub stage: &'a PlannedStage,
    /// What decides its content.
    pub inputs: Inputs,
    /// Why it is built whatever its key.
    pub forced: Option<String>,
    /// Whether its content can be known beforehand.
    pub knowable: bool,
    /// What is not known of what it starts from, and taken to be what it was.
    pub assumed: Option<String>,
    /// What the stages before it became.
    pub made: &'a Made,
    /// Its package files.
    pub packages: &'a [VerifiedPackage],
}

impl Stock {
    /// Asks the engine.
    ///
    /// # Errors
    /// The engine's failure.
    pub async fn of(engine: &impl Engine) -> Result<Self> {
        let images = engine.labelled(KEY).await?;
        Ok(Self { state: Mutex::new((Instant::now(), images)), proofs: Mutex::default() })
    }

    /// Nothing: no engine was asked.
    pub fn empty() -> Self {
        Self { state: Mutex::new((Instant::now(), Vec::new())), proofs: Mutex::default() }
    }

    /// How long ago the engine was asked.
    pub(super) fn age(&self) -> Duration {
        self.state().0.elapsed()
    }

    /// Asks the engine again, where that was longer ago than `fresh`.
    pub(super) async fn refresh(&self, engine: &impl Engine, fresh: Duration) -> Result<()> {
        if self.age() > fresh {
            let images = engine.labelled(KEY).await?;
            *self.state() = (Instant::now(), images);
        }
        Ok(())
    }

    /// The image that is the stage with this key, one that has `reference` before others.
    ///
    /// What is built on an image inherits its labels, and may take its name: so an image proves
    /// itself by its history, whose newest instruction is the `LABEL` with its own key.
    ///
    /// # Errors
    /// The engine's failure.
    pub(super) async fn own(
        &self,
        engine: &impl Engine,
        key: &StageKey,
        reference: &str,
    ) -> Result<Option<ImageId>> {
        for image in self.candidates(key, reference) {
            let known = self.proofs().get(&image).copied();
            let is_stage = match known {
                Some(known) => known,
                None => engine
                    .newest_instruction(&image)
                    .await?
                    .is_some_and(|instruction| labels_with(&instruction, key)),
            };
            self.proofs().insert(image.clone(), is_stage);
            if is_stage {
                return Ok(Some(image));
            }
        }
        Ok(None)
    }

    /// The images that have the key among their labels.
    fn candidates(&self, key: &StageKey, reference: &str) -> Vec<ImageId> {
        let state = self.state();
        let same =
            |image: &&LabelledImage| image.labels.get(KEY).is_some_and(|of| of == key.as_str());
        let mut images: Vec<_> = state.1.iter().filter(same).collect();
        images.sort_by_key(|image| !image.references.iter().any(|one| one == reference));
        images.into_iter().map(|image| image.id.clone()).collect()
    }

    fn proofs(&self) -> MutexGuard<'_, HashMap<ImageId, bool>> {
        self.proofs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides whether a stage is built; `own` is the image that was found to be it.
    pub(super) fn decide(&self, question: &Question<'_>, own: Option<&ImageId>) -> Decision {
        let state = self.state();
        let own = state.1.iter().find(|image| own == Some(&image.id));
        let reuse = own.filter(|_| question.forced.is_none()).cloned();
        let reasons = match (&reuse, &question.forced) {
            (Some(image), _) => vec![nothing_changed(image, question)],
            (None, Some(forced)) => {
                let changed = earlier(&state.1, question).and_then(|image| differ(image, question));
                let changed = changed.filter(|_| !question.knowable).unwrap_or_default();
                std::iter::once(forced.clone()).chain(changed).collect()
            }
            (None, None) => reasons(earlier(&state.1, question), question),
        };
        let inputs = question.inputs.clone();
        let key = question.knowable.then(|| inputs.key());
        Decision { inputs, key, assumed: question.assumed.clone(), reuse, reasons }
    }

    /// What the earlier image of a stage was made from.
    pub(super) fn earlier_inputs(&self, project: &str, stage: &PlannedStage) -> Option<Inputs> {
        inputs_of(&earlier_of(&self.state().1, project, stage)?.labels)
    }

    /// The content ids of the images.
    pub fn images(&self) -> BTreeSet<ImageId> {
        self.state().1.iter().map(|image| image.id.clone()).collect()
    }

    fn state(&self) -> MutexGuard<'_, (Instant, Vec<LabelledImage>)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an instruction, as an image's history tells it, is the `LABEL` with this key: the first
/// builder writes `/bin/sh -c #(nop)` before what runs nothing.
fn labels_with(instruction: &str, key: &StageKey) -> bool {
    let text = instruction.split_once("#(nop)").map_or(instruction, |(_, text)| text).trim_start();
    text.starts_with("LABEL ") && text.contains(KEY) && text.contains(key.as_str())
}

fn nothing_changed(image: &LabelledImage, question: &Question<'_>) -> String {
    let told = format!("nothing changed since its image was made {}", ago(image.created));
    match &question.assumed {
        Some(what) => format!("{told}, if {what} is what it was"),
        None => told,
    }
}

fn earlier<'a>(images: &'a [LabelledImage], question: &Question<'_>) -> Option<&'a LabelledImage> {
    earlier_of(images, question.project, question.stage)
}

/// The image that has the stage's reference, else the newest one of this stage.
fn earlier_of<'a>(
    images: &'a [LabelledImage],
    project: &str,
    stage: &PlannedStage,
) -> Option<&'a LabelledImage> {
    let tagged = images.iter().find(|image| image.references.contains(&stage.reference));
    let label = |image: &LabelledImage, name: &str, value: &str| {
        image.labels.get(name).is_some_and(|of| of == value)
    };
    let of_stage = |image: &&LabelledImage| {
        label(image, PROJECT, project) && label(image, STAGE, stage.name.as_str())
    };
    tagged.or_else(|| images.iter().find(of_stage))
}

/// Reads what an image says that it was made from.
pub fn inputs_of(labels: &std::collections::HashMap<String, String>) -> Option<Inputs> {
    serde_json::from_str(labels.get(INPUTS)?).ok()
}

fn reasons(earlier: Option<&LabelledImage>, question: &Question<'_>) -> Vec<String> {
    let Some(image) = earlier else { return vec!["never built here".to_owned()] };
    let Some(mut reasons) = differ(image, question) else {
        return vec!["the earlier image does not say what it was made from".to_owned()];
    };
    if reasons.is_empty() {
        reasons.push(
            "the image that has its labels is not the stage, but was made from it".to_owned(),
        );
    }
    reasons
}

/// What differs from what the image was made from, where it says that.
fn differ(image: &LabelledImage, question: &Question<'_>) -> Option<Vec<String>> {
    let old = inputs_of(&image.labels)?;
    let mut changes = changes(&old, &question.inputs);
    changes.iter_mut().for_each(|change| name_as_written(change, question.stage));
    let mut reasons = told(&changes, |change| note(change, image, question));
    for reason in &mut reasons {
        let rebuilt = changes.iter().find_map(|change| match change {
            Change::Parent(name) if change.to_string() == *reason => Some(name),
            _ => None,
        });
        if let Some(name) = rebuilt.filter(|name| question.made.built(name)) {
            *reason = format!("parent {name} is rebuilt");
        }
    }
    Some(reasons)
}

/// Keys know stages in lower case.
fn name_as_written(change: &mut Change, stage: &PlannedStage) {
    if let Change::Copied(name, ..) = change
        && let Some(copied) = stage.copies.iter().find(|copied| copied.lower() == *name)
    {
        *name = copied.to_string();
    }
}

/// When a file that changed was replaced; that the stage is skipped which was below.
fn note(change: &Change, image: &LabelledImage, question: &Question<'_>) -> Option<String> {
    if let Change::From(old, _) = change {
        let mut skipped = question.stage.instead_of.iter();
        return skipped.any(|name| name.as_str() == old).then(|| format!("{old} is skipped"));
    }
    let Change::Package(file, Some(_), Some(_)) = change else { return None };
    let package = question.packages.iter().find(|package| package.file == *file)?;
    let modified = i64::try_from(package.identity.modified / 1_000_000_000).ok()?;
    (modified > image.created).then(|| format!("file replaced {}", ago(modified)))
}

/// How long ago a second since the epoch was.
fn ago(second: i64) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX).saturating_sub(second).max(0);
    let (count, unit) = match seconds {
        0..60 => return "just now".to_owned(),
        60..3600 => (seconds / 60, "minute"),
        3600..86_400 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{} ago", if count == 1 { "" } else { "s" })
}

/// What the stages of a run have become so far.
#[derive(Debug, Default)]
pub(super) struct Made(Mutex<BTreeMap<StageName, MadeStage>>);

/// What a stage has become.
#[derive(Debug, Clone)]
pub(super) struct MadeStage {
    /// Its key, or its image's content id where it has none; `None` where the run alone will know.
    pub(super) content: Option<String>,
    /// Whether the content is not known, or only if something is what it was.
    pub(super) assumed: bool,
    /// Whether it was given to the builder.
    pub(super) built: bool,
}

impl MadeStage {
    /// What a stage will be, as far as that is known before the run. One without a key may be what
    /// it was, unless something else of it `changed`.
    pub(super) fn foreseen(decision: &Decision, changed: bool) -> Self {
        let another = || changed.then(|| "not known before the run".to_owned());
        Self {
            content: decision.key.as_ref().map(ToString::to_string).or_else(another),
            assumed: decision.assumed.is_some() || decision.key.is_none(),
            built: decision.reuse.is_none(),
        }
    }
}

impl Made {
    pub(super) fn note(&self, stage: &StageName, made: MadeStage) {
        self.stages().insert(stage.clone(), made);
    }

    /// The key or the content id of a stage, as far as it is known.
    pub(super) fn content(&self, stage: &StageName) -> Option<String> {
        self.stages().get(stage)?.content.clone()
    }

    /// Whether that is not known, or only if something is what it was.
    pub(super) fn is_assumed(&self, stage: &StageName) -> bool {
        self.stages().get(stage).is_some_and(|made| made.assumed)
    }

    pub(super) fn built(&self, stage: &str) -> bool {
        self.stages().iter().any(|(name, made)| name.as_str() == stage && made.built)
    }

    fn stages(&self) -> MutexGuard<'_, BTreeMap<StageName, MadeStage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(seconds: i64, expected: &str) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        // Half a unit more, so that the clock may go on between here and there.
        assert_eq!(ago(i64::try_from(now.as_secs()).unwrap() - seconds), expected);
    }

    #[test]
    fn times_are_told_as_people_do() {
        check(-100, "just now");
        check(5, "just now");
        check(90, "1 minute ago");
        check(630, "10 minutes ago");
        check(5400, "1 hour ago");
        check(3 * 86_400 + 3600, "3 days ago");
    }
}
