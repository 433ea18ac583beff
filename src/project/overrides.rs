//! What an entry of `packages.toml` says of its file where the name does not tell.

use super::table::{Placed, Table};
use crate::ascend::{Chip, Identity, Kind, Pair, Version, normal_arch};
use crate::error::Problem;

/// What an override says where the file is for every architecture or chip.
const ANY: &str = "any";

/// What a user may say of a file to override what its name tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// The kind, in the vocabulary of `package identify`.
    pub kind: Option<String>,
    /// The version.
    pub version: Option<String>,
    /// `aarch64`, `x86_64`, or `any`.
    pub arch: Option<String>,
    /// The chip, such as `910b`, or `any`.
    pub chip: Option<String>,
    /// The Python tag, such as `311`.
    pub python: Option<String>,
}

impl Overrides {
    /// `identity` with these words in the place of the name's.
    pub(super) fn applied_to(&self, mut identity: Identity) -> Identity {
        if let Some(kind) = self.kind.as_deref() {
            identity.kind = kind.parse().ok();
        }
        if let Some(version) = self.version.as_deref() {
            identity.version = version.parse().ok();
        }
        if let Some(arch) = &self.arch {
            identity.arch = Some(arch.clone()).filter(|arch| arch != ANY);
        }
        if let Some(chip) = self.chip.as_deref() {
            identity.chip = chip.parse().ok();
        }
        if let Some(python) = &self.python {
            identity.python = Some(python.replace('.', ""));
        }
        identity
    }
}

/// Reads the overriding keys of an entry, refusing what is in no vocabulary.
pub(super) fn read_overrides(table: &mut Table<'_>, problems: &mut Vec<Problem>) -> Overrides {
    let chip = |text: &str| text == ANY || text.parse::<Chip>().is_ok();
    let arch = |text: &str| text == ANY || normal_arch(text).is_some();
    let mut known = |key, expected: &str, good: &dyn Fn(&str) -> bool| {
        let text = table.text(key, problems)?;
        if good(&text.value) {
            return Some(text.value);
        }
        problems.push(not_known(key, text, expected));
        None
    };
    Overrides {
        kind: known(
            "kind",
            "a kind that `package identify` prints, such as `cann-toolkit`",
            &|text| text.parse::<Kind>().is_ok(),
        ),
        version: known("version", "a version that begins with a number", &|text| {
            text.parse::<Version>().is_ok()
        }),
        arch: known("arch", "`aarch64`, `x86_64` or `any`", &arch),
        chip: known("chip", "a chip such as `910b`, or `any`", &chip),
        python: known("python", "a Python such as `311`", &|text| Pair::python(text).is_some()),
    }
}

fn not_known(key: &str, text: Placed<String>, expected: &str) -> Problem {
    let problem = Problem::error(format!("`{key}` is not valid"));
    problem.at(text.place, format!("expected {expected}, actual `{}`", text.value))
}
