//! For each conflict a project that is refused, before any package is read.

use ascend_build::ascend::Catalogue;

use crate::support::{Fixture, Outcome};

const TOOLKIT: &str = "Ascend-cann-toolkit_8.5.0_linux-aarch64.run";
const TORCH: &str = "torch-2.7.1-cp311-cp311-manylinux_2_28_aarch64.whl";
const TORCH_NPU: &str = "torch_npu-2.7.1.post2-cp311-cp311-manylinux_2_28_aarch64.whl";
const MINDIE_ABI1: &str = "Ascend-mindie_2.3.0_linux-aarch64_abi1.run";

/// A project of one stage that needs all of `files`, declared with the official digests where there are any.
pub(super) fn project(files: &[&str], base: &str, more: &str) -> Fixture {
    let fixture = Fixture::new();
    let made_up = "ab".repeat(32);
    let entry = |(number, file): (usize, &&str)| {
        let official = Catalogue::builtin().by_file(file);
        let digest = official.map_or(made_up.as_str(), |entry| &entry.sha256);
        format!("[[package]]\nname = \"p{number}\"\nfile = \"{file}\"\nsha256 = \"{digest}\"\n\n")
    };
    let entries: String = files.iter().enumerate().map(entry).collect();
    let names: Vec<_> = (0..files.len()).map(|number| format!("p{number}")).collect();
    let stages = format!(
        "[project]\nname = \"it\"\n[bases.base]\nimage = \"base\"\n{base}\n[stages.S]\nfrom = \"base\"\n"
    );
    fixture
        .write("packages.toml", entries + more)
        .write("stages/stages.toml", stages)
        .dockerfile("S", &format!("RUN --package={} true\n", names.join(",")));
    fixture
}

/// What `check` says of such a project for linux/arm64.
fn judged(files: &[&str], base: &str, more: &str, options: &[&str]) -> Outcome {
    let arguments = [&["check", "--platform", "linux/arm64"], options].concat();
    project(files, base, more).run(&arguments)
}

/// The project is refused by `check`, by `plan` and by `build` alike.
fn check(files: &[&str], base: &str, options: &[&str], name: &str) {
    judged(files, base, "", options).exits(3).matches(name);
    for verb in ["plan", "build"] {
        let arguments = [&[verb, "--platform", "linux/arm64"], options].concat();
        project(files, base, "")
            .run_with(&arguments, &[("DOCKER_HOST", "unix:///nowhere")])
            .exits(3);
    }
}

#[test]
fn torch_npu_of_another_cann_or_torch() {
    let old = "Ascend-cann-toolkit_8.3.RC1_linux-aarch64.run";
    check(&[old, TORCH, TORCH_NPU], "", &[], "conflict-torch-npu-cann");
    let torch = "torch-2.8.0+cpu-cp311-cp311-manylinux_2_28_aarch64.whl";
    check(&[TOOLKIT, torch, TORCH_NPU], "", &[], "conflict-torch-npu-torch");
    check(&[TORCH_NPU], "cann = \"8.3.RC1\"", &[], "conflict-cann-of-base");
}

#[test]
fn another_architecture_or_chip() {
    check(&["Ascend-cann-toolkit_8.5.0_linux-x86_64.run"], "", &[], "conflict-arch");
    let ops = "Ascend-cann-310p-ops_8.5.0_linux-aarch64.run";
    check(&[TOOLKIT, ops], "", &["--chip", "910b"], "conflict-chip");
    let fixture = project(&[ops], "", "");
    let declared = std::fs::read_to_string(fixture.path("packages.toml")).expect("it is declared");
    let chip = declared.trim_end().to_owned() + "\nchip = \"910b\"\narch = \"any\"\n";
    fixture.write("packages.toml", chip);
    fixture
        .run(&["check", "--platform", "linux/arm64", "--chip", "310p"])
        .exits(3)
        .matches("conflict-chip-said");
}

#[test]
fn another_python_than_the_bases_or_two_of_them() {
    check(&[TORCH], "python = \"3.10\"", &[], "conflict-python-base");
    let other = "torch_npu-2.7.1.post2-cp310-cp310-manylinux_2_28_aarch64.whl";
    check(&[TORCH, other], "", &[], "conflict-python-differs");
}

#[test]
fn mindie_and_its_models_of_two_abis() {
    let models = "Ascend-mindie-atb-models_2.3.0_linux-aarch64_py311_torch2.7.1-abi0.tar.gz";
    check(&[TOOLKIT, MINDIE_ABI1, models, TORCH], "", &[], "conflict-mindie-abi");
    let other = "Ascend-mindie-atb-models_2.3.0_linux-aarch64_py311_torch2.1.0-abi1.tar.gz";
    check(&[MINDIE_ABI1, other, TORCH], "", &[], "conflict-built-for-torch");
}

#[test]
fn a_base_with_too_old_a_glibc() {
    check(&[TOOLKIT, MINDIE_ABI1], "glibc = \"2.35\"", &[], "conflict-glibc");
}

#[test]
fn parts_of_cann_of_two_versions() {
    let parts = [
        "Ascend-cann-910b-ops_8.3.RC1_linux-aarch64.run",
        "Ascend-cann-nnal_8.2.RC1_linux-aarch64.run",
    ];
    check(&[TOOLKIT, parts[0], parts[1]], "", &["--chip", "910b"], "conflict-cann-versions");
    let mindie = "Ascend-mindie_2.2.RC1_linux-aarch64_abi0.run";
    check(&[TOOLKIT, mindie], "", &[], "conflict-mindie-cann");
}

