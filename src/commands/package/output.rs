//! How the verbs of `package` print: tables for people, JSON for programs.

use serde::Serialize;

use crate::error::{Exit, Problem, Result};

/// How to print a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people
    #[default]
    Table,
    /// For programs (docs/packages.md)
    Json,
}

/// `value` as JSON, with a newline at its end.
pub(super) fn json(value: &impl Serialize) -> Result<String> {
    let text = serde_json::to_string_pretty(value);
    text.map(|text| text + "\n").map_err(|error| {
        Problem::error("the answer cannot be written").cause(error).exit(Exit::Bug)
    })
}
