//! Whom it answers: tokens and unguessable paths, and that no log holds them.

use super::guest::Server;
use crate::support::{Fixture, Outcome};

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

#[test]
fn no_secret_is_made_up_for_the_journal() {
    let fixture = project();
    let environment = [("DOCKER_HOST", "unix:///nowhere"), ("JOURNAL_STREAM", "8:1")];
    for option in ["--listen=0.0.0.0", "--private"] {
        let outcome = fixture.run_with(&["serve", "--port=0", option], &environment).exits(2);
        assert!(outcome.stderr.contains("ASCEND_BUILD_TOKEN"), "{}", outcome.stderr);
    }
    let journalled = [("JOURNAL_STREAM", "8:1"), ("ASCEND_BUILD_TOKEN", "secret")];
    let server = Server::start(&fixture, &[], &journalled);
    assert_eq!(server.page, "/?token=***");
    assert_eq!(server.status("/plain.run?token=secret"), 200);
    let outcome = server.end();
    assert!(!outcome.stdout.contains("secret") && !outcome.stderr.contains("secret"));
}
