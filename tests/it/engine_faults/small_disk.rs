//! An engine whose disk is too small: refused before the first stage, with figures that hold.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::BUILDERS;
use crate::support::{Fixture, Outcome, SecondEngine};

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

fn forecast(outcome: &Outcome) -> Value {
    outcome.events_called("forecast").pop().expect("a build is forecast")
}

/// Refused with exit code 5 before any stage, the expected bytes in the words.
#[track_caller]
fn check_refused(outcome: Outcome, word: &str, builder: &str) -> u64 {
    let outcome = outcome.exits(5);
    assert!(outcome.events_called("stage-decided").is_empty(), "{builder}");
    let forecast = forecast(&outcome);
    let disk = forecast["disk"].as_u64().expect("the disk is forecast");
    assert!(disk > forecast["free"].as_u64().expect("the free space is known"), "{forecast}");
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

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn what_does_not_fit_is_refused_with_figures_that_hold() {
    for builder in BUILDERS {
        let engine = SecondEngine::start(DISK);
        let (fixture, disk) = (project(&engine), engine.disk());
        fill(&disk, 50);
        check_refused(fixture.build(builder, &["--target", "B"]), "at least", builder);
        empty(&disk);
        fixture.build(builder, &["--target", "B"]).exits(0);
        fill(&disk, 50);
        let again = ["--target", "B", "--no-cache"];
        let expected = check_refused(fixture.build(builder, &again), "about", builder);
        empty(&disk);
        let actual = most_taken(&fixture, builder, &disk);
        let error = (expected as f64 - actual as f64).abs() / actual as f64;
        assert!(error < 0.2, "{builder}: expected {expected}, actual {actual}");
    }
}