#[test]
fn what_belongs_on_the_host() {
    let driver = "Ascend-hdk-910b-npu-driver_25.2.0_linux-aarch64.run";
    check(&[driver, "Ascend-cann_8.5.0_linux-aarch64.run"], "", &[], "conflict-host-only");
}

#[test]
fn a_digest_that_is_not_the_official_one() {
    let file = "Ascend-mindie_2.3.0_linux-aarch64_abi0.run";
    let wrong = |more: &str| {
        let fixture = project(&[file], "", "");
        let digest = "cd".repeat(32);
        let entry =
            format!("[[package]]\nname = \"p0\"\nfile = \"{file}\"\nsha256 = \"{digest}\"\n{more}");
        fixture.write("packages.toml", entry);
        fixture.run(&["check", "--platform", "linux/arm64"])
    };
    let refused = wrong("").exits(3);
    let official = "60cfc928955c284cb05c565cf88d14e0f469962f4767d835d84b9625ecbfe5d7";
    assert!(refused.stderr.contains(official) && refused.stderr.contains(&"cd".repeat(32)));
    refused.matches("conflict-unofficial");
    wrong("unofficial = \"our own build\"\n").exits(0).matches("unofficial-said");
}

#[test]
fn several_conflicts_are_one_report() {
    let files = [
        "Ascend-cann-toolkit_8.3.RC1_linux-aarch64.run",
        "Ascend-cann-nnal_8.5.0_linux-aarch64.run",
        TORCH_NPU,
        "torch-2.8.0+cpu-cp310-cp310-manylinux_2_28_aarch64.whl",
        MINDIE_ABI1,
    ];
    check(&files, "python = \"3.10\"\nglibc = \"2.35\"", &[], "conflict-several");
}

#[test]
fn a_project_allows_a_conflict_with_a_reason() {
    let files = ["Ascend-cann-toolkit_8.3.RC1_linux-aarch64.run", TORCH, TORCH_NPU];
    let allow = |rule: &str, packages: &str| {
        format!("[[allow]]\nrule = \"{rule}\"\n{packages}reason = \"tested on our hosts\"\n")
    };
    let run = |more: &str| judged(&files, "", more, &[]);
    run(&allow("torch-npu-cann", "")).exits(0).matches("allowed");
    run(&allow("torch-npu-cann", "packages = [\"p2\"]\n")).exits(0);
    run(&allow("torch-npu-cann", &format!("packages = [\"{TORCH_NPU}\"]\n"))).exits(0);
    run(&allow("torch-npu-cann", "packages = [\"p1\"]\n")).exits(3);
    run(&allow("torch-npu-torch", "")).exits(3);
    let wrong = "[[allow]]\nrule = \"torch-npu-can\"\npackages = [\"p9\"]\nwhy = \"so\"\n";
    run(wrong).exits(3).matches("allow-wrong");
    let broken = "[[package]]\nname = \"broken\"\nfile = \"broken.run\"\nsha256 = \"12\"\n";
    let about = |name: &str| allow("chip", &format!("packages = [\"{name}\"]\n"));
    let text = broken.to_owned() + &about("broken") + &about("broken.run");
    run(&text).exits(3).matches("allow-broken");
}

#[test]
fn a_projects_own_table_makes_a_set_go_together() {
    let old = "Ascend-cann-toolkit_8.3.RC1_linux-aarch64.run";
    let fixture = project(&[old, TORCH_NPU], "", "");
    let declared = std::fs::read_to_string(fixture.path("packages.toml")).expect("it is declared");
    fixture.write("packages.toml", format!("compatibility = [\"ours.toml\"]\n{declared}"));
    fixture.write(
        "ours.toml",
        "[[match]]\nkind = \"torch-npu\"\nversion = \"2.7.1.post2\"\ncann = \"8.3.RC1\"\n",
    );
    fixture.run(&["check", "--platform", "linux/arm64"]).exits(0);
}

#[test]
fn warnings_are_shown_and_can_be_denied() {
    let unknown = "torch_npu-2.7.1.post9-cp311-cp311-manylinux_2_28_aarch64.whl";
    judged(&[TOOLKIT, unknown], "", "", &[]).exits(0).matches("conflict-warning");
    judged(&[TOOLKIT, unknown], "", "", &["--deny", "torch-npu-cann"]).exits(3);
}

#[test]
fn the_driver_of_the_hosts_is_compared() {
    let run = |version: &str| {
        let fixture = project(&[TOOLKIT], "", "");
        fixture.write("version.info", format!("Version={version}\nascendhal_version=7.35.23\n"));
        let file = fixture.path("version.info").display().to_string();
        fixture.run_with(
            &["check", "--platform", "linux/arm64"],
            &[("ASCEND_BUILD_DRIVER_INFO", &file)],
        )
    };
    run("25.3.rc1").exits(0).matches("conflict-driver");
    let new = run("26.0.RC1").exits(0);
    assert_eq!(new.stderr, "");
}

#[test]
fn a_zip_that_nobody_unpacked_is_told() {
    let zip = "Ascend-cann-toolkit_8.5.0_linux-aarch64.zip";
    judged(&[zip], "", "", &[]).exits(0).matches("still-zipped");
}

#[test]
fn wrong_overrides_and_facts_are_told() {
    let more = "kind = \"toolkit\"\nversion = \"new\"\narch = \"arm\"\nchip = \"gpu\"\npython = \"x\"\narchive = \"x.zip\"\n";
    judged(&[TOOLKIT], "python = \"three\"\nglibc = 2\n", more, &[])
        .exits(3)
        .matches("overrides-wrong");
}
