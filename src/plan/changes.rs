//! Why a stage is built: what differs between the inputs of an earlier image
//! and those of now, down to the cause.

use std::collections::BTreeMap;
use std::fmt;

use super::inputs::BEFORE_FROM;
use super::key::{Inputs, InstructionInput};

/// How many changes of one sort are told one by one.
const SHOWN: usize = 3;

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Another version of the canonical form: old, new.
    Format(u32, u32),
    /// Another platform: old, new.
    Platform(String, String),
    /// Another builder: old, new.
    Builder(String, String),
    /// It starts from something else: old and new name.
    From(String, String),
    /// The parent stage is another than it was.
    Parent(String),
    /// The base's image is another than it was: its name, old and new content id.
    Base(String, String, String),
    /// A stage or an image that it copies from: name, old and new content.
    Copied(String, String, String),
    /// An argument: name, old and new value, as far as there is one.
    Argument(String, Option<String>, Option<String>),
    /// An instruction: where it stands now.
    Instruction(String),
    /// A package file: name, old and new digest, as far as there is one.
    Package(String, Option<String>, Option<String>),
    /// A package file of the same content: old and new name.
    Renamed(String, String),
    /// The script that fetches packages.
    Fetch,
    /// Something that is copied from the context.
    Source(String, Edit),
}

/// How a file became another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// It was not there.
    Added,
    /// Its mode, kind or content is another.
    Changed,
    /// It is no longer there.
    Removed,
}

/// Every difference, the nearest cause first.
pub fn changes(old: &Inputs, new: &Inputs) -> Vec<Change> {
    let mut changes = Vec::new();
    if old.format != new.format {
        return vec![Change::Format(old.format, new.format)];
    }
    if old.platform != new.platform {
        changes.push(Change::Platform(old.platform.clone(), new.platform.clone()));
    }
    if old.builder != new.builder {
        changes.push(Change::Builder(old.builder.clone(), new.builder.clone()));
    }
    changes.extend(packages(&old.packages, &new.packages));
    changes.extend(arguments(&old.arguments, &new.arguments));
    changes.extend(changed_instructions(old, new).map(Change::Instruction));
    changes.extend(
        differing(&old.sources, &new.sources)
            .map(|(path, old, new)| Change::Source(path, edit(&old, &new))),
    );
    changes.extend(
        (old.fetch.is_some() && new.fetch.is_some() && old.fetch != new.fetch)
            .then_some(Change::Fetch),
    );
    // Where it starts from something else, whatever else differs may come of that.
    let place = if starts_elsewhere(old, new) { 0 } else { changes.len() };
    changes.splice(place..place, origin(old, new));
    // One that comes or goes does so with an instruction that changed.
    let copied = differing(&old.copied, &new.copied);
    let copied = copied.filter_map(|(name, old, new)| Some(Change::Copied(name, old?, new?)));
    let is_known = |change: &Change| !matches!(change, Change::Copied(name, _, new) if name == new);
    changes.extend(copied.filter(is_known));
    changes
}

type Difference = (String, Option<String>, Option<String>);

fn differing<'a>(
    old: &'a BTreeMap<String, String>,
    new: &'a BTreeMap<String, String>,
) -> impl Iterator<Item = Difference> + 'a {
    let gone = old.keys().filter(|name| !new.contains_key(*name));
    let names = new.keys().chain(gone).filter(|name| old.get(*name) != new.get(*name));
    names.map(|name| (name.clone(), old.get(name).cloned(), new.get(name).cloned()))
}

/// One that others are made of comes and goes with these: only its change says something then.
fn arguments<'a>(
    old: &'a BTreeMap<String, String>,
    new: &'a BTreeMap<String, String>,
) -> impl Iterator<Item = Change> + 'a {
    let own = differing(old, new).any(|(name, ..)| !name.ends_with(BEFORE_FROM));
    let told = move |(name, old, new): &Difference| {
        !own || !name.ends_with(BEFORE_FROM) || old.is_some() && new.is_some()
    };
    differing(old, new).filter(told).map(|(name, old, new)| Change::Argument(name, old, new))
}

