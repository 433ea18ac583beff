//! Packages against the CANN of the target, by the tables: which `torch_npu`,
//! MindIE and MindSpore it goes with, which Pythons, and which driver it needs.

use std::sync::Arc;

use super::super::compatibility::Match;
use super::super::judge::{Conflict, Level, Rule, Set};
use super::super::{Kind, Version};
use super::target::python_of;
use super::{Member, alternatives, error, spoken};

/// `torch_npu` goes with the CANN.
pub(super) fn torch_npu_cann(set: &Set<'_>) -> Vec<Conflict> {
    goes_with(set, Rule::TorchNpuCann, Kind::TorchNpu, &[Kind::TorchNpu])
}

/// MindIE goes with the CANN.
pub(super) fn mindie_cann(set: &Set<'_>) -> Vec<Conflict> {
    goes_with(set, Rule::MindieCann, Kind::Mindie, &[Kind::Mindie, Kind::MindieWheel])
}

/// MindSpore goes with the CANN.
pub(super) fn mindspore_cann(set: &Set<'_>) -> Vec<Conflict> {
    goes_with(set, Rule::MindsporeCann, Kind::Mindspore, &[Kind::Mindspore])
}

/// Asks the rows of `row` about every package of `kinds`.
fn goes_with(set: &Set<'_>, rule: Rule, row: Kind, kinds: &'static [Kind]) -> Vec<Conflict> {
    let Some((cann, bringer)) = set.cann() else { return Vec::new() };
    let conflict = |(name, identity): Member<'_>| {
        let version = identity.version.as_ref()?;
        let packages: Vec<_> = std::iter::once(name.as_str()).chain(bringer).collect();
        let found = mismatch(set, row, version, cann)?;
        let conflict = error(rule, &packages, found.explanation, &found.source);
        let conflict = conflict.level(found.level);
        Some(match fitting(set, row, version, cann) {
            Some(instead) => conflict.instead(instead),
            None => conflict,
        })
    };
    set.of(kinds).filter_map(conflict).collect()
}

/// Why a version does not go with a CANN.
struct Mismatch {
    level: Level,
    explanation: String,
    source: String,
}

fn mismatch(set: &Set<'_>, kind: Kind, version: &Version, cann: &Version) -> Option<Mismatch> {
    let rows = set.tables.of(kind, version);
    if rows.iter().any(|row| row.cann.same_as(cann)) {
        return None;
    }
    let name = spoken(kind);
    if rows.is_empty() {
        let explanation =
            format!("no source says which CANN {name} {version} goes with; this target has {cann}");
        return Some(Mismatch { level: Level::Warning, explanation, source: "none".into() });
    }
    let needed = alternatives(rows.iter().map(|row| &row.cann));
    let explanation = format!("{name} {version} needs CANN {needed}; this target has {cann}");
    Some(Mismatch { level: level(set, &rows, cann), explanation, source: sources(&rows) })
}

/// A CANN that no row knows, or of the same minor version, may work: a warning.
fn level(set: &Set<'_>, rows: &[&Match], cann: &Version) -> Level {
    let known = set.tables.matches().iter().any(|row| row.cann.same_as(cann));
    let near = rows.iter().any(|row| row.cann.same_minor(cann));
    if known && !near { Level::Error } else { Level::Warning }
}

/// Every source of `rows`, once.
fn sources(rows: &[&Match]) -> String {
    let mut sources: Vec<_> = rows.iter().filter_map(|row| row.source.clone()).collect();
    sources.dedup();
    sources.iter().map(Arc::as_ref).collect::<Vec<&str>>().join("; ")
}

/// What goes with this CANN: the same base version where there is one, else all that do.
fn fitting(set: &Set<'_>, kind: Kind, version: &Version, cann: &Version) -> Option<String> {
    let rows = set.tables.with_cann(kind, cann);
    let same: Vec<_> = rows.iter().filter(|row| row.version.base() == version.base()).collect();
    let versions = if same.is_empty() {
        alternatives(rows.iter().map(|row| &row.version))
    } else {
        alternatives(same.iter().map(|row| &row.version))
    };
    (!versions.is_empty()).then(|| format!("with {cann} use {} {versions}", spoken(kind)))
}

/// The Python is one that CANN and `torch_npu` were released for.
pub(super) fn python_range(set: &Set<'_>) -> Vec<Conflict> {
    let Some((cann, _)) = set.cann() else { return Vec::new() };
    set.of(&[Kind::TorchNpu]).filter_map(|member| out_of_range(set, cann, member)).collect()
}

fn out_of_range(set: &Set<'_>, cann: &Version, (name, identity): Member<'_>) -> Option<Conflict> {
    let python = set.context.python.or_else(|| python_of(identity))?;
    let version = identity.version.as_ref()?;
    let mut rows = set.tables.of(Kind::TorchNpu, version);
    rows.retain(|row| row.cann.same_as(cann) && row.python.is_some());
    let ranges: Vec<_> = rows.iter().filter_map(|row| row.python).collect();
    if ranges.is_empty() || ranges.iter().any(|range| range.contains(python)) {
        return None;
    }
    let texts: Vec<_> = ranges.iter().map(ToString::to_string).collect();
    let explanation = format!(
        "torch_npu {version} on CANN {cann} is for Python {}; this target has {python}",
        texts.join(" or ")
    );
    Some(error(Rule::PythonRange, &[name], explanation, &sources(&rows)).level(Level::Warning))
}

/// Hosts need a driver: told, and compared with the host's where that is known.
pub(super) fn driver(set: &Set<'_>) -> Vec<Conflict> {
    let Some((cann, bringer)) = set.cann() else { return Vec::new() };
    let Some(row) = set.tables.driver_of(cann) else { return Vec::new() };
    let needed = &row.driver;
    let (level, explanation) = match &set.context.driver {
        Some(host) if host >= needed || host.same_as(needed) => return Vec::new(),
        Some(host) => {
            (Level::Warning, format!("CANN {cann} needs driver {needed}; this host has {host}"))
        }
        None => (
            Level::Info,
            format!("CANN {cann} needs driver {needed} on every host that runs the image"),
        ),
    };
    let packages: Vec<_> = bringer.into_iter().collect();
    let source = row.source.as_deref().unwrap_or_default();
    let conflict = error(Rule::Driver, &packages, explanation, source).level(level);
    let instead = format!("install driver {needed} on the host");
    vec![if level == Level::Warning { conflict.instead(instead) } else { conflict }]
}
