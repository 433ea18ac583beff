//! Builds whose shared server drops a file or dies: what they say, and what of them is cached.

use rustix::process::Signal;

use super::shared::{end, serve};
use crate::support::{Builders, Fixture, Running};

/// One stage that fetches `plain.run`, waits until `gate` succeeds, and goes on with `rest`.
fn project(gate: &str, rest: &str) -> Fixture {
    let fixture = Fixture::on_engine();
    fixture.package("plain", "plain.run", 5000);
    fixture.package("big", "big.run", 900_000);
    fixture.stages("[stages.A]\nfrom = \"tiny\"\n");
    let fetch = "RUN --package=plain cp \"$PACKAGES\"/plain.run /kept\n";
    fixture.dockerfile("A", &format!("{fetch}RUN echo under way; {gate}\n{rest}\n"));
    fixture
}

/// What a build says whose server loses `big.run` by `act` before it is fetched.
fn check_dropped(builder: &str, port: u16, act: fn(&Fixture), why: &str) {
    // Where podman builds, the server is on loopback.
    let ask = |host| format!("wget -q -O /dev/null http://{host}:{port}/big.run");
    let (bridge, loopback) = (ask("172.17.0.1"), ask("127.0.0.1"));
    let gate = format!("while {bridge} || {loopback}; do sleep 0.2; done");
    let fixture = project(&gate, "RUN --package=big true");
    let (server, port) = serve(&fixture, &["--port", &port.to_string()]);
    let mut build = fixture.start(builder, &["--target", "A", "--server", &port]);
    build.wait_for_output("under way");
    act(&fixture);
    let outcome = build.end().exits(4);
    let said = format!(":{port}` serves `big.run` no more, which this build fetches from it");
    let finished = outcome.events_called("run-finished");
    let problems = finished[0]["problems"].to_string();
    assert!(problems.contains("the package server at `") && problems.contains(&said), "{problems}");
    assert!(outcome.stderr.contains(why), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("put `big.run` back there"), "{}", outcome.stderr);
    assert!(fixture.image_id("A").is_none(), "what failed has a tag");
    end(server);
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_file_that_the_server_drops_is_named() {
    let deleted = |fixture: &Fixture| {
        std::fs::remove_file(fixture.path("packages/big.run")).expect("the file is there");
    };
    let undeclared = |fixture: &Fixture| {
        let plain = std::fs::read(fixture.path("packages/plain.run")).expect("the file is there");
        fixture.declare_nothing().declare("plain", "plain.run", &plain);
    };
    for (builder, port) in Builders.iter().zip([3930, 3931]) {
        check_dropped(builder, port, deleted, "it was deleted or changed where that server has it");
    }
    check_dropped("auto", 3932, undeclared, "or is declared there no more");
}

/// Whether the engine's cache has what `RUN --package` made in a build that ended by `act` on its
/// server and itself.
fn check_cached(builder: &str, exit: i32, act: fn(&Running, &Running), cached: bool) {
    let fixture = project("sleep 600", "RUN true");
    let (server, port) = serve(&fixture, &["--port", "0"]);
    let mut build = fixture.start(builder, &["--target", "A", "--server", &port]);
    build.wait_for_output("under way");
    act(&server, &build);
    build.end().exits(exit);
    drop(server);
    let text = std::fs::read_to_string(fixture.path("stages/A.Dockerfile")).expect("it is there");
    fixture.dockerfile("A", &text.replace("sleep 600", "true"));
    let (server, port) = serve(&fixture, &["--port", "0"]);
    let again = fixture.build(builder, &["--target", "A", "--server", &port]).exits(0);
    let steps = again.events_called("stage-step");
    let first = steps.iter().rfind(|step| step["step"] == 1).expect("there is a first step");
    assert_eq!(first["cached"], cached, "{builder} {exit}: {}", again.stdout);
    end(server);
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn what_was_fetched_from_a_server_that_died_is_not_in_the_next_builds_cache() {
    for builder in Builders {
        check_cached(builder, 5, |server, _| server.signal(Signal::KILL), false);
        check_cached(builder, 130, |_, build| build.signal(Signal::INT), true);
    }
}
