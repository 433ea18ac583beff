//! The labels that a stage's image gets: its key with what it was made from, and the
//! annotations of the OCI image specification that people look for.

use indexmap::IndexMap;

use super::stock::{Decision, INPUTS, KEY, PROJECT, STAGE};
use crate::engine::ImageFacts;
use crate::plan::{Plan, PlannedBase, PlannedParent, PlannedStage};

/// The annotation with the base's reference.
pub const BASE_NAME: &str = "org.opencontainers.image.base.name";
/// The annotation with the base's content id.
pub const BASE_DIGEST: &str = "org.opencontainers.image.base.digest";

/// The label that says how many of an image's lowest layers are its base's, also when the base is gone.
pub const BASE_LAYERS: &str = "ascend-build.base-layers";

/// The most bytes of what a key was made from that a label holds.
const INPUTS_LIMIT: usize = 40_000;

/// What a stage's image is labelled with; what the project's own instructions say of it stays.
pub(super) fn labels(
    plan: &Plan,
    stage: &PlannedStage,
    decision: &Decision,
    annotations: &IndexMap<String, String>,
    base: Option<&ImageFacts>,
) -> IndexMap<String, String> {
    // The first builder knows a parent by its image, labels included: what changes from run to
    // run stands in the target's alone, so that the stages before it stay the same image.
    let is_target = stage.name == plan.target;
    let mut labels = if is_target { annotations.clone() } else { IndexMap::new() };
    if let Some(planned) = base_of(plan, stage) {
        labels.insert(BASE_NAME.to_owned(), planned.image.clone());
    }
    if let Some(base) = base {
        labels.insert(BASE_DIGEST.to_owned(), base.id.clone());
        labels.insert(BASE_LAYERS.to_owned(), base.layers.to_string());
    }
    labels.retain(|name, _| !is_set_by_user(plan, name));
    labels.insert(PROJECT.to_owned(), plan.project.clone());
    labels.insert(STAGE.to_owned(), stage.name.to_string());
    // A stage without a key must not pass on its parent's.
    let key = decision.key.as_ref().map(ToString::to_string).unwrap_or_default();
    labels.insert(KEY.to_owned(), key);
    let inputs = serde_json::to_string(&decision.inputs).unwrap_or_default();
    // A line of a Dockerfile holds 65,535 bytes. Without it, the next run cannot say what changed.
    let inputs = Some(inputs).filter(|inputs| inputs.len() <= INPUTS_LIMIT);
    labels.insert(INPUTS.to_owned(), inputs.unwrap_or_default());
    labels
}

/// The base that a stage, or the stage that it comes from, starts from.
pub(super) fn base_of<'a>(plan: &'a Plan, stage: &'a PlannedStage) -> Option<&'a PlannedBase> {
    let (mut from, mut before) = (&stage.from, plan.stages.as_slice());
    loop {
        match from {
            PlannedParent::Base(base) => return Some(base),
            PlannedParent::Stage(name) => {
                // Parents stand before their children, mostly right before them.
                let place = before.iter().rposition(|stage| stage.name == *name)?;
                from = &before[place].from;
                before = &before[..place];
            }
        }
    }
}

fn is_set_by_user(plan: &Plan, name: &str) -> bool {
    let instructions = plan.stages.iter().flat_map(|stage| &stage.instructions);
    let mut labels = instructions.filter(|instruction| instruction.keyword == "LABEL");
    labels.any(|label| label.text.contains(name))
}
