//! What the reader warns of: each kind of warning has a code.
//!
//! - `package-not-removed`: a fetched package stays in the layer;
//! - `copy-then-remove`: a large file is copied, and a later layer removes it;
//! - `exit-code-lost`: an installer's failure does not fail the RUN;
//! - `cache-left`: pip or apt leave their caches;
//! - `fetch-elsewhere`: somebody else's server has the files;
//! - `address-baked`: the server's address or a proxy stays in the image;
//! - `syntax-directive`: the build needs the network for its frontend.

use std::ops::Range;

use super::addresses::{Addresses, is_proxy};
use super::bodies::{self, Body};
use super::commands::Run;
use super::fetches::fetches_in;
use super::hosts::whole_matches;
use super::inputs::Inputs;
use super::scope::{Scope, Value};
use super::stages::{Stages, Step};
use super::{Dockerfile, Instruction, assignments, lint_cache, lint_exit, lint_layers};
use crate::error::{Place, Problem};

/// What a judge of one stage has at hand.
pub(super) struct Judged<'a, 'f> {
    pub(super) file: &'a Dockerfile,
    pub(super) inputs: &'a Inputs,
    pub(super) steps: &'a [Step<'f>],
    pub(super) runs: &'a [Run<'f>],
    /// The size in bytes of a source of COPY, a path or a pattern, in the context.
    pub(super) size: &'a dyn Fn(&str) -> Option<u64>,
}

impl Judged<'_, '_> {
    /// A warning at a span of the file.
    pub(super) fn at(&self, problem: Problem, span: Range<usize>, label: &str) -> Problem {
        problem.at(Place::new(self.file.source(), span), label)
    }
}

/// The warnings of the given stages, in the order of the file.
///
/// `size` tells how large a source of COPY is in the context (bytes; a path or
/// a pattern), where that is known.
pub fn lint(
    stages: &Stages<'_>,
    chosen: &[usize],
    inputs: &Inputs,
    addresses: &Addresses,
    size: &dyn Fn(&str) -> Option<u64>,
) -> Vec<Problem> {
    let mut problems = syntax_directive(stages.file());
    problems.extend(addresses.elsewhere(stages.file()));
    for stage in chosen {
        problems.extend(judge(stages.file(), &stages.steps(*stage), inputs, addresses, size));
    }
    in_order(problems)
}

/// The warnings of `body`; `before` as for [`Body::scope`], `size` as for [`lint`].
pub fn lint_body(
    body: Body<'_>,
    before: Option<&Scope>,
    inputs: &Inputs,
    addresses: &Addresses,
    size: &dyn Fn(&str) -> Option<u64>,
) -> Vec<Problem> {
    let steps = body.steps(before, inputs);
    let mut problems = syntax_directive(body.file);
    problems.extend(bodies::variable_from(body.file));
    problems.extend(judge(body.file, &steps, inputs, addresses, size));
    in_order(problems)
}

/// The warnings of a stage with these steps.
fn judge(
    file: &Dockerfile,
    steps: &[Step<'_>],
    inputs: &Inputs,
    addresses: &Addresses,
    size: &dyn Fn(&str) -> Option<u64>,
) -> Vec<Problem> {
    let runs: Vec<Run> = steps.iter().filter_map(|step| Run::read(step, inputs)).collect();
    let judged = Judged { file, inputs, steps, runs: &runs, size };
    let found = fetches_in(file, steps, inputs, addresses);
    let mut problems = lint_layers::packages(&judged, &found);
    problems.extend(lint_layers::copies(&judged));
    problems.extend(lint_exit::lost(&judged));
    problems.extend(lint_cache::left(&judged));
    problems.extend(baked(&judged, addresses));
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

/// ENV lines that hold the server's address or a proxy.
fn baked(judged: &Judged<'_, '_>, addresses: &Addresses) -> Vec<Problem> {
    let mut problems = Vec::new();
    for step in judged.steps.iter().filter(|step| step.instruction.keyword == "ENV") {
        let escape = judged.file.escape();
        for one in assignments::environment(&step.instruction.arguments.text, escape) {
            let value = step.scope.expand(one.value.as_deref().unwrap_or_default());
            let span = step.instruction.arguments.source_span(one.span);
            problems.extend(bake(judged, &one.name, &value, addresses, span));
        }
    }
    problems
}

fn bake(
    judged: &Judged<'_, '_>,
    name: &str,
    value: &Value,
    addresses: &Addresses,
    span: Range<usize>,
) -> Option<Problem> {
    let text = value.known().filter(|text| !text.is_empty())?;
    let holds_host = addresses.hosts.iter().any(|host| whole_matches(text, host).next().is_some());
    let is_proxy = is_proxy(name);
    if !holds_host && !is_proxy {
        return None;
    }
    let what = if holds_host { "the package server's address" } else { "a proxy" };
    let problem = Problem::warning(format!("`{name}` keeps {what} in the image"))
        .code("address-baked")
        .hint(format!("use `ARG {name}`, or set it inside the `RUN` that needs it"));
    Some(judged.at(problem, span, "every container will see this"))
}

/// The bytes of an instruction's first line, for carets that need no more.
pub(super) fn first_line(file: &Dockerfile, instruction: &Instruction) -> Range<usize> {
    let text = &file.source().text[instruction.span.clone()];
    let length = text.lines().next().map_or(0, str::len);
    instruction.span.start..instruction.span.start + length
}
