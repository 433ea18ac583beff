//! What is wrong with stages and their names, in the user's words.

use super::scope::Value;
use super::stages::Stages;
use super::{Dockerfile, Instruction};
use crate::error::{Place, Problem, did_you_mean};

impl Stages<'_> {
    pub(super) fn at(&self, problem: Problem, instruction: &Instruction, label: &str) -> Problem {
        at(self.file(), problem, instruction, label)
    }

    pub(super) fn homeless(&self, keyword: &str, instruction: &Instruction) -> Problem {
        let problem = Problem::error(format!("expected `FROM` or `ARG`, actual `{keyword}`"))
            .hint("name a base image with `FROM` before it");
        self.at(problem, instruction, "stands in no stage")
    }

    pub(super) fn bad_from(&self, from: &Instruction, base: &Value) -> Problem {
        let problem = if base.known() == Some("") && !from.arguments.text.is_empty() {
            Problem::error(format!("the base image `{}` expands to nothing", from.arguments.text))
                .hint("give the `ARG` before the first `FROM` a default, or set it with `--build-arg`")
        } else {
            Problem::error("expected `FROM <image or stage> [AS <name>]`")
        };
        self.at(problem, from, "this stage")
    }

    pub(super) fn check_name(
        &self,
        name: Option<&str>,
        from: &Instruction,
        problems: &mut Vec<Problem>,
    ) {
        let Some(name) = name else { return };
        if let Err(error) = name.parse::<crate::project::StageName>() {
            problems.push(self.at(Problem::error(error.to_string()), from, "named here"));
        }
        if self.named(name).is_some() {
            let problem = Problem::warning(format!("two stages are called `{name}`"))
                .code("duplicate-stage")
                .hint("give each stage a name of its own: the later one hides the earlier");
            problems.push(self.at(problem, from, "the second one"));
        }
    }

    pub(super) fn no_such_stage(&self, number: usize, instruction: &Instruction) -> Problem {
        let count = self.iter().len();
        let problem = Problem::error(format!("there is no stage {number}"))
            .note(format!("the file has {count} stages, counted from 0"));
        self.at(problem, instruction, "used here")
    }

    pub(super) fn later_stage(&self, name: &str, instruction: &Instruction) -> Problem {
        let earlier = self.iter().filter_map(|stage| stage.name.as_deref());
        let problem = Problem::warning(format!("`{name}` is this stage or a later one"))
            .code("from-later-stage")
            .note("the classic builder knows only the stages before")
            .maybe_hint(did_you_mean(name, earlier.filter(|other| *other != name)));
        self.at(problem, instruction, "used here")
    }
}

/// Points at the head of an instruction of `file`.
fn at(file: &Dockerfile, problem: Problem, instruction: &Instruction, label: &str) -> Problem {
    let start = instruction.span.start;
    let head = instruction.arguments.source_span(0..instruction.arguments.text.len());
    let end = head.end.clamp(start, instruction.span.end);
    problem.at(Place::new(file.source(), start..end), label)
}

/// `--from=$NAME`, where Docker expands nothing.
pub(super) fn variable_from(file: &Dockerfile, name: &str, instruction: &Instruction) -> Problem {
    let problem = Problem::warning(format!("Docker expands no variable in `--from={name}`"))
        .code("variable-from")
        .hint("name the image itself, or a stage that starts from it");
    at(file, problem, instruction, "used here")
}
