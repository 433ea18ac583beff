//! A terminal that goes away in the middle of a build.

use std::fs;
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use super::BUILDERS;
use super::interrupts::{check_nothing_left, project};
use crate::support::{Fixture, Gate, Session, eventually};

/// A build with live lines.
fn live(fixture: &Fixture, builder: &str, arguments: &[&str]) -> Command {
    let build = ["build", "--progress", "tty", "--color", "never", "--builder", builder];
    let mut command = fixture.command(&[&build, arguments].concat());
    command.env("TERM", "xterm");
    command
}

/// The same, as nohup(1) starts it, with its output where it was.
fn outliving(command: &Command) -> Command {
    let mut outliving = Command::new("env");
    outliving.arg("--ignore-signal=HUP").arg(command.get_program()).args(command.get_args());
    outliving.current_dir(command.get_current_dir().expect("a fixture has a folder"));
    for (name, value) in command.get_envs() {
        outliving.env(name, value.unwrap_or_default());
    }
    outliving
}

/// Starts a build at a terminal, and takes that away when a line of output says `started`.
fn start_and_hang_up(command: &Command) {
    let session = Session::start(command);
    session.wait_for("| started");
    session.hang_up();
}

/// How the last run ended, by its report.
fn ended(fixture: &Fixture) -> (Value, Value) {
    let path = fixture.last_run().join("report.json");
    let report = eventually(|| serde_json::from_slice::<Value>(&fs::read(&path).ok()?).ok());
    let report = report.expect("the run leaves a report");
    (report["result"].clone(), report["exit_code"].clone())
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_terminal_that_goes_away_interrupts_the_run() {
    for builder in BUILDERS {
        let gate = Gate::new();
        let fixture = project(&gate.command());
        start_and_hang_up(&live(&fixture, builder, &["--target", "B"]));
        assert_eq!(ended(&fixture), ("interrupted".into(), 130.into()), "{builder}");
        gate.open();
        check_nothing_left(&fixture);
        assert_eq!(fixture.image_id("B"), None);
    }
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_run_that_outlives_its_terminal_goes_on_to_its_end() {
    for builder in BUILDERS {
        let (gate, address) = (Gate::new(), "http://172.17.0.1:3926");
        let fixture = Fixture::on_engine();
        fixture.package("named", "named.sh", 100);
        // What is refused is said above the live lines.
        let text = format!(
            "FROM {}\nRUN wget -q -O /dev/null {address}/named.sh && echo started; {}; \
             wget -q {address}/$(echo nomed).sh; true\n",
            fixture.base(),
            gate.command()
        );
        fixture.write("Dockerfile", text);
        start_and_hang_up(&outliving(&live(&fixture, builder, &["-f", "Dockerfile"])));
        gate.open();
        assert_eq!(ended(&fixture), ("done".into(), 0.into()), "{builder}");
    }
}

/// A shell passes on that its terminal has gone, and the kernel says it again when the shell ends.
#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_hang_up_that_is_told_twice_is_cleared_away_behind_too() {
    for builder in BUILDERS {
        let gate = Gate::new();
        let fixture = project(&gate.command());
        let mut running = fixture.start(builder, &["--target", "B"]);
        running.wait_for_output("started");
        running.signal(Signal::HUP);
        running.wait_for(|event| event["event"] == "warning");
        running.signal(Signal::HUP);
        let outcome = running.end().exits(130);
        assert!(!outcome.events_called("run-finished").is_empty(), "{}", outcome.stdout);
        gate.open();
        check_nothing_left(&fixture);
    }
}
