//! Large files that one layer copies and a later one removes: they stay in the image.
//!
//! The later layer may be one of a stage that is built on the one that copies. A removal counts
//! where the text tells that it runs, and that it removes the file.

use std::ops::Range;

use super::Dockerfile;
use super::commands::{Ran, Run};
use super::evaluate::{Text, UNKNOWN};
use super::folders::{absolute, current};
use super::lint::{Judged, first_line};
use super::pattern;
use super::scope::Value;
use super::sources::copy_sources;
use super::stages::Step;
use crate::error::{Place, Problem};

/// From this size on, a file that is copied and then removed is worth a warning: 100 MB.
pub const LARGE: u64 = 100_000_000;

/// A file of at least [`LARGE`] bytes that a source of COPY takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LargeFile {
    /// Its path in the context.
    pub path: String,
    /// Its path below the folder that it is copied into; empty where the source names it alone, so
    /// that the copy may be called otherwise.
    pub below: String,
    /// Its size.
    pub bytes: u64,
}

/// The instructions of a stage below the one that is judged, and the file that they stand in.
pub(super) struct Below<'a, 'f> {
    pub(super) file: &'a Dockerfile,
    pub(super) steps: &'a [Step<'f>],
}

/// The warnings `copy-then-remove` of a stage.
pub(super) fn copies(judged: &Judged<'_, '_>) -> Vec<Problem> {
    let own = judged.steps.iter().enumerate();
    let own = own.map(|(place, step)| (judged.file, step, &judged.steps[place + 1..]));
    let below = judged.below.iter();
    let below =
        below.flat_map(|one| one.steps.iter().map(move |step| (one.file, step, judged.steps)));
    let copied = below.chain(own).filter(|(_, step, _)| step.instruction.keyword == "COPY");
    copied.filter_map(|(file, step, later)| in_vain(judged, file, step, later)).collect()
}

