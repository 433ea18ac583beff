//! Who and what the package server refuses while a build runs.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};

use rustix::process::Signal;

use crate::support::{Fixture, PATIENCE, Running};

/// A build that waits in a `RUN`, and the address of its package server.
fn waiting_build(fixture: &Fixture) -> (Running, String) {
    fixture.package("plain", "plain.run", 5000);
    fixture
        .write("packages/undeclared.run", "not for you")
        .write("packages/folder/inside.run", "not for you");
    fixture.one_stage("RUN --package=plain echo started; sleep 100000\n");
    let mut running = fixture.start("auto", &[]);
    let server = running.wait_for_server();
    running.wait_for_output("started");
    (running, server)
}

fn end(running: Running) {
    running.signal(Signal::INT);
    running.end().exits(130);
}

/// The whole answer to one request, whose path is sent as it is.
fn ask(server: &str, method: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(server).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a stream takes the limit");
    write!(stream, "{method} {path} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n")
        .expect("the server reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the server answers");
    String::from_utf8_lossy(&answer).into_owned()
}

fn check(server: &str, method: &str, path: &str, expected: u16) {
    let answer = ask(server, method, path);
    assert!(answer.starts_with(&format!("HTTP/1.1 {expected} ")), "{method} {path}: {answer}");
    for secret in ["root:", "not for you", "[[package]]"] {
        assert!(!answer.contains(secret), "{method} {path}: {answer}");
    }
}

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn nothing_but_the_plans_files_is_served() {
    let fixture = Fixture::on_engine();
    let (running, server) = waiting_build(&fixture);
    check(&server, "GET", "/plain.run", 200);
    check(&server, "HEAD", "/plain.run", 200);
    let hostile = [
        "/../etc/passwd",
        "/../../../../../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2fetc/passwd",
        "/sha256/../../etc/passwd",
        "/plain.run/../undeclared.run",
        "//etc/passwd",
        "/etc/passwd",
        "/undeclared.run",
        "/packages/undeclared.run",
        "/../packages.toml",
        "/folder",
        "/folder/inside.run",
        "/plain.run/",
        "/plain.run%00",
    ];
    hostile.iter().for_each(|path| check(&server, "GET", path, 404));
    ["POST", "PUT", "DELETE", "OPTIONS"]
        .iter()
        .for_each(|method| check(&server, method, "/plain.run", 405));
    // The list names the plan's files and no other.
    let list = ask(&server, "GET", "/");
    assert!(list.contains("plain.run") && !list.contains("undeclared"), "{list}");
    end(running);
}

/// A network namespace with one cable to this machine; both are gone with this value.
struct Stranger {
    namespace: String,
    /// This machine's end of the cable.
    host: String,
}

impl Stranger {
    fn new(token: &str) -> Self {
        let hash =
            token.bytes().fold(0_u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
        let subnet = format!("10.{}.{}", 200 + hash % 50, (hash >> 8) % 256);
        let (cable, far) =
            (format!("abit{:x}", hash % 0xff_ffff), format!("abif{:x}", hash % 0xff_ffff));
        let stranger = Self { namespace: format!("abit-{token}"), host: format!("{subnet}.1") };
        ip(&["netns", "add", &stranger.namespace]);
        ip(&[
            "link",
            "add",
            &cable,
            "type",
            "veth",
            "peer",
            "name",
            &far,
            "netns",
            &stranger.namespace,
        ]);
        ip(&["address", "add", &format!("{subnet}.1/24"), "dev", &cable]);
        ip(&["link", "set", &cable, "up"]);
        ip(&["-n", &stranger.namespace, "address", "add", &format!("{subnet}.2/24"), "dev", &far]);
        ip(&["-n", &stranger.namespace, "link", "set", &far, "up"]);
        ip(&["-n", &stranger.namespace, "route", "add", "default", "via", &format!("{subnet}.1")]);
        stranger
    }

    /// What comes back from an address when a request is sent to it.
    fn ask(&self, address: &str) -> String {
        let (host, port) = address.rsplit_once(':').expect("an address has a port");
        let request = format!(
            "printf 'GET /plain.run HTTP/1.0\\r\\n\\r\\n' | busybox timeout 10 busybox nc -w 5 {host} {port}"
        );
        let output = output(&["netns", "exec", &self.namespace, "sh", "-c", &request]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        output(&["netns", "delete", &self.namespace]);
    }
}

fn ip(arguments: &[&str]) {
    let output = output(arguments);
    assert!(
        output.status.success(),
        "ip {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn output(arguments: &[&str]) -> Output {
    Command::new("ip").args(arguments).output().expect("ip is installed")
}

/// Answers one connection, so that a test knows that the stranger could reach this machine.
fn listen(host: &str) -> String {
    let listener = TcpListener::bind((host, 0)).expect("the address is this machine's");
    let address = listener.local_addr().expect("a listener has an address").to_string();
    std::thread::spawn(move || {
        listener.accept().and_then(|(mut stream, _)| stream.write_all(b"reached"))
    });
    address
}

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn a_client_on_another_interface_gets_nothing() {
    let fixture = Fixture::on_engine();
    let (running, server) = waiting_build(&fixture);
    let (gateway, port) = server.rsplit_once(':').expect("an address has a port");
    let stranger = Stranger::new(&fixture.name);
    assert_eq!(stranger.ask(&listen(&stranger.host)), "reached", "the cable works");
    assert_eq!(
        stranger.ask(&listen(gateway)),
        "reached",
        "this machine's other addresses can be reached over the cable"
    );
    assert_eq!(stranger.ask(&format!("{}:{port}", stranger.host)), "");
    assert_eq!(stranger.ask(&server), "", "the bridge's address serves another interface");
    check(&server, "GET", "/plain.run", 200);
    end(running);
}
