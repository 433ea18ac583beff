//! What the verbs do to packages.toml: comments, order and everything else stay.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Child, Stdio};

use crate::support::{Fixture, Outcome, pattern, sha256};

const KERNELS: &str = "Ascend-cann-kernels-910b_9.9.9_linux-aarch64.run";
const TOOLKIT: &str = "Ascend-cann-toolkit_9.9.9_linux-aarch64.run";

/// A file with a comment everywhere that a verb could lose one.
fn commented(toolkit: &str) -> String {
    format!(
        "# ours\nroots = [\n  \"packages\", # here\n]\n\n# ---- CANN ----\n\n# of the kernels\n\
         [[package]]\n# inside\nname = 'kernels'   # their name\nfile = \"{KERNELS}\"\n\
         sha256 = \"{digest}\" # to be seen\nsize = 3 # bytes\nchip = \"910b\"\n\n\
         [[package]]\nname = \"cann-toolkit\"\nfile = \"{TOOLKIT}\"\nsha256 = \"{toolkit}\"\n\n\
         # allowed for now\n[[allow]]\nrule = \"driver\"\nreason = \"no hosts yet\"\n# the end\n",
        digest = "0".repeat(64)
    )
}

/// A project with that file, and three package files that are there.
fn project() -> Fixture {
    let fixture = Fixture::new();
    let content = |name: &str| pattern(name, 100);
    for file in [KERNELS, TOOLKIT, "torch_npu-9.9.9-cp311-cp311-linux_aarch64.whl"] {
        fixture.write(&format!("packages/{file}"), content(file));
    }
    fixture.write("packages.toml", commented(&sha256(&content(TOOLKIT))));
    fixture
}

fn manifest(fixture: &Fixture) -> String {
    fs::read_to_string(fixture.path("packages.toml")).unwrap_or_else(|_| "not there\n".to_owned())
}

/// Runs in `fixture`, and holds what was printed and what packages.toml is then.
fn check(fixture: &Fixture, arguments: &[&str], code: i32, name: &str) {
    let outcome = fixture.run(&[&["package"], arguments].concat()).exits(code);
    let stdout = format!("{}--- packages.toml\n{}", outcome.stdout, manifest(fixture));
    Outcome { stdout, ..outcome }.matches(name);
}

/// The same, and packages.toml must be as it was, byte for byte.
fn check_unchanged(fixture: &Fixture, arguments: &[&str], code: i32, name: &str) {
    let before = manifest(fixture);
    fixture.run(&[&["package"], arguments].concat()).exits(code).matches(name);
    assert_eq!(manifest(fixture), before);
}

#[test]
fn a_scan_adds_and_updates_and_disturbs_nothing() {
    let fixture = project();
    fixture.write("packages/README.md", "read me");
    fixture.write("packages/.hidden.run", "half");
    fixture.write("packages/Ascend-hdk-910b-npu-driver_25.2.0_linux-aarch64.run", "driver");
    fixture.write("packages/Ascend-cann-nnal_9.9.9_linux-aarch64.zip", "zip");
    check_unchanged(&fixture, &["scan", "--dry-run"], 0, "scan-dry-run");
    check(&fixture, &["scan"], 0, "scan");
    check_unchanged(&fixture, &["scan"], 0, "scan-again");
    check_unchanged(&fixture, &["list"], 0, "list");
    check_unchanged(&fixture, &["list", "kernels", "--format", "json"], 0, "list-json");
    check_unchanged(&fixture, &["list", "kernel"], 2, "list-unknown");
}

#[test]
fn a_scan_beside_a_dockerfile_declares_what_it_fetches() {
    let fixture = Fixture::new();
    fs::remove_dir_all(fixture.path("packages")).expect("it is there");
    fs::remove_dir_all(fixture.path("stages")).expect("it is there");
    let dockerfile = "FROM base AS cann\nRUN wget http://172.17.0.1:3000/install.sh && wget -q http://172.17.0.1:3000/Ascend-cann-toolkit_9.9.9_linux-aarch64.run\n";
    fixture.write("Dockerfile", dockerfile).write("install.sh", "sh Ascend-*.run");
    fixture.write("other.sh", "nobody fetches this").write(TOOLKIT, pattern(TOOLKIT, 100));
    check(&fixture, &["scan"], 0, "scan-recipe");
    let plan = fixture.run(&["plan", "--platform", "linux/arm64"]).exits(0).stdout;
    assert!(!plan.contains("not declared"), "{plan}");
}

