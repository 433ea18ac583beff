//! What the instructions of a project's stages get wrong: the warnings of Dockerfiles.

use std::collections::BTreeSet;
use std::path::Path;

use indexmap::IndexMap;

use super::dockerfile::{Addresses, Body, Inputs, lint_body};
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
    for stage in stages.values() {
        let bodies = bodies(stages, stage);
        let found = lint_body(&bodies, &Inputs::default(), &addresses, &size);
        let found =
            found.into_iter().filter(|problem| !told.iter().any(|other| same(problem, other)));
        let fresh: Vec<_> = found.collect();
        told.extend(fresh);
    }
    told
}

/// The stage and what it is built from, the first stage first.
fn bodies<'a>(stages: &'a IndexMap<StageName, Stage>, stage: &'a Stage) -> Vec<Body<'a>> {
    let parent = match &stage.from {
        Parent::Stage(name) => find_stage(stages, name.as_str()),
        Parent::Base(_) => None,
    };
    let mut all = parent.map(|parent| bodies(stages, parent)).unwrap_or_default();
    all.push(Body { file: &stage.file, args: &stage.args });
    all
}

fn same(one: &Problem, other: &Problem) -> bool {
    (one.code, &one.message, &one.place) == (other.code, &other.message, &other.place)
}
