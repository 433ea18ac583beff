//! Two builds of one target: the second waits for the first, however that one ends.

use rustix::process::Signal;
use serde_json::Value;

use super::BUILDERS;
use super::interrupts::{check_nothing_left, project};
use crate::support::{Fixture, Gate, Running};

/// A build whose second stage is under way, and one that waits for it; tells the first one's run.
fn first_and_second(fixture: &Fixture, builder: &str) -> (Running, Running, String) {
    let mut first = fixture.start(builder, &["--target", "B"]);
    let begun = first.wait_for(|event| event["event"] == "run-started");
    first.wait_for_output("started");
    let mut second = fixture.start(builder, &["--target", "B"]);
    let waiting = second.wait_for(|event| event["event"] == "waiting");
    assert_eq!((&waiting["run"], &waiting["image"]), (&begun["run"], &fixture.image("B").into()));
    let run = begun["run"].as_str().expect("a run has an id").to_owned();
    let process = waiting["process"].to_string();
    assert!(run.ends_with(&format!("-{process}")), "{run} is of process {process}");
    (first, second, run)
}

/// What becomes of the stages of a second build, after `end` has ended the first one.
fn check(end: impl Fn(Running, Gate), expected: [&str; 2]) {
    for builder in BUILDERS {
        let gate = Gate::new();
        let fixture = project(&gate.command());
        let (first, second, _) = first_and_second(&fixture, builder);
        end(first, gate);
        assert_eq!(second.end().exits(0).stages(), expected);
        assert!(fixture.image_id("B").is_some());
    }
}

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn the_second_build_of_a_target_goes_on_when_the_first_has_ended() {
    let good = |first: Running, gate: Gate| {
        gate.open();
        assert_eq!(first.end().exits(0).stages(), ["A built", "B built"]);
    };
    check(good, ["A reused", "B reused"]);
}

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn what_a_killed_build_held_is_taken_over() {
    let killed = |first: Running, gate: Gate| {
        first.signal(Signal::KILL);
        first.end();
        gate.open();
    };
    check(killed, ["A reused", "B built"]);
}

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn what_is_edited_while_a_build_waits_is_built() {
    let gate = Gate::new();
    let fixture = project(&gate.command());
    let (first, second, _) = first_and_second(&fixture, "auto");
    fixture.dockerfile("B", "RUN echo edited > /edited\n");
    gate.open();
    first.end().exits(0);
    assert_eq!(second.end().exits(0).stages(), ["A reused", "B built"]);
}

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn who_waits_can_be_interrupted() {
    let gate = Gate::new();
    let fixture = project(&gate.command());
    let (first, second, run) = first_and_second(&fixture, "auto");
    second.signal(Signal::INT);
    let outcome = second.end().exits(130);
    assert!(outcome.stages().is_empty());
    let report = std::fs::read(fixture.last_run().join("report.json")).expect("it has a report");
    let report: Value = serde_json::from_slice(&report).expect("the report is JSON");
    assert!(report["result"] == "interrupted" && report["run"] != run.as_str());
    gate.open();
    first.end().exits(0);
    check_nothing_left(&fixture);
}
