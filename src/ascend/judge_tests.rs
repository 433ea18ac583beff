//! For each conflict a set that is refused.

use std::path::PathBuf;
use std::sync::Arc;

use super::*;
use crate::error::{Severity, SourceFile};

const TOOLKIT_850: &str = "Ascend-cann-toolkit_8.5.0_linux-aarch64.run";
const TOOLKIT_83: &str = "Ascend-cann-toolkit_8.3.RC1_linux-aarch64.run";
const TORCH_271: &str = "torch-2.7.1-cp311-cp311-manylinux_2_28_aarch64.whl";
const NPU_271_POST2: &str = "torch_npu-2.7.1.post2-cp311-cp311-manylinux_2_28_aarch64.whl";
const MINDIE_230_ABI1: &str = "Ascend-mindie_2.3.0_linux-aarch64_abi1.run";
const MODELS_ABI0: &str =
    "Ascend-mindie-atb-models_2.3.0_linux-aarch64_py311_torch2.7.1-abi0.tar.gz";

fn set(files: &[&str]) -> Vec<(String, Identity)> {
    files.iter().map(|file| ((*file).to_owned(), identify(file))).collect()
}

/// One line for a conflict: level, rule, explanation, then what would fit.
fn line(conflict: &Conflict) -> String {
    let instead = conflict.instead.as_deref().unwrap_or("-");
    format!("{:?} {}: {}; {instead}", conflict.level, conflict.rule, conflict.explanation)
}

/// `expected` is every conflict that is more than information.
pub(super) fn check(files: &[&str], context: &Context, expected: &[&str]) {
    let found = judge(&set(files), context);
    let lines: Vec<_> =
        found.iter().filter(|conflict| conflict.level > Level::Info).map(line).collect();
    assert_eq!(lines, expected, "{files:?}");
}

pub(super) fn open() -> Context {
    Context::default()
}

pub(super) fn pair(text: &str) -> Option<Pair> {
    text.to_owned().try_into().ok()
}

#[test]
fn torch_npu_of_another_cann_is_refused() {
    check(
        &[TOOLKIT_83, NPU_271_POST2, TORCH_271],
        &open(),
        &[
            "Error torch-npu-cann: torch_npu 2.7.1.post2 needs CANN 8.5.0; this target has 8.3.RC1; \
         with 8.3.RC1 use torch_npu 2.7.1",
        ],
    );
    check(
        &[TOOLKIT_850, "torch_npu-2.1.0.post12-cp311-cp311-linux_aarch64.whl"],
        &open(),
        &[
            "Error torch-npu-cann: torch_npu 2.1.0.post12 needs CANN 8.1.RC1; this target has 8.5.0; \
         with 8.5.0 use torch_npu 2.1.0.post10",
        ],
    );
    let base = Context { cann: "8.3.RC1".parse().ok(), ..open() };
    check(
        &[NPU_271_POST2],
        &base,
        &[
            "Error torch-npu-cann: torch_npu 2.7.1.post2 needs CANN 8.5.0; this target has 8.3.RC1; \
         with 8.3.RC1 use torch_npu 2.7.1",
        ],
    );
}

#[test]
fn what_no_source_knows_is_a_warning() {
    check(
        &[TOOLKIT_850, "torch_npu-2.7.1.post9-cp311-cp311-linux_aarch64.whl"],
        &open(),
        &["Warning torch-npu-cann: no source says which CANN torch_npu 2.7.1.post9 goes with; \
         this target has 8.5.0; with 8.5.0 use torch_npu 2.7.1.post2"],
    );
    check(
        &["Ascend-cann-toolkit_9.2.0_linux-aarch64.run", NPU_271_POST2],
        &open(),
        &[
            "Warning torch-npu-cann: torch_npu 2.7.1.post2 needs CANN 8.5.0; this target has 9.2.0; -",
        ],
    );
    check(
        &["Ascend-cann-toolkit_8.5.2_linux-aarch64.run", MINDIE_230_ABI1],
        &open(),
        &["Warning mindie-cann: MindIE 2.3.0 needs CANN 8.5.0; this target has 8.5.2; -"],
    );
}

