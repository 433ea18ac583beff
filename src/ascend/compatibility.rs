//! The table of what goes together: facts as data, from several sources.
//!
//! `catalog/compatibility.toml` is kept by hand and says what its tables mean;
//! `catalog/matches.toml` is written by a script. A project's own file of the
//! same form adds to them. Where sources disagree all of them stand: what any
//! one of them names is fine.

use std::sync::{Arc, LazyLock};

use serde::Deserialize;

use super::schema;
use super::{Chip, Kind, Version};
use crate::error::{Result, SourceFile};

/// The built-in tables.
const BUILTIN: [(&str, &str); 2] = [
    ("catalog/compatibility.toml", include_str!("../../catalog/compatibility.toml")),
    ("catalog/matches.toml", include_str!("../../catalog/matches.toml")),
];

/// What goes together, as far as any source says.
#[derive(Debug, Clone, Default)]
pub struct Compatibility {
    matches: Vec<Match>,
    drivers: Vec<Driver>,
    floors: Vec<Floor>,
    chips: Vec<ChipNames>,
}

/// A package and a CANN that go together.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// What the package is.
    pub kind: Kind,
    /// The package's version.
    pub version: Version,
    /// The CANN that it goes with.
    pub cann: Version,
    /// The torch that both go with.
    pub torch: Option<Version>,
    /// The Pythons that all of them go with.
    pub python: Option<PythonRange>,
    /// Who says so.
    #[serde(skip)]
    pub source: Option<Arc<str>>,
}

/// The driver that a CANN is released with.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Driver {
    /// The CANN.
    pub cann: Version,
    /// The driver (HDK) that hosts need at least.
    pub driver: Version,
    /// Who says so.
    #[serde(skip)]
    pub source: Option<Arc<str>>,
}

/// The oldest glibc that MindIE of one C++ ABI runs on.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Floor {
    /// The C++ ABI: 0 or 1.
    pub abi: u8,
    /// The oldest glibc.
    pub glibc: Pair,
    /// Who says so.
    #[serde(skip)]
    pub source: Option<Arc<str>>,
}

/// Names of one chip.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChipNames {
    names: Vec<Chip>,
}

/// Two numbers with a point between them, ordered as numbers: a Python, a glibc.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Pair(pub u16, pub u16);

/// The Pythons from one to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct PythonRange(Pair, Pair);

/// A table file, as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CompatibilityFile {
    source: Option<String>,
    date: Option<String>,
    #[serde(default, rename = "match")]
    matches: Vec<Match>,
    #[serde(default, rename = "driver")]
    drivers: Vec<Driver>,
    #[serde(default, rename = "glibc")]
    floors: Vec<Floor>,
    #[serde(default, rename = "chip")]
    chips: Vec<ChipNames>,
}

impl Compatibility {
    /// The tables that are compiled in, read once.
    pub fn builtin() -> &'static Self {
        static TABLES: LazyLock<Compatibility> = LazyLock::new(|| {
            let files = schema::builtin(&BUILTIN);
            files.iter().fold(Compatibility::default(), |tables, file| {
                let extended = tables.extended_with(file);
                extended.expect("the built-in tables are valid: a test reads all of them")
            })
        });
        &TABLES
    }

    /// These tables and those of `file`.
    ///
    /// # Errors
    /// When `file` is not of the form of `catalog/compatibility.toml`: one problem, at its place.
    pub fn extended_with(&self, file: &Arc<SourceFile>) -> Result<Self> {
        let parsed: CompatibilityFile = schema::parse(file)?;
        let source = schema::origin(file, parsed.source.as_deref(), parsed.date.as_deref());
        let said = || Some(Arc::clone(&source));
        let mut tables = self.clone();
        tables
            .matches
            .extend(parsed.matches.into_iter().map(|row| Match { source: said(), ..row }));
        tables
            .drivers
            .extend(parsed.drivers.into_iter().map(|row| Driver { source: said(), ..row }));
        tables.floors.extend(parsed.floors.into_iter().map(|row| Floor { source: said(), ..row }));
        tables.chips.extend(parsed.chips);
        Ok(tables)
    }

    /// Every match, in the order of the files.
    pub fn matches(&self) -> &[Match] {
        &self.matches
    }

    /// The matches of one package; a local version (`+cpu`) makes no difference.
    pub fn of(&self, kind: Kind, version: &Version) -> Vec<&Match> {
        let same = |row: &&Match| row.kind == kind && row.version.same_public(version);
        self.matches.iter().filter(same).collect()
    }

    /// The matches of one CANN with packages of one kind.
    pub fn with_cann(&self, kind: Kind, cann: &Version) -> Vec<&Match> {
        let same = |row: &&Match| row.kind == kind && row.cann.same_as(cann);
        self.matches.iter().filter(same).collect()
    }

    /// The driver that a CANN needs: the oldest that any source names.
    pub fn driver_of(&self, cann: &Version) -> Option<&Driver> {
        let rows = self.drivers.iter().filter(|row| row.cann.same_as(cann));
        rows.min_by(|a, b| a.driver.cmp(&b.driver))
    }

    /// The oldest glibc that MindIE of `abi` runs on.
    pub fn floor_of(&self, abi: u8) -> Option<&Floor> {
        self.floors.iter().filter(|row| row.abi == abi).min_by_key(|row| row.glibc)
    }

    /// Whether both are names of one chip.
    pub fn same_chip(&self, one: &Chip, other: &Chip) -> bool {
        let both = |names: &ChipNames| names.names.contains(one) && names.names.contains(other);
        one == other || self.chips.iter().any(both)
    }
}

impl Pair {
    /// A Python, written `3.11`, `311` or `cp311`.
    pub fn python(text: &str) -> Option<Self> {
        let text = text.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        let digits: String = text.chars().filter(|c| *c != '.').collect();
        let (major, minor) = digits.split_at_checked(1)?;
        Some(Self(major.parse().ok()?, minor.parse().ok()?))
    }
}

impl std::fmt::Display for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

impl TryFrom<String> for Pair {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Self, String> {
        text.parse()
    }
}

impl std::str::FromStr for Pair {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let numbers = text.split_once('.');
        let parsed = numbers.and_then(|(a, b)| Some(Self(a.parse().ok()?, b.parse().ok()?)));
        parsed
            .ok_or_else(|| format!("`{text}` is not a version: expected two numbers, like `2.34`"))
    }
}

impl PythonRange {
    /// Whether `python` is in the range.
    pub fn contains(&self, python: Pair) -> bool {
        self.0 <= python && python <= self.1
    }
}

impl std::fmt::Display for PythonRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 == self.1 {
            write!(f, "{}", self.0)
        } else {
            write!(f, "{} to {}", self.0, self.1)
        }
    }
}

impl TryFrom<String> for PythonRange {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Self, String> {
        let (first, last) = text.split_once('-').unwrap_or((&text, &text));
        Ok(Self(first.to_owned().try_into()?, last.to_owned().try_into()?))
    }
}
