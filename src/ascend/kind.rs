//! What a package is: the vocabulary that people and lists use.
//!
//! The names are stable: they are printed by `package identify`, written in
//! `packages.toml` and matched by the rules of what goes together.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a package is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// CANN toolkit: compilers, runtime and headers.
    CannToolkit,
    /// CANN operator kernels of one chip, up to the 8.5.0 alphas.
    CannKernels,
    /// CANN operators of one chip, from 8.5.0 on: the same thing as the kernels before.
    CannOps,
    /// CANN acceleration libraries (ATB, SIP).
    CannNnal,
    /// CANN inference runtime.
    CannNnrt,
    /// CANN training engine.
    CannNnae,
    /// CANN plugin for TensorFlow.
    CannTfplugin,
    /// A sub-package of CANN, installed by itself.
    CannComponent,
    /// Driver and toolkit in one file: for hosts.
    CannBundle,
    /// Driver, firmware or MCU: for hosts.
    Hdk,
    /// MindIE.
    Mindie,
    /// The models of MindIE's ATB back end.
    AtbModels,
    /// A wheel of MindIE 3.0 and later.
    MindieWheel,
    /// A ready container image of MindIE, as an archive.
    MindieImage,
    /// A wheel of MindSpore.
    Mindspore,
    /// MindX and its successor Mind SDK.
    Mindx,
    /// MindStudio tools.
    Mindstudio,
    /// A wheel of PyTorch.
    Torch,
    /// A wheel of the PyTorch adapter.
    TorchNpu,
    /// Wheels of the PyTorch adapter and its extensions, in one archive.
    TorchNpuBundle,
    /// A wheel of Triton for Ascend.
    TritonAscend,
    /// A wheel of TensorFlow.
    Tensorflow,
    /// A wheel of the TensorFlow adapter.
    TensorflowNpu,
    /// The BiSheng compiler.
    Bisheng,
}

/// Every kind with its name, in the order of the enum.
const NAMES: [(Kind, &str); 24] = [
    (Kind::CannToolkit, "cann-toolkit"),
    (Kind::CannKernels, "cann-kernels"),
    (Kind::CannOps, "cann-ops"),
    (Kind::CannNnal, "cann-nnal"),
    (Kind::CannNnrt, "cann-nnrt"),
    (Kind::CannNnae, "cann-nnae"),
    (Kind::CannTfplugin, "cann-tfplugin"),
    (Kind::CannComponent, "cann-component"),
    (Kind::CannBundle, "cann-bundle"),
    (Kind::Hdk, "hdk"),
    (Kind::Mindie, "mindie"),
    (Kind::AtbModels, "atb-models"),
    (Kind::MindieWheel, "mindie-wheel"),
    (Kind::MindieImage, "mindie-image"),
    (Kind::Mindspore, "mindspore"),
    (Kind::Mindx, "mindx"),
    (Kind::Mindstudio, "mindstudio"),
    (Kind::Torch, "torch"),
    (Kind::TorchNpu, "torch-npu"),
    (Kind::TorchNpuBundle, "torch-npu-bundle"),
    (Kind::TritonAscend, "triton-ascend"),
    (Kind::Tensorflow, "tensorflow"),
    (Kind::TensorflowNpu, "tensorflow-npu"),
    (Kind::Bisheng, "bisheng"),
];

/// A text that names no kind of package.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a kind of package")]
pub struct UnknownKind(pub String);

impl Kind {
    /// Every kind, in a fixed order.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.iter().map(|(kind, _)| *kind)
    }

    /// The kind's name, as `packages.toml` and lists write it.
    pub fn as_str(self) -> &'static str {
        NAMES[self as usize].1
    }

    /// Whether the package belongs on a host, never in an image.
    pub fn host_only(self) -> bool {
        matches!(self, Self::Hdk | Self::CannBundle)
    }

    /// Whether the package is a part of CANN that carries CANN's own version.
    pub fn is_cann(self) -> bool {
        self >= Self::CannToolkit && self <= Self::CannTfplugin
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        let found = NAMES.iter().find(|(_, name)| *name == text);
        found.map(|(kind, _)| *kind).ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name_and_serialised_as_it() {
        for (position, kind) in Kind::all().enumerate() {
            assert_eq!(kind as usize, position, "{kind}");
            assert_eq!(kind.as_str().parse(), Ok(kind));
            let json = serde_json::to_string(&kind).unwrap();
            assert_eq!(json, format!("\"{kind}\""));
        }
        assert_eq!("gpu".parse::<Kind>(), Err(UnknownKind("gpu".into())));
    }
}