/// A file that is gone and one that is new are one file where they hold the same.
fn packages(old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Vec<Change> {
    let (gone, mut others): (Vec<_>, Vec<_>) =
        differing(old, new).partition(|(_, _, new)| new.is_none());
    let mut changes = Vec::new();
    for (name, before, _) in gone {
        let same = others.iter().position(|(_, old, new)| old.is_none() && *new == before);
        changes.push(match same.map(|place| others.remove(place)) {
            Some((now, ..)) => Change::Renamed(name, now),
            None => Change::Package(name, before, None),
        });
    }
    let others = others.into_iter().map(|(name, old, new)| Change::Package(name, old, new));
    others.chain(changes).collect()
}

fn edit(old: &Option<String>, new: &Option<String>) -> Edit {
    match (old, new) {
        (None, _) => Edit::Added,
        (_, None) => Edit::Removed,
        _ => Edit::Changed,
    }
}

fn origin(old: &Inputs, new: &Inputs) -> Option<Change> {
    let (before, now) = (&old.from, &new.from);
    // What is told by its name is not known.
    let is_same = before.name == now.name && before.stage == now.stage;
    if before.content == now.content || is_same && now.content == now.name {
        return None;
    }
    Some(if !is_same {
        Change::From(before.name.clone(), now.name.clone())
    } else if now.stage {
        Change::Parent(now.name.clone())
    } else {
        Change::Base(now.name.clone(), before.content.clone(), now.content.clone())
    })
}

fn starts_elsewhere(old: &Inputs, new: &Inputs) -> bool {
    matches!(origin(old, new), Some(Change::From(..)))
}

/// What differs in the instructions; another stage below brings others along, which say nothing.
fn changed_instructions(old: &Inputs, new: &Inputs) -> Option<String> {
    let elsewhere = starts_elsewhere(old, new);
    let told = |inputs: &Inputs| -> Vec<InstructionInput> {
        let all = inputs.instructions.iter();
        all.filter(|one| !elsewhere || !one.file.is_empty()).cloned().collect()
    };
    let same = |pair: &(&InstructionInput, &InstructionInput)| {
        pair.0.digest == pair.1.digest && same_packages(old, new, pair)
    };
    instructions(&told(old), &told(new), same)
}

/// Whether an instruction is given the same packages, as far as its own text tells: where each that
/// is gone has another in its place, the packages were changed, not the instruction.
fn same_packages(
    old: &Inputs,
    new: &Inputs,
    pair: &(&InstructionInput, &InstructionInput),
) -> bool {
    let (before, now) = (&pair.0.fetches, &pair.1.fetches);
    let mut gone = before.iter().filter(|file| !now.contains(file));
    let mut come = now.iter().filter(|file| !before.contains(file));
    before.len() == now.len()
        && gone.all(|file| !new.packages.contains_key(file))
        && come.all(|file| !old.packages.contains_key(file))
}

/// Where the instructions differ, between what is the same at the start and at the end.
fn instructions(
    old: &[InstructionInput],
    new: &[InstructionInput],
    same: impl Fn(&(&InstructionInput, &InstructionInput)) -> bool + Copy,
) -> Option<String> {
    let start = old.iter().zip(new).take_while(same).count();
    let (old, new) = (&old[start..], &new[start..]);
    let end = old.iter().rev().zip(new.iter().rev()).take_while(same).count();
    let (old, new) = (&old[..old.len() - end], &new[..new.len() - end]);
    match (old, new) {
        ([], []) => None,
        (old, []) => Some(format!("{} was removed", first(old))),
        ([], new) => Some(format!("{} was added", first(new))),
        (_, new) => Some(format!("{} changed", first(new))),
    }
}

/// The first instruction that somebody wrote, and how many there are.
fn first(instructions: &[InstructionInput]) -> String {
    let written = instructions.iter().find(|one| !one.file.is_empty());
    let place = match written {
        Some(one) => format!("line {} of {}", one.line, one.file),
        None => instructions.first().map_or_else(String::new, unwritten),
    };
    match instructions.len() {
        1 => place,
        count => format!("{place}, the first of {count} instructions,"),
    }
}

/// What stands in no line of its stage's own.
fn unwritten(one: &InstructionInput) -> String {
    match one.keyword.as_str() {
        "FROM" => "its `FROM`".to_owned(),
        "ARG" => "an `ARG` that an earlier stage brings along".to_owned(),
        directive => format!("the line `{directive}=`"),
    }
}

impl fmt::Display for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format(old, new) => {
                write!(out, "the format of stage keys changed: {old} → {new}")
            }
            Self::Platform(old, new) => write!(out, "platform {old} → {new}"),
            Self::Builder(old, new) => write!(out, "builder {old} → {new}"),
            Self::From(old, new) => write!(out, "it starts from {new}, before from {old}"),
            Self::Parent(name) => write!(out, "parent {name} is another"),
            Self::Base(name, old, new) => {
                write!(out, "base {name} changed: {} → {}", short(old), short(new))
            }
            Self::Copied(name, old, new) if is_image(old) && is_image(new) => {
                let (old, new) = (short(old), short(new));
                write!(out, "{name}, which it copies from, changed: {old} → {new}")
            }
            Self::Copied(name, old, _) if name == old => {
                write!(out, "{name}, which it copies from, was not known before")
            }
            Self::Copied(name, ..) => write!(out, "{name}, which it copies from, is another"),
            Self::Argument(name, Some(old), Some(new)) => match (hidden(old), hidden(new)) {
                (false, false) => write!(out, "argument {name} {old} → {new}"),
                _ => write!(out, "argument {name} changed (its values are not shown)"),
            },
            Self::Argument(name, None, _) => write!(out, "argument {name} is new"),
            Self::Argument(name, _, None) => write!(out, "argument {name} is gone"),
            Self::Instruction(text) => write!(out, "{text}"),
            Self::Package(file, Some(old), Some(new)) => {
                write!(out, "package `{file}` changed: {} → {}", short(old), short(new))
            }
            Self::Package(file, None, _) => write!(out, "package `{file}` is new"),
            Self::Package(file, _, None) => write!(out, "package `{file}` is gone"),
            Self::Renamed(old, new) => write!(out, "package `{old}` is called `{new}` now"),
            Self::Fetch => write!(out, "another script of ascend-build fetches its packages"),
            Self::Source(path, Edit::Added) => write!(out, "`{path}`, which it copies, is new"),
            Self::Source(path, Edit::Changed) => write!(out, "`{path}`, which it copies, changed"),
            Self::Source(path, Edit::Removed) => write!(out, "`{path}`, which it copied, is gone"),
        }
    }
}

