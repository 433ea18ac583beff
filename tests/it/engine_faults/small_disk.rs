//! An engine whose disk is too small: refused before the first stage, with figures that hold.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::BUILDERS;
use crate::support::{Fixture, Outcome, SecondEngine, sha256};

/// The size of the second engine's disk, in megabytes.
const DISK: u32 = 400;
const MB: u64 = 1 << 20;

/// Bytes that are free on the disk.
fn free(disk: &Path) -> u64 {
    let space = rustix::fs::statvfs(disk).expect("the disk is mounted");
    space.f_bavail * space.f_frsize
}

/// Leaves so many megabytes free.
fn fill(disk: &Path, left: u64) {
    let filler = std::fs::File::create(disk.join("filler")).expect("the disk is writable");
    let bytes = free(disk) - left * MB;
    rustix::fs::fallocate(&filler, rustix::fs::FallocateFlags::empty(), 0, bytes)
        .expect("the disk has room");
}

fn empty(disk: &Path) {
    std::fs::remove_file(disk.join("filler")).expect("the filler is there");
}

/// Two stages that each install a package of 30 MB, which becomes 45 MB.
fn project(engine: &SecondEngine) -> Fixture {
    let fixture = Fixture::on(engine.docker());
    fixture.stages("[stages.A]\nfrom = \"tiny\"\n[stages.B]\nfrom = \"A\"\n");
    for (stage, name) in [("A", "one"), ("B", "two")] {
        fixture.package(name, &format!("{name}.run"), (30 * MB) as usize);
        let install = format!(
            "RUN --package={name} cat \"$PACKAGES\"/{name}.run > /{name} && dd if=/dev/zero of=/{name}.more bs=1M count=15\n"
        );
        fixture.dockerfile(stage, &install);
    }
    fixture
}

/// Two stages: one copies 30 MB and changes them, the other builds on it.
fn copying_project(engine: &SecondEngine) -> Fixture {
    let fixture = Fixture::on(engine.docker());
    fixture.stages("[stages.A]\nfrom = \"tiny\"\n[stages.B]\nfrom = \"A\"\n");
    fixture.write("stages/blob.bin", noise(1, (30 * MB) as usize));
    fixture.dockerfile("A", "COPY blob.bin /blob.bin\nRUN chmod 700 /blob.bin\n");
    fixture.dockerfile("B", "RUN echo done > /done\n");
    fixture
}

/// Bytes that no file system can make smaller.
fn noise(seed: u64, size: usize) -> Vec<u8> {
    let mut state = seed;
    let next = std::iter::from_fn(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        Some((state >> 56) as u8)
    });
    next.take(size).collect()
}

fn forecast(outcome: &Outcome) -> Value {
    outcome.events_called("forecast").pop().expect("a build is forecast")
}

/// The report of the last run.
fn report(fixture: &Fixture) -> Value {
    let json =
        std::fs::read(fixture.last_run().join("report.json")).expect("a run leaves a report");
    serde_json::from_slice(&json).expect("a report is JSON")
}

/// Refused with exit code 5 before any stage, the expected bytes in the words.
#[track_caller]
fn check_refused(fixture: &Fixture, options: &[&str], word: &str, builder: &str) -> u64 {
    let outcome = fixture.build(builder, options).exits(5);
    assert!(outcome.events_called("stage-decided").is_empty(), "{builder}");
    let forecast = forecast(&outcome);
    let disk = forecast["disk"].as_u64().expect("the disk is forecast");
    assert!(disk > forecast["free"].as_u64().expect("the free space is known"), "{forecast}");
    assert_eq!(report(fixture)["forecast"]["disk"], disk, "the report tells what was expected");
    let expected = format!("expected {word} {} free", indicatif_bytes(disk));
    assert!(outcome.stderr.contains(&expected), "{builder}: {expected}\n{}", outcome.stderr);
    disk
}

/// Bytes as the program writes them.
fn indicatif_bytes(bytes: u64) -> String {
    format!("{:.2} MiB", bytes as f64 / MB as f64)
}