/// packages.toml is for both platforms: `--platform` finds the other's files declared.
#[test]
fn a_scan_declares_what_either_platform_fetches() {
    let fixture = Fixture::new();
    fs::remove_dir_all(fixture.path("packages")).expect("it is there");
    fs::remove_dir_all(fixture.path("stages")).expect("it is there");
    let dockerfile = "FROM base AS node\nRUN wget http://172.17.0.1:3000/node-$(uname -m).tar.gz\n";
    fixture.write("Dockerfile", dockerfile);
    fixture.write("node-x86_64.tar.gz", "one").write("node-aarch64.tar.gz", "other");
    fixture.run(&["package", "scan"]).exits(0);
    for platform in ["linux/amd64", "linux/arm64"] {
        let plan = fixture.run(&["plan", "--platform", platform]).exits(0).stdout;
        assert!(!plan.contains("not declared"), "{plan}");
    }
}

#[test]
fn a_scan_declares_what_only_the_run_knows_that_it_fetches_but_no_password() {
    let fixture = Fixture::new();
    fs::remove_dir_all(fixture.path("packages")).expect("it is there");
    fs::remove_dir_all(fixture.path("stages")).expect("it is there");
    fixture
        .write("Dockerfile", "FROM base AS cann\nRUN wget http://172.17.0.1:3000/$(cat /name)\n");
    fixture.write("install.sh", "sh *.run").write("README.md", "for people");
    fixture.write("dockerbuild.sh", "export http_proxy=http://me:s3cret@192.0.2.1:3128\n");
    let told = fixture.run(&["check"]).exits(0).stderr;
    assert!(
        told.contains("not served, because a password stands in it: `dockerbuild.sh`"),
        "{told}"
    );
    fixture.run(&["package", "scan"]).exits(0);
    let declared = fs::read_to_string(fixture.path("packages.toml")).expect("it was written");
    let files: Vec<_> = declared.lines().filter(|line| line.starts_with("file = ")).collect();
    assert_eq!(files, ["file = \"install.sh\""]);
    let plan = fixture.run(&["plan"]).exits(0).stdout;
    assert!(!plan.contains("not declared") && !plan.contains("dockerbuild.sh"), "{plan}");
}

#[test]
fn a_scan_of_another_folder_makes_it_a_root() {
    let fixture = Fixture::new();
    fixture.write("more/below/torch-9.9.9-cp311-cp311-linux_aarch64.whl", "wheel");
    check(&fixture, &["scan", "more"], 0, "scan-into-nothing");
    fixture.write("third/torch_npu-9.9.9-cp311-cp311-linux_aarch64.whl", "wheel");
    check(&fixture, &["scan", "third", "more/below"], 0, "scan-third");
    check_unchanged(&fixture, &["scan", "nowhere"], 2, "scan-nowhere");
    fixture.run(&["check"]).exits(3);
}

#[test]
fn a_scan_never_blesses_what_is_not_the_official_file() {
    let fixture = Fixture::new();
    let file = "Ascend-mindie_2.3.0_linux-aarch64_abi0.run";
    fixture.write(&format!("packages/{file}"), "half of it");
    check(&fixture, &["scan"], 0, "scan-differs");
    fs::remove_file(fixture.path("packages.toml")).expect("it was just written");
    check(&fixture, &["add", file], 0, "add-file");
    check_unchanged(&fixture, &["scan"], 4, "scan-keeps-official");
    fixture.write(&format!("packages/{file}"), "<!DOCTYPE html><title>Log in</title>");
    check_unchanged(&fixture, &["scan"], 4, "scan-web-page");
}

#[test]
fn a_scan_goes_on_past_files_that_cannot_be_packages() {
    let fixture = Fixture::new();
    let page = "<!DOCTYPE html><title>Log in</title>";
    fixture.write("packages/Ascend-cann-nnal_9.9.9_linux-aarch64.run", page);
    fixture.write("packages/Ascend-cann-toolkit_9.9.9_linux-aarch64.run", "#!/bin/sh\nexit 0\n");
    fixture.write("packages/torch-9.9.9-cp311-cp311-linux_aarch64.whl", "");
    check(&fixture, &["scan"], 4, "scan-past-web-page");
}