#[test]
fn torch_npu_of_another_torch_is_refused() {
    let torch = "torch-2.8.0+cpu-cp311-cp311-manylinux_2_28_aarch64.whl";
    check(
        &[TOOLKIT_850, NPU_271_POST2, torch],
        &open(),
        &[
            "Error torch-npu-torch: torch_npu 2.7.1.post2 needs torch 2.7.1; this target has 2.8.0+cpu; \
         with torch 2.8.0+cpu and CANN 8.5.0 use torch_npu 2.8.0.post2",
        ],
    );
    let base = Context { torch: "2.5.0".parse().ok(), ..open() };
    check(
        &[NPU_271_POST2],
        &base,
        &[
            "Error torch-npu-torch: torch_npu 2.7.1.post2 needs torch 2.7.1; this target has 2.5.0; \
         use torch 2.7.1",
        ],
    );
}

#[test]
fn another_python_is_refused() {
    let python = Context { python: pair("3.10"), ..open() };
    check(
        &[TORCH_271, "numpy-1.0-cp38-abi3-linux_aarch64.whl"],
        &python,
        &[
            "Error python-base: `torch-2.7.1-cp311-cp311-manylinux_2_28_aarch64.whl` is for Python 3.11; \
         the base has 3.10; use the cp310 file of torch 2.7.1",
        ],
    );
    check(
        &[TORCH_271, "torch_npu-2.7.1.post2-cp310-cp310-linux_aarch64.whl"],
        &open(),
        &["Error python-differs: the packages are for different Pythons: \
         3.10 (`torch_npu-2.7.1.post2-cp310-cp310-linux_aarch64.whl`), \
         3.11 (`torch-2.7.1-cp311-cp311-manylinux_2_28_aarch64.whl`); use files with one cp tag"],
    );
    let newest = "torch_npu-2.1.0.post10-cp311-cp311-linux_aarch64.whl";
    check(
        &[TOOLKIT_850, newest],
        &open(),
        &["Warning python-range: torch_npu 2.1.0.post10 on CANN 8.5.0 is for Python 3.10; \
         this target has 3.11; -"],
    );
}

#[test]
fn another_architecture_or_chip_is_refused() {
    let platform = Context { platform_arch: Some("x86_64".into()), ..open() };
    check(
        &[TOOLKIT_850, "Ascend-cann-kernels-910_7.0.RC1_linux.run"],
        &Context { cann: None, ..platform.clone() },
        &[
            "Error arch: `Ascend-cann-toolkit_8.5.0_linux-aarch64.run` is for aarch64; \
         the platform is x86_64; use the x86_64 file of toolkit 8.5.0",
            "Error cann-versions: kernels 7.0.RC1 needs CANN 7.0.RC1; \
         `Ascend-cann-toolkit_8.5.0_linux-aarch64.run` is 8.5.0; with CANN 8.5.0 use kernels 8.5.0",
        ],
    );
    check(
        &["triton_ascend-3.2.1-cp311-cp311-manylinux_2_27_aarch64.whl"],
        &platform,
        &[
            "Error arch: `triton_ascend-3.2.1-cp311-cp311-manylinux_2_27_aarch64.whl` is for aarch64; \
         the platform is x86_64; use the x86_64 file of triton-ascend 3.2.1",
        ],
    );
    let chip = Context { chip: "910b".parse().ok(), ..open() };
    check(
        &["Ascend-cann-310p-ops_8.5.0_linux-aarch64.run"],
        &chip,
        &["Error chip: `Ascend-cann-310p-ops_8.5.0_linux-aarch64.run` is for 310p; \
         this target is for 910b; use the 910b file of ops 8.5.0"],
    );
    let series = Context { chip: "a2".parse().ok(), ..open() };
    check(&["Ascend-cann-910b-ops_8.5.0_linux-aarch64.run"], &series, &[]);
}

#[test]
fn mindie_and_its_models_are_of_one_abi_version_and_torch() {
    check(
        &[MINDIE_230_ABI1, MODELS_ABI0],
        &open(),
        &["Error mindie-abi: MindIE 2.3.0 is built with abi1; the ATB models \
         `Ascend-mindie-atb-models_2.3.0_linux-aarch64_py311_torch2.7.1-abi0.tar.gz` with abi0; \
         use the abi1 file of the ATB models"],
    );
    check(
        &["Ascend-mindie_2.2.RC1_linux-aarch64_abi0.run", MODELS_ABI0],
        &open(),
        &[
            "Warning mindie-versions: ATB models 2.3.0 are not of MindIE 2.2.RC1; use ATB models 2.2.RC1",
        ],
    );
    check(
        &["torch-2.9.0-cp311-cp311-linux_aarch64.whl", MODELS_ABI0],
        &open(),
        &["Error built-for-torch: \
         `Ascend-mindie-atb-models_2.3.0_linux-aarch64_py311_torch2.7.1-abi0.tar.gz` is built for \
         torch 2.7.1; this target has 2.9.0; use torch 2.7.1, or ATB models 2.3.0 built for torch 2.9.0"],
    );
}

