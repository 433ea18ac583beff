//! Engines that cannot be reached, and engines that can do less.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;

use serde_json::json;

use super::{LARGE, check, doctor, doctor_with};
use crate::support::{Fixture, SecondEngine, StandIn};

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn a_healthy_machine_gets_an_all_clear() {
    let engine = SecondEngine::with(LARGE, "");
    let fixture = Fixture::on(engine.docker());
    fixture.one_stage("RUN true\n");
    check(doctor(&fixture, &[]), &[]);
    let outcome = fixture.run(&["doctor"]).exits(0);
    assert!(outcome.stdout.ends_with("\nall clear: a build can work here\n"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("reached from a container"), "{}", outcome.stdout);
    assert_eq!(outcome.stderr, "");
    assert_eq!(fixture.docker().run(&["ps", "-aq"]), "", "no container is left");
}

#[test]
fn an_engine_that_cannot_be_reached() {
    let fixture = Fixture::new();
    let host = |name: &str| format!("unix://{}", fixture.path(name).display());
    let check = |environment: &[(&str, &str)], expected: &str| {
        check(doctor(&fixture, environment), &[expected])
    };
    let found = check(&[("DOCKER_HOST", &host("none.sock"))], "error engine-missing");
    assert!(found[0].to_string().contains("`DOCKER_HOST`"), "{}", found[0]);
    drop(UnixListener::bind(fixture.path("silent.sock")).expect("the folder is writable"));
    check(&[("DOCKER_HOST", &host("silent.sock"))], "error engine-silent");
    let _listener = UnixListener::bind(fixture.path("hang.sock")).expect("the folder is writable");
    check(&[("DOCKER_HOST", &host("hang.sock"))], "error engine-silent");
    check(&[("DOCKER_HOST", "carrier-pigeon://coop")], "error engine-address");
    let context = [("DOCKER_HOST", ""), ("DOCKER_CONTEXT", "nowhere")];
    let found = check(&context, "error engine-context");
    assert!(found[0].to_string().contains("`DOCKER_CONTEXT`"), "{}", found[0]);
}

#[test]
#[ignore = "needs root; scripts/test runs it"]
fn an_engine_whose_socket_belongs_to_another_user() {
    let fixture = Fixture::new();
    let socket = fixture.path("root.sock");
    let _listener = UnixListener::bind(&socket).expect("the folder is writable");
    let open = |path: &std::path::Path, mode| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(path, permissions).expect("the folder is this test's");
    };
    open(fixture.path("").parent().expect("a project is in a folder"), 0o755);
    open(&socket, 0o600);
    let command = fixture.command(&["doctor", "--format", "json"]);
    let mut nobody = std::process::Command::new("setpriv");
    nobody.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]);
    nobody.arg(command.get_program()).args(command.get_args()).current_dir(fixture.path(""));
    nobody.env("DOCKER_HOST", format!("unix://{}", socket.display())).env("HOME", "/tmp");
    check(nobody.output().expect("setpriv runs").into(), &["error engine-denied"]);
}

#[test]
#[ignore = "needs podman and root; scripts/test runs it"]
fn an_engine_without_buildkit() {
    let engine = SecondEngine::podman(LARGE);
    let fixture = Fixture::on(engine.docker());
    check(doctor(&fixture, &[]), &["warning no-buildkit"]);
    check(doctor_with(&fixture, &["--builder", "buildkit"], &[]), &["error no-buildkit"]);
}

/// Docker Engine 17.12 cannot be had here: a real engine says that it is one, and is spoken to as one.
#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn an_engine_that_is_old() {
    let engine = SecondEngine::with(LARGE, "");
    let fixture = Fixture::on(engine.docker());
    let old = json!({
        "version": {"Version": "17.12.1-ce", "ApiVersion": "1.35", "Components": []},
        "info": {"ServerVersion": "17.12.1-ce", "Name": "old"},
    });
    let stand_in = StandIn::before(&engine.docker(), &fixture.path("old.sock"), &old);
    let host = stand_in.host();
    let found = check(
        doctor(&fixture, &[("DOCKER_HOST", &host)]),
        &["warning engine-old", "warning no-buildkit"],
    );
    assert_eq!(found[0]["actual"], "API 1.35 (engine 17.12.1-ce)");
    let new = json!({"info": {"Name": "old"}});
    let stand_in = StandIn::before(&engine.docker(), &fixture.path("new.sock"), &new);
    check(doctor(&fixture, &[("DOCKER_HOST", &stand_in.host())]), &[]);
}

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn an_engine_with_a_wasteful_storage_driver() {
    let engine = SecondEngine::with(LARGE, "--storage-driver=vfs");
    check(doctor(&Fixture::on(engine.docker()), &[]), &["warning storage-driver"]);
}

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn an_engine_whose_disk_is_small() {
    let engine = SecondEngine::start(120);
    let found = check(doctor(&Fixture::on(engine.docker()), &[]), &["error disk-full"]);
    assert!(found[0].to_string().contains("of 0.1 GiB"), "the engine's own disk: {}", found[0]);
    let engine = SecondEngine::start(5000);
    check(doctor(&Fixture::on(engine.docker()), &[]), &["warning disk-low"]);
}

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn an_engine_whose_disk_holds_few_files() {
    let engine = SecondEngine::with("size=60g,nr_inodes=20000", "");
    check(doctor(&Fixture::on(engine.docker()), &[]), &["warning files-low"]);
}