#[test]
fn a_scan_says_what_it_does_not_declare_and_what_is_odd() {
    let fixture = Fixture::new();
    check(&fixture, &["scan", "--dry-run"], 0, "scan-empty");
    let there = fixture.path("packages");
    fixture
        .write("packages/Ascend-cann-nnal_9.9.9_linux-aarch64 - 副本.run", "#!/bin/sh\nexit 0\n");
    fixture.write("packages/Ascend-cann-toolkit_9.9.9_linux-aarch64.run.part", "half");
    symlink("/etc/passwd", there.join("Ascend-mindie_9.9.9_linux-aarch64_abi0.run"))
        .expect("linked");
    symlink("nowhere", there.join("torch-9.9.9-cp311-cp311-linux_aarch64.whl")).expect("linked");
    check(&fixture, &["scan"], 0, "scan-odd");
}

#[test]
fn nothing_declared_is_said() {
    let fixture = Fixture::new();
    check(&fixture, &["list"], 0, "list-empty");
    for verb in ["verify", "fetch"] {
        let outcome = fixture.run(&["package", verb]).exits(0);
        assert!(outcome.stderr.contains("no package is declared"), "{}", outcome.stderr);
    }
}

#[test]
fn two_scans_at_once_both_end_right() {
    let fixture = Fixture::new();
    let files: Vec<String> =
        (0..40).map(|number| format!("wheel{number}-1.0-py3-none-any.whl")).collect();
    for file in &files {
        fixture.write(&format!("packages/{file}"), pattern(file, 200_000));
    }
    let start = || -> Child {
        let mut command = fixture.command(&["package", "scan"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
    };
    let (one, other) = (start(), start());
    for child in [one, other] {
        let outcome = Outcome::from(child.wait_with_output().expect("the program ends")).exits(0);
        assert_eq!(outcome.stdout.lines().count(), files.len() + 1, "{}", outcome.stdout);
    }
    let declared = manifest(&fixture);
    for file in &files {
        assert_eq!(declared.matches(&format!("\"{file}\"")).count(), 1, "{declared}");
    }
    fixture.run(&["package", "verify", "--all"]).exits(0);
    let left = fs::read_dir(fixture.path("")).expect("a readable folder");
    let left: Vec<_> = left.flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left.len(), 3, "packages, stages and packages.toml: {left:?}");
}

#[test]
fn official_files_are_added_with_digest_and_address() {
    let fixture = project();
    let add = |more: &[&'static str]| [&["add", "cann-toolkit@8.5.0"], more].concat();
    check_unchanged(&fixture, &add(&["--arch", "aarch64", "--dry-run"]), 0, "add-dry-run");
    check(&fixture, &add(&["--arch", "aarch64"]), 0, "add");
    check_unchanged(&fixture, &add(&["--arch", "arm64"]), 0, "add-again");
    check_unchanged(&fixture, &add(&[]), 2, "add-ambiguous");
    check_unchanged(&fixture, &["add", "cann-toolkit@8.4.0"], 2, "add-unknown-version");
    check_unchanged(&fixture, &["add", "gpu@1.0"], 2, "add-unknown");
    check_unchanged(&fixture, &["add", "cann-toolkit@latest"], 2, "add-no-version");
    let npu =
        ["add", "torch-npu@2.7.1.post2", "--arch", "x86_64", "--python", "3.11", "--name", "npu"];
    check(&fixture, &npu, 0, "add-named");
}

#[test]
fn what_is_added_to_an_empty_folder_begins_a_file() {
    let fixture = Fixture::new();
    check(
        &fixture,
        &["add", "cann-ops@8.5.0", "--arch", "x86_64", "--chip", "910b"],
        0,
        "add-begins",
    );
}

#[test]
fn removed_entries_take_only_their_own_comments() {
    let fixture = project();
    check_unchanged(&fixture, &["remove", "kernels", "--dry-run"], 0, "remove-dry-run");
    check_unchanged(&fixture, &["remove", "kernels", "kernel"], 2, "remove-unknown");
    check(&fixture, &["remove", "kernels"], 0, "remove");
    check(&fixture, &["remove", TOOLKIT], 0, "remove-last");
}
