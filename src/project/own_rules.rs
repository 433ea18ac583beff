//! What a project adds to the official facts and to what goes together.
//!
//! ```toml
//! catalogue = ["our-mirror.toml"]        # more official files; paths relative to packages.toml
//! compatibility = ["our-matches.toml"]   # more of what goes together
//!
//! [[allow]]                              # a conflict that the project takes upon itself
//! rule = "torch-npu-cann"                # the name in brackets of the message
//! packages = ["torch-npu"]               # only for these, by name or file; default: for all
//! reason = "tested on our machines"
//! ```

use std::path::Path;
use std::sync::Arc;

use super::load::read_source;
use super::packages_file::PackagesFile;
use super::table::{Placed, Table};
use crate::ascend::{Catalogue, Compatibility, Rule};
use crate::error::{Problem, Result, SourceFile, did_you_mean};

/// One `[[allow]]`.
#[derive(Debug, Clone)]
pub struct Allow {
    /// The rule whose conflicts are allowed.
    pub rule: Rule,
    /// For which packages, by name or file; for all where empty.
    pub packages: Vec<Placed<String>>,
    /// Why.
    pub reason: String,
}

/// A project's own facts; what it has none of is built in.
#[derive(Debug, Default)]
pub struct OwnRules {
    allowed: Vec<Allow>,
    catalogue: Option<Catalogue>,
    compatibility: Option<Compatibility>,
}

impl OwnRules {
    /// The conflicts that the project takes upon itself.
    pub fn allowed(&self) -> &[Allow] {
        &self.allowed
    }

    /// The official files: those that are built in and the project's own.
    pub fn catalogue(&self) -> &Catalogue {
        self.catalogue.as_ref().unwrap_or_else(|| Catalogue::builtin())
    }

    /// What goes together: the built-in tables and the project's own.
    pub fn compatibility(&self) -> &Compatibility {
        self.compatibility.as_ref().unwrap_or_else(|| Compatibility::builtin())
    }

    /// Reads the files that `packages` names, relative to `folder`.
    pub(super) fn read(
        folder: &Path,
        packages: &PackagesFile,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let catalogue = extended(folder, &packages.catalogue, problems, |own, file| {
            own.unwrap_or_else(|| Catalogue::builtin()).extended_with(file)
        });
        let compatibility = extended(folder, &packages.compatibility, problems, |own, file| {
            own.unwrap_or_else(|| Compatibility::builtin()).extended_with(file)
        });
        Self { allowed: packages.allowed.clone(), catalogue, compatibility }
    }
}

/// Adds the content of each file to `T`; `None` where there is no file.
fn extended<T>(
    folder: &Path,
    files: &[Placed<String>],
    problems: &mut Vec<Problem>,
    extend: impl Fn(Option<&T>, &Arc<SourceFile>) -> Result<T>,
) -> Option<T> {
    let mut own = None;
    for file in files {
        let Some(source) = read_source(folder, Path::new(&file.value), problems) else { continue };
        match extend(own.as_ref(), &source) {
            Ok(more) => own = Some(more),
            Err(error) => problems.extend(error.problems),
        }
    }
    own
}

/// Reads one `[[allow]]`; `declared` are the names and files of all packages.
pub(super) fn read_allow(
    mut table: Table<'_>,
    declared: &[&str],
    problems: &mut Vec<Problem>,
) -> Option<Allow> {
    let rule = table.required_text("rule", problems).and_then(|rule| known_rule(&rule, problems));
    let packages = table.texts("packages", problems);
    let reason = table.required_text("reason", problems);
    table.finish(problems);
    refuse_unknown_packages(&packages, declared, problems);
    Some(Allow { rule: rule?, packages, reason: reason?.value })
}

fn known_rule(text: &Placed<String>, problems: &mut Vec<Problem>) -> Option<Rule> {
    let rule = text.value.parse();
    if rule.is_err() {
        let known: Vec<_> = Rule::all().map(Rule::as_str).collect();
        let problem = Problem::error(format!("there is no rule `{}`", text.value));
        let hint = did_you_mean(&text.value, known.iter().copied());
        let hint = hint.unwrap_or_else(|| format!("rules: {}", known.join(", ")));
        problems.push(problem.at(text.place.clone(), "no rule of what goes together").hint(hint));
    }
    rule.ok()
}

/// An allowance for a package that is not declared would never apply.
fn refuse_unknown_packages(
    packages: &[Placed<String>],
    declared: &[&str],
    problems: &mut Vec<Problem>,
) {
    for package in packages.iter().filter(|package| !declared.contains(&package.value.as_str())) {
        let problem = Problem::error(format!("package `{}` is not declared", package.value));
        let hint = did_you_mean(&package.value, declared.iter().copied());
        let label = "no `[[package]]` of this name or file";
        problems.push(problem.at(package.place.clone(), label).maybe_hint(hint));
    }
}
