//! `image layers` on an image with planted waste: every one is found, with its bytes and its instruction.

use std::fmt::Write;

use serde_json::Value;

use super::BUILDERS;
use crate::support::Fixture;

/// Files that are waste where they lie: kind, file, place that is told, bytes.
const LYING: [(&str, &str, &str, u64); 12] = [
    ("pip-cache", "/root/.cache/pip/http/a", "/root/.cache/pip", 3001),
    ("apt-lists", "/var/lib/apt/lists/deb_Packages", "/var/lib/apt/lists", 3002),
    ("apt-cache", "/var/cache/apt/archives/a.deb", "/var/cache/apt", 3003),
    ("conda-cache", "/opt/conda/pkgs/a.conda", "/opt/conda/pkgs", 3004),
    ("npm-cache", "/root/.npm/_cacache/a", "/root/.npm", 3005),
    ("cache", "/var/cache/dnf/a.rpm", "/var/cache/dnf", 3006),
    ("log", "/var/log/ascend_seclog/a.log", "/var/log", 3007),
    ("log", "/root/ascend/log/run/a.log", "/root/ascend/log", 3008),
    ("temporary", "/tmp/selfgz1/a", "/tmp/selfgz1", 3009),
    ("temporary", "/var/tmp/a", "/var/tmp/a", 3010),
    ("bytecode", "/opt/lib/x/__pycache__/m.pyc", "/opt/lib/x", 3011),
    ("package", "/opt/a-1.0-py3-none-any.whl", "/opt/a-1.0-py3-none-any.whl", 3012),
];

/// What a later instruction hides: kind, file, the instruction, place that is told, bytes.
const HIDDEN: [(&str, &str, &str, &str, u64); 6] = [
    ("overwritten", "/w/over", "echo new > /w/over", "/w/over", 4001),
    ("overwritten", "/w/mode/file", "chmod 600 /w/mode/file", "/w/mode/file", 4002),
    ("removed", "/w/gone", "rm /w/gone", "/w/gone", 4003),
    ("removed", "/w/folder/x/y", "rm -r /w/folder", "/w/folder", 4004),
    (
        "removed",
        "/w/anew/x",
        "rm -r /w/anew && mkdir /w/anew && echo 1 > /w/anew/z",
        "/w/anew",
        4005,
    ),
    ("removed", "/w/link/a", "rm /w/link/a /w/link/b", "/w/link/b", 4006),
];

/// Bytes of the two package files.
const PACKAGES: [usize; 2] = [5001, 5002];

fn make(file: &str, bytes: u64) -> String {
    format!("mkdir -p $(dirname {file}) && head -c {bytes} /dev/zero > {file}")
}

/// Two names of one file are one content.
fn links(file: &str) -> &'static str {
    if file == "/w/link/a" { " && ln /w/link/a /w/link/b" } else { "" }
}

/// A stage that makes all of it, each by an instruction of its own.
fn planted() -> Fixture {
    let fixture = Fixture::on_engine();
    let mut text =
        "COPY left.bin /opt/left/\nCOPY gone.run /opt/gone/\nRUN rm /opt/gone/gone.run\n"
            .to_owned();
    for (name, size) in ["left", "gone"].into_iter().zip(PACKAGES) {
        let content = fixture.package(name, &format!("{name}.run"), size);
        fixture.write(
            &format!("stages/{name}.{}", if name == "left" { "bin" } else { "run" }),
            content,
        );
    }
    let made = |file, bytes| make(file, bytes) + links(file);
    for some in LYING.chunks(3) {
        let making: Vec<_> = some.iter().map(|(_, file, _, bytes)| made(file, *bytes)).collect();
        writeln!(text, "RUN {}", making.join(" && ")).expect("a string takes every text");
    }
    let making: Vec<_> = HIDDEN.iter().map(|(_, file, .., bytes)| made(file, *bytes)).collect();
    writeln!(text, "RUN {}", making.join(" && ")).expect("a string takes every text");
    for (_, _, then, ..) in HIDDEN {
        writeln!(text, "RUN {then}").expect("a string takes every text");
    }
    // One name that is left keeps the bytes in use.
    text += "RUN mkdir /k && head -c 6000 /dev/zero > /k/a && ln /k/a /k/b\nRUN rm /k/a\n";
    fixture.one_stage(&text);
    fixture
}

/// The one finding at `path`: its kind and bytes, and the instructions that made and hid it.
#[track_caller]
fn told(report: &Value, path: &str) -> [String; 3] {
    let waste = report["waste"].as_array().expect("a list of findings");
    let found: Vec<_> = waste.iter().filter(|line| line["path"].as_str() == Some(path)).collect();
    let [line] = found.as_slice() else { panic!("{path}: {found:?} of {waste:#?}") };
    let instruction = |key: &str| {
        let layer = line[key].as_u64().and_then(|layer| usize::try_from(layer).ok());
        let text = layer.map(|layer| report["layers"][layer - 1]["instruction"].as_str());
        text.flatten().unwrap_or("-").to_owned()
    };
    let kind = line["kind"].as_str().unwrap_or("?");
    [format!("{kind} {}", line["bytes"]), instruction("layer"), instruction("hidden_by")]
}

