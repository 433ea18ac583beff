//! `history`, `logs` and `show`: what is told of earlier runs, from what they left behind.

mod engine;

use serde_json::{Value, json};

use crate::support::Fixture;

const GOOD: &str = "20261120-080000-100";
const FAILED: &str = "20261120-093000-200";
const KILLED: &str = "20261120-110000-300";

/// A report with what every run has, and `more`.
fn report(run: &str, started: &str, target: &str, more: &Value) -> Vec<u8> {
    let mut report = json!({
        "schema": 1, "run": run, "started": started, "seconds": 62.4, "result": "done",
        "exit_code": 0, "problems": [], "builder": "classic",
        "engine": {"version": "20.10.24", "api_version": "1.41"},
        "stages": [], "packages": [], "transfers": [], "refused": [],
        "plan": {"project": "demo", "target": target, "platform": "linux/arm64", "stages": [
            {"name": "A_stage", "from": {"base": {"name": "tiny", "image": "tiny:1"}}, "reference": "demo/a_stage:1"},
            {"name": "B_stage", "from": {"stage": "A_stage"}, "reference": "demo/b_stage:1"},
        ]},
    });
    let fields = report.as_object_mut().expect("a report is an object");
    fields.extend(more.as_object().expect("more fields").clone());
    serde_json::to_vec(&report).expect("a report is JSON")
}

fn stage(name: &str, outcome: &str, image: Option<&str>) -> Value {
    json!({"stage": name, "outcome": outcome, "seconds": 31.2, "image": image, "size": image.map(|_| 5_368_709_120_u64), "tags": []})
}

/// A project of which A was built, then B failed, then the machine went down.
fn three_runs() -> Fixture {
    let fixture = Fixture::new();
    let runs = |run: &str, file: &str| format!(".ascend-build/runs/{run}/{file}");
    let built = stage("A_stage", "built", Some("sha256:0123456789abcdef"));
    fixture.write(
        &runs(GOOD, "report.json"),
        report(GOOD, "2026-11-20T08:00:00.25Z", "A_stage", &json!({"stages": [built]})),
    );
    fixture.write(&runs(GOOD, "A_stage.log"), "=== stage A_stage, 1 step\ngood\n");
    let failed = json!({
        "result": "failed", "exit_code": 1, "problems": ["an instruction of stage `B_stage` failed"],
        "revision": {"commit": "c8787fa1b2c3d4e5f60718293a4b5c6d7e8f9012", "dirty": true, "origin": "https://host.example/images.git"},
        "forecast": {"stages": [], "seconds": 160.0, "disk": 4_617_089_843_u64, "free": null, "runs": 4},
        "stages": [stage("A_stage", "reused", Some("sha256:0123456789abcdef")), stage("B_stage", "failed", None)],
        "decisions": [
            {"stage": "A_stage", "reused": true, "reasons": ["nothing changed since it was built 1 hour ago"]},
            {"stage": "B_stage", "reused": false, "reasons": ["never built here"]},
        ],
        "packages": [
            {"name": "toolkit", "file": "Ascend-cann-toolkit.run", "sha256": "a".repeat(64), "size": 2_190_000_000_u64, "declared": true},
            {"name": "x", "file": "loose.sh", "sha256": "b".repeat(64), "size": 120, "declared": false},
        ],
        "transfers": [
            {"stage": "B_stage", "file": "Ascend-cann-toolkit.run", "sent": 100, "outcome": "cut"},
            {"stage": "B_stage", "file": "Ascend-cann-toolkit.run", "sent": 2_190_000_000_u64, "outcome": "whole"},
        ],
        "refused": [{"stage": "B_stage", "client": "172.17.0.2", "path": "/toolkit.run", "status": 404, "nearest": null}],
    });
    fixture.write(
        &runs(FAILED, "report.json"),
        report(FAILED, "2026-11-20T09:30:00Z", "B_stage", &failed),
    );
    fixture.write(&runs(FAILED, "B_stage.log"), "=== stage B_stage, 2 steps\nno space \u{1F4BE}\n");
    fixture.write(&runs(FAILED, "A_stage.log"), "=== stage A_stage, 1 step\ncached\n");
    let begun = json!({"project": "demo", "target": "B_stage", "image": "demo/b_stage:1", "platform": "linux/arm64"});
    fixture.write(&runs(KILLED, "begun.json"), begun.to_string());
    fixture.write(&runs(KILLED, "lock"), "{}");
    fixture.write(&runs(KILLED, "A_stage.log"), "=== stage A_stage, 1 step\nthe last wo");
    // The time of a killed run is that of the last change in its folder.
    let changed = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_795_172_461);
    for file in ["begun.json", "lock", "A_stage.log"] {
        let file = std::fs::File::options().append(true).open(fixture.path(runs(KILLED, file)));
        file.and_then(|file| file.set_modified(changed)).expect("a file's time can be set");
    }
    fixture
}

fn check(arguments: &[&str], code: i32, name: &str) {
    three_runs().run(arguments).exits(code).matches(name);
}

#[test]
fn runs_are_listed() {
    check(&["history"], 0, "history");
    check(&["history", "--target", "B_stage", "--limit", "1"], 0, "history-limited");
    check(&["history", "--format", "json"], 0, "history-json");
    check(&["history", "--target", "nothing"], 0, "history-nothing");
}