#[test]
fn a_base_with_an_old_glibc_is_refused() {
    let base = Context { glibc: pair("2.35"), ..open() };
    check(
        &[MINDIE_230_ABI1, TORCH_271],
        &base,
        &[
            "Error glibc: `Ascend-mindie_2.3.0_linux-aarch64_abi1.run` needs glibc 2.38; the base has 2.35; \
         use the abi0 file, or a base with glibc 2.38 or newer",
        ],
    );
    check(&["Ascend-mindie_2.3.0_linux-aarch64_abi0.run"], &base, &[]);
    let old = Context { glibc: pair("2.27"), ..open() };
    check(
        &[TORCH_271],
        &old,
        &["Error glibc: `torch-2.7.1-cp311-cp311-manylinux_2_28_aarch64.whl` needs glibc 2.28; \
         the base has 2.27; use a base with glibc 2.28 or newer"],
    );
}

#[test]
fn parts_of_cann_of_another_version_are_refused() {
    for (part, spoken) in [
        ("Ascend-cann-kernels-910b_8.3.RC1_linux-aarch64.run", "kernels"),
        ("Ascend-cann-910b-ops_8.3.RC1_linux-aarch64.run", "ops"),
        ("Ascend-cann-nnal_8.3.RC1_linux-aarch64.run", "nnal"),
    ] {
        let expected = format!(
            "Error cann-versions: {spoken} 8.3.RC1 needs CANN 8.3.RC1; \
             `Ascend-cann-toolkit_8.5.0_linux-aarch64.run` is 8.5.0; with CANN 8.5.0 use {spoken} 8.5.0"
        );
        check(&[part, TOOLKIT_850], &open(), &[&expected]);
    }
    let base = Context { cann: "8.5.0".parse().ok(), ..open() };
    check(
        &["Ascend-cann-nnal_8.3.RC1_linux-aarch64.run"],
        &base,
        &["Error cann-versions: nnal 8.3.RC1 needs CANN 8.3.RC1; the base has CANN 8.5.0; \
         with CANN 8.5.0 use nnal 8.5.0"],
    );
    check(&["Ascend-cann-nnal_8.5.0_linux-aarch64.run"], &base, &[]);
}

#[test]
fn mindie_and_mindspore_of_another_cann_are_refused() {
    check(
        &[TOOLKIT_83, MINDIE_230_ABI1],
        &open(),
        &["Error mindie-cann: MindIE 2.3.0 needs CANN 8.5.0; this target has 8.3.RC1; \
         with 8.3.RC1 use MindIE 2.2.RC1"],
    );
    check(
        &[TOOLKIT_83, "mindie_llm-3.0.0-cp311-cp311-linux_aarch64.whl"],
        &open(),
        &["Error mindie-cann: MindIE 3.0.0 needs CANN 8.5.1; this target has 8.3.RC1; \
         with 8.3.RC1 use MindIE 2.2.RC1"],
    );
    check(
        &[TOOLKIT_83, "mindspore-2.7.2-cp311-cp311-linux_aarch64.whl"],
        &open(),
        &["Error mindspore-cann: MindSpore 2.7.2 needs CANN 8.5.0; this target has 8.3.RC1; \
         with 8.3.RC1 use MindSpore 2.7.1"],
    );
}

#[test]
fn the_driver_is_told_and_compared() {
    let told = judge(&set(&[TOOLKIT_850]), &open());
    let told: Vec<_> = told.iter().map(line).collect();
    assert_eq!(
        told,
        ["Info driver: CANN 8.5.0 needs driver 25.5.0 on every host that runs the image; -"]
    );
    let old = Context { driver: "25.3.rc1".parse().ok(), ..open() };
    check(
        &[TOOLKIT_850],
        &old,
        &["Warning driver: CANN 8.5.0 needs driver 25.5.0; this host has 25.3.rc1; \
         install driver 25.5.0 on the host"],
    );
    let new = Context { driver: "26.0.RC1".parse().ok(), ..open() };
    assert_eq!(judge(&set(&[TOOLKIT_850]), &new), []);
}

