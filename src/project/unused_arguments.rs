//! Build arguments of the command line that no stage of a build consumes.
//!
//! An argument is consumed by an `ARG` of a stage that is built, or by one before
//! the first `FROM` that the `FROM` of such a stage is made up with. The engine
//! passes over every other one, and so a slip in its name builds something else.

use std::collections::BTreeSet;
use std::ops::Range;

use super::dockerfile::{Assignment, Dockerfile, Instruction, Lexer, is_predefined};
use super::{Project, Stage, StageName};
use crate::error::{Place, Problem, Severity, did_you_mean};

/// The warnings of build arguments that none of the stages `built` consumes.
pub fn unused_arguments(project: &Project, built: &[&StageName]) -> Vec<Problem> {
    let stages: Vec<_> = built.iter().filter_map(|name| project.stages.get(*name)).collect();
    // Stages of stages.toml have their arguments from there, and from `--set`.
    let given = |stage: &&&Stage| project.dockerfile.is_some() && !stage.build_args.is_empty();
    let Some(first) = stages.first().filter(given) else { return Vec::new() };
    let declared = Declared::of(&first.file);
    let consumed = declared.consumed(&stages);
    let given = first.build_args.keys().filter(|name| !is_predefined(name));
    given
        .filter(|name| !consumed.contains(name.as_str()))
        .map(|name| unused(name, project, &declared, &consumed))
        .collect()
}

/// Notes of the arguments `names`, which have no value, where one of the stages `built` consumes
/// them: its own default holds, or none.
pub fn unset_arguments(project: &Project, built: &[&StageName], names: &[&str]) -> Vec<Problem> {
    let stages: Vec<_> = built.iter().filter_map(|name| project.stages.get(*name)).collect();
    let Some(first) = stages.first().filter(|_| !names.is_empty()) else { return Vec::new() };
    let declared = Declared::of(&first.file);
    let consumed = declared.consumed(&stages);
    let unset = names.iter().filter(|name| consumed.contains(**name));
    unset.filter_map(|name| Some(without_value(name, &declared, declared.find(name)?))).collect()
}

fn without_value(name: &str, declared: &Declared<'_>, argument: &Argument) -> Problem {
    let place = Place::new(declared.file.source(), argument.span.clone());
    let note = Problem::error(format!("build argument `{name}` is left as it is"));
    Problem { severity: Severity::Note, ..note }
        .at(place, "what is written here holds")
        .note(format!("the environment has no `{name}` to take the value from"))
}

/// Every `ARG` of a file.
struct Declared<'a> {
    file: &'a Dockerfile,
    arguments: Vec<Argument>,
}

/// One argument that an `ARG` declares.
struct Argument {
    assignment: Assignment,
    /// Its bytes in the source.
    span: Range<usize>,
    /// Whether it stands before the first `FROM`.
    global: bool,
}

impl<'a> Declared<'a> {
    fn of(file: &'a Dockerfile) -> Self {
        let from = file.instructions().find(|instruction| instruction.keyword == "FROM");
        let start = from.map_or(usize::MAX, |from| from.span.start);
        let argument = |instruction: &'a Instruction| {
            let line = &instruction.arguments;
            let all = instruction.argument_assignments(file.escape()).into_iter();
            all.map(move |assignment| Argument {
                span: line.source_span(assignment.span.clone()),
                global: instruction.span.start < start,
                assignment,
            })
        };
        let all = file.instructions().map(Instruction::innermost);
        let arguments = all.filter(|one| one.keyword == "ARG").flat_map(argument).collect();
        Self { file, arguments }
    }

    /// The names that `stages` consume.
    fn consumed(&self, stages: &[&Stage]) -> BTreeSet<String> {
        let inside = |span: &Range<usize>| stages.iter().any(|stage| holds(stage, span));
        let own = self.arguments.iter().filter(|one| !one.global && inside(&one.span));
        let own = own.map(|one| one.assignment.name.clone());
        let text = &self.file.source().text;
        let from = stages.iter().flat_map(|stage| self.names(&text[stage.place.span.clone()]));
        let mut consumed: BTreeSet<String> = own.chain(from).collect();
        // What an argument before the first `FROM` is made up with stands before it.
        for global in self.arguments.iter().rev().filter(|one| one.global) {
            if let Some(value) = &global.assignment.value
                && consumed.contains(&global.assignment.name)
            {
                consumed.extend(self.names(value));
            }
        }
        consumed
    }

    /// The variables in `text`.
    fn names(&self, text: &str) -> Vec<String> {
        let nothing = |_: &str| None;
        let expanded = Lexer::new(self.file.escape(), &nothing).expand(text);
        expanded.map(|expanded| expanded.names).unwrap_or_default()
    }

    fn find(&self, name: &str) -> Option<&Argument> {
        let same = |one: &&Argument| one.assignment.name == name;
        // One of a stage tells more than one that every stage might repeat.
        let own = self.arguments.iter().filter(same).find(|one| !one.global);
        own.or_else(|| self.arguments.iter().find(same))
    }
}

/// Whether a stage's instructions stand at `span`.
fn holds(stage: &Stage, span: &Range<usize>) -> bool {
    stage.span.start <= span.start && span.end <= stage.span.end
}

fn unused(
    name: &str,
    project: &Project,
    declared: &Declared<'_>,
    consumed: &BTreeSet<String>,
) -> Problem {
    let problem = Problem::warning(format!("build argument `{name}` is not consumed"))
        .code("argument-unused");
    let Some(argument) = declared.find(name) else {
        let hint = did_you_mean(name, consumed.iter().map(String::as_str));
        let hint = hint.unwrap_or_else(|| {
            format!("leave `--build-arg {name}` out, or write `ARG {name}` where it is wanted")
        });
        return problem.note("no `ARG` of the Dockerfile declares it").hint(hint);
    };
    let place = Place::new(declared.file.source(), argument.span.clone());
    if argument.global {
        return problem
            .at(place, "only a `FROM` sees what stands before the first one")
            .hint(format!("write `ARG {name}` in the stage that uses it, too"));
    }
    let stage = project.stages.values().find(|stage| holds(stage, &argument.span));
    problem.at(
        place,
        match stage {
            Some(stage) => format!("declared by `{}`, which is not built", stage.name),
            None => "declared by a stage that is skipped".to_owned(),
        },
    )
}
