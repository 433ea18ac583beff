//! What names say, and which official files are known.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::{Fixture, Outcome};

/// Real names with what they mean.
const NAMES: &str = include_str!("../../../src/ascend/testdata/package-names.tsv");

/// The official digests, a line each: digest, file.
const DIGESTS: &str = include_str!("../../../src/ascend/testdata/official-digests.txt");

fn check(arguments: &[&str], input: &str, code: i32, name: &str) {
    fed(arguments, input).exits(code).matches(name);
}

fn fed(arguments: &[&str], input: &str) -> Outcome {
    let fixture = Fixture::new();
    let mut command = assert_cmd::Command::from_std(fixture.command(arguments));
    command.write_stdin(input).output().expect("the program runs").into()
}

#[test]
fn every_known_name_is_identified_byte_for_byte() {
    let names: Vec<_> = NAMES.lines().skip(1).filter_map(|row| row.split('\t').next()).collect();
    assert!(names.len() > 200);
    let given = ["package", "identify", "--format", "tsv"];
    let arguments = Fixture::new().run(&[&given[..], &names].concat()).exits(0);
    assert_eq!(arguments.stdout, NAMES);
    let lines = fed(&["package", "identify", "-", "--format", "tsv"], &names.join("\n")).exits(0);
    assert_eq!(lines.stdout, NAMES);
}

#[test]
fn names_are_told_for_people_and_for_programs() {
    let names = [
        "/data/Ascend-cann-toolkit_8.5.0_linux-arm64.run",
        "Ascend-mindie-atb-models_2.3.0_linux-aarch64_py311_torch2.1.0-abi0.tar.gz",
        "Ascend-hdk-910b-npu-driver_25.2.0_linux-aarch64.run",
        "torch-2.9.0%2Bcpu-cp311-cp311-manylinux_2_28_aarch64.whl",
        "Ascend-cann-tolkit_8.5.0_linux-aarch64.run",
        "notes.txt",
    ];
    check(&[&["package", "identify"], &names[..]].concat(), "", 0, "identify-table");
    let json = ["package", "identify", "--format", "json"];
    check(&[&json[..], &names[1..3]].concat(), "", 0, "identify-json");
    let hostile = "a\tb_8.5.0.run\r\n\n  \n\u{0}\u{1f600}\n";
    check(&["package", "identify", "--format", "tsv", "-"], hostile, 0, "identify-hostile");
    check(&["package", "identify"], "", 2, "identify-nothing");
}

#[test]
fn the_catalogue_is_searched() {
    let search = |words: &[&'static str]| [&["package", "search"], words].concat();
    check(&search(&["cann", "toolkit"]), "", 0, "search-words");
    check(&search(&["ops", "--version", "8.5", "--chip", "910B"]), "", 0, "search-narrowed");
    check(
        &search(&["cann-toolkit@8.5.0", "--arch", "arm64", "--format", "json"]),
        "",
        0,
        "search-json",
    );
    check(&search(&["cann-toolkit", "--version", "8.4"]), "", 0, "search-no-version");
    check(&search(&["gpu"]), "", 0, "search-nothing");
    check(&search(&["cann", "--chip", "h100"]), "", 2, "search-wrong-chip");
}

#[test]
fn every_official_file_is_found_with_its_digest() {
    let found = Fixture::new().run(&["package", "search", "--format", "json"]).exits(0).stdout;
    let found: Vec<Value> = serde_json::from_str(&found).expect("the answer is JSON");
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    let found: BTreeMap<_, _> =
        found.iter().map(|entry| (text(entry, "file"), text(entry, "sha256"))).collect();
    let official = DIGESTS.lines().filter_map(|line| line.split_once("  "));
    let official: BTreeMap<_, _> =
        official.map(|(digest, file)| (file.to_owned(), digest.to_owned())).collect();
    assert_eq!(official.len(), 428);
    assert_eq!(found, official);
}

#[test]
fn a_projects_own_catalogue_adds_to_the_official_one() {
    let fixture = Fixture::new();
    let sha256 = "ab".repeat(32);
    fixture.write("packages.toml", "catalogue = [\"ours.toml\"]\n").write(
        "ours.toml",
        format!("product = \"Ours\"\n[[file]]\nname = \"Ascend-cann-nnal_9.9.9_linux-aarch64.run\"\nsha256 = \"{sha256}\"\n"),
    );
    fixture.run(&["package", "search", "nnal", "--version", "9.9"]).exits(0).matches("search-own");
    fixture.write("ours.toml", "product = 1\n");
    fixture.run(&["package", "search", "nnal"]).exits(3).matches("search-own-wrong");
}

#[test]
fn every_verb_has_help_with_examples() {
    for verb in ["identify", "search", "add", "scan", "list", "verify", "remove", "import", "fetch"]
    {
        let help = Fixture::new().run(&["package", verb, "--help"]).exits(0);
        assert!(help.stdout.contains(&format!("ascend-build package {verb}")), "{}", help.stdout);
        help.matches(&format!("help-package-{verb}"));
    }
}