/// The warning of a COPY whose files one of the `later` steps removes.
fn in_vain(
    judged: &Judged<'_, '_>,
    file: &Dockerfile,
    step: &Step<'_>,
    later: &[Step<'_>],
) -> Option<Problem> {
    let folder = destination(step)?;
    let is_later =
        |run: &&Run<'_>| later.iter().any(|step| std::ptr::eq(step.instruction, run.instruction));
    let removed: Vec<Removal> = judged.runs.iter().filter(is_later).flat_map(removals).collect();
    // Looking for the files takes its time.
    if !removed.iter().any(|one| one.concerns(&folder)) {
        return None;
    }
    let sources = copy_sources(step.instruction, &step.scope).ok()?;
    let large = sources.iter().flat_map(|source| (judged.large)(source));
    let vain = large.filter_map(|large| {
        let by = removed.iter().find(|one| one.removes(&large, &folder))?;
        Some((large, by))
    });
    let vain: Vec<(LargeFile, &Removal)> = vain.collect();
    let megabytes = vain.iter().map(|(large, _)| large.bytes).sum::<u64>() / 1_000_000;
    let (first, by) = vain.first()?;
    let message = match vain.len() {
        1 => format!("`{}` is copied and removed again", first.path),
        all => format!("`{}` and {} more are copied and removed again", first.path, all - 1),
    };
    let place = Place::new(file.source(), first_line(file, step.instruction));
    let line = Place::new(judged.file.source(), by.span.clone()).line();
    let removed_in = format!("{}:{line}", judged.file.source().path.display());
    Some(
        Problem::warning(message)
            .code("copy-then-remove")
            .at(place, "its layer keeps what it copies")
            .note(format!(
                "`{}` in {removed_in} gives nothing back: {megabytes} MB stay in the image",
                by.title
            ))
            .hint("use `RUN --package=…`, or fetch and remove it in one `RUN`"),
    )
}

/// What a command removes: a path, parts of it patterns, with all that is below it.
struct Removal {
    path: String,
    /// The pattern that the names of the files must match besides.
    name: Option<String>,
    /// The command, for messages, and its bytes.
    title: String,
    span: Range<usize>,
}

impl Removal {
    fn covers(&self, file: &str, name: &str) -> bool {
        let (own, file) = (parts(&self.path), parts(file));
        own.len() <= file.len()
            && agree(&own, &file)
            && self.name.as_ref().is_none_or(|glob| pattern::matches(name, glob))
    }

    /// Whether it removes a file that was copied into `folder`.
    fn removes(&self, large: &LargeFile, folder: &str) -> bool {
        let inside = |name: &str| format!("{}/{name}", folder.trim_end_matches('/'));
        let name = large.path.rsplit('/').next().unwrap_or(&large.path);
        match large.below.as_str() {
            "" => self.covers(folder, name) || self.covers(&inside(name), name),
            below => self.covers(&inside(below), name),
        }
    }

    /// Whether it may remove something in a folder, or the folder.
    fn concerns(&self, folder: &str) -> bool {
        agree(&parts(&self.path), &parts(folder))
    }
}

fn parts(path: &str) -> Vec<&str> {
    path.split('/').filter(|part| !part.is_empty()).collect()
}

/// Whether one path leads to the other, as far as both go.
fn agree(globs: &[&str], names: &[&str]) -> bool {
    globs.iter().zip(names).all(|(glob, name)| pattern::matches(name, glob))
}

/// What the commands of a RUN surely remove, where it stands in the text.
fn removals(run: &Run<'_>) -> Vec<Removal> {
    let mut found = Vec::new();
    for (place, ran) in run.commands.iter().enumerate() {
        if ran.command.doubt.is_some() {
            continue;
        }
        let Some((operands, name)) = targets(ran) else { continue };
        let folder = current(run, place);
        let told = operands.into_iter().filter(|word| !word.contains(['[', '{']));
        let paths = told.filter_map(|word| absolute(word, folder.as_deref()));
        found.extend(paths.map(|path| Removal {
            path,
            name: name.map(str::to_owned),
            title: ran.title(),
            span: ran.span.clone(),
        }));
    }
    found
}

/// The paths that a command removes, and the pattern that names must match besides.
fn targets(ran: &Ran) -> Option<(Vec<&str>, Option<&str>)> {
    let mut operands: Vec<&str> = ran.operands().map(Text::text).collect();
    match ran.name() {
        "rm" => {}
        // Its last operand is no target, unless an option names the folder.
        "mv" if !ran.words.iter().any(|word| is_target_option(word.text())) => {
            operands.pop();
        }
        "find" => return found_and_removed(ran),
        _ => return None,
    }
    Some((operands, None))
}

fn is_target_option(word: &str) -> bool {
    let letters = word.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
    word.starts_with("--target") || letters.is_some_and(|letters| letters.contains('t'))
}

/// What a `find` removes: nothing is sure where it tests more than the name of files.
fn found_and_removed(ran: &Ran) -> Option<(Vec<&str>, Option<&str>)> {
    let words: Vec<&str> = ran.words.iter().skip(1).map(Text::text).collect();
    let starts = |word: &&str| word.starts_with(['-', '(', ')', '!', '\\']);
    let end = words.iter().position(starts)?;
    let (paths, mut rest) = words.split_at(end);
    let mut name = None;
    loop {
        rest = match rest {
            ["-type", "f", rest @ ..] | ["-xdev" | "-mount" | "-depth" | "-print", rest @ ..] => {
                rest
            }
            ["-name", glob, rest @ ..] if name.is_none() && !glob.contains(['[', UNKNOWN]) => {
                name = Some(*glob);
                rest
            }
            ["-delete"] => return Some((paths.to_vec(), name)),
            ["-exec", "rm", removed @ ..] if removes_each(removed) => {
                return Some((paths.to_vec(), name));
            }
            _ => return None,
        };
    }
}

/// Whether the words after `-exec rm` remove what was found, and nothing follows them.
fn removes_each(words: &[&str]) -> bool {
    let operands: Vec<&str> = words.iter().copied().filter(|word| !word.starts_with('-')).collect();
    matches!(operands.as_slice(), ["{}", "+" | ";" | "\\;"])
}

/// What a COPY writes to, a folder or a file, where it is known.
fn destination(step: &Step<'_>) -> Option<String> {
    let text = &step.instruction.arguments.text;
    let last = match step.instruction.json() {
        Some(words) => words.last()?.clone(),
        None => text.split_whitespace().next_back()?.to_owned(),
    };
    let Value::Known(path) = step.scope.expand(&last) else { return None };
    absolute(&path, step.scope.workdir.known())
}
