//! A working folder with the stages A_stage, B_stage and C_stage, unchanged.

use super::ground::Ground;

const PACKAGES: [&str; 7] = [
    "Ascend-cann-toolkit_8.1.RC1_linux-x86_64.run",
    "Ascend-cann-kernels-910b_8.1.RC1_linux-x86_64.run",
    "Ascend-cann-nnal_8.1.RC1_linux-x86_64.run",
    "torch-2.5.1-cp311-cp311-manylinux_2_28_x86_64.whl",
    "torch_npu-2.5.1-cp311-cp311-manylinux_2_28_x86_64.whl",
    "Ascend-mindie_2.0.RC1_linux-x86_64_abi0.run",
    "Ascend-mindie-atb-models_2.0.RC1_linux-x86_64_torch2.5.1-abi0.tar.gz",
];

const VALUES: [&str; 8] = [
    "ARCH=x86_64",
    "DEVICE=910b",
    "CANN_VERSION=8.1.RC1",
    "TORCH_VERSION=2.5.1",
    "MINDIE_VERSION=2.0.RC1",
    "http_proxy=",
    "https_proxy=",
    "no_proxy=172.17.0.1",
];

fn arguments<'a>(own: &[&'a str]) -> Vec<&'a str> {
    let values = VALUES.iter().flat_map(|value| ["--build-arg", value]);
    own.iter().copied().chain(values).collect()
}

fn check(builder: &'static str, wanted: &[&str], stages: &[&str], installed: &[&str]) {
    let ground = Ground::of("working-folder", &PACKAGES, builder);
    let outcome = ground.build(&arguments(wanted)).exits(0);
    assert_eq!(outcome.stages(), stages);
    let target = stages.last().and_then(|stage| stage.split(' ').next()).expect("a stage is built");
    let found = ground.in_image(target, "ls /usr/local/Ascend");
    assert_eq!(found.lines().collect::<Vec<_>>(), installed);
}

const CANN: [&str; 3] = [
    "Ascend-cann-kernels-910b_8.1.RC1_linux-x86_64",
    "Ascend-cann-nnal_8.1.RC1_linux-x86_64",
    "Ascend-cann-toolkit_8.1.RC1_linux-x86_64",
];
const MINDIE: [&str; 2] = ["Ascend-mindie_2.0.RC1_linux-x86_64_abi0", "atb-models"];

fn to_c_stage(builder: &'static str) {
    let stages = ["A_stage built", "B_stage built", "C_stage built"];
    check(builder, &["--target", "C_stage"], &stages, &[&CANN[..], &MINDIE].concat());
}

fn to_b_stage(builder: &'static str) {
    check(
        builder,
        &["-f", "dockerfile", "--target", "b_stage"],
        &["A_stage built", "B_stage built"],
        &CANN,
    );
}

fn without_b_stage(builder: &'static str) {
    let stages = ["A_stage built", "C_stage built"];
    check(builder, &["--target", "C_stage", "--skip", "B_stage"], &stages, &MINDIE);
}

#[test]
#[ignore = "needs an engine"]
fn it_builds_on_the_classic_builder() {
    to_c_stage("classic");
    to_b_stage("classic");
    without_b_stage("classic");
}

#[test]
#[ignore = "needs an engine"]
fn it_builds_on_buildkit() {
    to_c_stage("buildkit");
    to_b_stage("buildkit");
    without_b_stage("buildkit");
}
