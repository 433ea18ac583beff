//! What COPY, ADD and the mounts of RUN take from the build context.

use std::ops::Range;

use super::Instruction;
use super::assignments;
use super::scope::{Scope, Value};

/// What an instruction takes from the build context, expanded: paths and
/// patterns, still relative to the context. Sources from stages, images and
/// heredocs are none, nor are remote addresses.
///
/// # Errors
/// Why a source cannot be known before the build.
pub fn copy_sources(instruction: &Instruction, scope: &Scope) -> Result<Vec<String>, String> {
    if instruction.flag("from").is_some() {
        return Ok(Vec::new());
    }
    let words = context_words(instruction, scope.escape()).into_iter().map(|(text, _)| text);
    let mut sources = Vec::new();
    for text in words.chain(mounted(instruction)) {
        match scope.expand(&text) {
            Value::Known(path) => sources.push(path),
            Value::Unknown { reason } => return Err(reason),
        }
    }
    sources.retain(|path| !is_remote(path));
    Ok(sources)
}

/// The folders of the context that the bind mounts of a RUN show; `.` is all of it.
fn mounted(instruction: &Instruction) -> Vec<String> {
    let run = instruction.keyword == "RUN";
    let mounts = instruction.flags_named("mount").filter(|_| run);
    mounts.filter_map(|flag| flag.value.as_deref()).filter_map(bound).collect()
}

/// The source of a bind mount from the context; `bind` is the type where none is given.
fn bound(mount: &str) -> Option<String> {
    let value = |names: &[&str]| {
        let mut fields = mount.split(',').filter_map(|field| field.split_once('='));
        fields.find(|(name, _)| names.contains(name)).map(|(_, value)| value)
    };
    if value(&["type"]).is_some_and(|kind| kind != "bind") || value(&["from"]).is_some() {
        return None;
    }
    let source = value(&["source", "src"]).unwrap_or(".").trim_start_matches('/');
    Some(if source.is_empty() { "." } else { source }.to_owned())
}

/// The words of a COPY or ADD but the last one, which is the destination, and
/// but heredocs; not expanded, with their place in the arguments.
pub fn context_words(instruction: &Instruction, escape: char) -> Vec<(String, Range<usize>)> {
    if !matches!(instruction.keyword.as_str(), "COPY" | "ADD") {
        return Vec::new();
    }
    let text = &instruction.arguments.text;
    let mut words: Vec<(String, Range<usize>)> = match instruction.json() {
        Some(words) => words.into_iter().map(|word| (word, 0..text.len())).collect(),
        None => assignments::words(text, escape)
            .into_iter()
            .map(|span| (text[span.clone()].to_owned(), span))
            .collect(),
    };
    words.pop();
    words.retain(|(_, span)| {
        !instruction.heredocs.iter().any(|one| one.marker.contains(&span.start))
    });
    words
}

/// How what `ADD` fetches begins.
const REMOTE: [&str; 5] = ["http://", "https://", "git://", "git@", "ssh://"];

/// Whether `ADD` would fetch a source rather than copy it.
pub fn is_remote(path: &str) -> bool {
    REMOTE.iter().any(|scheme| path.starts_with(scheme))
}

/// Whether that may be so once the word's variables are expanded.
pub fn may_be_remote(word: &str) -> bool {
    let text = word.split_once('$').map(|(before, _)| before);
    is_remote(word) || text.is_some_and(|text| REMOTE.iter().any(|scheme| scheme.starts_with(text)))
}
