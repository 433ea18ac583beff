//! Package files that are not what was declared: told before any engine is called.

use std::fs;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use crate::support::{Fixture, pattern};

/// A name that says nothing to the catalogue of official files.
const FILE: &str = "installer_8.5.0_linux-x86_64.run";

/// A project with one stage that needs one package, spoilt by `spoil`; the build must end with exit code 4,
/// say what the snapshot `name` holds, and never have called the engine.
fn check(spoil: impl Fn(&Fixture), name: &str) {
    let fixture = Fixture::new();
    fixture.package("cann-toolkit", FILE, 100_000);
    fixture.one_stage("RUN --package=cann-toolkit true\n");
    spoil(&fixture);
    let socket = fixture.path("engine.sock");
    let engine = UnixListener::bind(&socket).expect("a socket in the fixture's folder");
    let host = format!("unix://{}", socket.display());
    let outcome = fixture.run_with(
        &["build", "--progress", "quiet", "--platform", "linux/amd64"],
        &[("DOCKER_HOST", &host)],
    );
    outcome.exits(4).matches(name);
    assert_eq!(calls(&engine), 0, "the engine was called");
}

/// How many clients have connected.
fn calls(engine: &UnixListener) -> usize {
    engine.set_nonblocking(true).expect("a socket takes the flag");
    let accepted = std::iter::from_fn(|| match engine.accept() {
        Ok(_) => Some(()),
        Err(error) if error.kind() == ErrorKind::WouldBlock => None,
        Err(error) => panic!("{error}"),
    });
    accepted.count()
}

fn path(fixture: &Fixture) -> std::path::PathBuf {
    fixture.path(format!("packages/{FILE}"))
}

#[test]
fn the_counted_engine_is_called_where_packages_are_right() {
    let fixture = Fixture::new();
    fixture.package("cann-toolkit", FILE, 1000);
    fixture.one_stage("RUN --package=cann-toolkit true\n");
    let socket = fixture.path("engine.sock");
    let engine = UnixListener::bind(&socket).expect("a socket in the fixture's folder");
    // Hanging up before the question is read would end in one error or another.
    let counting = std::thread::spawn(move || {
        engine.accept().is_ok_and(|(mut client, _)| client.read(&mut [0; 4096]).is_ok())
    });
    let host = format!("unix://{}", socket.display());
    fixture
        .run_with(
            &["build", "--progress", "quiet", "--platform", "linux/amd64"],
            &[("DOCKER_HOST", &host)],
        )
        .exits(5);
    assert!(counting.join().expect("the thread only accepts"));
}

#[test]
fn one_flipped_byte() {
    let flip = |fixture: &Fixture| {
        let mut content = fs::read(path(fixture)).expect("the package is there");
        content[50_000] ^= 1;
        fixture.write(&format!("packages/{FILE}"), content);
    };
    check(flip, "package-flipped");
}

#[test]
fn a_truncated_file() {
    let truncate = |fixture: &Fixture| {
        let declared =
            fs::read_to_string(fixture.path("packages.toml")).expect("packages.toml is there");
        fixture.write("packages.toml", declared.trim_end().to_owned() + "\nsize = 100000\n");
        let content = fs::read(path(fixture)).expect("the package is there");
        fixture.write(&format!("packages/{FILE}"), &content[..60_000]);
    };
    check(truncate, "package-truncated");
}

#[test]
fn a_missing_file() {
    let rename = |fixture: &Fixture| {
        let other = path(fixture).with_file_name(FILE.replace("8.5.0", "8.5.1"));
        fs::rename(path(fixture), other).expect("the package is there");
    };
    check(rename, "package-missing");
    check(
        |fixture| fs::remove_dir_all(fixture.path("packages")).expect("the folder is there"),
        "package-folder-missing",
    );
}

#[test]
fn a_web_page_in_its_place() {
    let page = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>please sign in</body></html>\n";
    check(|fixture| _ = fixture.write(&format!("packages/{FILE}"), page), "package-web-page");
    check(|fixture| _ = fixture.write(&format!("packages/{FILE}"), ""), "package-empty");
}

#[test]
fn a_link_out_of_the_root() {
    let link = |fixture: &Fixture| {
        fs::rename(path(fixture), fixture.path("outside.run")).expect("the package is there");
        symlink(fixture.path("outside.run"), path(fixture)).expect("the folder is writable");
    };
    check(link, "package-link-out");
}

#[test]
fn every_wrong_file_in_one_run() {
    let spoil = |fixture: &Fixture| {
        fixture.declare("second", "second.run", b"something else").declare(
            "third",
            "third.run",
            b"gone",
        );
        fixture.write("packages/second.run", pattern("second", 300));
        fixture.write(&format!("packages/{FILE}"), pattern("first", 300));
        fixture
            .dockerfile("S", "RUN --package=cann-toolkit,second true\nRUN --package=third true\n");
    };
    check(spoil, "package-several");
}
