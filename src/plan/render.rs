//! From a stage to the Dockerfile that the engine is given.
//!
//! A stage becomes, in this order: parser directives, one `FROM` for each
//! stage that it copies from, its own `FROM`, its arguments, its body with
//! `RUN --package` replaced, its labels. Each part has a small renderer here.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::to_string as json;

use super::PlannedPackage;
use crate::project::Stage;
use crate::project::dockerfile::{Flag, Form, Instruction};

/// What runs in the build container around the command of a `RUN --package`.
const FETCH: &str = include_str!("fetch.sh");

/// What may stand unescaped in a path segment (RFC 3986, unreserved).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What stays of a parser directive line: the escape character and the syntax must be said before `FROM`.
pub(super) fn directives(stage: &Stage) -> String {
    let lines = stage
        .body
        .directives()
        .iter()
        .map(|directive| format!("# {}={}\n", directive.name, directive.value));
    lines.collect()
}

/// `ARG` lines for the arguments that the manifest gives to the stage.
pub(super) fn arguments<'a>(
    args: impl Iterator<Item = (&'a String, &'a String)>,
    escape: char,
) -> String {
    args.map(|(name, value)| format!("ARG {name}={}\n", quote(value, escape))).collect()
}

/// A value that Docker's word expansion reads back as it is.
fn quote(value: &str, escape: char) -> String {
    let mut quoted = String::from("\"");
    for character in value.chars() {
        if character == '"' || character == '$' || character == escape {
            quoted.push(escape);
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

/// The stage's body with every `RUN --package` replaced; `resolve` gives the file of a name.
pub(super) fn body(stage: &Stage, resolve: impl Fn(&str) -> Option<PlannedPackage>) -> String {
    let escape = stage.body.escape();
    let shells = shells(stage);
    let mut index = 0;
    let mut text = stage.body.rewrite(|instruction| {
        let shell = shells.get(index).cloned().unwrap_or_else(default_shell);
        index += 1;
        package_run(instruction, &shell, escape, &resolve)
    });
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// The shell in force at each instruction.
fn shells(stage: &Stage) -> Vec<Vec<String>> {
    let mut current = default_shell();
    let mut shells = Vec::new();
    for instruction in stage.body.instructions() {
        if let ("SHELL", Form::Exec(shell)) = (instruction.keyword.as_str(), instruction.form()) {
            current = shell;
        }
        shells.push(current.clone());
    }
    shells
}

fn default_shell() -> Vec<String> {
    vec!["/bin/sh".to_owned(), "-c".to_owned()]
}

fn package_run(
    instruction: &Instruction,
    shell: &[String],
    escape: char,
    resolve: &impl Fn(&str) -> Option<PlannedPackage>,
) -> Option<String> {
    let names: Vec<&str> = package_names(instruction).collect();
    if instruction.keyword != "RUN" || names.is_empty() {
        return None;
    }
    let packages: Vec<_> = names.into_iter().filter_map(resolve).collect();
    let mut lines = vec![vec!["/bin/sh".to_owned(), "-c".to_owned(), fetch_script()]];
    lines.push(vec!["ascend-build".to_owned(), String::new(), packages.len().to_string()]);
    lines.extend(packages.into_iter().map(file_arguments));
    lines.push(command(instruction, shell));
    let lines: Vec<_> = lines
        .iter()
        .map(|line| line.iter().filter_map(|word| json(word).ok()).collect::<Vec<_>>().join(", "))
        .collect();
    let flags: String = instruction
        .flags
        .iter()
        .filter(|flag| flag.name != "package")
        .map(|flag| format!("{} ", flag_text(flag)))
        .collect();
    Some(format!("RUN {flags}[{}]", lines.join(&format!(", {escape}\n  "))))
}

/// The names given with `--package` to one instruction.
pub(super) fn package_names(instruction: &Instruction) -> impl Iterator<Item = &str> {
    let flags = instruction.flags.iter().filter(|flag| flag.name == "package");
    flags.filter_map(|flag| flag.value.as_deref()).flat_map(|value| value.split(','))
}

fn file_arguments(package: PlannedPackage) -> Vec<String> {
    let digest = package.sha256.map(|sha256| sha256.to_string()).unwrap_or_default();
    vec![format!("{digest}/{}", utf8_percent_encode(&package.file, SEGMENT)), package.file]
}

fn command(instruction: &Instruction, shell: &[String]) -> Vec<String> {
    match instruction.form() {
        Form::Exec(words) => words,
        Form::Shell(command) => shell.iter().cloned().chain([command]).collect(),
    }
}

fn flag_text(flag: &Flag) -> String {
    flag.value
        .as_ref()
        .map_or_else(|| format!("--{}", flag.name), |value| format!("--{}={value}", flag.name))
}

fn fetch_script() -> String {
    let lines = FETCH.lines().filter(|line| !line.trim_start().starts_with('#'));
    lines.map(|line| format!("{line}\n")).collect()
}

/// Labels by which images of this tool are known again.
pub(super) fn labels(project: &str, stage: &Stage) -> String {
    format!(
        "LABEL ascend-build.project={} ascend-build.stage={}\n",
        quote(project, '\\'),
        quote(stage.name.as_str(), '\\')
    )
}
