//! What a build is told and what it tells: arguments, tags, events, the report.

use std::fs;
use std::process::Command;

use serde_json::Value;

use super::BUILDERS;
use crate::support::Fixture;

/// One stage that needs a package and has a check.
fn project() -> Fixture {
    let fixture = Fixture::on_engine();
    fixture.package("plain", "plain.run", 5000);
    fixture.stages("[stages.S]\nfrom = \"tiny\"\n[stages.S.checks]\ngood = \"echo checked\"\n");
    fixture.dockerfile("S", "RUN echo said\nRUN --package=plain test -f \"$PACKAGES\"/plain.run\n");
    fixture
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn arguments_arrive_as_they_were_written() {
    let hard = "say \"hi\" to 'me' for $5 ${HOME} \\n `id` #";
    for builder in BUILDERS {
        let fixture = Fixture::on_engine();
        fixture.stages(&format!("[stages.S]\nfrom = \"tiny\"\n[stages.S.args]\nDEFAULT = '''{hard}'''\nGIVEN = \"default\"\nPLAIN = \"1\"\n"));
        fixture.dockerfile(
            "S",
            "RUN printf '%s\\n' \"$DEFAULT\" \"$GIVEN\" \"$PLAIN\" > /values\nENV KEPT=$PLAIN\n",
        );
        fixture
            .build(builder, &["--set", &format!("GIVEN=a=b {hard}"), "--set", "PLAIN=2"])
            .exits(0);
        let values = fixture.docker().in_image(&fixture.image("S"), "cat /values; echo $KEPT");
        assert_eq!(values, format!("{hard}\na=b {hard}\n2\n2"), "{builder}");
    }
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn tags_are_the_ones_that_were_asked_for() {
    let fixture = project();
    let other = format!("registry.local:5000/{}/other:2", fixture.name);
    let outcome = fixture.build("auto", &["--tag", "1.0", "--tag", &other]).exits(0);
    let id = outcome.events_called("stage-finished")[0]["image"]
        .as_str()
        .expect("a built stage has an image")
        .to_owned();
    assert_eq!(fixture.docker().references(&fixture.name), [format!("{}/s:1.0", fixture.name)]);
    assert_eq!(fixture.docker().image_id(&other), Some(id));
    assert_eq!(fixture.image_id("S"), None);
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn json_is_one_documented_event_a_line() {
    for builder in BUILDERS {
        let fixture = project();
        let outcome = fixture.build(builder, &[]).exits(0);
        let events = outcome.events();
        let names: Vec<_> =
            events.iter().map(|event| event["event"].as_str().unwrap_or("none")).collect();
        assert_eq!((names[0], events[0]["schema"].as_u64()), ("run-started", Some(1)));
        assert_eq!(names.last(), Some(&"run-finished"));
        let lines: Vec<_> = outcome
            .events_called("stage-output")
            .iter()
            .map(|event| event["line"].clone())
            .collect();
        assert_eq!(lines, ["said", "checked"]);
        let steps: Vec<_> =
            outcome.events_called("stage-step").iter().map(|event| event["step"].clone()).collect();
        assert_eq!(steps, [1, 2]);
        let states: Vec<_> =
            outcome.events_called("transfer").iter().map(|event| event["state"].clone()).collect();
        assert_eq!(
            (states.first(), states.last()),
            (Some(&Value::from("started")), Some(&Value::from("ended")))
        );
        assert_eq!(outcome.stderr, "");
    }
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn quiet_prints_the_image_and_nothing_else() {
    let fixture = project();
    let outcome = fixture.run(&["--progress", "quiet"]).exits(0);
    assert_eq!(Some(outcome.stdout.trim().to_owned()), fixture.image_id("S"));
    assert_eq!((outcome.stdout.lines().count(), &*outcome.stderr), (1, ""));
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn plain_shows_every_line_with_its_stage() {
    let fixture = project();
    let outcome = fixture.run(&[]).exits(0);
    assert_eq!(outcome.stdout, "");
    for line in ["[S] said", "[S] checked", "[S] built in ", "S      built", "sending plain.run"] {
        assert!(outcome.stderr.contains(line), "{line}\n{}", outcome.stderr);
    }
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn the_report_tells_what_was_done() {
    for builder in BUILDERS {
        let fixture = project();
        fixture.build(builder, &[]).exits(0);
        let report: Value = serde_json::from_slice(
            &fs::read(fixture.last_run().join("report.json")).expect("a run leaves a report"),
        )
        .expect("the report is JSON");
        let stage = &report["stages"][0];
        assert_eq!(
            (&report["schema"], &report["result"], &report["exit_code"]),
            (&1.into(), &"done".into(), &0.into())
        );
        assert_eq!(report["builder"], *builder);
        assert_eq!((&stage["stage"], &stage["outcome"]), (&"S".into(), &"built".into()));
        assert_eq!(stage["image"].as_str().map(str::to_owned), fixture.image_id("S"));
        assert_eq!(stage["tags"][0], fixture.image("S"));
        assert_eq!(
            (&report["packages"][0]["file"], &report["packages"][0]["size"]),
            (&"plain.run".into(), &5000.into())
        );
        let log =
            fs::read_to_string(fixture.last_run().join("S.log")).expect("the stage has a log");
        assert!(log.contains("said\n") && log.contains("checked\n"), "{log}");
    }
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_failed_run_leaves_a_report_too() {
    let fixture = project();
    fixture.dockerfile("S", "RUN exit 3\n");
    fixture.build("auto", &[]).exits(1);
    let report: Value = serde_json::from_slice(
        &fs::read(fixture.last_run().join("report.json")).expect("a run leaves a report"),
    )
    .expect("the report is JSON");
    assert_eq!((&report["result"], &report["exit_code"]), (&"failed".into(), &1.into()));
    assert_eq!(report["stages"][0]["outcome"], "failed");
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn what_runs_leave_behind_is_ignored_by_git() {
    let fixture = project();
    fixture.build("auto", &[]).exits(0);
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .args(arguments)
            .current_dir(fixture.path(""))
            .output()
            .expect("git runs");
        String::from_utf8(output.stdout).expect("names are UTF-8")
    };
    git(&["init", "-q"]);
    let untracked = git(&["status", "--porcelain", "--untracked-files=all"]);
    assert!(
        untracked.contains("stages/stages.toml") && !untracked.contains(".ascend-build"),
        "{untracked}"
    );
}
