//! What people write who are used to `docker build`.
//!
//! 1. The folder at the end of the line is taken for `--context`.
//! 2. Options of `docker build` that mean nothing here are answered with what to do instead.

use std::ffi::OsString;
use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// The verbs that read a Dockerfile with its context.
const VERBS: [&str; 3] = ["build", "plan", "check"];

/// Options of `docker build`, and what to do instead.
const INSTEAD: [(&str, &str); 15] = [
    ("--network", "leave it out: builds use the engine's own network, where the package server is"),
    ("--pull", "a base that the engine has is used as it is: `docker pull` it before to renew it"),
    ("--label", "write `LABEL NAME=VALUE` into the Dockerfile"),
    ("--quiet", "write `--progress quiet`"),
    ("-q", "write `--progress quiet`"),
    ("--push", "the image stays in the engine: `docker push` it afterwards"),
    ("--output", "the image stays in the engine: `docker save` writes it into a file"),
    ("-o", "the image stays in the engine: `docker save` writes it into a file"),
    ("--iidfile", "`--progress json` tells the id of every image"),
    ("--cache-from", "leave it out: the engine's own cache is used"),
    ("--cache-to", "leave it out: the engine's own cache is used"),
    ("--squash", "leave it out: `RUN --package` keeps packages out of every layer"),
    ("--secret", "nothing passes secrets to a build: leave it out, or build with `docker build`"),
    ("--ssh", "nothing passes keys to a build: leave it out, or build with `docker build`"),
    ("--add-host", "leave it out: the package server is named by its address"),
];

/// The command lines that `arguments` may stand for, where clap refused a folder at the end of
/// one: the folder as `--context`, wherever the word stands. `verb` is the place of the verb.
pub(super) fn with_context(
    error: &clap::Error,
    arguments: &[OsString],
    verb: usize,
) -> Vec<Vec<OsString>> {
    let Some(word) = refused(error).filter(|word| is_folder(word)) else { return Vec::new() };
    let reads =
        arguments.get(verb).and_then(|one| one.to_str()).is_some_and(|one| VERBS.contains(&one));
    let named = arguments.iter().filter_map(|one| one.to_str());
    let named = named.into_iter().any(|one| one.starts_with("-f") || one.starts_with("--file"));
    if !reads || !(named || word == ".") {
        return Vec::new();
    }
    let places = (verb + 1..arguments.len()).rev().filter(|place| arguments[*place] == *word);
    let rewritten = |place: usize| {
        let mut arguments = arguments.to_vec();
        arguments[place] = format!("--context={word}").into();
        arguments
    };
    places.map(rewritten).collect()
}

/// Says what to do instead of an option of `docker build`, or how a folder is named.
pub(super) fn with_hint(mut error: clap::Error) -> clap::Error {
    let hint = refused(&error).and_then(|word| {
        let name = word.split('=').next().unwrap_or(word);
        let instead = INSTEAD.iter().find(|(option, _)| *option == name);
        let folder = || {
            let hint = format!(
                "a Dockerfile's folder is named with `--context {word}`, beside `-f DOCKERFILE`"
            );
            is_folder(word).then_some(hint)
        };
        instead.map(|(_, hint)| (*hint).to_owned()).or_else(folder)
    });
    if let Some(hint) = hint {
        for kind in [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand] {
            error.remove(kind);
        }
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![hint.into()]));
    }
    error
}

/// Whether a word can only mean a folder, or is the name of one that is there.
pub(super) fn is_folder(word: &str) -> bool {
    !word.starts_with('-')
        && (matches!(word, "." | "..") || word.contains('/') || Path::new(word).is_dir())
}

fn refused(error: &clap::Error) -> Option<&str> {
    match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(word)) if error.kind() == ErrorKind::UnknownArgument => {
            Some(word)
        }
        _ => None,
    }
}
