//! TLS, to real clients: a certificate that is made up, kept and trusted by name; one that is given.

use std::process::Command;

use rustix::process::Signal;

use crate::support::{Fixture, Running};

/// A server on loopback under TLS, with its port, and the certificate that it made up.
struct Encrypted {
    running: Running,
    port: String,
}

impl Encrypted {
    fn start(fixture: &Fixture, arguments: &[&str]) -> Self {
        let mut command = fixture.command(&[&["serve", "--port", "0"], arguments].concat());
        command.env("DOCKER_HOST", "unix:///nowhere");
        let mut running = Running::start(command);
        let page = running.wait_for_line("page: https://127.0.0.1:");
        let port = page.split('/').next().unwrap_or_default().to_owned();
        Self { running, port }
    }

    /// What a client puts out that asks for the package, or `None` where it fails.
    fn fetch(&self, client: &[&str]) -> Option<Vec<u8>> {
        let url = format!("https://127.0.0.1:{}/big.run", self.port);
        let mut command = Command::new(client[0]);
        command.args(&client[1..]).arg(url).env("no_proxy", "127.0.0.1");
        let output = command.output().expect("scripts/test installs the client");
        output.status.success().then_some(output.stdout)
    }

    fn end(self) {
        self.running.signal(Signal::TERM);
        self.running.end().exits(0);
    }
}

#[track_caller]
fn check_clients(server: &Encrypted, certificate: &str, content: &[u8]) {
    let curl = ["curl", "-sS"];
    let wget = ["wget", "-q", "-O", "-"];
    for (client, option) in [(&curl[..], "--cacert"), (&wget[..], "--ca-certificate")] {
        let trusting = [client, &[option, certificate]].concat();
        assert_eq!(server.fetch(&trusting).as_deref(), Some(content), "{client:?}");
        assert_eq!(server.fetch(client), None, "{client:?} trusts a stranger");
    }
    let part = [&curl[..], &["--cacert", certificate, "-r", "70000-2999999"]].concat();
    assert_eq!(server.fetch(&part).as_deref(), Some(&content[70_000..]));
}

#[test]
fn a_made_up_certificate_is_kept_and_trusted_by_name() {
    let fixture = Fixture::new();
    let content = fixture.package("big", "big.run", 3_000_000);
    let mut fingerprints = Vec::new();
    for _ in 0..2 {
        let mut server = Encrypted::start(&fixture, &["--tls"]);
        let certificate = server.running.wait_for_line("certificate: ");
        fingerprints.push(server.running.wait_for_line("fingerprint: sha256 "));
        let line = server.running.wait_for_line("fetch: ");
        assert!(
            line.starts_with(&format!("wget --ca-certificate='{certificate}' https://")),
            "{line}"
        );
        check_clients(&server, &certificate, &content);
        server.end();
    }
    assert_eq!(fingerprints[0], fingerprints[1]);
}

#[test]
fn a_given_certificate_is_shown() {
    let fixture = Fixture::new();
    let content = fixture.package("big", "big.run", 3_000_000);
    let maker = Encrypted::start(&fixture, &["--tls"]);
    maker.end();
    let kept = fixture.path("../home/.local/state/ascend-build/tls");
    for (from, to) in [("certificate.pem", "own.pem"), ("key.pem", "own.key")] {
        std::fs::copy(kept.join(from), fixture.path(to)).expect("the certificate was kept");
    }
    let arguments = ["--tls-certificate", "own.pem", "--tls-key", "own.key"];
    let server = Encrypted::start(&fixture, &arguments);
    let own = fixture.path("own.pem").display().to_string();
    check_clients(&server, &own, &content);
    server.end();
    let outcome = fixture.run(&["serve", "--tls-certificate", "own.pem", "--tls-key", "own.pem"]);
    assert!(outcome.exits(2).stderr.contains("the key in `"));
}