#[test]
fn logs_of_a_failed_run_and_of_a_killed_one() {
    check(&["logs", FAILED], 0, "logs");
    check(&["logs", "20261120-09", "B_stage"], 0, "logs-stage");
    check(&["logs"], 0, "logs-killed");
    check(&["logs", "A_stage"], 0, "logs-killed");
    check(&["logs", "B_stage", FAILED], 0, "logs-stage");
    check(&["logs", "B_stage"], 2, "logs-of-an-earlier-run");
    check(&["logs", ""], 2, "logs-empty");
    check(&["logs", FAILED, "C_stage"], 2, "logs-unknown-stage");
    check(&["logs", "20261120"], 2, "logs-ambiguous");
    check(&["logs", "1999"], 2, "logs-unknown-run");
}

#[test]
fn a_run_is_shown() {
    check(&["show", FAILED], 0, "show-failed");
    check(&["show", ""], 2, "show-no-id");
    check(&["show"], 0, "show-killed");
    check(&["show", "last", "--format", "json"], 0, "show-killed-json");
    let json = three_runs().run(&["show", GOOD, "--format", "json"]).exits(0).stdout;
    let report: Value = serde_json::from_str(&json).expect("the report is JSON");
    assert_eq!(report["engine"]["api_version"], "1.41", "the report is given as it is");
}

#[test]
fn what_failed_is_shown_as_the_run_showed_it() {
    let fixture = Fixture::new();
    fixture
        .stages("[stages.A]\nfrom = \"tiny\"\n")
        .dockerfile("A", "RUN true\n  COPY gone.txt /\n");
    let ended = fixture.run(&["--target", "A", "--progress", "quiet"]).exits(3).stderr;
    assert!(ended.contains("A.Dockerfile:2:3"), "{ended}");
    fixture.dockerfile("A", "RUN something else\n");
    let shown = fixture.run(&["show"]).exits(0).stdout;
    assert!(shown.ends_with(&format!("\n\n{ended}")), "{shown}\nis not as\n{ended}");
}

/// What a build, which finds no engine, warns of before.
fn check_warning(spoil: &str, expected: &str) {
    let fixture = Fixture::new();
    fixture.stages("[stages.A]\nfrom = \"tiny\"\n").dockerfile("A", "RUN true\n");
    fixture.write(spoil, "");
    let ended = fixture.run(&["--target", "A", "--progress", "plain"]).stderr;
    assert!(ended.contains(expected), "{ended}");
}

#[test]
fn a_lock_that_cannot_be_had_is_warned_of() {
    check_warning(".ascend-build/locks", "\nwarning: `");
    check_warning(
        ".ascend-build/locks",
        "another build of `it/a:latest` is not waited for; make `",
    );
}

#[test]
fn without_a_run_there_is_nothing_to_tell() {
    let fixture = Fixture::new();
    fixture.run(&["history"]).exits(0).matches("history-empty");
    fixture.run(&["history", "--format", "json"]).exits(0).matches("history-empty-json");
    fixture.run(&["show"]).exits(2).matches("show-empty");
}

/// The warning about records that have become `spoilt`; the other runs are told.
fn check_spoilt(spoilt: &[(&str, &str)], name: &str) {
    let fixture = three_runs();
    for (run, text) in spoilt {
        fixture.write(&format!(".ascend-build/runs/{run}/report.json"), text);
    }
    fixture.run(&["history"]).exits(0).matches(name);
    fixture.run(&["logs", spoilt[0].0]).exits(0);
    fixture.run(&["show", spoilt[0].0]).exits(1).matches(&format!("{name}-shown"));
}

#[test]
fn a_spoilt_record_is_left_out_with_one_warning() {
    check_spoilt(&[(FAILED, "{\"schema\":1,\"run\":\"2026112")], "history-half");
    check_spoilt(&[(FAILED, "{\"schema\":7,\"all\":\"new\"}")], "history-newer");
    check_spoilt(&[(GOOD, ""), (FAILED, "\u{0}\u{0}")], "history-several-spoilt");
}

/// A killed run has no report, and what it wrote before it began may be half of it.
#[test]
fn a_spoilt_beginning_is_left_out_with_one_warning() {
    let fixture = three_runs();
    let folder = format!(".ascend-build/runs/{FAILED}");
    std::fs::remove_file(fixture.path(format!("{folder}/report.json"))).expect("it has a report");
    fixture.write(&format!("{folder}/begun.json"), "{\"project\":\"p");
    fixture.run(&["history"]).exits(0).matches("history-half-begun");
    fixture.run(&["logs", FAILED]).exits(0);
    fixture.run(&["show", FAILED]).exits(1).matches("history-half-begun-shown");
}

/// A record that was copied from somewhere may hold anything.
#[test]
fn a_record_moves_no_cursor() {
    let fixture = three_runs();
    let path = format!(".ascend-build/runs/{FAILED}/report.json");
    let text = std::fs::read_to_string(fixture.path(&path)).expect("it has a report");
    fixture.write(&path, text.replacen("\"result\":\"failed\"", "\"result\":\"\\u001b[2J\"", 1));
    let shown = fixture.run(&["show", FAILED]).exits(0).stdout;
    assert!(shown.contains("\\u{1b}[2J") && !shown.contains('\u{1b}'), "{shown}");
}
