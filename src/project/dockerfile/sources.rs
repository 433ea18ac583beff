//! What COPY and ADD take from the build context.

use std::ops::Range;

use super::Instruction;
use super::assignments;
use super::scope::Scope;

/// The sources of a COPY or ADD from the build context, expanded: paths and
/// patterns, still relative to the context. Sources from stages, images and
/// heredocs are none, nor are remote addresses.
///
/// # Errors
/// Why a source cannot be known before the build.
pub fn copy_sources(instruction: &Instruction, scope: &Scope) -> Result<Vec<String>, String> {
    if instruction.flag("from").is_some() {
        return Ok(Vec::new());
    }
    let mut sources = Vec::new();
    for (text, _) in source_words(instruction, scope.escape()) {
        match scope.expand(&text) {
            super::Value::Known(path) => sources.push(path),
            super::Value::Unknown { reason } => return Err(reason),
        }
    }
    sources.retain(|path| !is_remote(path));
    Ok(sources)
}

/// The words of a COPY or ADD but the last one, which is the destination, and
/// but heredocs; not expanded, with their place in the arguments.
pub(super) fn source_words(instruction: &Instruction, escape: char) -> Vec<(String, Range<usize>)> {
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

fn is_remote(path: &str) -> bool {
    ["http://", "https://", "git://", "git@", "ssh://"]
        .iter()
        .any(|scheme| path.starts_with(scheme))
}
