//! An engine that stops in the middle, and one whose disk is full.

use rustix::process::Signal;

use super::BUILDERS;
use super::interrupts::check_nothing_left;
use crate::support::{Fixture, Outcome, Running, SecondEngine, eventually, pattern};

/// The size of the second engine's disk, in megabytes.
const DISK: u32 = 120;

fn check_stop(builder: &str, signal: Signal) {
    let engine = SecondEngine::start(DISK);
    let fixture = Fixture::on(engine.docker());
    fixture.package("plain", "plain.run", 5000);
    fixture.one_stage("RUN --package=plain echo started; sleep 100000\n");
    let mut running = fixture.start(builder, &[]);
    running.wait_for_output("started");
    engine.signal(signal);
    let outcome = running.end().exits(5);
    assert!(outcome.stderr.contains("start it"), "{}", outcome.stderr);
    assert_eq!(outcome.stages(), ["S failed"]);
}

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn an_engine_that_is_stopped() {
    BUILDERS.iter().for_each(|builder| check_stop(builder, Signal::TERM));
}

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn an_engine_that_dies() {
    BUILDERS.iter().for_each(|builder| check_stop(builder, Signal::KILL));
}

/// The first attempt's container is nobody's when the second one ends well.
#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn what_an_engine_died_with_goes_with_the_next_run() {
    let engine = SecondEngine::start_lasting(300);
    for builder in BUILDERS {
        let fixture = Fixture::on(engine.docker());
        fixture.one_stage("RUN echo begun; sleep 3\n");
        let mut running = fixture.start(builder, &["--retries", "1"]);
        running.wait_for_output("begun");
        engine.signal(Signal::KILL);
        running.end().exits(0);
        let cleared = fixture.last_run().join("cleared");
        assert!(!cleared.exists(), "{builder}: nobody looks after what the engine died with");
        fixture.build(builder, &[]).exits(0);
        assert!(cleared.exists(), "{builder}");
        check_nothing_left(&fixture);
    }
}

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn a_check_is_run_again_when_the_engine_has_come_back() {
    let engine = SecondEngine::start_lasting(300);
    let fixture = Fixture::on(engine.docker());
    fixture.stages("[stages.S]\nfrom = \"tiny\"\n[stages.S.checks]\nslow = \"sleep 3\"\n");
    fixture.dockerfile("S", "RUN true\n");
    let mut running = fixture.start("auto", &["--retries", "1"]);
    running.wait_for(|event| event["event"] == "check-started");
    std::thread::sleep(std::time::Duration::from_secs(1));
    engine.signal(Signal::KILL);
    let outcome = running.end().exits(0);
    assert_eq!(outcome.stages(), ["S built"]);
    assert_eq!(outcome.events_called("check-finished").len(), 1);
    fixture.build("auto", &[]).exits(0);
    check_nothing_left(&fixture);
}

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn an_engine_that_is_not_there() {
    let fixture = Fixture::new();
    fixture.one_stage("RUN true\n");
    let host = format!("unix://{}", fixture.path("none.sock").display());
    fixture
        .run_with(&["--progress", "quiet", "--platform", "linux/amd64"], &[("DOCKER_HOST", &host)])
        .exits(5)
        .matches("engine-not-there");
}

/// The disk is full: exit code 1 or 5, the words say so, and the old tag stays.
fn check_full(outcome: &Outcome) {
    assert!(matches!(outcome.code, Some(1 | 5)), "{}\n{}", outcome.stdout, outcome.stderr);
    assert!(outcome.stderr.contains("the engine's disk is full"), "{}", outcome.stderr);
}

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn a_disk_that_is_full() {
    let engine = SecondEngine::start(DISK);
    for builder in BUILDERS {
        let fixture = Fixture::on(engine.docker());
        fixture.package("plain", "plain.run", 5000);
        fixture.one_stage("RUN echo good > /state\n");
        fixture.build(builder, &[]).exits(0);
        let before = fixture.image_id("S").expect("the stage is tagged");
        fixture.one_stage("RUN --package=plain dd if=/dev/zero of=/fill bs=1M count=1000\n");
        check_full(&fixture.build(builder, &["--ignore-disk"]));
        let large = pattern("large", 1 << 20).repeat(DISK as usize + 20);
        fixture.write("packages/large.run", &large).declare("large", "large.run", &large);
        fixture.one_stage("RUN --package=large cp \"$PACKAGES\"/large.run /copy\n");
        check_full(&fixture.build(builder, &["--ignore-disk"]));
        assert_eq!(fixture.image_id("S"), Some(before), "the old tag stays");
        let references = fixture.docker().references(&fixture.name);
        assert_eq!(references, [fixture.image("S")]);
    }
}

/// What the engine keeps on its disk of images that it is saving.
fn saving(engine: &SecondEngine) -> usize {
    let folders = std::fs::read_dir(engine.disk().join("tmp")).into_iter().flatten().flatten();
    let is_export = |name: std::ffi::OsString| name.to_string_lossy().starts_with("docker-export");
    folders.filter(|folder| is_export(folder.file_name())).count()
}

/// The engine is held while it saves the image, so that the signal comes in the middle.
#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn an_interrupted_look_into_an_image_leaves_nothing() {
    let engine = SecondEngine::start(1500);
    let fixture = Fixture::on(engine.docker());
    fixture.one_stage("RUN dd if=/dev/urandom of=/large bs=1M count=400\n");
    fixture.build("classic", &[]).exits(0);
    for signal in [Signal::INT, Signal::TERM] {
        let running = Running::start(fixture.command(&["image", "layers"]));
        assert!(eventually(|| (saving(&engine) > 0).then_some(())).is_some(), "it never saves");
        engine.signal(Signal::STOP);
        running.signal(signal);
        let outcome = running.end().exits(130);
        assert_eq!(outcome.stdout, "");
        assert!(outcome.stderr.contains("interrupted"), "{}", outcome.stderr);
        engine.signal(Signal::CONT);
        let gone = eventually(|| (saving(&engine) == 0).then_some(()));
        assert!(gone.is_some(), "the engine keeps what it has saved");
    }
    assert_eq!(fixture.docker().run(&["ps", "-aq"]), "");
}
