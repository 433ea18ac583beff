//! On the gateway of the engine's bridge, where containers reach it without being asked for anything.

use rustix::process::Signal;

use crate::support::{Fixture, Running, sha256};

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_container_fetches_from_the_gateway() {
    let fixture = Fixture::on_engine();
    let plain = fixture.package("plain", "plain.run", 3_000_000);
    let mut running = Running::start(fixture.command(&["serve", "--port", "0"]));
    let line = running.wait_for_line("fetch: wget ");
    let docker = fixture.docker();
    assert!(!line.contains("127.0.0.1"), "{line}");
    let command = format!("wget -q -O - '{line}' | sha256sum | cut -c1-64");
    let digest = docker.run(&["run", "--rm", &fixture.base(), "/bin/sh", "-c", &command]);
    assert_eq!(digest, sha256(&plain));
    running.signal(Signal::TERM);
    running.end().exits(0);
}
