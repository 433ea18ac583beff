//! Packages against each other: one Python, one CANN version, one torch, one ABI.

use std::collections::BTreeMap;

use super::super::compatibility::Pair;
use super::super::judge::{Conflict, Level, Rule, Set};
use super::super::{Identity, Kind, Version};
use super::target::python_of;
use super::{Member, alternatives, error, is_cann, spoken, spoken_package};

const CANN_SOURCE: &str = "CANN's parts are released together, and work in one version only";
const TORCH_SOURCE: &str = "Ascend/pytorch: torch_npu is built against the torch of its own number";
const NAME: &str = "the files' names";

/// MindIE itself, in either form.
const MINDIE: [Kind; 2] = [Kind::Mindie, Kind::MindieWheel];

/// All wheels are for one Python; where the base's is known, `python-base` says it better.
pub(super) fn python_differs(set: &Set<'_>) -> Vec<Conflict> {
    let mut pythons: BTreeMap<(u16, u16), Vec<&str>> = BTreeMap::new();
    let exact = set.members.iter().filter(|(_, identity)| !identity.stable_abi);
    for (name, identity) in exact {
        if let Some(Pair(major, minor)) = python_of(identity) {
            pythons.entry((major, minor)).or_default().push(name);
        }
    }
    if pythons.len() < 2 || set.context.python.is_some() {
        return Vec::new();
    }
    let said: Vec<_> = pythons
        .iter()
        .map(|((major, minor), names)| format!("{major}.{minor} (`{}`)", names.join("`, `")))
        .collect();
    let packages: Vec<_> = pythons.values().flatten().copied().collect();
    let explanation = format!("the packages are for different Pythons: {}", said.join(", "));
    vec![
        error(Rule::PythonDiffers, &packages, explanation, NAME)
            .instead("use files with one cp tag"),
    ]
}

/// All parts of CANN are of the toolkit's version, or of the base's.
pub(super) fn cann_versions(set: &Set<'_>) -> Vec<Conflict> {
    let Some((cann, bringer)) = set.cann() else { return Vec::new() };
    let conflict = |(name, identity): Member<'_>| {
        let version = identity.version.as_ref().filter(|version| !version.same_as(cann))?;
        let part = spoken(identity.kind?);
        let whose = bringer.map_or("the base has CANN".to_owned(), |name| format!("`{name}` is"));
        let explanation = format!("{part} {version} needs CANN {version}; {whose} {cann}");
        let packages: Vec<_> = std::iter::once(name.as_str()).chain(bringer).collect();
        let instead = format!("with CANN {cann} use {part} {cann}");
        Some(error(Rule::CannVersions, &packages, explanation, CANN_SOURCE).instead(instead))
    };
    set.members.iter().filter(is_cann).filter_map(conflict).collect()
}

/// `torch_npu` goes with the torch: the one that a table names, or that of its own number.
pub(super) fn torch_npu_torch(set: &Set<'_>) -> Vec<Conflict> {
    let Some((torch, bringer)) = set.torch() else { return Vec::new() };
    let conflict = |(name, identity): Member<'_>| {
        let version = identity.version.as_ref()?;
        let named = set.tables.of(Kind::TorchNpu, version);
        let mut listed = named.iter().filter_map(|row| row.torch.as_ref());
        if listed.any(|row| row.same_public(torch)) || version.base() == torch.base() {
            return None;
        }
        let packages: Vec<_> = std::iter::once(name.as_str()).chain(bringer).collect();
        let base = version.base();
        let explanation =
            format!("torch_npu {version} needs torch {base}; this target has {torch}");
        let instead = torch_npu_for(set, torch).unwrap_or_else(|| format!("use torch {base}"));
        Some(error(Rule::TorchNpuTorch, &packages, explanation, TORCH_SOURCE).instead(instead))
    };
    set.of(&[Kind::TorchNpu]).filter_map(conflict).collect()
}

/// The `torch_npu` that goes with `torch`, and with the target's CANN where it is known.
fn torch_npu_for(set: &Set<'_>, torch: &Version) -> Option<String> {
    let cann = set.cann().map(|(version, _)| version);
    let fits = |version: &&Version| version.base() == torch.base();
    let rows =
        set.tables.matches().iter().filter(|row| {
            row.kind == Kind::TorchNpu && cann.is_none_or(|cann| row.cann.same_as(cann))
        });
    let versions = alternatives(rows.map(|row| &row.version).filter(fits));
    let with = cann.map(|cann| format!(" and CANN {cann}")).unwrap_or_default();
    (!versions.is_empty()).then(|| format!("with torch {torch}{with} use torch_npu {versions}"))
}

/// MindIE and its ATB models are built with one C++ ABI.
pub(super) fn mindie_abi(set: &Set<'_>) -> Vec<Conflict> {
    mindie_pairs(set, |(mindie, one), (models, other)| {
        let (wanted, actual) = (one.abi?, other.abi?);
        let explanation = format!(
            "{} is built with abi{wanted}; the ATB models `{models}` with abi{actual}",
            spoken_package(one)
        );
        let instead = format!("use the abi{wanted} file of the ATB models");
        let conflict = error(Rule::MindieAbi, &[models, mindie], explanation, NAME);
        (wanted != actual).then(|| conflict.instead(instead))
    })
}

/// MindIE and its ATB models are of one version.
pub(super) fn mindie_versions(set: &Set<'_>) -> Vec<Conflict> {
    mindie_pairs(set, |(mindie, one), (models, other)| {
        let (wanted, actual) = (one.version.as_ref()?, other.version.as_ref()?);
        let explanation = format!("ATB models {actual} are not of MindIE {wanted}");
        let instead = format!("use ATB models {wanted}");
        let conflict = error(Rule::MindieVersions, &[models, mindie], explanation, NAME);
        (!wanted.same_public(actual)).then(|| conflict.level(Level::Warning).instead(instead))
    })
}

/// What `compare` says of every MindIE with every ATB models.
fn mindie_pairs<'a>(
    set: &Set<'a>,
    compare: impl Fn(Member<'a>, Member<'a>) -> Option<Conflict>,
) -> Vec<Conflict> {
    let models: Vec<_> = set.of(&[Kind::AtbModels]).collect();
    let pairs = set.of(&MINDIE).flat_map(|one| models.iter().map(move |other| (one, *other)));
    pairs.filter_map(|(one, other)| compare(one, other)).collect()
}

/// What is built against a torch (ATB models, MindIE wheels) is used with it.
pub(super) fn built_for_torch(set: &Set<'_>) -> Vec<Conflict> {
    let npu = set.first(&[Kind::TorchNpu]);
    let Some((torch, bringer)) = set.torch().or(npu) else { return Vec::new() };
    let conflict = |(name, identity): Member<'_>| {
        let wanted = identity.torch.as_ref().filter(|wanted| wanted.base() != torch.base())?;
        let packages: Vec<_> = std::iter::once(name.as_str()).chain(bringer).collect();
        let explanation =
            format!("`{name}` is built for torch {wanted}; this target has {}", torch.base());
        let instead = instead_of_torch(identity, torch, wanted);
        Some(error(Rule::BuiltForTorch, &packages, explanation, NAME).instead(instead))
    };
    set.members.iter().filter_map(conflict).collect()
}

fn instead_of_torch(identity: &Identity, torch: &Version, wanted: &Version) -> String {
    let package = spoken_package(identity);
    format!("use torch {wanted}, or {package} built for torch {}", torch.base())
}
