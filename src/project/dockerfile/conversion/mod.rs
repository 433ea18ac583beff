//! A RUN that fetches packages by address, as one that names them with `--package`.
//!
//! 1. Every fetch of the instruction must be one whose file and target the text tells (`taken`).
//! 2. Where the commands after the fetches name the files themselves, and are nothing but a list,
//!    they get them from `$PACKAGES`, and fetches and removals go away (`direct`).
//! 3. Else the files are put where the fetches would have put them, and nothing else changes:
//!    as links where the same RUN removes them and only reads them until then, as copies where it
//!    may do anything else (`placed`).
//! 4. What comes out is read anew, and must hold all the rest (`guard`).
//!
//! A RUN whose files hang on the platform stays as it is (`depends`), as does one that may take along or away
//! what lies in the folder of the packages (`swept`). Where a file may be there before the RUN, its
//! fetch and removal do not go away (`earlier`).

mod depends;
mod direct;
mod downloader;
mod earlier;
mod guard;
#[cfg(test)]
mod kept_tests;
mod line;
mod placed;
mod removal;
#[cfg(test)]
mod same_result;
mod swept;
mod taken;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub use depends::arguments_of_files;
pub use downloader::installs_its_downloader;

use super::commands::Run;
use super::downloads::Output;
use super::fetches::Fetch;
use super::inputs::Inputs;
use super::lint::Judged;
use super::scope::Lookup;
use super::script::{Program, program};
use super::simple::Joint;
use super::stages::{Stages, Step};
use super::{Instruction, Logical};
use depends::{asks_the_same, without_platform};
use earlier::may_be_there;
use line::Line;
use taken::{Taken, taken_by};

/// What changes in an instruction: bytes of the source, and what stands there instead.
pub type Edits = Vec<(Range<usize>, String)>;

