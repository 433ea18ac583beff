//! Packages against the target and its base: host-only files, architecture,
//! chip, Python and glibc.

use super::super::compatibility::Pair;
use super::super::judge::{Conflict, Rule, Set};
use super::super::{Chip, Container, Identity, Kind, normal_arch};
use super::{Member, error, spoken_package};

/// The source of what a name itself says.
const NAME: &str = "the file's name";

/// The source of what pip checks.
const WHEEL: &str = "the wheel's tags (PEP 425, PEP 600): pip refuses it otherwise";

/// Drivers, firmware and host bundles go into no image.
pub(super) fn host_only(set: &Set<'_>) -> Vec<Conflict> {
    let host = set.members.iter().filter(|(_, identity)| identity.host_only());
    let conflict = |(name, identity): Member<'_>| {
        let bundle = identity.kind == Some(Kind::CannBundle);
        let (what, instead) = if bundle {
            ("driver and toolkit in one", "use `Ascend-cann-toolkit` of the same version")
        } else {
            ("a driver, firmware or MCU package", "remove it from the stage")
        };
        let explanation = format!("`{name}` is {what}: it belongs on the host, not in an image");
        error(Rule::HostOnly, &[name], explanation, NAME).instead(instead)
    };
    host.map(conflict).collect()
}

/// Every package is for the platform's architecture.
pub(super) fn arch(set: &Set<'_>) -> Vec<Conflict> {
    let Some(platform) = set.context.platform_arch.as_deref().and_then(normal_arch) else {
        return Vec::new();
    };
    let conflict = |(name, identity): Member<'_>| {
        let arch = identity.platform_arch().filter(|arch| *arch != platform)?;
        let explanation = format!("`{name}` is for {arch}; the platform is {platform}");
        let instead = format!("use the {platform} file of {}", spoken_package(identity));
        Some(error(Rule::Arch, &[name], explanation, NAME).instead(instead))
    };
    set.members.iter().filter_map(conflict).collect()
}

/// Every package for a chip is for the chip that is built for.
pub(super) fn chip(set: &Set<'_>) -> Vec<Conflict> {
    let Some(wanted) = &set.context.chip else { return Vec::new() };
    let differs = |chip: &&Chip| !set.tables.same_chip(chip, wanted);
    let conflict = |(name, identity): Member<'_>| {
        let chip = identity.chip.as_ref().filter(differs)?;
        let explanation = format!("`{name}` is for {chip}; this target is for {wanted}");
        let instead = format!("use the {wanted} file of {}", spoken_package(identity));
        Some(error(Rule::Chip, &[name], explanation, NAME).instead(instead))
    };
    set.members.iter().filter_map(conflict).collect()
}

/// Every package for a Python is for the base's.
pub(super) fn python_base(set: &Set<'_>) -> Vec<Conflict> {
    let Some(base) = set.context.python else { return Vec::new() };
    let conflict = |(name, identity): Member<'_>| {
        let python = python_of(identity)?;
        let fits = if identity.stable_abi { python <= base } else { python == base };
        let explanation = format!("`{name}` is for Python {python}; the base has {base}");
        let instead =
            format!("use the cp{}{} file of {}", base.0, base.1, spoken_package(identity));
        let wheel = identity.container == Some(Container::Wheel);
        let source = if wheel { WHEEL } else { NAME };
        (!fits).then(|| error(Rule::PythonBase, &[name], explanation, source).instead(instead))
    };
    set.members.iter().filter_map(conflict).collect()
}

/// The base's glibc is new enough for MindIE's ABI and for every wheel.
pub(super) fn glibc(set: &Set<'_>) -> Vec<Conflict> {
    let Some(base) = set.context.glibc else { return Vec::new() };
    set.members.iter().filter_map(|member| old_glibc(set, base, member)).collect()
}

fn old_glibc(set: &Set<'_>, base: Pair, (name, identity): Member<'_>) -> Option<Conflict> {
    let mindie = matches!(identity.kind, Some(Kind::Mindie | Kind::MindieWheel));
    let floor = identity.abi.filter(|_| mindie).and_then(|abi| set.tables.floor_of(abi));
    let (needed, source) = match (floor, identity.glibc) {
        (Some(floor), _) => (floor.glibc, floor.source.as_deref().unwrap_or_default()),
        (None, Some((major, minor))) => (Pair(major, minor), WHEEL),
        (None, None) => return None,
    };
    let abi0 = set.tables.floor_of(0).is_some_and(|floor| mindie && floor.glibc <= base);
    let or = if abi0 { "the abi0 file, or " } else { "" };
    let instead = format!("use {or}a base with glibc {needed} or newer");
    let explanation = format!("`{name}` needs glibc {needed}; the base has {base}");
    (base < needed).then(|| error(Rule::Glibc, &[name], explanation, source).instead(instead))
}

/// The Python that a package is built for.
pub(super) fn python_of(identity: &Identity) -> Option<Pair> {
    Pair::python(identity.python.as_deref()?)
}
