//! For each row of the tables of what goes together a set that passes.

use super::judge_tests::{check, open, pair};
use super::*;

/// The table as published: CANN, torch_npu, torch, one Python of its range.
const TORCH_ROWS: [(&str, &str, &str, &str); 24] = [
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
    ("8.3.RC1", "2.7.1", "2.7.1+cpu", "313"),
    ("8.3.RC1", "2.1.0.post17", "2.1.0", "39"),
    ("8.2.RC1", "2.6.0", "2.6.0", "39"),
    ("8.2.RC1", "2.5.1.post1", "2.5.1", "311"),
    ("8.2.RC1", "2.1.0.post13", "2.1.0", "310"),
    ("8.1.RC1", "2.5.1", "2.5.1", "39"),
    ("8.1.RC1", "2.4.0.post4", "2.4.0", "310"),
    ("8.1.RC1", "2.1.0.post12", "2.1.0", "311"),
    ("8.0.0", "2.1.0.post10", "2.1.0", "38"),
    // From ascend-deployer alone.
    ("8.5.0", "2.6.0.post5", "2.6.0", "312"),
    ("8.2.RC1", "2.3.1.post5", "2.3.1", "38"),
];

#[test]
fn every_row_of_torch_npu_passes() {
    for (cann, npu, torch, python) in TORCH_ROWS {
        let files = [
            format!("Ascend-cann-toolkit_{cann}_linux-x86_64.run"),
            format!("Ascend-cann-nnal_{cann}_linux-x86_64.run"),
            format!("torch-{torch}-cp{python}-cp{python}-linux_x86_64.whl"),
            format!("torch_npu-{npu}-cp{python}-cp{python}-manylinux_2_28_x86_64.whl"),
        ];
        let files: Vec<_> = files.iter().map(String::as_str).collect();
        let base = Context {
            platform_arch: Some("x86_64".into()),
            python: Pair::python(python),
            glibc: pair("2.28"),
            ..open()
        };
        check(&files, &base, &[]);
    }
}

#[test]
fn every_row_of_mindie_and_of_the_driver_passes() {
    for (cann, mindie, driver) in [
        ("8.5.1", "3.0.0", None),
        ("8.5.0", "2.3.0", Some("25.5.0")),
        ("8.3.RC1", "2.2.RC1", Some("25.3.RC1")),
        ("8.2.RC1", "2.1.RC2", Some("25.2.0")),
        ("8.1.RC1", "2.0.RC1", Some("25.0.RC1")),
        ("8.0.0", "1.0.0", None),
        ("9.0.0", "", Some("26.0.RC1")),
    ] {
        let toolkit = format!("Ascend-cann-toolkit_{cann}_linux-aarch64.run");
        let mindie = format!("Ascend-mindie_{mindie}_linux-aarch64_abi0.run");
        check(&[&toolkit, &mindie], &Context { glibc: pair("2.34"), ..open() }, &[]);
        let needed = Compatibility::builtin().driver_of(&cann.parse().unwrap());
        assert_eq!(needed.map(|row| row.driver.as_str()), driver, "{cann}");
    }
}

#[test]
fn every_row_of_the_tables_passes_and_names_its_source() {
    let tables = Compatibility::builtin();
    let table =
        |row: &&Match| row.source.as_ref().is_some_and(|source| source.contains("COMPATIBILITY"));
    assert_eq!(tables.matches().len(), 22 + 6 + 31);
    assert_eq!(tables.matches().iter().filter(table).count(), 22 + 6);
    for row in tables.matches() {
        let name = if row.kind == Kind::TorchNpu { "torch_npu" } else { row.kind.as_str() };
        let toolkit = format!("Ascend-cann-toolkit_{}_linux-aarch64.run", row.cann);
        let wheel =
            format!("{name}-{}-py3-none-linux_aarch64.whl", row.version.as_str().replace("-", ""));
        let mindie = format!("Ascend-mindie_{}_linux-aarch64.run", row.version);
        let package = if row.kind == Kind::Mindie { mindie } else { wheel };
        check(&[&toolkit, &package], &open(), &[]);
        assert_eq!(identify(&package).kind, Some(row.kind));
    }
}
