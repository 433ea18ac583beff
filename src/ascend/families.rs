//! The families of package names, one matcher each.
//!
//! A family looks at the words before the first `_`, or at a wheel's
//! distribution, and claims the name or not. No two families claim one name; a
//! test holds that.

use super::parts::Parts;
use super::wheel::Wheel;
use super::{Chip, Kind};

/// One family of Ascend's own names.
pub(super) struct Family {
    /// What its members are.
    pub(super) kind: Kind,
    /// How the vendor begins such a name.
    pub(super) spelling: &'static str,
    /// Whether a name, cut into lower-case words, is a member.
    pub(super) claims: fn(&[&str]) -> bool,
}

/// The parts of CANN that are packages of their own.
const CANN_PARTS: [&str; 5] = ["toolkit", "nnal", "nnrt", "nnae", "tfplugin"];

/// Every family of Ascend's own names.
pub(super) const FAMILIES: [Family; 17] = [
    family(Kind::CannToolkit, "Ascend-cann-toolkit", |words| {
        *words == ["ascend", "cann", "toolkit"]
    }),
    family(Kind::CannNnal, "Ascend-cann-nnal", |words| *words == ["ascend", "cann", "nnal"]),
    family(Kind::CannNnrt, "Ascend-cann-nnrt", |words| *words == ["ascend", "cann", "nnrt"]),
    family(Kind::CannNnae, "Ascend-cann-nnae", |words| *words == ["ascend", "cann", "nnae"]),
    family(Kind::CannTfplugin, "Ascend-cann-tfplugin", |words| {
        *words == ["ascend", "cann", "tfplugin"]
    }),
    family(Kind::CannKernels, "Ascend-cann-kernels", is_kernels),
    family(Kind::CannOps, "Ascend-cann", is_operators),
    family(Kind::CannBundle, "Ascend-cann", |words| *words == ["ascend", "cann"]),
    family(Kind::CannComponent, "cann", is_component),
    family(Kind::Hdk, "Ascend-hdk", is_host),
    family(Kind::Mindie, "Ascend-mindie", is_mindie),
    family(Kind::AtbModels, "Ascend-mindie-atb-models", is_atb_models),
    family(Kind::MindieImage, "Ascend-mindie-image", is_mindie_image),
    family(Kind::Mindx, "Ascend-mindx", is_mindx),
    family(Kind::Mindstudio, "Ascend-mindstudio", is_mindstudio),
    family(Kind::Bisheng, "Ascend-BiSheng-toolkit", |words| {
        words.starts_with(&["ascend", "bisheng"])
    }),
    family(Kind::TorchNpuBundle, "pytorch", |words| *words == ["pytorch"]),
];

const fn family(kind: Kind, spelling: &'static str, claims: fn(&[&str]) -> bool) -> Family {
    Family { kind, spelling, claims }
}

/// The families that claim the name: none or one.
pub(super) fn claiming(parts: &Parts<'_>) -> impl Iterator<Item = &'static Family> {
    let words = parts.words();
    FAMILIES.iter().filter(move |family| (family.claims)(&words))
}

/// What a wheel is, by its distribution.
pub(super) fn wheel_kind(wheel: &Wheel<'_>) -> Option<Kind> {
    match wheel.distribution.as_str() {
        "torch" => Some(Kind::Torch),
        "torch_npu" => Some(Kind::TorchNpu),
        "triton_ascend" => Some(Kind::TritonAscend),
        "tensorflow" | "tensorflow_cpu" => Some(Kind::Tensorflow),
        "npu_bridge" | "npu_device" => Some(Kind::TensorflowNpu),
        "atb_llm" => Some(Kind::MindieWheel),
        "mindspore" | "mindspore_ascend" | "mindspore_gpu" | "mindspore_lite" => {
            Some(Kind::Mindspore)
        }
        other if other.starts_with("mindie") => Some(Kind::MindieWheel),
        _ => None,
    }
}

/// `Ascend-cann-kernels-CHIP`, and `Atlas-A3-cann-kernels` before 8.5.0.
fn is_kernels(words: &[&str]) -> bool {
    match words {
        ["ascend", "cann", "kernels", chip] | ["atlas", chip, "cann", "kernels"] => is_chip(chip),
        _ => false,
    }
}

/// `Ascend-cann-CHIP-ops`.
fn is_operators(words: &[&str]) -> bool {
    match words {
        ["ascend", "cann", chip, "ops"] | ["atlas", chip, "cann", "ops"] => is_chip(chip),
        _ => false,
    }
}

/// `cann-PART`, and `Ascend-cann-PART` for parts that are no family of their own.
fn is_component(words: &[&str]) -> bool {
    match words {
        ["cann", _, ..] => true,
        ["ascend", "cann", part] => !CANN_PARTS.contains(part),
        ["ascend", "cann", _, _, ..] => !is_kernels(words) && !is_operators(words),
        _ => false,
    }
}

/// `Ascend-hdk-…`, `Atlas-A3-hdk-…` and `npu-driver`; before those, boards:
/// `Atlas-300i-pro-npu`, `A300-3010-npu-driver`.
fn is_host(words: &[&str]) -> bool {
    let board = words.first().is_some_and(|first| *first == "atlas" || is_board(first));
    match words {
        ["ascend", "hdk", ..] | ["npu", "driver" | "firmware", ..] => true,
        [_, rest @ ..] => board && rest.iter().any(|word| ["hdk", "npu", "mcu"].contains(word)),
        [] => false,
    }
}

/// `a300`, `a300t`, `a800`: boards of the years before HDK packages.
fn is_board(word: &str) -> bool {
    let digits = word
        .strip_prefix('a')
        .unwrap_or_default()
        .trim_end_matches(|c: char| c.is_ascii_lowercase());
    digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// `Ascend-mindie`, and `Ascend-mindie-PART` but for the two parts that are families of their own.
fn is_mindie(words: &[&str]) -> bool {
    words.starts_with(&["ascend", "mindie"]) && !is_atb_models(words) && !is_mindie_image(words)
}

fn is_atb_models(words: &[&str]) -> bool {
    words.starts_with(&["ascend", "mindie", "atb"])
}

fn is_mindie_image(words: &[&str]) -> bool {
    words.starts_with(&["ascend", "mindie", "image"])
}

/// `Ascend-mindx…` and its newer name, `Ascend-mindsdk…`, with the container runtime.
fn is_mindx(words: &[&str]) -> bool {
    match words {
        ["ascend", "docker", "runtime"] => true,
        ["ascend", word, ..] => word.starts_with("mindx") || word.starts_with("mindsdk"),
        _ => false,
    }
}

fn is_mindstudio(words: &[&str]) -> bool {
    matches!(words, ["ascend", "mindstudio", ..] | ["mindstudio", ..])
}

fn is_chip(word: &str) -> bool {
    word.parse::<Chip>().is_ok()
}
