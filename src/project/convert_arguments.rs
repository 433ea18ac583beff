//! The arguments of a Dockerfile's stage in a project.
//!
//! 1. Those at the top whose values are known become the stage's `args`, which `--set` overrides.
//! 2. Those that stay get the value that the whole file and the command line gave them: neither the
//!    `ARG`s before the first `FROM` nor `--build-arg` are there any more.
//! 3. Those of the stages that it is built from are the stage's own: built by itself, it would not
//!    see them, as BuildKit lets it in one file.
//!
//! What the builder sets (`TARGETARCH`) and proxies stay as they are written: they are no values of
//! the file.

use std::ops::Range;

use indexmap::IndexMap;

use super::dockerfile::{
    Assignment, Edits, Instruction, Lookup, Scope, Stage, is_platform_argument, is_predefined,
};
use super::recipe::Reader;

/// What becomes of a stage's arguments.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    /// The instructions that the table takes over.
    pub(super) taken: Vec<Range<usize>>,
    /// `[stages.X.args]`.
    pub(super) table: IndexMap<String, String>,
    /// The `ARG`s of the stages below that the table cannot hold.
    pub(super) lines: Vec<String>,
    /// The values of those that stay.
    pub(super) edits: Edits,
}

/// The arguments of a stage.
pub(super) fn arguments_of(reader: &Reader<'_>, stage: &Stage<'_>) -> Arguments {
    let mut arguments = own(reader, stage);
    if stage.instructions.iter().any(|one| may_see_arguments(one)) {
        inherit(reader, stage, &mut arguments);
    }
    arguments
}

/// A RUN has them in its environment, and every other instruction may name them.
fn may_see_arguments(instruction: &Instruction) -> bool {
    instruction.innermost().keyword == "RUN" || instruction.arguments.text.contains('$')
}

fn own(reader: &Reader<'_>, stage: &Stage<'_>) -> Arguments {
    let mut arguments = Arguments::default();
    let mut leading = true;
    for instruction in &stage.instructions {
        leading &= instruction.keyword == "ARG";
        if instruction.keyword != "ARG" {
            continue;
        }
        match movable(reader, stage, instruction).filter(|_| leading) {
            Some((name, value)) if !arguments.table.contains_key(&name) => {
                arguments.taken.push(instruction.span.clone());
                arguments.table.insert(name, value);
            }
            _ => arguments.edits.extend(values(reader, stage, instruction)),
        }
    }
    arguments
}

/// The one argument of an `ARG` and its value, unless that hangs on other arguments.
fn movable(
    reader: &Reader<'_>,
    stage: &Stage<'_>,
    instruction: &Instruction,
) -> Option<(String, String)> {
    let mut assignments = instruction.argument_assignments(reader.file.escape());
    let Assignment { name, value, .. } = assignments.pop().filter(|_| assignments.is_empty())?;
    if is_no_value(&name) || value.is_some_and(|text| text.contains('$')) {
        return None;
    }
    let scope = scope_behind(reader, stage, instruction)?;
    Some((name.clone(), set_argument(&scope, &name)?))
}

/// What the builder or the user's network gives, whatever the file says.
fn is_no_value(name: &str) -> bool {
    is_platform_argument(name) || is_predefined(name) || name.to_lowercase().ends_with("_proxy")
}

fn set_argument(scope: &Scope, name: &str) -> Option<String> {
    match scope.lookup(name) {
        Lookup::Set(value) if !scope.is_environment(name) => Some(value.to_owned()),
        _ => None,
    }
}

/// What is set behind an instruction of a stage.
fn scope_behind(
    reader: &Reader<'_>,
    stage: &Stage<'_>,
    instruction: &Instruction,
) -> Option<Scope> {
    let steps = reader.stages.steps(stage.index);
    let place = steps.iter().position(|step| std::ptr::eq(step.instruction, instruction))?;
    let after = steps.get(place + 1).map(|step| step.scope.clone());
    Some(after.unwrap_or_else(|| reader.stages.scope_at_end(stage.index)))
}

/// The values of an `ARG` that stays, where only the whole file or the command line tells them.
fn values(reader: &Reader<'_>, stage: &Stage<'_>, instruction: &Instruction) -> Edits {
    let Some(scope) = scope_behind(reader, stage, instruction) else { return Edits::new() };
    let escape = reader.file.escape();
    let written = |one: Assignment| {
        let given = reader.inputs.build_args.contains_key(&one.name);
        if one.value.is_some() && !given || is_no_value(&one.name) {
            return None;
        }
        let value = set_argument(&scope, &one.name)?;
        let span = instruction.arguments.source_span(one.span);
        Some((span, format!("{}={}", one.name, quoted(&value, escape))))
    };
    instruction.argument_assignments(escape).into_iter().filter_map(written).collect()
}

/// A value as an `ARG` writes it.
fn quoted(value: &str, escape: char) -> String {
    let special = |c: char| c == '"' || c == '$' || c == escape;
    let characters =
        value.chars().flat_map(|c| special(c).then_some(escape).into_iter().chain([c]));
    format!("\"{}\"", characters.collect::<String>())
}

/// Adds the arguments of the stages below, with the values that they have where the stage begins;
/// what one of the stages has made its environment is in its image.
fn inherit(reader: &Reader<'_>, stage: &Stage<'_>, arguments: &mut Arguments) {
    let start = reader.stages.steps(stage.index).first().map(|step| step.scope.clone());
    let Some(start) = start else { return };
    let mut table = IndexMap::new();
    let below = reader.stages.below(stage.index).into_iter();
    let below = below.filter_map(|index| reader.stages.get(index));
    for one in below.flat_map(|below| declared(reader, below)) {
        let name = &one.name;
        if arguments.table.contains_key(name) || start.is_environment(name) {
            continue;
        }
        if hangs_on_platform(&one) {
            let value = one.value.map_or_else(String::new, |value| format!("={value}"));
            arguments.lines.push(format!("ARG {name}{value}"));
        } else if let Some(value) = set_argument(&start, name).filter(|_| !is_no_value(name)) {
            table.insert(name.clone(), value);
        }
    }
    table.extend(std::mem::take(&mut arguments.table));
    arguments.table = table;
}

/// Every argument that a stage declares.
fn declared(reader: &Reader<'_>, stage: &Stage<'_>) -> Vec<Assignment> {
    let lines = stage.instructions.iter().filter(|one| one.keyword == "ARG");
    lines.flat_map(|one| one.argument_assignments(reader.file.escape())).collect()
}

/// Whether an argument is the platform's, or made of one.
fn hangs_on_platform(one: &Assignment) -> bool {
    let value = one.value.as_deref().unwrap_or_default();
    let mut names = value.split('$').skip(1).map(|rest| {
        let rest = rest.trim_start_matches('{');
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        &rest[..end.unwrap_or(rest.len())]
    });
    is_platform_argument(&one.name) || names.any(is_platform_argument)
}
