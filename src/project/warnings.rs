//! What the instructions of a project's stages get wrong: the warnings of Dockerfiles.

use std::collections::BTreeSet;
use std::path::Path;

use indexmap::IndexMap;

use super::dockerfile::{Addresses, Body, Inputs, lint_body};
use super::large_files::large_files;
use super::recipe::USUAL_GATEWAY;
use super::{Parent, Stage, StageName, find_stage};
use crate::error::Problem;

/// The warnings of all stages, in the order of their declarations; `context` is the folder that
/// they copy from. A file of several stages is told once.
pub(super) fn warnings(context: &Path, stages: &IndexMap<StageName, Stage>) -> Vec<Problem> {
    let hosts = BTreeSet::from([USUAL_GATEWAY.to_owned()]);
    let addresses = Addresses { hosts, ..Addresses::default() };
    let large = |source: &str| large_files(context, source);
    let mut told: Vec<Problem> = Vec::new();
    for stage in stages.values() {
        let bodies: Vec<Body<'_>> = up_to(stages, stage).into_iter().map(body).collect();
        let found = lint_body(&bodies, &Inputs::default(), &addresses, &large);
        let found =
            found.into_iter().filter(|problem| !told.iter().any(|other| same(problem, other)));
        let fresh: Vec<_> = found.collect();
        told.extend(fresh);
    }
    told
}

/// A stage and, before it, those that it is built from.
fn up_to<'a>(stages: &'a IndexMap<StageName, Stage>, stage: &'a Stage) -> Vec<&'a Stage> {
    let parent = |stage: &&'a Stage| match &stage.from {
        Parent::Stage(name) => find_stage(stages, name.as_str()),
        Parent::Base(_) => None,
    };
    // A circle has been told already, and must have an end here.
    let line = std::iter::successors(Some(stage), parent).take(stages.len());
    let mut line: Vec<_> = line.collect();
    line.reverse();
    line
}

fn body(stage: &Stage) -> Body<'_> {
    Body { file: &stage.file, args: &stage.args }
}

fn same(one: &Problem, other: &Problem) -> bool {
    (one.code, &one.message, &one.place) == (other.code, &other.message, &other.place)
}
