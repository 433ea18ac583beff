//! A stage that hangs: it is silent for far longer than its earlier builds were. The program's clock runs
//! fast (libfaketime), so that its minutes are seconds here; the engine's is the real one.

use std::process::Command;

use super::BUILDERS;
use crate::support::{Fixture, Gate, Running, Session};

/// How many times as fast.
const SPEED: &str = "+0 x5";

/// A stage that was built once, silent for two seconds, and that waits at a gate the next time.
fn hanging(builder: &str) -> (Fixture, Gate) {
    let (fixture, gate) = (Fixture::on_engine(), Gate::new());
    fixture.one_stage("RUN sleep 2\n");
    fixture.build(builder, &[]).exits(0);
    fixture.one_stage(&format!("RUN echo started; {}\n", gate.command()));
    (fixture, gate)
}

fn fast(fixture: &Fixture, arguments: &[&str]) -> Command {
    let mut command = fixture.command(arguments);
    let folder = format!("/usr/lib/{}-linux-gnu/faketime", std::env::consts::ARCH);
    command.env("LD_PRELOAD", format!("{folder}/libfaketime.so.1"));
    command.env("FAKETIME", SPEED).env("NO_FAKE_STAT", "1");
    command
}

#[test]
#[ignore = "needs a Docker Engine and faketime; scripts/test runs it"]
fn a_stage_that_is_silent_for_longer_than_ever_is_said_to_be() {
    for builder in BUILDERS {
        let (fixture, gate) = hanging(builder);
        let arguments = ["build", "--builder", builder, "--progress", "json"];
        let mut running = Running::start(fast(&fixture, &arguments));
        running.wait_for_output("started");
        let silent = running.wait_for(|event| event["event"] == "silent");
        let seconds = |name: &str| silent[name].as_f64().expect("a number of seconds");
        assert!(silent["stage"] == "S" && seconds("before") >= 2.0, "{silent}");
        assert!(seconds("seconds") > seconds("before") + 60.0, "{silent}");
        gate.open();
        running.end().exits(0);
    }
}

#[test]
#[ignore = "needs a Docker Engine and faketime; scripts/test runs it"]
fn a_silent_stage_is_said_to_be_on_a_terminal() {
    let (fixture, gate) = hanging("auto");
    let session = Session::start(&fast(&fixture, &["build"]));
    session.wait_for("no output and no transfer for 1 min");
    session.wait_for("at most before");
    gate.open();
    session.end().exits(0);
}