/// Asserts what is told of `path`; `made` is a part of the instruction that made it.
#[track_caller]
fn check(report: &Value, path: &str, found: &str, made: &str, hidden: &str) {
    let [kind, made_by, hidden_by] = told(report, path);
    assert_eq!((kind.as_str(), hidden_by.as_str()), (found, hidden), "{path}");
    assert!(made_by.contains(made), "{path}: {made_by}");
}

fn check_all(report: &Value) {
    for (kind, file, path, bytes) in LYING {
        check(report, path, &format!("{kind} {bytes}"), &make(file, bytes), "-");
    }
    for (kind, file, then, path, bytes) in HIDDEN {
        let then = format!("RUN {then}");
        check(report, path, &format!("{kind} {bytes}"), &make(file, bytes), &then);
    }
    let [left, gone] = PACKAGES;
    check(report, "/opt/left/left.bin", &format!("package {left}"), "COPY ", "-");
    let removed = format!("removed {gone}");
    check(report, "/opt/gone/gone.run", &removed, "COPY ", "RUN rm /opt/gone/gone.run");
}

/// Nothing but what was planted is wasted; a file under two names counts once.
fn check_sum(report: &Value) {
    let lying = LYING.iter().map(|(.., bytes)| bytes).sum::<u64>();
    let hidden = HIDDEN.iter().map(|(.., bytes)| bytes).sum::<u64>();
    let packages = PACKAGES.iter().sum::<usize>() as u64;
    assert_eq!(report["wasted"], lying + hidden + packages, "{report:#}");
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn every_planted_waste_is_found() {
    for builder in BUILDERS {
        let fixture = planted();
        fixture.build(builder, &[]).exits(0);
        let outcome = fixture.run(&["image", "layers", "--format", "json"]).exits(0);
        let report = serde_json::from_str(&outcome.stdout).expect("a report is JSON");
        check_all(&report);
        check_sum(&report);
    }
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn more_waste_than_allowed_is_refused() {
    for builder in BUILDERS {
        let fixture = Fixture::on_engine();
        fixture.one_stage("RUN head -c 100000 /dev/zero > /var/tmp/large\nRUN rm /var/tmp/large\n");
        let layers = |more: &[&str]| fixture.run(&[&["image", "layers"], more].concat());
        let missing = layers(&["--max-waste", "0"]).exits(2);
        assert!(
            missing.stderr.contains("`ascend-build --target S` builds it"),
            "{}",
            missing.stderr
        );
        fixture.build(builder, &[]).exits(0);
        layers(&["S", "--max-waste", "100kB"]).exits(0);
        layers(&["S", "--max-waste", "100kB", "--ignore", "removed,log"]).exits(0);
        layers(&[&fixture.image("S"), "--max-waste", "0", "--ignore", "removed"]).exits(0);
        let refused = layers(&["--max-waste", "99999"]).exits(1);
        for part in
            ["97.66 KiB removed /var/tmp/large", "RUN head -c 100000", "removed: remove files in"]
        {
            assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
        }
        assert!(refused.stdout.contains("removed  2 <- 3"), "{}", refused.stdout);
    }
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn an_image_without_a_project_is_weighed_whole() {
    let fixture = Fixture::on_engine();
    let base = fixture.base();
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    let folder = elsewhere.path().to_str().expect("a path of this test is UTF-8");
    let outcome = fixture.run(&["-C", folder, "image", "layers", &base]).exits(0);
    assert!(
        outcome.stdout.starts_with(&base) && !outcome.stdout.contains("(base)"),
        "{}",
        outcome.stdout
    );
    fixture.run(&["-C", folder, "image", "layers"]).exits(3);
    fixture.run(&["-C", folder, "image", "layers", "it-no-such-image:1"]).exits(2);
    fixture.run(&["-C", folder, "image", "layers", "No Reference"]).exits(2);
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn an_image_knows_its_base_whatever_becomes_of_the_bases_name() {
    for builder in BUILDERS {
        let fixture = Fixture::on_engine();
        fixture.one_stage("RUN echo 1 > /one\n");
        fixture.build(builder, &[]).exits(0);
        let (image, base) = (fixture.image("S"), fixture.base());
        let id = fixture.image_id("S").expect("the stage was built");
        let other = image.replace(":latest", "-elsewhere:1");
        fixture.docker().run(&["tag", &image, &other]);
        let check = |name: &str| {
            let outcome = fixture.run(&["image", "layers", name, "--format", "json"]).exits(0);
            let report: Value = serde_json::from_str(&outcome.stdout).expect("a report is JSON");
            let layers = report["layers"].as_array().expect("a list of layers");
            let base: Vec<_> = layers.iter().map(|layer| layer["base"] == true).collect();
            assert_eq!(base, [true, false], "{name}: {}", outcome.stderr);
        };
        for name in ["S", &image, &id, &other] {
            check(name);
        }
        // The base's name goes over to another image.
        fixture.docker().run(&["tag", &image, &base]);
        for name in ["S", &id, &other] {
            check(name);
        }
        fixture.docker().run(&["rmi", &other]);
    }
}
