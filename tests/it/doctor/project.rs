//! What projects and ended runs leave.

use rustix::process::Signal;

use super::{LARGE, check, doctor, mend};
use crate::support::{Fixture, Running, SecondEngine, eventually};

fn shell(fixture: &Fixture, command: &str) {
    let host = fixture.docker().host().expect("the engine is a second one");
    let status =
        std::process::Command::new("sh").args(["-c", command]).env("DOCKER_HOST", host).status();
    assert!(status.expect("sh runs").success(), "{command}");
}

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn images_and_containers_of_ended_runs() {
    let engine = SecondEngine::with(LARGE, "");
    let fixture = Fixture::on(engine.docker());
    fixture.one_stage("RUN echo first > /state\n");
    fixture.build("classic", &[]).exits(0);
    fixture.one_stage("RUN echo second > /state\n");
    fixture.build("classic", &[]).exits(0);
    let found = check(doctor(&fixture, &[]), &["note stale-images"]);
    shell(&fixture, &mend(&found));
    check(doctor(&fixture, &[]), &[]);

    let tag = format!("{}/s:run-20260101-000000-1", fixture.name);
    fixture.docker().run(&["tag", &fixture.image("S"), &tag]);
    check(doctor(&fixture, &[]), &[]);
    fixture.docker().run(&["rmi", &fixture.image("S")]);
    let found = check(doctor(&fixture, &[]), &["note stale-images"]);
    assert_eq!(mend(&found), format!("docker rmi {tag}"));
    shell(&fixture, &mend(&found));
}

/// A build is killed in the middle of its check. Before that, nothing of it is left over.
#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn a_container_of_a_killed_build() {
    let engine = SecondEngine::with(LARGE, "");
    let fixture = Fixture::on(engine.docker());
    fixture.stages("[stages.S]\nfrom = \"tiny\"\n[stages.S.checks]\nslow = \"sleep 100000\"\n");
    fixture.dockerfile("S", "RUN true\n");
    let mut build = fixture.start("classic", &["--target", "S"]);
    build.wait_for(|event| event["event"] == "check-started");
    assert!(eventually(|| (!containers(&fixture).is_empty()).then_some(())).is_some());
    check(doctor(&fixture, &[]), &[]);
    build.signal(Signal::KILL);
    build.end();
    let found = check(doctor(&fixture, &[]), &["note stale-images", "note stale-containers"]);
    shell(&fixture, &mend(&found[1..]));
    shell(&fixture, &mend(&found));
    check(doctor(&fixture, &[]), &[]);
    assert_eq!(containers(&fixture), "");
}

/// One of another doctor that looks at the same moment.
#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn a_container_that_somebody_uses() {
    let engine = SecondEngine::with(LARGE, "");
    let fixture = Fixture::on(engine.docker());
    let labels = ["--label", "ascend-build.check=1", "--label", "ascend-build.check-of=doctor"];
    let base = fixture.base();
    let create = [&["create"], &labels[..], &[base.as_str(), "true"]].concat();
    fixture.docker().run(&create);
    check(doctor(&fixture, &[]), &[]);
}

/// The way is blocked, so that doctor waits for its container.
#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn an_interrupted_doctor_leaves_no_container() {
    let engine = SecondEngine::with(LARGE, "");
    let fixture = Fixture::on(engine.docker());
    super::way::beside(&engine.docker(), "iptables -P INPUT DROP");
    for signal in [Signal::INT, Signal::TERM] {
        let doctor = Running::start(fixture.command(&["doctor"]));
        assert!(eventually(|| (!containers(&fixture).is_empty()).then_some(())).is_some());
        doctor.signal(signal);
        let outcome = doctor.end().exits(130);
        assert!(outcome.stderr.contains("interrupted"), "{}", outcome.stderr);
        assert_eq!(containers(&fixture), "");
    }
}

/// All containers of the engine.
fn containers(fixture: &Fixture) -> String {
    fixture.docker().run(&["ps", "-aq"])
}

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn folders_that_cannot_be_written_to() {
    let engine = SecondEngine::with(LARGE, "");
    let fixture = Fixture::on(engine.docker());
    fixture.one_stage("RUN true\n").write(".ascend-build", "a file where the folder should be");
    check(doctor(&fixture, &[]), &["error folder-unwritable"]);
    std::fs::remove_file(fixture.path(".ascend-build")).expect("it was just written");
    check(doctor(&fixture, &[("TMPDIR", "/proc")]), &["error folder-unwritable"]);
    check(doctor(&fixture, &[("XDG_CACHE_HOME", "/proc/cache")]), &["warning folder-unwritable"]);
}
