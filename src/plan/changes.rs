//! Why a stage is built: what differs between the inputs of an earlier image
//! and those of now, down to the cause.

use std::collections::BTreeMap;
use std::fmt;

use super::key::{Inputs, InstructionInput};

/// How many changes of one sort are told one by one.
const SHOWN: usize = 3;

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Another version of the canonical form.
    Format,
    /// Another platform: old, new.
    Platform(String, String),
    /// It starts from something else: old and new name.
    From(String, String),
    /// The parent stage is another than it was.
    Parent(String),
    /// The base's image is another than it was: its name, old and new content id.
    Base(String, String, String),
    /// Something that it copies from is another than it was.
    Copied(String),
    /// An argument: name, old and new value, as far as there is one.
    Argument(String, Option<String>, Option<String>),
    /// An instruction: where it stands now.
    Instruction(String),
    /// A package file: name, old and new digest, as far as there is one.
    Package(String, Option<String>, Option<String>),
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
        return vec![Change::Format];
    }
    if old.platform != new.platform {
        changes.push(Change::Platform(old.platform.clone(), new.platform.clone()));
    }
    changes.extend(
        differing(&old.packages, &new.packages)
            .map(|(name, old, new)| Change::Package(name, old, new)),
    );
    changes.extend(
        differing(&old.arguments, &new.arguments)
            .map(|(name, old, new)| Change::Argument(name, old, new)),
    );
    changes.extend(changed_instructions(old, new).map(Change::Instruction));
    changes.extend(
        differing(&old.sources, &new.sources)
            .map(|(path, old, new)| Change::Source(path, edit(&old, &new))),
    );
    // Where it starts from something else, whatever else differs may come of that.
    let place = if starts_elsewhere(old, new) { 0 } else { changes.len() };
    changes.splice(place..place, origin(old, new));
    changes.extend(differing(&old.copied, &new.copied).map(|(name, _, _)| Change::Copied(name)));
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

fn edit(old: &Option<String>, new: &Option<String>) -> Edit {
    match (old, new) {
        (None, _) => Edit::Added,
        (_, None) => Edit::Removed,
        _ => Edit::Changed,
    }
}

fn origin(old: &Inputs, new: &Inputs) -> Option<Change> {
    let (before, now) = (&old.from, &new.from);
    if before.content == now.content {
        return None;
    }
    Some(if before.name != now.name || before.stage != now.stage {
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
    if !starts_elsewhere(old, new) {
        return instructions(&old.instructions, &new.instructions);
    }
    let written = |inputs: &Inputs| -> Vec<InstructionInput> {
        inputs.instructions.iter().filter(|one| !one.file.is_empty()).cloned().collect()
    };
    instructions(&written(old), &written(new))
}

/// Where the instructions differ, between what is the same at the start and at the end.
fn instructions(old: &[InstructionInput], new: &[InstructionInput]) -> Option<String> {
    let same = |pair: &(&InstructionInput, &InstructionInput)| pair.0.digest == pair.1.digest;
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
        None => instructions.first().map_or_else(String::new, |one| {
            format!("a `{}` that an earlier stage or a package brings along", one.keyword)
        }),
    };
    match instructions.len() {
        1 => place,
        count => format!("{place}, the first of {count} instructions,"),
    }
}

impl fmt::Display for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format => write!(out, "stage keys are made in another way now"),
            Self::Platform(old, new) => write!(out, "platform {old} → {new}"),
            Self::From(old, new) => write!(out, "it starts from {new}, before from {old}"),
            Self::Parent(name) => write!(out, "parent {name} is another"),
            Self::Base(name, old, new) => {
                write!(out, "base {name} changed: {} → {}", short(old), short(new))
            }
            Self::Copied(name) => write!(out, "{name}, which it copies from, is another"),
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
            Self::Source(path, Edit::Added) => write!(out, "`{path}`, which it copies, is new"),
            Self::Source(path, Edit::Changed) => write!(out, "`{path}`, which it copies, changed"),
            Self::Source(path, Edit::Removed) => write!(out, "`{path}`, which it copied, is gone"),
        }
    }
}

fn hidden(value: &str) -> bool {
    value.starts_with("hidden:")
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
            Self::Package(..) => "packages",
            Self::Source(..) => "copied files",
            Self::Copied(..) => "stages or images that it copies from",
            Self::Format
            | Self::Platform(..)
            | Self::From(..)
            | Self::Parent(..)
            | Self::Base(..)
            | Self::Instruction(..) => "changes",
        }
    }
}
