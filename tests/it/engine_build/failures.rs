//! Instructions and checks that fail: what is said, and that no tag moves.

use std::fs;

use super::BUILDERS;
use crate::support::{Fixture, eventually};

/// Two stages; the first is good, and both were built and tagged once.
fn built_once(builder: &str) -> Fixture {
    let fixture = Fixture::on_engine();
    fixture.stages("[stages.A]\nfrom = \"tiny\"\n[stages.B]\nfrom = \"A\"\ncheck-timeout = 1\n");
    fixture.dockerfile("A", "RUN true\n").dockerfile("B", "RUN echo good > /state\n");
    fixture.build(builder, &["--target", "B"]).exits(0);
    fixture
}

/// Spoils B: exit code 1, the snapshot's words, the full log where they say, and the old tag where it was.
fn check(spoil: impl Fn(&Fixture), logged: &str, name: &str) {
    for builder in BUILDERS {
        let fixture = built_once(builder);
        let before = fixture.image_id("B").expect("the stage is tagged");
        spoil(&fixture);
        fixture
            .run(&["--target", "B", "--builder", builder, "--progress", "quiet"])
            .exits(1)
            .matches(&format!("{name}-{builder}"));
        assert_eq!(fixture.image_id("B"), Some(before), "the old tag stays");
        assert_eq!(fixture.docker().in_image(&fixture.image("B"), "cat /state"), "good");
        let log =
            fs::read_to_string(fixture.last_run().join("B.log")).expect("the stage has a log");
        assert!(log.contains(logged), "{log}");
        check_no_container(&fixture);
    }
}

/// No container is left, as soon as the engine has cleared away the build that failed.
#[track_caller]
pub(super) fn check_no_container(fixture: &Fixture) {
    let containers = || fixture.docker().containers(&fixture.name, &fixture.base());
    let none = eventually(|| containers().is_empty().then_some(()));
    assert!(none.is_some(), "left: {:?}", containers());
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_failing_instruction() {
    let text = "# why\nRUN echo new > /state\nENV A=1\nRUN echo one; \\\n    echo two; \\\n    exit 7\nRUN echo never\n";
    check(|fixture| _ = fixture.dockerfile("B", text), "one\n", "failed-run");
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_failing_instruction_with_much_output() {
    let text = "RUN for i in $(seq 1 45); do echo line $i; done; exit 1\n";
    check(|fixture| _ = fixture.dockerfile("B", text), "line 1\n", "failed-run-long");
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn an_instruction_that_the_engine_refuses() {
    let text = "RUN echo x > /state\nCOPY --from=127.0.0.1:1/none:1 /a /b\n";
    check(|fixture| _ = fixture.dockerfile("B", text), "=== stage B", "failed-refused");
}

/// Adds checks to B; each may take as long as a busy machine needs.
fn with_checks(checks: &'static str) -> impl Fn(&Fixture) {
    with_checks_within(60, checks)
}

/// The same with a limit in seconds.
fn with_checks_within(seconds: u32, checks: &'static str) -> impl Fn(&Fixture) {
    move |fixture| {
        let stages = format!(
            "[stages.A]\nfrom = \"tiny\"\n[stages.B]\nfrom = \"A\"\ncheck-timeout = {seconds}\n[stages.B.checks]\n"
        );
        fixture.stages(&format!("{stages}{checks}")).dockerfile("B", "RUN echo new > /state\n");
    }
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_failing_check() {
    let checks =
        "good = \"true\"\nbad = \"echo looked; ls /nowhere 2>&1; exit 9\"\nsilent = \"false\"\n";
    check(with_checks(checks), "looked", "failed-check");
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_check_that_does_not_end() {
    let checks = "slow = \"echo started; sleep 1000\"\n";
    check(with_checks_within(5, checks), "started", "failed-check-time");
}

/// A stage from `scratch` has what its `COPY` brings, and no shell.
#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_check_without_a_shell_has_failed() {
    for builder in BUILDERS {
        let fixture = Fixture::on_engine();
        let bases = "[bases.nothing]\nimage = \"scratch\"\n[stages.S]\nfrom = \"nothing\"\n";
        let checks = "[stages.S.checks]\none = \"true\"\nother = \"true\"\n";
        fixture.stages(&format!("{bases}{checks}")).write("stages/file", "x");
        fixture.dockerfile("S", "COPY file /file\n");
        let outcome = fixture.build(builder, &[]).exits(1);
        let ended = outcome.events_called("check-finished");
        let codes: Vec<_> = ended.iter().map(|event| &event["exit_code"]).collect();
        assert_eq!(codes, [127, 127], "{builder}");
        assert!(outcome.stderr.contains("check `other` of stage `S` failed"), "{}", outcome.stderr);
        assert!(outcome.stderr.contains("/bin/sh"), "{}", outcome.stderr);
        assert_eq!(fixture.image_id("S"), None);
        check_no_container(&fixture);
    }
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_check_has_no_network() {
    for builder in BUILDERS {
        let fixture = built_once(builder);
        with_checks(
            "\"no network\" = \"test \\\"$(ls /sys/class/net)\\\" = lo\"\nstate = \"grep -q new /state\"\n",
        )(&fixture);
        let outcome = fixture.build(builder, &["--target", "B"]).exits(0);
        let passed: Vec<_> = outcome
            .events_called("check-finished")
            .iter()
            .map(|event| event["passed"] == true)
            .collect();
        assert_eq!(passed, [true, true]);
    }
}