/// Builds everything anew, and tells how many bytes it took at most at one time.
fn most_taken(fixture: &Fixture, builder: &str, disk: &Path) -> u64 {
    let (before, ended) = (free(disk), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut least = before;
            while !ended.load(Ordering::Relaxed) {
                least = least.min(free(disk));
                std::thread::sleep(Duration::from_millis(5));
            }
            least
        });
        let outcome = fixture.build(builder, &["--target", "B", "--no-cache"]);
        ended.store(true, Ordering::Relaxed);
        outcome.exits(0);
        before - watch.join().expect("the disk can be watched")
    })
}

/// Refused while there is too little room, and then built, with a forecast that holds.
#[track_caller]
fn check_holds(fixture: &Fixture, disk: &Path, word: &str, builder: &str) {
    fill(disk, 25);
    let expected = check_refused(fixture, &["--target", "B", "--no-cache"], word, builder);
    empty(disk);
    let actual = most_taken(fixture, builder, disk);
    let error = (expected as f64 - actual as f64).abs() / actual as f64;
    assert!(error < 0.2, "{builder}: expected {expected}, actual {actual}");
}

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn what_does_not_fit_is_refused_with_figures_that_hold() {
    for builder in BUILDERS {
        let engine = SecondEngine::start(DISK);
        let (fixture, disk) = (project(&engine), engine.disk());
        fill(&disk, 50);
        check_refused(&fixture, &["--target", "B"], "at least", builder);
        empty(&disk);
        fixture.build(builder, &["--target", "B"]).exits(0);
        check_holds(&fixture, &disk, "about", builder);
    }
}

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn what_is_copied_is_counted() {
    for builder in BUILDERS {
        let engine = SecondEngine::start(DISK);
        let (fixture, disk) = (copying_project(&engine), engine.disk());
        fill(&disk, 50);
        check_refused(&fixture, &["--target", "B"], "at least", builder);
        empty(&disk);
        fixture.build(builder, &["--target", "B"]).exits(0);
        // The engine keeps a layer only once that comes out the same again.
        fixture.write("stages/blob.bin", noise(2, (30 * MB) as usize));
        check_holds(&fixture, &disk, "about", builder);
    }
}

/// A project whose base, of 30 MB more than the tiny one, the engine has not got: it is in a file, under `key`.
fn with_base(engine: &SecondEngine, key: &str) -> Fixture {
    let fixture = Fixture::on(engine.docker());
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(30 * MB);
    let content = noise(3, (30 * MB) as usize);
    tar.append_data(&mut header, "blob", content.as_slice()).expect("a vector takes every byte");
    let small = fixture.base_tar();
    let mut small = tar::Archive::new(small.as_slice());
    for entry in small.entries().expect("the base is a tar") {
        let entry = entry.expect("the base is a tar");
        tar.append(&entry.header().clone(), entry).expect("a vector takes every byte");
    }
    let mut base = tar.into_inner().expect("a vector takes every byte");
    if key == "archive" {
        fixture.docker().import(&base, &fixture.base());
        base = fixture.docker().save(&fixture.base());
    }
    fixture.docker().run(&["rmi", "-f", &fixture.base()]);
    fixture.write("packages/base.tar", &base).write("packages.toml", "");
    let (name, image, digest) = (&fixture.name, fixture.base(), sha256(&base));
    let stages = format!(
        "[project]\nname = \"{name}\"\n[bases.big]\nimage = \"{image}\"\n{key} = \"base.tar\"\nsha256 = \"{digest}\"\n[stages.B]\nfrom = \"big\"\n"
    );
    fixture.write("stages/stages.toml", stages).dockerfile("B", "RUN echo done > /done\n");
    fixture
}

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn a_base_that_is_not_there_yet_is_counted() {
    for key in ["archive", "rootfs"] {
        let engine = SecondEngine::start(DISK);
        let (fixture, disk) = (with_base(&engine, key), engine.disk());
        check_holds(&fixture, &disk, "at least", "auto");
    }
}