fn hidden(value: &str) -> bool {
    value.starts_with("hidden:")
}

/// Stages are told by their keys, images by their ids.
fn is_image(content: &str) -> bool {
    content.starts_with("sha256:")
}

/// The first digits of a digest.
fn short(digest: &str) -> String {
    let digits = digest.strip_prefix("sha256:").unwrap_or(digest);
    format!("{}…", digits.chars().take(8).collect::<String>())
}

/// Sentences for `changes`; the many of one sort are counted. `note` adds what is known of a file.
pub fn told(changes: &[Change], note: impl Fn(&Change) -> Option<String>) -> Vec<String> {
    let mut told = Vec::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for change in changes {
        let count = counts.entry(change.sort()).or_default();
        *count += 1;
        if *count <= SHOWN {
            let note = note(change).map(|note| format!(" ({note})")).unwrap_or_default();
            told.push(format!("{change}{note}"));
        }
    }
    let more = counts.into_iter().filter(|(_, count)| *count > SHOWN);
    told.extend(more.map(|(sort, count)| format!("{} more {sort}", count - SHOWN)));
    told
}

impl Change {
    fn sort(&self) -> &'static str {
        match self {
            Self::Argument(..) => "arguments",
            Self::Package(..) | Self::Renamed(..) => "packages",
            Self::Source(..) => "copied files",
            Self::Copied(..) => "stages or images that it copies from",
            Self::Format(..)
            | Self::Fetch
            | Self::Platform(..)
            | Self::Builder(..)
            | Self::From(..)
            | Self::Parent(..)
            | Self::Base(..)
            | Self::Instruction(..) => "changes",
        }
    }
}
