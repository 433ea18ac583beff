//! What a user names an official file by: `NAME@VERSION`, architecture, chip, Python.

use crate::ascend::{Catalogue, Chip, Query, Version, normal_arch};

/// Versions that a message lists at most.
const MOST_VERSIONS: usize = 12;

/// The options that narrow what a name means.
#[derive(Debug, clap::Args)]
pub(super) struct Narrowing {
    /// For this architecture
    #[arg(long, value_name = "aarch64|x86_64", value_parser = parse_arch)]
    pub(super) arch: Option<String>,
    /// For this chip, such as 910b or 310p
    #[arg(long, value_name = "CHIP", value_parser = parse_chip)]
    pub(super) chip: Option<Chip>,
    /// For this Python, such as 3.11
    #[arg(long, value_name = "PYTHON", value_parser = parse_python)]
    pub(super) python: Option<String>,
}

impl Narrowing {
    /// `query`, narrowed.
    pub(super) fn of(&self, query: Query) -> Query {
        Query {
            arch: self.arch.clone(),
            chip: self.chip.clone(),
            python: self.python.clone(),
            ..query
        }
    }
}

/// `NAME` or `NAME@VERSION`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    /// A kind, words, or the whole name of a file.
    pub(super) name: String,
    /// The version.
    pub(super) version: Option<Version>,
}

impl std::str::FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((name, version)) = text.split_once('@') else {
            return Ok(Self { name: text.to_owned(), version: None });
        };
        let version = version.parse::<Version>().map_err(|error| error.to_string())?;
        Ok(Self { name: name.to_owned(), version: Some(version) })
    }
}

impl Wanted {
    /// The query of it.
    pub(super) fn query(&self) -> Query {
        Query { exact_version: self.version.clone(), ..Query::named(&self.name) }
    }

    /// The versions of what the name alone finds, for messages; empty where it finds nothing.
    pub(super) fn known_versions(&self, catalogue: &Catalogue) -> String {
        let found = catalogue.search(&Query::named(&self.name));
        let mut versions: Vec<_> =
            found.iter().filter_map(|entry| entry.identity.version.clone()).collect();
        versions.sort();
        versions.dedup();
        let left = versions.len().saturating_sub(MOST_VERSIONS);
        let newest: Vec<_> =
            versions.iter().rev().take(MOST_VERSIONS).map(ToString::to_string).collect();
        let more = if left > 0 { format!(" and {left} more") } else { String::new() };
        format!("{}{more}", newest.join(", "))
    }
}

/// An architecture in any spelling, as packages write it.
fn parse_arch(text: &str) -> Result<String, String> {
    let known = normal_arch(text.strip_prefix("linux/").unwrap_or(text));
    known.map(str::to_owned).ok_or_else(|| "expected `aarch64` or `x86_64`".to_owned())
}

/// A chip, in lower case.
fn parse_chip(text: &str) -> Result<Chip, String> {
    text.parse().map_err(|error: crate::ascend::NotAChip| error.to_string())
}

/// A Python as wheel tags have it: `311`.
fn parse_python(text: &str) -> Result<String, String> {
    let pair = crate::ascend::Pair::python(text);
    pair.map(|pair| format!("{}{}", pair.0, pair.1))
        .ok_or_else(|| "expected a Python such as `3.11`".to_owned())
}
