//! What real builds leave behind.

use std::fs;

use rustix::process::Signal;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::support::Fixture;

/// The runs of a project, the last one first.
fn history(fixture: &Fixture) -> Vec<Value> {
    let json = fixture.run(&["history", "--format", "json"]).exits(0).stdout;
    serde_json::from_str(&json).expect("the history is JSON")
}

/// `target result outcomes` of each run, the last one first.
fn check(fixture: &Fixture, expected: &[&str]) {
    let word = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    let told = history(fixture).into_iter().map(|run| {
        let stages = run["stages"].as_array().expect("a run has stages").iter();
        let stages: Vec<_> = stages.map(|stage| word(&stage["outcome"])).collect();
        format!("{} {} {}", word(&run["target"]), word(&run["result"]), stages.join(" "))
    });
    let told: Vec<_> = told.collect();
    assert_eq!(told, expected);
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn good_failed_and_killed_builds_are_told() {
    let fixture = Fixture::on_engine();
    fixture.stages("[stages.A]\nfrom = \"tiny\"\n[stages.B]\nfrom = \"A\"\n");
    fixture.dockerfile("A", "RUN echo a > /a\n").dockerfile("B", "RUN echo words; exit 3\n");
    fixture.run(&["--target", "A", "--progress", "quiet"]).exits(0);
    check(&fixture, &["A done built"]);
    let ended = fixture.run(&["--target", "B", "--progress", "quiet"]).exits(1).stderr;
    check(&fixture, &["B failed reused failed", "A done built"]);
    assert!(fixture.run(&["logs", "last", "B"]).exits(0).stdout.contains("\nwords\n"));
    let shown = fixture.run(&["show"]).exits(0).stdout;
    assert!(shown.contains("failed, exit code 1"), "{shown}");
    let said = &ended[ended.find("error: an instruction of stage `B` failed").expect("B failed")..];
    assert!(said.contains("B.Dockerfile:1:1") && said.contains("exit code 3"), "{said}");
    assert!(shown.ends_with(said), "{shown}\nis not as\n{said}");

    fixture.dockerfile("B", "RUN echo started; sleep 30\n");
    let mut running = fixture.start("auto", &["--target", "B"]);
    running.wait_for_output("started");
    check(&fixture, &["B running running", "B failed reused failed", "A done built"]);
    running.signal(Signal::KILL);
    running.end();
    check(&fixture, &["B killed killed", "B failed reused failed", "A done built"]);
    assert!(fixture.run(&["logs"]).exits(0).stdout.ends_with("started\n"));

    fs::remove_file(fixture.path(".ascend-build/history.jsonl")).expect("there is an index");
    check(&fixture, &["B killed killed", "B failed reused failed", "A done built"]);
}

/// After a reboot no engine runs yet, caches and temporary files are gone, and another process may have the
/// number of the run's.
#[test]
#[ignore = "needs a Docker Engine and faketime; scripts/test runs it"]
fn a_failed_run_of_yesterday_is_given_back_after_a_reboot() {
    let fixture = Fixture::on_engine();
    fixture.one_stage("RUN echo words; exit 3\n");
    let folder = format!("/usr/lib/{}-linux-gnu/faketime", std::env::consts::ARCH);
    let library = format!("{folder}/libfaketime.so.1");
    let yesterday = [("LD_PRELOAD", &*library), ("FAKETIME", "-1d"), ("NO_FAKE_STAT", "1")];
    let ended = fixture.run_with(&["build", "--progress", "quiet"], &yesterday).exits(1).stderr;
    let lock = fixture.last_run().join("lock");
    let text = fs::read_to_string(&lock).expect("a run leaves its lock");
    let mut holder: Value = serde_json::from_str(&text).expect("its holder stands in it");
    holder["process"] = std::process::id().into();
    fs::write(&lock, holder.to_string()).expect("the folder is writable");

    let rebooted =
        [("DOCKER_HOST", "unix:///nowhere"), ("HOME", "/nowhere"), ("TMPDIR", "/nowhere")];
    let after = |arguments: &[&str]| fixture.run_with(arguments, &rebooted).exits(0).stdout;
    let listed: Value =
        serde_json::from_str(&after(&["history", "--format", "json"])).expect("JSON");
    assert_eq!((&listed[0]["result"], &listed[0]["exit_code"]), (&"failed".into(), &1.into()));
    let started = listed[0]["started"].as_str().expect("a run has a start");
    let started = OffsetDateTime::parse(started, &Rfc3339).expect("it is a time");
    assert!(OffsetDateTime::now_utc() - started > time::Duration::hours(23), "{started}");
    let said = &ended[ended.find("error: an instruction").expect("the stage failed")..];
    let shown = after(&["show"]);
    assert!(shown.ends_with(said), "{shown}\nis not as\n{said}");
    assert!(after(&["logs"]).contains("\nwords\n"));
}
