//! Signals: running downloads may end, a second signal cuts them.

use std::io::Read;
use std::net::TcpStream;

use rustix::process::Signal;

use super::guest::Server;
use crate::support::{Fixture, eventually};

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
