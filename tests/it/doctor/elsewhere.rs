//! Engines whose bridge this program does not see, though this machine may have an address like its gateway.

use serde_json::json;

use super::{LARGE, check, doctor};
use crate::support::{Docker, Fixture, SecondEngine, StandIn};

/// The network of this process, in place of the engine's.
const HERE: &str = "/proc/self/ns/net";

/// A project on an engine that is asked from this process's own network.
fn from_here(engine: &SecondEngine) -> Fixture {
    let host = engine.docker().host().expect("the engine has an address");
    let fixture = Fixture::on(Docker::at(host, HERE.to_owned()));
    fixture.one_stage("RUN true\n");
    fixture
}

/// A build ends before its first stage, and says the same.
#[track_caller]
fn check_refused(fixture: &Fixture, environment: &[(&str, &str)], expected: &str) {
    let outcome = fixture.run_with(&["build", "--progress", "json"], environment).exits(5);
    assert!(outcome.stderr.contains(expected), "{}", outcome.stderr);
    assert!(!outcome.stdout.contains("stage-started"), "{}", outcome.stdout);
}

#[test]
#[ignore = "needs a Docker Engine, rootlesskit and root; scripts/test runs it"]
fn an_engine_without_roots_rights() {
    let engine = SecondEngine::rootless(LARGE);
    let fixture = from_here(&engine);
    let found = check(doctor(&fixture, &[]), &["error rootless"]);
    assert!(found[0]["mend"].to_string().contains("docker context use default"), "{}", found[0]);
    check_refused(&fixture, &[], "error[rootless]: the engine runs without root's rights");
}

/// The bridge of this machine's own engine has the same address.
#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn an_engine_in_another_network() {
    let engine = SecondEngine::with(LARGE, "");
    let fixture = from_here(&engine);
    check(doctor(&fixture, &[]), &["error gateway-missing"]);
    check_refused(&fixture, &[], "error[gateway-missing]: the engine runs in another network");
}

/// A network namespace stands for the other machine, and a pair of interfaces for the cable to it. The
/// bridge of this machine's own engine has the same address as the other's.
#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn an_engine_at_an_address_of_another_machine() {
    let engine = SecondEngine::with(LARGE, "--host tcp://0.0.0.0:12375");
    let (here, there) = (SecondEngine::with(LARGE, ""), engine.network());
    let cable = format!(
        "ip link add cable type veth peer name cable netns {there}; ip address add 10.88.99.1/24 dev cable; \
         ip link set cable up; nsenter --net=/proc/{there}/ns/net ip address add 10.88.99.2/24 dev cable; \
         nsenter --net=/proc/{there}/ns/net ip link set cable up"
    );
    assert!(
        here.docker().beside("sh").args(["-ec", &cable]).status().is_ok_and(|end| end.success())
    );
    let fixture = Fixture::on(here.docker());
    fixture.one_stage("RUN true\n");
    let host = [("DOCKER_HOST", "tcp://10.88.99.2:12375")];
    check(doctor(&fixture, &host), &["error remote-engine"]);
    check_refused(&fixture, &host, "error[remote-engine]: the engine runs on another machine");
}

/// Docker Desktop cannot be had here: a real engine says that it is one.
#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn docker_desktop() {
    let engine = SecondEngine::with(LARGE, "");
    let fixture = Fixture::on(engine.docker());
    fixture.one_stage("RUN true\n");
    let desktop = json!({"info": {"OperatingSystem": "Docker Desktop", "Name": "docker-desktop"}});
    let stand_in = StandIn::before(&engine.docker(), &fixture.path("desktop.sock"), &desktop);
    let host = stand_in.host();
    let host = [("DOCKER_HOST", host.as_str())];
    let found = check(doctor(&fixture, &host), &["error docker-desktop"]);
    assert!(found[0]["mend"].to_string().contains("docker context use default"), "{}", found[0]);
    check_refused(&fixture, &host, "error[docker-desktop]: the engine runs in the virtual machine");
}
