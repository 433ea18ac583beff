//! Packages of a recipe that are missing, wrong or vouched for by nobody: told in one list, before any engine is called.

use std::io::ErrorKind;
use std::os::unix::net::UnixListener;

use super::ground::Ground;
use super::motor::{ARGUMENTS, PACKAGES};
use crate::support::sha256;

/// Builds the recipe of four stages after `spoil`; every text of `expected` must be said, in their order.
fn check(spoil: impl Fn(&Ground), more: &[&str], expected: &[&str]) {
    let ground = Ground::without_engine("motor", &PACKAGES);
    spoil(&ground);
    let socket = ground.fixture.path("engine.sock");
    let engine = UnixListener::bind(&socket).expect("a socket in the fixture's folder");
    let host = format!("unix://{}", socket.display());
    let own = ["build", "-C", &ground.fixture.name, "--progress", "quiet"];
    let arguments = [&own, &ARGUMENTS[..], more].concat();
    let outcome = ground.fixture.run_with(&arguments, &[("DOCKER_HOST", &host)]).exits(4);
    let mut rest = outcome.stderr.as_str();
    for text in expected {
        let place = rest.find(text);
        let place = place.unwrap_or_else(|| panic!("`{text}` is not in:\n{}", outcome.stderr));
        rest = &rest[place + text.len()..];
    }
    engine.set_nonblocking(true).expect("a socket takes the flag");
    let called = engine.accept().err().map(|error| error.kind());
    assert_eq!(called, Some(ErrorKind::WouldBlock), "the engine was called");
}

fn remove(ground: &Ground, file: &str) {
    std::fs::remove_file(ground.path(file)).expect("the package is there");
}

fn declare(ground: &Ground, file: &str, content: &[u8]) {
    let digest = sha256(content);
    let entry = format!("[[package]]\nname = \"it\"\nfile = {file:?}\nsha256 = \"{digest}\"\n");
    ground.write("packages.toml", entry);
}

#[test]
fn what_is_missing_is_told_for_all_stages_at_once() {
    let spoil = |ground: &Ground| {
        remove(ground, "Ascend-cann-nnal_8.5.0_linux-x86_64.run");
        remove(ground, PACKAGES[6]);
        ground.stand_in("Ascend-mindie-atb-models_2.3.0_linux-x86_64_torch2.9.0-abi0.tar.gz", "");
        remove(ground, "install_mindie.sh");
    };
    let expected = [
        "`Ascend-cann-nnal_8.5.0_linux-x86_64.run` is missing",
        "Dockerfile:29:13",
        PACKAGES[6],
        "Dockerfile:59:13",
        "nearest names found: `Ascend-mindie-atb-models_2.3.0_linux-x86_64_torch2.9.0-abi0.tar.gz`",
        "`install_mindie.sh` is missing",
        "nearest names found: `install_cann.sh`",
    ];
    check(spoil, &[], &expected);
}

#[test]
fn one_wrong_byte_is_told() {
    let spoil = |ground: &Ground| {
        let mut content = std::fs::read(ground.path(PACKAGES[0])).expect("the package is there");
        declare(ground, PACKAGES[0], &content);
        content[1000] ^= 1;
        ground.write(PACKAGES[0], content);
    };
    let expected = [PACKAGES[0], "does not match its sha256", "expected sha256", "actual sha256"];
    check(spoil, &[], &expected);
}

#[test]
fn what_nobody_vouches_for_is_refused_where_the_user_is_strict() {
    let spoil = |ground: &Ground| {
        let content = std::fs::read(ground.path(PACKAGES[0])).expect("the package is there");
        declare(ground, PACKAGES[0], &content);
    };
    let others = PACKAGES[1..].iter().map(|file| format!("nothing vouches for `{file}`"));
    let others: Vec<String> = others.collect();
    let mut in_order: Vec<&str> = others.iter().map(String::as_str).collect();
    in_order.push("declare it in packages.toml");
    check(spoil, &["--strict"], &in_order);
}
