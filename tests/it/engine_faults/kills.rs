//! A build is killed at thirty moments: the tool, the engine, or the command in the
//! container. The next run ends right, builds nothing again that was finished, and
//! nothing is left of the killed one.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpStream;
use std::thread::sleep;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::BUILDERS;
use crate::support::{Docker, Fixture, Outcome, Running, SecondEngine};

/// Milliseconds between two moments; the whole build takes about two seconds.
const STEP: u64 = 250;

const STAGES: [&str; 3] = ["A", "B", "C"];

/// Three stages, each with a package and a check, and each slow enough to be met in the middle.
fn project(engine: Docker) -> Fixture {
    let fixture = Fixture::on(engine);
    fixture.stages(
        "[stages.A]\nfrom = \"tiny\"\nargs = { MOMENT = \"none\" }\nchecks = { there = \"test -s /A\" }\n\
         [stages.B]\nfrom = \"A\"\nchecks = { there = \"test -s /B\" }\n\
         [stages.C]\nfrom = \"B\"\nchecks = { there = \"test -s /C\" }\n",
    );
    for stage in STAGES {
        fixture.package(stage, &format!("{stage}.run"), 5000);
        fixture.dockerfile(
            stage,
            &format!("RUN --package={stage} sleep 0.4; cat \"$PACKAGES\"/*.run > /{stage} && : {} sleep\n", fixture.name),
        );
    }
    fs::create_dir_all(fixture.path("tmp")).expect("the fixture's folder is writable");
    fixture
}

/// A build of a project of this moment: its stages' keys are no other's.
fn start(fixture: &Fixture, builder: &str, moment: &str) -> Running {
    let setting = format!("MOMENT={moment}");
    let arguments =
        ["build", "--target", "C", "--builder", builder, "--progress", "json", "--set", &setting];
    let mut command = fixture.command(&arguments);
    command.env("TMPDIR", fixture.path("tmp"));
    Running::start(command)
}

fn images(fixture: &Fixture) -> BTreeMap<&'static str, String> {
    STAGES.into_iter().filter_map(|stage| Some((stage, fixture.image_id(stage)?))).collect()
}

/// After the kill: the same build ends right.
fn check_next(
    fixture: &Fixture,
    builder: &str,
    moment: &str,
    before: &BTreeMap<&str, String>,
    killed: &Outcome,
) {
    let port = server(killed).map(TcpStream::connect);
    assert!(port.is_none_or(|port| port.is_err()), "{builder} {moment}: the port is still open");
    let finished: Vec<_> =
        images(fixture).into_iter().filter(|(stage, id)| before.get(stage) != Some(id)).collect();
    let outcome = start(fixture, builder, moment).end();
    assert_eq!(outcome.code, Some(0), "{builder} {moment}: {}", outcome.stderr);
    for (stage, id) in finished {
        let now = fixture.image_id(stage);
        assert_eq!(now, Some(id), "{builder} {moment}: `{stage}` was finished and is built again");
        assert!(outcome.stages().contains(&format!("{stage} reused")), "{:?}", outcome.stages());
    }
    let sizes = fixture.docker().in_image(&fixture.image("C"), "cat /A /B /C | wc -c");
    assert_eq!(sizes, "15000", "{builder} {moment}");
    super::interrupts::check_nothing_left(fixture);
    let references = fixture.docker().references(&fixture.name);
    assert_eq!(references.len(), STAGES.len(), "{references:?}");
    let left: Vec<_> = fs::read_dir(fixture.path("tmp")).expect("it is there").collect();
    assert!(left.is_empty(), "{builder} {moment}: {left:?}");
    assert_eq!(fixture.docker().run(&["volume", "ls", "--quiet"]), "", "{builder} {moment}");
}

/// The package server of a killed run, where it came so far.
fn server(killed: &Outcome) -> Option<String> {
    let mut events = killed.stdout.lines().filter_map(|line| serde_json::from_str(line).ok());
    let ready: Value = events.find(|event: &Value| event["event"] == "engine-ready")?;
    Some(ready["server"].as_str()?.to_owned())
}

/// Ends the commands of the project's containers, as a power-off does.
fn kill_commands(fixture: &Fixture) {
    let processes = fs::read_dir("/proc").expect("/proc is there").filter_map(Result::ok);
    for process in processes {
        let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        let id = process.file_name().to_str().and_then(|name| name.parse().ok());
        let own = line.contains(&fixture.name) && line.contains("sleep 0.4");
        if let Some(id) = id.and_then(Pid::from_raw).filter(|_| own) {
            _ = kill_process(id, Signal::KILL);
        }
    }
}

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn the_tool_is_killed() {
    for builder in BUILDERS {
        let fixture = project(Docker::default());
        for moment in 0..7 {
            let (name, before) = (format!("tool-{moment}"), images(&fixture));
            let running = start(&fixture, builder, &name);
            sleep(Duration::from_millis(100 + moment * STEP));
            running.signal(Signal::KILL);
            let killed = running.end();
            check_next(&fixture, builder, &name, &before, &killed);
        }
    }
}

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn the_engine_is_killed() {
    let engine = SecondEngine::start_lasting(300);
    for builder in BUILDERS {
        let fixture = project(engine.docker());
        for moment in 0..4 {
            let (name, before) = (format!("engine-{moment}"), images(&fixture));
            let running = start(&fixture, builder, &name);
            sleep(Duration::from_millis(300 + moment * 2 * STEP));
            engine.signal(Signal::KILL);
            let killed = running.end();
            engine.wait();
            check_next(&fixture, builder, &name, &before, &killed);
        }
    }
}

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn the_containers_command_is_killed() {
    for builder in BUILDERS {
        let fixture = project(Docker::default());
        for moment in 0..4 {
            let (name, before) = (format!("command-{moment}"), images(&fixture));
            let running = start(&fixture, builder, &name);
            sleep(Duration::from_millis(300 + moment * 2 * STEP));
            kill_commands(&fixture);
            let killed = running.end();
            check_next(&fixture, builder, &name, &before, &killed);
        }
    }
}
