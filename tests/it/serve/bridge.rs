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
    let format = "{{(index .IPAM.Config 0).Gateway}}";
    let gateway = docker.run(&["network", "inspect", "bridge", "--format", format]);
    assert!(line.starts_with(&format!("http://{gateway}:")), "{line}");
    let command = format!("wget -q -O - '{line}' | sha256sum | cut -c1-64");
    let digest = docker.run(&["run", "--rm", &fixture.base(), "/bin/sh", "-c", &command]);
    assert_eq!(digest, sha256(&plain));
    running.signal(Signal::TERM);
    running.end().exits(0);
}