#[test]
fn host_packages_are_refused() {
    check(
        &["Ascend-cann_8.5.0_linux-aarch64.run"],
        &open(),
        &["Error host-only: `Ascend-cann_8.5.0_linux-aarch64.run` is driver and toolkit in one: \
         it belongs on the host, not in an image; use `Ascend-cann-toolkit` of the same version"],
    );
    check(
        &["Ascend-hdk-910b-npu-driver_25.2.0_linux-aarch64.run"],
        &open(),
        &["Error host-only: `Ascend-hdk-910b-npu-driver_25.2.0_linux-aarch64.run` is a driver, \
         firmware or MCU package: it belongs on the host, not in an image; remove it from the stage"],
    );
}

#[test]
fn a_project_allows_a_conflict_by_name_with_a_reason() {
    let allowance = |rule, package: Option<&str>| Context {
        allowed: vec![Allowance {
            rule,
            package: package.map(str::to_owned),
            reason: "tested here".into(),
        }],
        ..open()
    };
    let text = "torch-npu-cann: torch_npu 2.7.1.post2 needs CANN 8.5.0; this target has 8.3.RC1; \
                with 8.3.RC1 use torch_npu 2.7.1";
    let (allowed, refused) = (format!("Allowed {text}"), format!("Error {text}"));
    let files = [TOOLKIT_83, NPU_271_POST2];
    check(&files, &allowance(Rule::TorchNpuCann, None), &[&allowed]);
    check(&files, &allowance(Rule::TorchNpuCann, Some(NPU_271_POST2)), &[&allowed]);
    check(&files, &allowance(Rule::TorchNpuCann, Some("other.whl")), &[&refused]);
    check(&files, &allowance(Rule::Arch, None), &[&refused]);
}

#[test]
fn a_projects_own_table_makes_a_combination_fine() {
    let text = "[[match]]\nkind = \"torch-npu\"\nversion = \"2.7.1.post2\"\ncann = \"8.3.RC1\"\n";
    let file = |text: &str| {
        Arc::new(SourceFile { path: PathBuf::from("compatibility.toml"), text: text.to_owned() })
    };
    let tables = Compatibility::builtin().extended_with(&file(text)).unwrap();
    let set = set(&[TOOLKIT_83, NPU_271_POST2]);
    let worst = |tables: &Compatibility| {
        tables.judge(&set, &open()).iter().map(|conflict| conflict.level).max()
    };
    assert_eq!(worst(&tables), Some(Level::Info));
    assert_eq!(worst(Compatibility::builtin()), Some(Level::Error));
    let error = tables.extended_with(&file("[[match]]\nkind = \"gpu\"\n")).unwrap_err();
    assert_eq!(error.problems[0].place.as_ref().map(crate::error::Place::line), Some(2));
}

#[test]
fn a_conflict_is_shown_as_a_problem() {
    let found = judge(&set(&[TOOLKIT_83, NPU_271_POST2]), &open());
    let problem = found[0].problem();
    assert_eq!((problem.severity, problem.code), (Severity::Error, Some("torch-npu-cann")));
    assert_eq!(problem.hints.len(), 2, "{:?}", problem.hints);
    assert_eq!(problem.hints[0], "with 8.3.RC1 use torch_npu 2.7.1");
    assert!(problem.hints[1].contains("`rule = \"torch-npu-cann\"`"), "{:?}", problem.hints);
    assert_eq!(problem.notes[0], format!("packages: `{NPU_271_POST2}`, `{TOOLKIT_83}`"));
    assert!(problem.notes[1].contains("ascend-deployer 26.0.0"), "{:?}", problem.notes);
}

#[test]
fn every_rule_is_found_by_its_name() {
    for (position, rule) in Rule::all().enumerate() {
        assert_eq!(rule as usize, position, "{rule}");
        assert_eq!(rule.as_str().parse(), Ok(rule));
    }
    assert_eq!("gpu".parse::<Rule>(), Err(UnknownRule("gpu".into())));
}
