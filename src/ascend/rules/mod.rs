//! The rules of what goes together, one function each.
//!
//! `target` holds those that compare packages with the target and its base,
//! `together` those that compare packages with each other, `cann` those that
//! ask the tables which CANN a package goes with.

mod cann;
mod target;
mod together;

use super::judge::{Conflict, Level, Rule, Set};
use super::{Identity, Kind, Version};

/// Every rule, in the order of [`Rule`].
pub(super) const RULES: [fn(&Set<'_>) -> Vec<Conflict>; 16] = [
    target::host_only,
    target::arch,
    target::chip,
    target::python_base,
    together::python_differs,
    target::glibc,
    together::cann_versions,
    cann::torch_npu_cann,
    together::torch_npu_torch,
    cann::python_range,
    cann::mindie_cann,
    cann::mindspore_cann,
    together::mindie_abi,
    together::mindie_versions,
    together::built_for_torch,
    cann::driver,
];

/// A package with its name in messages.
type Member<'a> = &'a (String, Identity);

/// A version in the target, and the package that brings it; `None` for the base.
type Present<'a> = (&'a Version, Option<&'a str>);

/// The parts of CANN that work only with a toolkit or a runtime of their version.
const CANN_PARTS: [Kind; 4] =
    [Kind::CannKernels, Kind::CannOps, Kind::CannNnal, Kind::CannTfplugin];

impl<'a> Set<'a> {
    /// The packages of any of `kinds`.
    fn of(&self, kinds: &'a [Kind]) -> impl Iterator<Item = Member<'a>> + use<'a> {
        let wanted = |kind: Kind| kinds.contains(&kind);
        self.members.iter().filter(move |(_, identity)| identity.kind.is_some_and(wanted))
    }

    /// The version that a package of any of `kinds` brings.
    fn first(&self, kinds: &'a [Kind]) -> Option<Present<'a>> {
        self.of(kinds).find_map(|(name, identity)| {
            let version = identity.version.as_ref()?;
            Some((version, Some(name.as_str())))
        })
    }

    /// The CANN of the target: operators and nnal are added to a base's, a toolkit replaces it.
    fn cann(&self) -> Option<Present<'a>> {
        let base = || self.context.cann.as_ref().map(|version| (version, None));
        let toolkit = self.first(&[Kind::CannToolkit]);
        let found = toolkit.or_else(base).or_else(|| self.first(&[Kind::CannNnrt, Kind::CannNnae]));
        found.or_else(|| self.first(&CANN_PARTS))
    }

    /// The torch of the target: a wheel's, else the base's.
    fn torch(&self) -> Option<Present<'a>> {
        let base = || self.context.torch.as_ref().map(|version| (version, None));
        self.first(&[Kind::Torch]).or_else(base)
    }
}

fn is_cann(member: &Member<'_>) -> bool {
    member.1.kind.is_some_and(Kind::is_cann)
}

/// An error with what every conflict has.
fn error(rule: Rule, packages: &[&str], explanation: String, source: &str) -> Conflict {
    Conflict {
        level: Level::Error,
        rule,
        packages: packages.iter().map(|name| (*name).to_owned()).collect(),
        explanation,
        source: source.to_owned(),
        instead: None,
        allowed_because: None,
    }
}

impl Conflict {
    fn instead(mut self, instead: impl Into<String>) -> Self {
        self.instead = Some(instead.into());
        self
    }

    fn level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }
}

/// A kind as people say it.
fn spoken(kind: Kind) -> &'static str {
    match kind {
        Kind::CannToolkit => "toolkit",
        Kind::CannKernels => "kernels",
        Kind::CannOps => "ops",
        Kind::CannNnal => "nnal",
        Kind::CannNnrt => "nnrt",
        Kind::CannNnae => "nnae",
        Kind::CannTfplugin => "tfplugin",
        Kind::Mindie | Kind::MindieWheel => "MindIE",
        Kind::AtbModels => "ATB models",
        Kind::Mindspore => "MindSpore",
        Kind::TorchNpu => "torch_npu",
        other => other.as_str(),
    }
}

/// `MindIE 2.3.0`: kind and version as people say them.
fn spoken_package(identity: &Identity) -> String {
    let kind = identity.kind.map_or("package", spoken);
    let version = identity.version.as_ref().map(ToString::to_string).unwrap_or_default();
    format!("{kind} {version}").trim_end().to_owned()
}

/// `a`, `a or b`, `a, b or c`, each once and in order.
fn alternatives<'a>(versions: impl Iterator<Item = &'a Version>) -> String {
    let mut versions: Vec<_> = versions.collect();
    versions.sort();
    versions.dedup_by(|a, b| a.same_as(b));
    let mut texts: Vec<_> = versions.iter().map(ToString::to_string).collect();
    match (texts.pop(), texts.is_empty()) {
        (None, _) => String::new(),
        (Some(last), true) => last,
        (Some(last), false) => format!("{} or {last}", texts.join(", ")),
    }
}
