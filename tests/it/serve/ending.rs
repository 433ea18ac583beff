//! Signals: running downloads may end, a second signal cuts them.

use std::io::Read;
use std::net::TcpStream;

use rustix::process::Signal;

use super::guest::Server;
use crate::support::{Fixture, Running, eventually};

/// More than the buffers of both sockets hold.
const BIG: usize = 64 << 20;

/// Begins a download, sends a signal, and waits until nobody can connect any more.
fn begin(signal: Signal) -> (Fixture, Server, TcpStream) {
    let fixture = Fixture::new();
    fixture.package("big", "big.run", BIG);
    let server = Server::start(&fixture, &[], &[]);
    let mut stream = server.ask("/big.run");
    stream.read_exact(&mut [0; 1000]).expect("the answer begins");
    server.signal(signal);
    let closed = eventually(|| TcpStream::connect(&server.authority).is_err().then_some(()));
    assert!(closed.is_some(), "the port is still open");
    (fixture, server, stream)
}

/// How much comes until the connection ends.
fn rest(mut stream: TcpStream) -> usize {
    let mut received = Vec::new();
    // A connection that is cut may end in an error; what came before it counts.
    _ = stream.read_to_end(&mut received);
    received.len() + 1000
}

#[test]
fn a_running_download_ends_after_the_first_signal() {
    for signal in [Signal::TERM, Signal::INT] {
        let (_fixture, server, stream) = begin(signal);
        assert!(rest(stream) > BIG);
        server.ended().exits(0);
    }
}

#[test]
fn a_second_signal_cuts_it() {
    let (_fixture, server, stream) = begin(Signal::INT);
    server.signal(Signal::INT);
    server.ended().exits(130);
    assert!(rest(stream) < BIG);
}

/// A shell passes on that its terminal has gone, and the kernel says it again when the shell ends.
#[test]
fn a_hang_up_that_is_told_twice_cuts_nothing() {
    let (_fixture, server, stream) = begin(Signal::HUP);
    server.signal(Signal::HUP);
    assert!(rest(stream) > BIG);
    server.ended().exits(0);
}

/// A server on a free port that was started with SIGHUP ignored, or not.
fn started(fixture: &Fixture, outlives: bool) -> Server {
    let trap = if outlives { "trap '' HUP; " } else { "" };
    let serve = fixture.command(&["serve", "--port=0"]);
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &format!(r#"{trap}exec "$@""#), "sh"]);
    command.arg(serve.get_program()).args(serve.get_args()).current_dir(fixture.path(""));
    command.env("HOME", fixture.path("")).env("DOCKER_HOST", "unix:///nowhere");
    Server::greeted(Running::start(command))
}

#[test]
fn a_terminal_that_goes_away_ends_it_unless_it_was_started_to_stay() {
    let fixture = Fixture::new();
    fixture.package("one", "one.run", 5000);
    let server = started(&fixture, false);
    server.signal(Signal::HUP);
    server.ended().exits(0);
    let server = started(&fixture, true);
    server.signal(Signal::HUP);
    assert_eq!(server.status("/one.run"), 200);
    server.end();
}
