//! What systemd does with a service: it hands over the socket and is told of readiness.

use std::os::unix::net::UnixDatagram;
use std::process::Command;

use super::guest::Server;
use crate::support::{Fixture, PATIENCE, Running};

/// Opens a socket as descriptor 3, as sd_listen_fds(3) has it, and becomes the program.
const HAND_OVER: &str = "import os, socket, sys
opened = socket.create_server(('127.0.0.1', 0)) if sys.argv[1] == 'listening' else socket.socket()
os.dup2(opened.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1')
os.execv(sys.argv[2], sys.argv[2:])";

/// `serve` with a handed-over socket; the port that it is told counts for nothing.
fn activated(fixture: &Fixture, socket: &str) -> Command {
    let own = fixture.command(&["serve", "--port", "1"]);
    let mut command = Command::new("python3");
    command.args(["-c", HAND_OVER, socket]).arg(own.get_program()).args(own.get_args());
    command.current_dir(fixture.path("")).env("DOCKER_HOST", "unix:///nowhere");
    command
}

#[test]
fn the_handed_over_socket_is_used_and_readiness_told() {
    let fixture = Fixture::new();
    let plain = fixture.package("plain", "plain.run", 5000);
    let path = fixture.path("notify");
    let ear = UnixDatagram::bind(&path).expect("the fixture's folder is writable");
    ear.set_read_timeout(Some(PATIENCE)).expect("a time above nothing");
    let mut command = activated(&fixture, "listening");
    let server = Server::greeted(Running::start({
        command.env("NOTIFY_SOCKET", &path);
        command
    }));
    let hear = || {
        let mut word = [0; 64];
        let length = ear.recv(&mut word).expect("systemd is told");
        String::from_utf8_lossy(&word[..length]).into_owned()
    };
    assert_eq!(hear(), "READY=1");
    assert_eq!(server.get("/plain.run"), (200, plain));
    server.end();
    assert_eq!(hear(), "STOPPING=1");
}

#[test]
fn a_socket_that_does_not_listen_is_refused() {
    let fixture = Fixture::new();
    fixture.package("plain", "plain.run", 5000);
    let output = activated(&fixture, "other").output().expect("python3 runs");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("no listening TCP socket"), "{stderr}");
}
