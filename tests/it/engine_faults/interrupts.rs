//! Signals in the middle of a `RUN`, and several runs at once.

use std::fs;
use std::net::TcpStream;

use rustix::process::Signal;
use serde_json::Value;

use super::BUILDERS;
use crate::support::{Fixture, Gate, eventually};

/// Two stages; the second says `started` and then takes `seconds`.
fn slow_project(seconds: u32) -> Fixture {
    project(&format!("sleep {seconds}"))
}

/// Two stages; the second says `started` and then runs `command`.
pub(super) fn project(command: &str) -> Fixture {
    let fixture = Fixture::on_engine();
    fixture.package("plain", "plain.run", 5000);
    fixture.stages("[stages.A]\nfrom = \"tiny\"\n[stages.B]\nfrom = \"A\"\n");
    fixture.dockerfile("A", "RUN echo a > /a\n");
    fixture.dockerfile(
        "B",
        &format!("RUN --package=plain echo started; {command}; : {}\n", fixture.name),
    );
    fixture
}

/// Whether a process of this machine that waits has `marker` in its command line.
fn runs_somewhere(marker: &str) -> bool {
    let processes = fs::read_dir("/proc").expect("/proc is there").filter_map(Result::ok);
    let lines = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).into_owned()).any(|line| {
        line.contains(marker) && ["sleep", "nc "].iter().any(|wait| line.contains(wait))
    })
}

fn containers(fixture: &Fixture) -> Vec<String> {
    fixture.docker().containers(&fixture.name, &fixture.base())
}

/// Nothing of a run is left: no reference of its own, and, as soon as the engine
/// has cleared away the build that was cut off, no container and no command.
pub(super) fn check_nothing_left(fixture: &Fixture) {
    let references = fixture.docker().references(&fixture.name);
    assert!(references.iter().all(|reference| !reference.contains(":run-")), "{references:?}");
    let none = eventually(|| containers(fixture).is_empty().then_some(()));
    let left = || {
        containers(fixture)
            .iter()
            .map(|id| fixture.docker().attempt(&["inspect", id]).1)
            .collect::<String>()
    };
    assert!(none.is_some(), "a container is left: {}", left());
    let gone = eventually(|| (!runs_somewhere(&fixture.name)).then_some(()));
    assert!(gone.is_some(), "the command still runs");
}

fn check_interrupt(builder: &str, signal: Signal) {
    let fixture = slow_project(100_000);
    let mut running = fixture.start(builder, &["--target", "B"]);
    let server = running.wait_for_server();
    running.wait_for_output("started");
    assert!(runs_somewhere(&fixture.name) && TcpStream::connect(&server).is_ok());
    running.signal(signal);
    let outcome = running.end().exits(130);
    assert!(outcome.stderr.contains("interrupted"), "{}", outcome.stderr);
    assert!(TcpStream::connect(&server).is_err(), "the port is still open");
    check_nothing_left(&fixture);
    assert_eq!(fixture.image_id("B"), None);
    let report = fs::read(fixture.last_run().join("report.json"))
        .expect("an interrupted run leaves a report");
    let report: Value = serde_json::from_slice(&report).expect("the report is JSON");
    assert_eq!((&report["result"], &report["exit_code"]), (&"interrupted".into(), &130.into()));

    fixture.dockerfile("B", "RUN --package=plain true\n");
    assert_eq!(
        fixture.build(builder, &["--target", "B"]).exits(0).stages(),
        ["A reused", "B built"]
    );
}

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn an_interrupt_leaves_nothing_and_the_next_run_goes_on() {
    BUILDERS.iter().for_each(|builder| check_interrupt(builder, Signal::INT));
}

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn a_termination_leaves_nothing_and_the_next_run_goes_on() {
    BUILDERS.iter().for_each(|builder| check_interrupt(builder, Signal::TERM));
}

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn an_interrupt_during_a_check_leaves_nothing() {
    let fixture = slow_project(0);
    fixture.stages("[stages.B]\nfrom = \"tiny\"\n[stages.B.checks]\nslow = \"sleep 100000\"\n");
    let mut running = fixture.start("auto", &["--target", "B"]);
    running.wait_for(|event| event["event"] == "check-started");
    running.signal(Signal::INT);
    running.end().exits(130);
    assert_eq!(
        containers(&fixture),
        Vec::<String>::new(),
        "a check's container is removed at once"
    );
    check_nothing_left(&fixture);
    assert_eq!(fixture.image_id("B"), None);
}

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn an_interrupted_run_does_not_end_another_one() {
    for builder in BUILDERS {
        let gate = Gate::new();
        let fixture = project(&gate.command());
        let mut first = fixture.start(builder, &["--target", "B"]);
        first.wait_for_output("started");
        let mut second = fixture.start(builder, &["--target", "B", "--tag", "other"]);
        second.wait_for(|event| event["event"] == "stage-started" && event["stage"] == "B");
        first.signal(Signal::INT);
        first.end().exits(130);
        gate.open();
        second.end().exits(0);
        assert!(fixture.docker().image_id(&format!("{}/b:other", fixture.name)).is_some());
        check_nothing_left(&fixture);
    }
}

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn two_projects_build_at_once() {
    let (one, other) = (slow_project(1), slow_project(1));
    let (first, second) =
        (one.start("auto", &["--target", "B"]), other.start("auto", &["--target", "B"]));
    first.end().exits(0);
    second.end().exits(0);
    assert!(one.image_id("B").is_some() && other.image_id("B").is_some());
    check_nothing_left(&one);
    check_nothing_left(&other);
}

/// What two projects have in common has one key, and each of them builds it, reuses it, or joins the
/// other's, whose server sends the packages then.
#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn two_projects_that_share_stages_build_at_once() {
    for builder in BUILDERS {
        let (one, other) = (slow_project(0), slow_project(0));
        for project in [&one, &other] {
            project.dockerfile("A", &format!("RUN sleep 1; echo {} > /a\n", one.name));
            project.dockerfile("B", "RUN --package=plain cat /a \"$PACKAGES\"/plain.run > /b\n");
        }
        let strict = ["--target", "B", "--strict"];
        let running = [&one, &other].map(|project| project.start(builder, &strict));
        for outcome in running.map(|running| running.end().exits(0)) {
            assert!(!outcome.stdout.contains("never fetched"), "{}", outcome.stdout);
        }
        for project in [&one, &other] {
            let found = project.docker().in_image(&project.image("B"), "cat /a; wc -c < /b");
            assert_eq!(found, format!("{}\n{}", one.name, 5001 + one.name.len()), "{builder}");
            check_nothing_left(project);
        }
    }
}
