//! What the instructions of a project's stages get wrong: the warnings of Dockerfiles.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use indexmap::IndexMap;

use super::dockerfile::{Addresses, Body, Inputs, Scope, lint_body};
use super::recipe::USUAL_GATEWAY;
use super::{Parent, Stage, StageName, find_stage};
use crate::error::Problem;

/// The warnings of all stages, in the order of their declarations; `context` is the folder that
/// they copy from. A file of several stages is told once.
pub(super) fn warnings(context: &Path, stages: &IndexMap<StageName, Stage>) -> Vec<Problem> {
    let hosts = BTreeSet::from([USUAL_GATEWAY.to_owned()]);
    let addresses = Addresses { hosts, ..Addresses::default() };
    let size = |source: &str| context.join(source).metadata().ok().map(|metadata| metadata.len());
    let mut told: Vec<Problem> = Vec::new();
    let mut scopes = HashMap::new();
    for stage in stages.values() {
        let before = parent(stages, stage).map(|parent| scope(stages, parent, &mut scopes));
        let found = lint_body(body(stage), before.as_ref(), &Inputs::default(), &addresses, &size);
        let found =
            found.into_iter().filter(|problem| !told.iter().any(|other| same(problem, other)));
        let fresh: Vec<_> = found.collect();
        told.extend(fresh);
    }
    told
}

fn parent<'a>(stages: &'a IndexMap<StageName, Stage>, stage: &Stage) -> Option<&'a Stage> {
    match &stage.from {
        Parent::Stage(name) => find_stage(stages, name.as_str()),
        Parent::Base(_) => None,
    }
}

fn body(stage: &Stage) -> Body<'_> {
    Body { file: &stage.file, args: &stage.args }
}

/// What is set behind a stage, each stage looked at once.
fn scope<'a>(
    stages: &'a IndexMap<StageName, Stage>,
    stage: &'a Stage,
    scopes: &mut HashMap<&'a StageName, Scope>,
) -> Scope {
    if let Some(known) = scopes.get(&stage.name) {
        return known.clone();
    }
    let before = parent(stages, stage).map(|parent| scope(stages, parent, scopes));
    let behind = body(stage).scope(before.as_ref(), &Inputs::default());
    scopes.insert(&stage.name, behind.clone());
    behind
}

fn same(one: &Problem, other: &Problem) -> bool {
    (one.code, &one.message, &one.place) == (other.code, &other.message, &other.place)
}
