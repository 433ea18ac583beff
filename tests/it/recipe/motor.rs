//! The published recipe of four stages, unchanged.

use super::ground::{Ground, warnings};

pub(super) const PACKAGES: [&str; 7] = [
    "Ascend-cann-toolkit_8.5.0_linux-x86_64.run",
    "Ascend-cann-910b-ops_8.5.0_linux-x86_64.run",
    "Ascend-cann-nnal_8.5.0_linux-x86_64.run",
    "torch-2.9.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl",
    "torch_npu-2.9.0-cp311-cp311-manylinux_2_28_x86_64.whl",
    "Ascend-mindie_2.3.0_linux-x86_64_abi0.run",
    "Ascend-mindie-atb-models_2.3.0_linux-x86_64_py311_torch2.9.0-abi0.tar.gz",
];

pub(super) const ARGUMENTS: [&str; 6] = [
    "--target",
    "mindie",
    "--build-arg",
    "ARCH=x86_64",
    "--build-arg",
    "no_proxy=localhost,127.0.0.1",
];

fn builds(builder: &'static str) {
    let ground = Ground::of("motor", &PACKAGES, builder);
    let outcome = ground.build(&ARGUMENTS).exits(0);
    assert_eq!(outcome.stages(), ["Base built", "cann built", "pta built", "MindIE built"]);
    let unverified = warnings(&outcome);
    for package in PACKAGES {
        assert!(unverified.iter().any(|said| said.contains(package)), "{package}: {unverified:?}");
    }
    let installed = ground.in_image("mindie", "ls /usr/local/Ascend; ls /opt/package | wc -l");
    assert_eq!(
        installed.lines().collect::<Vec<_>>(),
        [
            "Ascend-cann-910b-ops_8.5.0_linux-x86_64",
            "Ascend-cann-nnal_8.5.0_linux-x86_64",
            "Ascend-cann-toolkit_8.5.0_linux-x86_64",
            "Ascend-mindie_2.3.0_linux-x86_64_abi0",
            "atb-models",
            "0"
        ]
    );
    let pip = ground.in_image("mindie", "cat /root/pip.txt");
    for wanted in ["protobuf==3.20", "torch-2.9.0+cpu-", "torch_npu-2.9.0-", "fastapi"] {
        assert!(pip.contains(wanted), "{wanted}: {pip}");
    }

    let again = ground.build(&ARGUMENTS).exits(0);
    assert_eq!(again.stages(), ["Base reused", "cann reused", "pta reused", "MindIE reused"]);

    ground.stand_in(PACKAGES[3], "second");
    let changed = ground.build(&ARGUMENTS).exits(0);
    assert_eq!(changed.stages(), ["Base reused", "cann reused", "pta built", "MindIE built"]);
    assert!(ground.in_image("mindie", "cat /root/pip.txt").contains("second"));
}

#[test]
#[ignore = "needs an engine"]
fn it_builds_on_the_classic_builder() {
    builds("classic");
}

#[test]
#[ignore = "needs an engine"]
fn it_builds_on_buildkit() {
    builds("buildkit");
}