/// The edits that make `instruction`, a RUN of `stage`, take the files of `fetches` by their
/// packages' names; `name` gives the name of a file's package.
///
/// # Errors
/// Why that cannot be done safely, as a lowercase fragment.
pub fn run_with_packages(
    stages: &Stages<'_>,
    stage: usize,
    inputs: &Inputs,
    fetches: &[&Fetch<'_>],
    name: &dyn Fn(&str) -> Option<String>,
) -> Result<Edits, String> {
    let instruction = fetches.first().ok_or("nothing is fetched")?.instruction;
    // Nothing below may be true on one platform alone.
    let blind = without_platform(inputs);
    let unbound = Stages::read(stages.file(), &blind).0;
    if !asks_the_same(instruction, stage, (stages, inputs), (&unbound, &blind)) {
        return Err("what it fetches depends on the platform".to_owned());
    }
    converted_run(&unbound, stage, &blind, fetches, name)
}

fn converted_run(
    stages: &Stages<'_>,
    stage: usize,
    inputs: &Inputs,
    fetches: &[&Fetch<'_>],
    name: &dyn Fn(&str) -> Option<String>,
) -> Result<Edits, String> {
    let instruction = fetches.first().ok_or("nothing is fetched")?.instruction;
    let steps = stages.steps(stage);
    let own = steps.iter().find(|step| std::ptr::eq(step.instruction, instruction));
    let step = own.filter(|step| step.trigger_of.is_none()).ok_or("a trigger fetches it")?;
    let text = shell_text(step)?;
    let line = Line::read(&text);
    let runs: Vec<Run> = steps.iter().filter_map(|step| Run::read(step, inputs)).collect();
    let run = runs.iter().find(|run| std::ptr::eq(run.instruction, instruction));
    let run = run.ok_or("no shell runs it")?;
    let (file, large) = (stages.file(), |_: &str| Vec::new());
    let judged = Judged { file, inputs, steps: &steps, runs: &runs, below: &[], large: &large };
    let mut taken = Vec::new();
    for fetch in fetches {
        taken.push(taken_by(run, &line, fetch, fetches, &judged)?);
    }
    let names = package_names(&taken, name)?;
    refuse_twice(run, &taken)?;
    if has_packages(run, &text.text, inputs) {
        return Err("it has a variable `PACKAGES` of its own".to_owned());
    }
    let source = &stages.file().source().text;
    let is_there = may_be_there(stages, stage, inputs, run, &taken);
    let converted = Converted { run, line: &line, taken: &taken, source, is_there };
    converted.spares_packages()?;
    let mut edits = converted.edits()?;
    let flag = instruction.keyword_span.end;
    edits.insert(0, (flag..flag, format!(" --package={}", names.join(","))));
    Ok(edits)
}

fn shell_text(step: &Step<'_>) -> Result<Logical, String> {
    if step.instruction.keyword != "RUN" {
        return Err(format!("`{}` fetches it", step.instruction.keyword));
    }
    if !step.instruction.heredocs.is_empty() {
        return Err("a heredoc fetches it".to_owned());
    }
    match program(step.instruction, &step.scope) {
        Program::Shell(text) => Ok(text),
        _ => Err("no shell text fetches it".to_owned()),
    }
}

/// The names of the files' packages, each once.
fn package_names(
    taken: &[Taken],
    name: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<String>, String> {
    let mut names: Vec<String> = Vec::new();
    for one in taken {
        let package = name(&one.path).ok_or_else(|| format!("`{}` has no name", one.path))?;
        let other = |other: &&Taken| other.file == one.file && other.path != one.path;
        if let Some(other) = taken.iter().find(other) {
            return Err(format!("`{}` and `{}` have one name", other.path, one.path));
        }
        if !names.contains(&package) {
            names.push(package);
        }
    }
    Ok(names)
}

/// Refuses what wget writes as `a.run.1`, because `a.run` is there.
fn refuse_twice(run: &Run<'_>, taken: &[Taken]) -> Result<(), String> {
    let own_name = |one: &Taken| matches!(one.output, Output::Here | Output::Folder { .. });
    for (place, one) in taken.iter().enumerate() {
        let same = |other: &Taken| other.file == one.file && own_name(other) && own_name(one);
        if run.commands[one.command].name() == "wget" && taken[..place].iter().any(same) {
            return Err(format!("`wget` may write `{0}` as `{0}.1` the second time", one.file));
        }
    }
    Ok(())
}

/// Whether a RUN has another meaning for the variable that names the packages' folder.
fn has_packages(run: &Run<'_>, text: &str, inputs: &Inputs) -> bool {
    let inner = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    let named = text.match_indices("PACKAGES").any(|(start, name)| {
        !inner(text[..start].chars().next_back())
            && !inner(text[start + name.len()..].chars().next())
    });
    named || matches!(run.scope.lookup_in_run("PACKAGES", inputs), Lookup::Set(_))
}

/// What an instruction is made anew from.
struct Converted<'a, 'f> {
    run: &'a Run<'f>,
    line: &'a Line<'a>,
    taken: &'a [Taken],
    /// The text of the whole Dockerfile.
    source: &'a str,
    /// Whether one of the files may be there before the RUN.
    is_there: bool,
}

impl Converted<'_, '_> {
    /// The edits in order: the shortest ones that leave the rest alone.
    fn edits(&self) -> Result<Edits, String> {
        let ways = [self.direct(), Some(self.placed())];
        let sorted = ways.into_iter().flatten().map(|mut edits| {
            edits.sort_by_key(|(span, _)| (span.start, span.end));
            edits
        });
        let mut safe = sorted.filter(|edits| self.keeps_the_rest(edits));
        safe.next().ok_or_else(|| "the rest of it would not stay the same".to_owned())
    }

    fn fetches(&self, command: usize) -> bool {
        self.taken.iter().any(|one| one.command == command)
    }
}

/// An instruction with edits of its bytes made; `edits` in order, none within another.
pub fn edited(source: &str, instruction: &Instruction, edits: &Edits) -> String {
    let mut out = String::new();
    let mut position = instruction.span.start;
    for (span, text) in edits {
        if span.start < position {
            continue;
        }
        out.push_str(&source[position..span.start]);
        out.push_str(text);
        position = span.end;
    }
    out.push_str(&source[position..instruction.span.end]);
    out
}
