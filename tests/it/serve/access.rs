//! Whom it answers: tokens and unguessable paths, and that no log holds them.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;

use super::guest::Server;
use crate::support::{Fixture, Outcome, Running, eventually};

fn project() -> Fixture {
    let fixture = Fixture::new();
    fixture.package("plain", "plain.run", 5000);
    fixture
}

/// What follows `start` up to a character that no secret has.
fn after<'a>(text: &'a str, start: &str) -> &'a str {
    let rest = text.split(start).nth(1).unwrap_or_default();
    rest.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default()
}

/// Nothing on stderr holds the secret, and it is one.
fn check_not_logged(outcome: &Outcome, secret: &str) {
    assert_eq!(secret.len(), 32, "{secret}");
    assert!(outcome.stderr.contains("ascend_build::access"), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains(secret), "{}", outcome.stderr);
}

#[test]
fn an_open_address_wants_a_token_that_is_made_up() {
    let fixture = project();
    let mut server = Server::start(&fixture, &["--listen", "0.0.0.0"], &[]);
    let token = after(&server.page, "token=").to_owned();
    let line = server.line();
    assert!(line.starts_with("wget -O 'plain.run' 'http://"), "{line}");
    assert!(line.ends_with(&format!("/plain.run?token={token}'")), "{line}");
    for path in ["/plain.run", "/", "/api/packages", "/healthz", "/plain.run?token=x"] {
        assert_eq!(server.status(path), 401, "{path}");
    }
    assert_eq!(server.status(&format!("/plain.run?token={token}")), 200);
    assert_eq!(server.status(&server.page), 200);
    check_not_logged(&server.end(), &token);
}

#[test]
fn a_given_token_holds_on_loopback_too() {
    let fixture = project();
    let variable = [("ASCEND_BUILD_TOKEN", "a&b")];
    for by_option in [true, false] {
        let server = match by_option {
            true => Server::start(&fixture, &["--token", "a&b"], &[]),
            false => Server::start(&fixture, &[], &variable),
        };
        assert_eq!(server.page, "/?token=a%26b");
        assert_eq!(server.status("/plain.run"), 401);
        assert_eq!(server.status("/plain.run?token=a%26b"), 200);
        server.end();
    }
}

#[test]
fn a_private_path_is_the_only_one() {
    let fixture = project();
    let server = Server::start(&fixture, &["--private"], &[]);
    let secret = server.page.trim_matches('/').to_owned();
    for path in ["/plain.run", "/", "/healthz", &format!("/{secret}"), "/x/plain.run"] {
        assert_eq!(server.status(path), 404, "{path}");
    }
    assert_eq!(server.status(&format!("/{secret}/plain.run")), 200);
    let outcome = server.end();
    assert!(outcome.stderr.contains("path=/***/plain.run status=200"), "{}", outcome.stderr);
    check_not_logged(&outcome, &secret);
}

/// A `serve` whose stderr is what systemd calls the journal.
fn journalled(fixture: &Fixture, arguments: &[&str]) -> Command {
    let serve = fixture.command(&[&["serve", "--port=0"], arguments].concat());
    let stream = r#"JOURNAL_STREAM=$(stat -L -c %d:%i /dev/stderr) exec "$@""#;
    let mut command = Command::new("sh");
    command.args(["-c", stream, "sh"]).arg(serve.get_program()).args(serve.get_args());
    command.env_clear().envs(serve.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("DOCKER_HOST", "unix:///nowhere").current_dir(fixture.path(""));
    command
}

/// What a client on another interface is answered, and one on this machine, in a network
/// namespace that lets every address be bound.
const NONLOCAL: &str = r#"
    set -e
    ip link set lo up
    ip link add docker0 type bridge
    ip addr add 172.17.0.1/16 dev docker0
    ip link set docker0 up
    sysctl -qw net.ipv4.ip_nonlocal_bind=1
    unshare -n sleep 60 & outside=$!
    "$@" >greeting & server=$!
    trap 'kill $outside $server' EXIT
    until [ "$(readlink /proc/$outside/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.1; done
    ip link add v0 type veth peer name v1 netns $outside
    ip addr add 10.77.0.1/24 dev v0
    ip link set v0 up
    inside() { nsenter -t $outside -n "$@"; }
    inside ip addr add 10.77.0.2/24 dev v1
    inside ip link set v1 up
    inside ip route add default via 10.77.0.1
    until grep -q page: greeting; do sleep 0.1; done
    address=$(sed -n 's/^page: //p' greeting)
    for client in env inside; do
        echo "$client $($client curl -s -m 10 -o answer -w '%{http_code}' "$address" || true)"
    done
"#;

#[test]
#[ignore = "needs root; scripts/test runs it"]
fn another_interface_is_not_answered_where_every_address_can_be_bound() {
    let fixture = project();
    let serve = fixture.command(&["serve", "--port=0", "--listen=172.17.0.1"]);
    let mut command = Command::new("unshare");
    command.args(["-n", "sh", "-c", NONLOCAL, "sh"]).arg(serve.get_program());
    command.args(serve.get_args()).current_dir(fixture.path(""));
    command.env("HOME", fixture.path("")).env("DOCKER_HOST", "unix:///nowhere");
    let outcome: Outcome = command.output().expect("it runs").into();
    let outcome = outcome.exits(0);
    assert_eq!(outcome.stdout, "env 200\ninside 000\n", "{}", outcome.stderr);
}

#[test]
fn what_is_no_http_has_its_line_in_the_log() {
    let fixture = project();
    let server = Server::start(&fixture, &[], &[]);
    let mut stream = TcpStream::connect(&server.authority).expect("the server listens");
    stream.write_all(b"no HTTP\r\n\r\n").expect("the server reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the server answers");
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    // It is counted when its connection has ended, a moment after its answer.
    let counted = eventually(|| {
        let metrics = String::from_utf8(server.get("/metrics").1).expect("it is text");
        metrics.contains("ascend_build_refused_total 1\n").then_some(())
    });
    assert!(counted.is_some(), "the refusal is counted");
    let log = server.end().stderr;
    assert!(log.contains("method=- path=- status=400 "), "{log}");
}

#[test]
fn no_secret_is_made_up_for_the_journal() {
    let fixture = project();
    for option in ["--listen=0.0.0.0", "--private"] {
        let outcome: Outcome = journalled(&fixture, &[option]).output().expect("it runs").into();
        let outcome = outcome.exits(2);
        assert!(outcome.stderr.contains("ASCEND_BUILD_TOKEN"), "{}", outcome.stderr);
    }
    // The variable is inherited by programs that write elsewhere.
    let elsewhere = [("JOURNAL_STREAM", "8:1"), ("ASCEND_BUILD_TOKEN", "secret")];
    let server = Server::start(&fixture, &[], &elsewhere);
    assert_eq!(server.page, "/?token=secret");
    server.end();
    let mut command = journalled(&fixture, &[]);
    command.env("ASCEND_BUILD_TOKEN", "secret");
    let server = Server::greeted(Running::start(command));
    assert_eq!(server.page, "/?token=***");
    assert_eq!(server.status("/plain.run?token=secret"), 200);
    let outcome = server.end();
    assert!(!outcome.stdout.contains("secret") && !outcome.stderr.contains("secret"));
}
