//! Whether the packages of a plan are what they say and go together.
//!
//! 1. A declared digest that is not the official one of its file name is an
//!    error, unless the entry says why.
//! 2. All packages are judged as one set, against the platform, the chip and
//!    what the base holds, as far as any of that is known.

use std::collections::HashMap;

use super::{Plan, PlannedPackage, PlannedParent};
use crate::ascend::{
    Allowance, Catalogue, Conflict, Container, Context, Identity, Level, Verdict, Version, identify,
};
use crate::error::{Place, Problem};
use crate::project::{Allow, BaseFacts, PackageEntry, Project, Sha256};

/// Everything that is wrong with the packages of `plan`, or worth knowing about them.
///
/// `driver` is the driver of this host, where it has one and will run the image.
pub fn judge(project: &Project, plan: &Plan, driver: Option<Version>) -> Vec<Problem> {
    let entries = Entries::of(project);
    let declared = plan.packages.iter().filter_map(|package| entries.entry(package));
    let catalogue = project.rules.catalogue();
    let mut problems: Vec<_> =
        declared.flat_map(|entry| compare_with_official(catalogue, entry)).collect();
    let set: Vec<(String, Identity)> = plan
        .packages
        .iter()
        .map(|package| (package.file.clone(), entries.identity(package)))
        .collect();
    problems.extend(set.iter().zip(&plan.packages).filter_map(|((_, identity), package)| {
        still_zipped(identity, package, entries.entry(package))
    }));
    let context = context(project, plan, driver);
    let conflicts = project.rules.compatibility().judge(&set, &context);
    problems.extend(conflicts.iter().map(|conflict| placed(&entries, plan, conflict)));
    problems
}

/// The declared files by name: a plan of thousands looks each of them up several times.
struct Entries<'a>(HashMap<&'a str, Vec<&'a PackageEntry>>);

impl<'a> Entries<'a> {
    fn of(project: &'a Project) -> Self {
        let mut entries: HashMap<&str, Vec<&PackageEntry>> = HashMap::new();
        for entry in &project.packages {
            entries.entry(entry.file.as_str()).or_default().push(entry);
        }
        Self(entries)
    }

    /// The entry behind a planned package; a plain Dockerfile may fetch what nothing declares.
    fn entry(&self, package: &PlannedPackage) -> Option<&'a PackageEntry> {
        let named = self.0.get(package.file_name())?;
        named.iter().copied().find(|entry| Some(&entry.sha256) == package.sha256.as_ref())
    }

    fn identity(&self, package: &PlannedPackage) -> Identity {
        self.entry(package).map_or_else(|| identify(package.file_name()), PackageEntry::identity)
    }
}

/// What there is to say of the digests of `entry`, its zip's included, beside the official ones of
/// these file names.
pub fn compare_with_official(catalogue: &Catalogue, entry: &PackageEntry) -> Vec<Problem> {
    let archive = entry.archive.iter().map(|archive| (archive.file.as_str(), &archive.sha256));
    let digests = std::iter::once((entry.file.as_str(), &entry.sha256)).chain(archive);
    let problem = |(file, sha256): (&str, &Sha256)| match catalogue.official(file, sha256.as_str())
    {
        Verdict::Differs { official } if entry.unofficial.is_none() => Some(
            differs_from_official(file, &official.sha256, sha256, &official.source)
                .at(entry.file_place.clone(), "declared here with another sha256"),
        ),
        Verdict::Official(_) if entry.unofficial.is_some() && file == entry.file => Some(
            Problem::warning(format!("`{file}` is called unofficial, and has the official sha256"))
                .code("unofficial")
                .at(entry.file_place.clone(), "declared here")
                .hint("remove `unofficial` from its entry"),
        ),
        _ => None,
    };
    digests.filter_map(problem).collect()
}

/// A digest that is not the official one of its file name.
pub fn differs_from_official(file: &str, expected: &str, actual: &Sha256, source: &str) -> Problem {
    Problem::error(format!("the sha256 of `{file}` is not the official one"))
        .code("unofficial")
        .note(format!("expected sha256: {expected}"))
        .note(format!("  actual sha256: {actual}"))
        .note(format!("source: {source}"))
        .hint(
            "get the official file, or say in its entry why it is another: \
             `unofficial = \"…\"`",
        )
}

/// The vendor's zip in the place of the package in it: an installer is not found by its name then.
fn still_zipped(
    identity: &Identity,
    package: &PlannedPackage,
    entry: Option<&PackageEntry>,
) -> Option<Problem> {
    if identity.container != Some(Container::Zip) || identity.kind.is_none() {
        return None;
    }
    let file = &package.file;
    let problem = Problem::warning(format!(
        "`{file}` is a zip that holds the package, and is served as it is"
    ))
    .hint(format!("`ascend-build package import {file}` unpacks it and declares the `.run`"));
    Some(match entry {
        Some(entry) => problem.at(entry.file_place.clone(), "declared here"),
        None => problem,
    })
}

fn context(project: &Project, plan: &Plan, driver: Option<Version>) -> Context {
    let facts = base_facts(plan);
    Context {
        platform_arch: Some(plan.platform.package_arch().to_owned()),
        chip: plan.chip.as_deref().and_then(|chip| chip.parse().ok()),
        python: facts.python,
        glibc: facts.glibc,
        cann: facts.cann,
        torch: facts.torch,
        driver,
        allowed: project.rules.allowed().iter().flat_map(|allow| allowances(plan, allow)).collect(),
    }
}

/// What is known of the bases of a plan: what all of them say alike.
fn base_facts(plan: &Plan) -> BaseFacts {
    let base = |parent: &PlannedParent| match parent {
        PlannedParent::Base(base) => Some(base.source.facts.clone()),
        PlannedParent::Stage(_) => None,
    };
    let bases = plan.stages.iter().filter_map(|stage| base(&stage.from));
    let agreed = bases.reduce(|one, other| BaseFacts {
        python: one.python.filter(|python| Some(*python) == other.python),
        glibc: one.glibc.filter(|glibc| Some(*glibc) == other.glibc),
        cann: one.cann.filter(|cann| Some(cann) == other.cann.as_ref()),
        torch: one.torch.filter(|torch| Some(torch) == other.torch.as_ref()),
    });
    agreed.unwrap_or_default()
}

/// The allowance for each file of the plan that it names by file or by package name.
fn allowances(plan: &Plan, allow: &Allow) -> Vec<Allowance> {
    let allowance = |package| Allowance { rule: allow.rule, package, reason: allow.reason.clone() };
    if allow.packages.is_empty() {
        return vec![allowance(None)];
    }
    let named = |package: &&PlannedPackage| {
        let names = [package.name.as_str(), package.file.as_str(), package.file_name()];
        allow.packages.iter().any(|allowed| names.contains(&allowed.value.as_str()))
    };
    let files = plan.packages.iter().filter(named);
    files.map(|package| allowance(Some(package.file.clone()))).collect()
}

/// The conflict as a problem at the entry of the first package that it is about.
fn placed(entries: &Entries<'_>, plan: &Plan, conflict: &Conflict) -> Problem {
    let place = |file: &String| -> Option<Place> {
        let package = plan.packages.iter().find(|package| package.file == *file)?;
        let entry = entries.entry(package).map(|entry| entry.file_place.clone());
        entry.or_else(|| package.place.clone())
    };
    let problem = conflict.problem();
    if conflict.level == Level::Info {
        return problem;
    }
    match conflict.packages.first().and_then(place) {
        Some(place) => problem.at(place, "declared here"),
        None => problem,
    }
}
