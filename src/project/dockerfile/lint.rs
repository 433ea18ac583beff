//! What the reader warns of: each kind of warning has a code.
//!
//! - `package-not-removed`: a fetched package stays in the layer;
//! - `copy-then-remove`: a large file is copied, and a later layer removes it;
//! - `exit-code-lost`: an installer's failure does not fail the RUN;
//! - `cache-left`: pip or apt leave their caches;
//! - `fetch-elsewhere`: somebody else's server has the files;
//! - `address-baked`: the server's address or a proxy stays in the image;
//! - `syntax-directive`: the build needs the network for its frontend.

use std::collections::BTreeSet;
use std::ops::Range;

use super::addresses::Addresses;
use super::bodies::{self, ReadBody};
use super::commands::Run;
use super::fetches::fetches_in;
use super::inputs::Inputs;
use super::lint_copies::{Below, LargeFile};
use super::stages::{Origin, Stages, Step};
use super::{Dockerfile, Instruction, lint_baked, lint_cache, lint_copies, lint_exit, lint_layers};
use crate::error::{Place, Problem};

/// What a judge of one stage has at hand.
pub(super) struct Judged<'a, 'f> {
    pub(super) file: &'a Dockerfile,
    pub(super) inputs: &'a Inputs,
    pub(super) steps: &'a [Step<'f>],
    pub(super) runs: &'a [Run<'f>],
    /// The stages that it is built from.
    pub(super) below: &'a [Below<'a, 'f>],
    /// The large files that a source of COPY, a path or a pattern, takes from the context.
    pub(super) large: &'a dyn Fn(&str) -> Vec<LargeFile>,
}

impl Judged<'_, '_> {
    /// A warning at a span of the file.
    pub(super) fn at(&self, problem: Problem, span: Range<usize>, label: &str) -> Problem {
        problem.at(Place::new(self.file.source(), span), label)
    }
}

/// The warnings of the given stages, in the order of the file.
///
/// `large` tells which files of at least [`LARGE`](super::LARGE) bytes a source of COPY, a path or
/// a pattern, takes from the context, as far as that is known.
pub fn lint(
    stages: &Stages<'_>,
    chosen: &[usize],
    inputs: &Inputs,
    addresses: &Addresses,
    large: &dyn Fn(&str) -> Vec<LargeFile>,
) -> Vec<Problem> {
    let file = stages.file();
    let mut problems = syntax_directive(file);
    problems.extend(addresses.elsewhere(file));
    let delivered = delivered(stages, chosen);
    for stage in chosen {
        let below = stages.below(*stage).into_iter();
        let below: Vec<_> = below.map(|index| stages.steps(index)).collect();
        let below: Vec<_> = below.iter().map(|steps| Below { file, steps }).collect();
        let steps = stages.steps(*stage);
        let mut found = judge(file, &steps, &below, inputs, addresses, large);
        found.retain(|problem| delivered.contains(stage) || !is_of_layers(problem));
        problems.extend(found);
    }
    in_order(problems)
}

/// The chosen stages whose layers an image may be made of: of those that others only copy from or
/// mount, the layers stay behind.
fn delivered(stages: &Stages<'_>, chosen: &[usize]) -> BTreeSet<usize> {
    let uses = chosen.iter().filter_map(|stage| stages.get(*stage)).flat_map(|stage| &stage.uses);
    let used: BTreeSet<usize> = uses
        .filter_map(|one| match one.origin {
            Origin::Stage(used) => Some(used),
            _ => None,
        })
        .collect();
    let ends = chosen.iter().copied().filter(|stage| {
        let has_child = || chosen.iter().any(|child| stages.below(*child).contains(stage));
        Some(*stage) == stages.last() || !used.contains(stage) && !has_child()
    });
    ends.flat_map(|stage| stages.below(stage).into_iter().chain([stage])).collect()
}

/// Whether a warning is about the size of an image's layers.
fn is_of_layers(problem: &Problem) -> bool {
    matches!(problem.code, Some("copy-then-remove" | "package-not-removed"))
}

/// The warnings of the last one of `bodies`, each of which is built from the one before; `large` as
/// for [`lint`].
pub fn lint_body(
    bodies: &[&ReadBody<'_>],
    inputs: &Inputs,
    addresses: &Addresses,
    large: &dyn Fn(&str) -> Vec<LargeFile>,
) -> Vec<Problem> {
    let Some((own, below)) = bodies.split_last() else { return Vec::new() };
    let below = below.iter().map(|body| Below { file: body.file, steps: &body.steps });
    let below: Vec<_> = below.collect();
    let mut problems = syntax_directive(own.file);
    problems.extend(bodies::variable_from(own.file));
    problems.extend(judge(own.file, &own.steps, &below, inputs, addresses, large));
    in_order(problems)
}

/// The warnings of a stage with these steps.
fn judge(
    file: &Dockerfile,
    steps: &[Step<'_>],
    below: &[Below<'_, '_>],
    inputs: &Inputs,
    addresses: &Addresses,
    large: &dyn Fn(&str) -> Vec<LargeFile>,
) -> Vec<Problem> {
    let runs: Vec<Run> = steps.iter().filter_map(|step| Run::read(step, inputs)).collect();
    let judged = Judged { file, inputs, steps, runs: &runs, below, large };
    let found = fetches_in(file, steps, inputs, addresses);
    let mut problems = lint_layers::packages(&judged, &found);
    problems.extend(lint_copies::copies(&judged));
    problems.extend(lint_exit::lost(&judged));
    problems.extend(lint_cache::left(&judged));
    problems.extend(lint_baked::baked(&judged, addresses));
    problems
}

/// Sorted by place; what an ONBUILD gives to several stages is told once.
fn in_order(mut problems: Vec<Problem>) -> Vec<Problem> {
    let place = |problem: &Problem| problem.place.as_ref().map_or(0, |place| place.span.start);
    problems.sort_by_key(place);
    problems.dedup_by(|a, b| a.code == b.code && a.message == b.message && place(a) == place(b));
    problems
}

/// The warning of a `# syntax=` line.
fn syntax_directive(file: &Dockerfile) -> Vec<Problem> {
    let syntax = file.directives().iter().filter(|directive| directive.name == "syntax");
    syntax
        .map(|directive| {
            Problem::warning("`# syntax=` makes the builder fetch its frontend from the network")
                .code("syntax-directive")
                .hint("remove the line where the frontend of the engine itself is enough")
                .at(Place::new(file.source(), directive.span.clone()), "pulled before each build")
        })
        .collect()
}

/// The bytes of an instruction's first line, for carets that need no more.
pub(super) fn first_line(file: &Dockerfile, instruction: &Instruction) -> Range<usize> {
    let text = &file.source().text[instruction.span.clone()];
    let length = text.lines().next().map_or(0, str::len);
    instruction.span.start..instruction.span.start + length
}
