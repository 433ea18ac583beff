//! For each row of what goes together a project that passes.

use super::conflicts::project;

/// CANN, `torch_npu`, torch, one Python of its range, a glibc that is enough.
const TORCH: [(&str, &str, &str, &str); 22] = [
    ("9.1.0", "2.12.0", "2.12.0", "314"),
    ("9.1.0", "2.10.0.post4", "2.10.0", "310"),
    ("9.0.0", "2.10.0", "2.10.0", "310"),
    ("9.0.0", "2.9.0.post2", "2.9.0", "313"),
    ("9.0.0", "2.8.0.post4", "2.8.0", "39"),
    ("9.0.0", "2.7.1.post4", "2.7.1", "39"),
    ("8.5.1", "2.9.0", "2.9.0", "311"),
    ("8.5.1", "2.1.0", "2.1.0", "311"),
    ("8.5.0", "2.9.0", "2.9.0", "313"),
    ("8.5.0", "2.8.0.post2", "2.8.0", "39"),
    ("8.5.0", "2.7.1.post2", "2.7.1", "311"),
    ("8.5.0", "2.1.0.post10", "2.1.0", "310"),
    ("8.3.RC1", "2.8.0", "2.8.0", "39"),
    ("8.3.RC1", "2.7.1", "2.7.1", "313"),
    ("8.3.RC1", "2.1.0.post17", "2.1.0", "39"),
    ("8.2.RC1", "2.6.0", "2.6.0", "39"),
    ("8.2.RC1", "2.5.1.post1", "2.5.1", "311"),
    ("8.2.RC1", "2.1.0.post13", "2.1.0", "310"),
    ("8.1.RC1", "2.5.1", "2.5.1", "39"),
    ("8.1.RC1", "2.4.0.post4", "2.4.0", "310"),
    ("8.1.RC1", "2.1.0.post12", "2.1.0", "311"),
    ("8.0.0", "2.1.0.post10", "2.1.0", "38"),
];

/// CANN, MindIE, its ABI, the driver that is told.
const MINDIE: [(&str, &str, u8, &str); 6] = [
    ("8.5.1", "3.0.0", 1, ""),
    ("8.5.0", "2.3.0", 0, "25.5.0"),
    ("8.3.RC1", "2.2.RC1", 0, "25.3.RC1"),
    ("8.2.RC1", "2.1.RC2", 1, "25.2.0"),
    ("8.1.RC1", "2.0.RC1", 1, "25.0.RC1"),
    ("8.0.0", "1.0.0", 1, ""),
];

/// The set passes without a warning, and tells of `driver` where it is one.
fn check(files: &[&str], python: &str, driver: &str) {
    let base = format!("python = \"{}.{}\"\nglibc = \"2.38\"\n", &python[..1], &python[1..]);
    let outcome =
        project(files, &base, "").run(&["check", "--platform", "linux/arm64", "--chip", "910b"]);
    let outcome = outcome.exits(0);
    assert!(outcome.stdout.ends_with("no problem found\n"), "{}", outcome.stderr);
    let told = format!("needs driver {driver} on every host");
    assert_eq!(outcome.stderr.contains(&told), !driver.is_empty(), "{}", outcome.stderr);
}

#[test]
fn every_row_of_torch_npu_passes() {
    for (cann, npu, torch, python) in TORCH {
        let files = [
            format!("Ascend-cann-toolkit_{cann}_linux-aarch64.run"),
            format!("Ascend-cann-kernels-910b_{cann}_linux-aarch64.run"),
            format!("Ascend-cann-nnal_{cann}_linux-aarch64.run"),
            format!("torch-{torch}-cp{python}-cp{python}-linux_aarch64.whl"),
            format!("torch_npu-{npu}-cp{python}-cp{python}-linux_aarch64.whl"),
        ];
        let driver = match cann {
            "9.0.0" => "26.0.RC1",
            "8.5.0" => "25.5.0",
            "8.3.RC1" => "25.3.RC1",
            "8.2.RC1" => "25.2.0",
            "8.1.RC1" => "25.0.RC1",
            _ => "",
        };
        check(&files.each_ref().map(String::as_str), python, driver);
    }
}

#[test]
fn every_row_of_mindie_passes() {
    for (cann, mindie, abi, driver) in MINDIE {
        let files = [
            format!("Ascend-cann-toolkit_{cann}_linux-aarch64.run"),
            format!("Ascend-cann-910b-ops_{cann}_linux-aarch64.run"),
            format!("Ascend-cann-nnal_{cann}_linux-aarch64.run"),
            format!("Ascend-mindie_{mindie}_linux-aarch64_abi{abi}.run"),
            format!(
                "Ascend-mindie-atb-models_{mindie}_linux-aarch64_py311_torch2.1.0-abi{abi}.tar.gz"
            ),
        ];
        check(&files.each_ref().map(String::as_str), "311", driver);
    }
}
