//! Judging the packages of a target as a whole, before anything is built.
//!
//! Every [`Rule`] looks at the whole set and at what is known of the target and
//! its base. What is not known is not judged; a combination that no source
//! knows is at most a warning.

use std::fmt;
use std::str::FromStr;

use super::compatibility::{Compatibility, Pair};
use super::rules::RULES;
use super::{Chip, Identity, Version};
use crate::error::{Problem, Severity};

/// What is known of a target beside its packages; `None` is not judged.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// The platform's architecture: `aarch64` or `x86_64`, in any spelling.
    pub platform_arch: Option<String>,
    /// The chip that the user builds for.
    pub chip: Option<Chip>,
    /// The Python of the base, as (3, 11).
    pub python: Option<Pair>,
    /// The glibc of the base, as (2, 35).
    pub glibc: Option<Pair>,
    /// The CANN that the base already holds.
    pub cann: Option<Version>,
    /// The torch that the base already holds.
    pub torch: Option<Version>,
    /// The driver of the host that will run the image.
    pub driver: Option<Version>,
    /// What the project allows by name.
    pub allowed: Vec<Allowance>,
}

/// A conflict that the project takes upon itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    /// The rule whose conflicts are allowed.
    pub rule: Rule,
    /// The one package that it is allowed for; `None` for every package.
    pub package: Option<String>,
    /// Why, for whoever reads the report.
    pub reason: String,
}

/// How bad a conflict is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Something to know, such as the driver that hosts need.
    Info,
    /// A conflict that the project allows, with a reason.
    Allowed,
    /// Probably wrong, or known to nobody.
    Warning,
    /// Known to be wrong.
    Error,
}

/// Something that does not go together, explained.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Conflict {
    /// How bad it is.
    pub level: Level,
    /// The rule that found it.
    pub rule: Rule,
    /// The names of the packages that it is about, as given to [`judge`].
    pub packages: Vec<String>,
    /// What does not go together: needed and actual.
    pub explanation: String,
    /// Who says so.
    pub source: String,
    /// What would fit.
    pub instead: Option<String>,
    /// Why the project allows it, where it does.
    pub allowed_because: Option<String>,
}

/// The rules; their names are stable and are what a project allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// Drivers, firmware and host bundles go into no image.
    HostOnly,
    /// Every package is for the platform's architecture.
    Arch,
    /// Every package for a chip is for the chip that is built for.
    Chip,
    /// Every package for a Python is for the base's.
    PythonBase,
    /// All wheels are for one Python.
    PythonDiffers,
    /// The base's glibc is new enough.
    Glibc,
    /// All parts of CANN are of one version.
    CannVersions,
    /// `torch_npu` goes with the CANN.
    TorchNpuCann,
    /// `torch_npu` goes with the torch.
    TorchNpuTorch,
    /// The Python is one that CANN and `torch_npu` were released for.
    PythonRange,
    /// MindIE goes with the CANN.
    MindieCann,
    /// MindSpore goes with the CANN.
    MindsporeCann,
    /// MindIE and its ATB models are built with one C++ ABI.
    MindieAbi,
    /// MindIE and its ATB models are of one version.
    MindieVersions,
    /// What is built against a torch is used with it.
    BuiltForTorch,
    /// Hosts have the driver that the CANN needs.
    Driver,
}

/// Every rule with its name, in the order of the enum.
const NAMES: [(Rule, &str); 16] = [
    (Rule::HostOnly, "host-only"),
    (Rule::Arch, "arch"),
    (Rule::Chip, "chip"),
    (Rule::PythonBase, "python-base"),
    (Rule::PythonDiffers, "python-differs"),
    (Rule::Glibc, "glibc"),
    (Rule::CannVersions, "cann-versions"),
    (Rule::TorchNpuCann, "torch-npu-cann"),
    (Rule::TorchNpuTorch, "torch-npu-torch"),
    (Rule::PythonRange, "python-range"),
    (Rule::MindieCann, "mindie-cann"),
    (Rule::MindsporeCann, "mindspore-cann"),
    (Rule::MindieAbi, "mindie-abi"),
    (Rule::MindieVersions, "mindie-versions"),
    (Rule::BuiltForTorch, "built-for-torch"),
    (Rule::Driver, "driver"),
];

/// A text that names no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a rule of what goes together")]
pub struct UnknownRule(pub String);

/// Everything in `set` that does not go together, by the built-in tables.
///
/// `set` pairs the names that messages use with what the file names say.
pub fn judge(set: &[(String, Identity)], context: &Context) -> Vec<Conflict> {
    Compatibility::builtin().judge(set, context)
}

/// What rules look at: the packages, the target, the tables.
pub(super) struct Set<'a> {
    pub(super) members: &'a [(String, Identity)],
    pub(super) context: &'a Context,
    pub(super) tables: &'a Compatibility,
}

impl Compatibility {
    /// Everything in `set` that does not go together, by these tables, rule by rule.
    pub fn judge(&self, set: &[(String, Identity)], context: &Context) -> Vec<Conflict> {
        let set = Set { members: set, context, tables: self };
        let found = RULES.iter().flat_map(|rule| rule(&set));
        found.map(|conflict| conflict.unless_allowed(&context.allowed)).collect()
    }
}

impl Conflict {
    /// The conflict as a problem, to be shown with others: anything but an error is a warning there.
    pub fn problem(&self) -> Problem {
        let severity = match self.level {
            Level::Error => Severity::Error,
            Level::Warning => Severity::Warning,
            Level::Allowed | Level::Info => Severity::Note,
        };
        let problem = Problem { severity, ..Problem::error(self.explanation.clone()) };
        let names: Vec<_> = self.packages.iter().map(|name| format!("`{name}`")).collect();
        let mut problem = problem.code(self.rule.as_str());
        // What a base brings is no package.
        if !names.is_empty() {
            problem = problem.note(format!("packages: {}", names.join(", ")));
        }
        problem = problem.note(format!("source: {}", self.source)).maybe_hint(self.instead.clone());
        match &self.allowed_because {
            Some(reason) => problem.note(format!("allowed by the project: {reason}")),
            None if self.level > Level::Allowed => problem.hint(self.how_to_allow()),
            None => problem,
        }
    }

    fn how_to_allow(&self) -> String {
        format!(
            "or take it upon the project, in packages.toml: `[[allow]]` with `rule = \"{}\"` and a `reason`",
            self.rule
        )
    }

    fn unless_allowed(mut self, allowed: &[Allowance]) -> Self {
        let about = |name: &String| self.packages.contains(name);
        let allowance = allowed.iter().find(|allowance| {
            allowance.rule == self.rule && allowance.package.as_ref().is_none_or(about)
        });
        if let Some(allowance) = allowance.filter(|_| self.level > Level::Allowed) {
            self.level = Level::Allowed;
            self.allowed_because = Some(allowance.reason.clone());
        }
        self
    }
}

impl Rule {
    /// Every rule, in the order in which they are asked.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.iter().map(|(rule, _)| *rule)
    }

    /// The rule's stable name.
    pub fn as_str(self) -> &'static str {
        NAMES[self as usize].1
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Rule {
    type Err = UnknownRule;

    fn from_str(text: &str) -> Result<Self, UnknownRule> {
        let found = NAMES.iter().find(|(_, name)| *name == text);
        found.map(|(rule, _)| *rule).ok_or_else(|| UnknownRule(text.to_owned()))
    }
}
