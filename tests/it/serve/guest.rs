//! A running `serve`, and requests to it.

use std::io::{Read, Write};
use std::net::TcpStream;

use rustix::process::Signal;

use crate::support::{Fixture, Outcome, Running, eventually};

/// A server that ends with this value.
pub(super) struct Server {
    running: Running,
    /// `127.0.0.1:40123`.
    pub(super) authority: String,
    /// The address of the page, below the authority.
    pub(super) page: String,
}

impl Server {
    /// Starts one on a free port, where no engine answers.
    pub(super) fn start(fixture: &Fixture, arguments: &[&str], env: &[(&str, &str)]) -> Self {
        let arguments = [&["serve", "--port", "0"], arguments].concat();
        let mut command = fixture.command(&arguments);
        command.env("DOCKER_HOST", "unix:///nowhere").envs(env.iter().copied());
        Self::greeted(Running::start(command))
    }

    /// One that was started otherwise, when it has said where it is.
    pub(super) fn greeted(mut running: Running) -> Self {
        let page = running.wait_for_line("page: http://");
        let (authority, page) = page.split_once('/').expect("an address has a path");
        let port = authority.rsplit(':').next().expect("an address has a port");
        let authority = format!("127.0.0.1:{port}");
        Self { running, authority, page: format!("/{page}") }
    }

    /// The line to copy.
    pub(super) fn line(&mut self) -> String {
        self.running.wait_for_line("fetch: ")
    }

    /// A connection that has asked for `path`.
    pub(super) fn ask(&self, path: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.authority).expect("the server listens");
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").expect("the server reads");
        stream
    }

    /// The status and body of a `GET`.
    pub(super) fn get(&self, path: &str) -> (u16, Vec<u8>) {
        let mut answer = Vec::new();
        self.ask(path).read_to_end(&mut answer).expect("the server answers");
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n");
        let body = answer[end.expect("an answer has a head") + 4..].to_vec();
        let head = String::from_utf8_lossy(&answer).into_owned();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.expect("an answer has a status"), body)
    }

    /// The status of a `GET`.
    pub(super) fn status(&self, path: &str) -> u16 {
        self.get(path).0
    }

    /// Waits until a `GET` has this status.
    #[track_caller]
    pub(super) fn becomes(&self, path: &str, status: u16) {
        let came = eventually(|| (self.status(path) == status).then_some(()));
        assert!(came.is_some(), "{path} is {} and never was {status}", self.status(path));
    }

    /// Sends a signal.
    pub(super) fn signal(&self, signal: Signal) {
        self.running.signal(signal);
    }

    /// Its end after the signal that was sent.
    pub(super) fn ended(self) -> Outcome {
        self.running.end()
    }

    /// Ends it as systemd does.
    pub(super) fn end(self) -> Outcome {
        self.signal(Signal::TERM);
        self.ended().exits(0)
    }
}
