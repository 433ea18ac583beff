//! Proxies, clocks, platforms and NPUs.

use super::{LARGE, check, doctor, doctor_in};
use crate::support::{Fixture, SecondEngine};

/// A machine that is healthy but for what each test changes.
fn machine() -> (SecondEngine, Fixture) {
    let engine = SecondEngine::with(LARGE, "");
    let fixture = Fixture::on(engine.docker());
    fixture.one_stage("RUN true\n");
    (engine, fixture)
}

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn proxies_that_swallow_the_gateway() {
    let (_engine, fixture) = machine();
    let proxy = ("http_proxy", "http://me:secret@192.0.2.1:3128");
    let outcome = doctor(&fixture, &[proxy]);
    assert!(!(outcome.stdout.clone() + &outcome.stderr).contains("secret"), "{}", outcome.stdout);
    let found = check(outcome, &["warning proxy-gateway"]);
    assert!(found[0]["mend"].to_string().contains("no_proxy='172.17.0.1'"), "{}", found[0]);
    check(doctor(&fixture, &[proxy, ("no_proxy", "localhost,172.17.0.1")]), &[]);
    let local = ("https_proxy", "http://127.0.0.1:7890");
    check(doctor(&fixture, &[local]), &["warning proxy-loopback"]);

    let config = r#"{"proxies":{"default":{"httpProxy":"http://192.0.2.1:3128"}}}"#;
    fixture.write("config/config.json", config);
    let folder = fixture.path("config");
    let folder = folder.to_str().expect("a temporary folder's path is UTF-8");
    let found = check(doctor(&fixture, &[("DOCKER_CONFIG", folder)]), &["warning proxy-gateway"]);
    assert!(found[0].to_string().contains("proxies.default.httpProxy"), "{}", found[0]);
}

/// libfaketime gives the program another clock; the engine keeps its own.
fn check_clock(fixture: &Fixture, offset: &str, expected: &[&str]) {
    let folder = format!("/usr/lib/{}-linux-gnu/faketime", std::env::consts::ARCH);
    let library = format!("{folder}/libfaketime.so.1");
    let environment = [
        ("LD_PRELOAD", library.as_str()),
        ("FAKETIME", offset),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ("NO_FAKE_STAT", "1"),
    ];
    check(doctor(fixture, &environment), expected);
}

#[test]
#[ignore = "needs a Docker Engine, faketime and root; scripts/test runs it"]
fn a_clock_that_is_wrong() {
    let (_engine, fixture) = machine();
    let past = ["warning clock-wrong", "warning clock-engine", "warning future-files"];
    check_clock(&fixture, "-9000d", &past);
    check_clock(&fixture, "+36500d", &past[..2]);
    check_clock(&fixture, "+10m", &["warning clock-engine"]);
    check_clock(&fixture, "+1s", &[]);
}

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn a_time_zone_that_is_unknown() {
    let (_engine, fixture) = machine();
    check(doctor(&fixture, &[("TZ", "Mars/Olympus_Mons")]), &["warning time-zone"]);
    check(doctor(&fixture, &[("TZ", "CST-8")]), &[]);
}

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn a_control_group_with_little_memory() {
    let engine = SecondEngine::with_little_memory(LARGE);
    let fixture = Fixture::on(engine.docker());
    let found = check(doctor(&fixture, &[]), &["warning memory-low"]);
    assert!(found[0]["actual"].as_str().is_some_and(|left| left <= "1.0 GiB"), "{}", found[0]);
    assert!(found[0]["mend"].to_string().contains("memory.max"), "{}", found[0]);
}

/// What the kernel tells of emulators is replaced, as its own files have it.
#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn a_foreign_platform() {
    let (_engine, fixture) = machine();
    let (foreign, name) = match std::env::consts::ARCH {
        "x86_64" => ("linux/arm64", "qemu-aarch64"),
        _ => ("linux/amd64", "qemu-x86_64"),
    };
    let unseen = "mount -t tmpfs none /proc/sys/fs/binfmt_misc";
    let without = format!("{unseen}; echo enabled > /proc/sys/fs/binfmt_misc/status");
    let with = |flags: &str| {
        format!(
            "{without}; printf 'enabled\\ninterpreter /bin/false\\nflags: {flags}\\n' > /proc/sys/fs/binfmt_misc/{name}"
        )
    };
    let check = |script: &str, expected: &str| {
        check(doctor_in(&fixture, script, &["--platform", foreign]), &[expected]);
    };
    check(unseen, "warning platform-foreign");
    check(&without, "error platform-foreign");
    check(&with("OC"), "error emulator-outside");
    check(&with("OCF"), "note emulated");
}

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn npus_without_what_they_need() {
    let (_engine, fixture) = machine();
    let devices = "mount -t tmpfs none /dev; mknod -m 666 /dev/null c 1 3; touch /dev/davinci0 /dev/davinci_manager";
    check(doctor_in(&fixture, devices, &[]), &["warning npu-driver"]);

    let smi = |text: &str| {
        let script = format!(
            "printf '#!/bin/sh\\n{text}\\n' > /usr/local/sbin/npu-smi; chmod 755 /usr/local/sbin/npu-smi"
        );
        format!("mount -t tmpfs none /usr/local/sbin; {script}")
    };
    let fails = smi("echo dcmi module initialize failed >&2; exit 1");
    let found = check(doctor_in(&fixture, &fails, &[]), &["warning npu-smi"]);
    assert!(found[0].to_string().contains("dcmi module initialize failed"), "{}", found[0]);
    let outcome = doctor_in(&fixture, &smi("echo Total Count : 8"), &[]);
    assert!(outcome.stdout.contains("\"NPUs\": \"8\""), "{}", outcome.stdout);
    check(outcome, &[]);
}
