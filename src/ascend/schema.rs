//! Reading the data files of this room: those compiled in and a project's own.

use std::path::PathBuf;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::error::{Exit, Place, Problem, Result, SourceFile};

/// The compiled-in files as sources, so that they are read like a project's.
pub(super) fn builtin(files: &[(&str, &str)]) -> Vec<Arc<SourceFile>> {
    let source = |(path, text): &(&str, &str)| {
        Arc::new(SourceFile { path: PathBuf::from(path), text: (*text).to_owned() })
    };
    files.iter().map(source).collect()
}

/// Reads a TOML file of the form `T`.
///
/// # Errors
/// When it is no such file: one problem, at the place where reading stopped.
pub(super) fn parse<T: DeserializeOwned>(file: &Arc<SourceFile>) -> Result<T> {
    toml::from_str(&file.text).map_err(|error| {
        let message = error.message().lines().next().unwrap_or("not a TOML file").to_owned();
        let problem = Problem::error(message);
        let place = error.span().map(|span| Place::new(file, span));
        match place {
            Some(place) => problem.at(place, "here"),
            None => problem.note(format!("in `{}`", file.path.display())),
        }
        .exit(Exit::Project)
    })
}

/// Where facts come from, for people: the named source or the file, with its date.
pub(super) fn origin(file: &SourceFile, source: Option<&str>, date: Option<&str>) -> Arc<str> {
    let source = source.map_or_else(|| format!("`{}`", file.path.display()), str::to_owned);
    match date {
        Some(date) => format!("{source}, {date}").into(),
        None => source.into(),
    }
}
