//! What projects and ended runs leave.

use super::{LARGE, check, doctor, mend};
use crate::support::{Fixture, SecondEngine};

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

    fixture.docker().run(&["create", "--label", "ascend-build.check=1", &fixture.base(), "true"]);
    let found = check(doctor(&fixture, &[]), &["note stale-containers"]);
    shell(&fixture, &mend(&found));
    check(doctor(&fixture, &[]), &[]);
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
