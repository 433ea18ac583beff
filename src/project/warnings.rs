//! What the instructions of a project's stages get wrong: the warnings of Dockerfiles.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use indexmap::IndexMap;

use super::dockerfile::{Addresses, Body, Inputs, ReadBody, lint_body};
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
    let inputs = Inputs::default();
    let mut told: Vec<Problem> = Vec::new();
    let mut read = HashMap::new();
    for stage in stages.values() {
        let line = up_to(stages, stage);
        read_all(&line, &inputs, &mut read);
        let bodies: Vec<_> = line.iter().filter_map(|one| read.get(one.name.as_str())).collect();
        let found = lint_body(&bodies, &inputs, &addresses, &large);
        let found =
            found.into_iter().filter(|problem| !told.iter().any(|other| same(problem, other)));
        let fresh: Vec<_> = found.collect();
        told.extend(fresh);
    }
    told
}

/// Reads those that are not read yet, each behind the one that it is built from.
fn read_all<'a>(line: &[&'a Stage], inputs: &Inputs, read: &mut HashMap<&'a str, ReadBody<'a>>) {
    for (place, stage) in line.iter().enumerate() {
        if !read.contains_key(stage.name.as_str()) {
            let before = place.checked_sub(1).and_then(|place| read.get(line[place].name.as_str()));
            let body = body(stage).read(before, inputs);
            read.insert(stage.name.as_str(), body);
        }
    }
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
