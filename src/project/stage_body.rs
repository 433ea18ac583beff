//! What a stage's Dockerfile asks of the project: packages and other stages.

use super::dockerfile::{Dockerfile, Flag, Form, Instruction, Scope, copy_sources};
use super::names::PackageName;
use crate::error::{Place, Problem, nearest};

/// A package named by a `RUN --package=…`.
#[derive(Debug, Clone)]
pub struct PackageUse {
    /// The name in `packages.toml`.
    pub name: PackageName,
    /// Where it is named.
    pub place: Place,
    /// Where its instruction starts, in bytes: what one instruction names comes into one folder.
    pub instruction: usize,
}

/// The names given with `--package`, in order.
pub(super) fn package_uses<'a>(
    instructions: impl Iterator<Item = &'a Instruction>,
    body: &Dockerfile,
    problems: &mut Vec<Problem>,
) -> Vec<PackageUse> {
    let mut uses = Vec::new();
    for instruction in instructions {
        refuse_unknown_flags(instruction, body, problems);
        refuse_in_trigger(instruction, body, problems);
        refuse_interpreter(instruction, body, problems);
        for flag in instruction.flags.iter().filter(|flag| flag.name == "package") {
            if instruction.keyword == "RUN" {
                uses.extend(names_of(body, instruction, flag, problems));
            } else {
                let place = Place::new(body.source(), flag.span.clone());
                let problem = Problem::error(format!(
                    "`--package` does not go with `{}`",
                    instruction.keyword
                ));
                problems.push(problem.at(place, "only `RUN` takes packages"));
            }
        }
    }
    uses
}

/// A trigger runs in stages, perhaps of other projects, of whose packages nobody knows here.
fn refuse_in_trigger(instruction: &Instruction, body: &Dockerfile, problems: &mut Vec<Problem>) {
    let Some(inner) = instruction.inner.as_ref().map(|_| instruction.innermost()) else { return };
    for flag in inner.flags_named("package") {
        problems.push(
            Problem::error("`--package` does not go with `ONBUILD`")
                .at(
                    Place::new(body.source(), flag.span.clone()),
                    "the engine runs it in other stages, to which no package is served for it",
                )
                .hint("write the `RUN --package` into each stage that starts from this one"),
        );
    }
}

/// BuildKit runs a heredoc that begins with `#!` by the program of that line. Behind the fetching
/// script it is the shell's, as other commands are.
fn refuse_interpreter(instruction: &Instruction, body: &Dockerfile, problems: &mut Vec<Problem>) {
    let Form::Shell(command) = instruction.form() else { return };
    let Some(line) = command.strip_prefix("#!").and_then(|rest| rest.lines().next()) else {
        return;
    };
    if instruction.flag("package").is_some() && !instruction.heredocs.is_empty() {
        problems.push(
            Problem::error("a heredoc with a `#!` line does not go with `--package`")
                .at(instruction.place(body.source()), "the shell would run it")
                .hint(format!("name the program before it: `{} <<EOF`", line.trim())),
        );
    }
}

/// The flags that Docker and this program know for `RUN`.
const RUN_FLAGS: [&str; 5] = ["package", "mount", "network", "security", "device"];

/// A misspelt `--package` would reach the engine and fail there, or be taken for the command.
/// A frontend of the file's own may know more flags.
fn refuse_unknown_flags(instruction: &Instruction, body: &Dockerfile, problems: &mut Vec<Problem>) {
    let own_frontend = body.directives().iter().any(|directive| directive.name == "syntax");
    if instruction.keyword != "RUN" || own_frontend {
        return;
    }
    for flag in instruction.flags.iter().filter(|flag| !RUN_FLAGS.contains(&flag.name.as_str())) {
        let hint = nearest(&flag.name, RUN_FLAGS).map_or_else(
            || format!("known flags: --{}", RUN_FLAGS.join(", --")),
            |known| format!("did you mean `--{known}`?"),
        );
        problems.push(
            Problem::error(format!("`RUN` has no flag `--{}`", flag.name))
                .at(Place::new(body.source(), flag.span.clone()), "not known here")
                .hint(hint),
        );
    }
}

fn names_of(
    body: &Dockerfile,
    instruction: &Instruction,
    flag: &Flag,
    problems: &mut Vec<Problem>,
) -> Vec<PackageUse> {
    let place = Place::new(body.source(), flag.span.clone());
    let value = flag.value.as_deref().unwrap_or_default();
    let mut uses = Vec::new();
    for name in value.split(',') {
        match name.parse() {
            Ok(name) => uses.push(PackageUse {
                name,
                place: place.clone(),
                instruction: instruction.span.start,
            }),
            Err(error) => problems.push(
                Problem::error("`--package` names no package")
                    .at(place.clone(), error.to_string())
                    .hint("write `RUN --package=NAME[,NAME…] command`"),
            ),
        }
    }
    uses
}

/// Refuses what a stage's body cannot hold: `FROM`, which its `from` in stages.toml replaces.
pub(super) fn refuse_from(body: &Dockerfile, problems: &mut Vec<Problem>) {
    for instruction in body.instructions().filter(|instruction| instruction.keyword == "FROM") {
        let place = Place::new(body.source(), instruction.span.clone());
        problems.push(
            Problem::error("a stage's Dockerfile has no `FROM`")
                .at(place, "not expected here")
                .hint("say what the stage starts from with `from = \"…\"` in stages/stages.toml"),
        );
    }
}

/// What an instruction takes from the build context, as patterns; all of it where only the build can tell.
pub(super) fn context_sources(instruction: &Instruction, scope: &Scope) -> Vec<String> {
    copy_sources(instruction, scope).unwrap_or_else(|_| vec![".".to_owned()])
}

/// The names in `COPY --from=NAME` and `RUN --mount=…,from=NAME`.
pub(crate) fn from_names(instruction: &Instruction) -> impl Iterator<Item = &str> {
    instruction.flags.iter().filter_map(|flag| match (flag.name.as_str(), flag.value.as_deref()) {
        ("from", value) => value,
        ("mount", Some(value)) => value.split(',').find_map(|part| part.strip_prefix("from=")),
        _ => None,
    })
}
