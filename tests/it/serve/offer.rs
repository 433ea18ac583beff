//! What is offered: the declared files that are right, or the files of folders.

use super::guest::Server;
use crate::support::Fixture;

/// A project with a good package, a wrong one and a missing one.
fn project() -> (Fixture, Vec<u8>) {
    let fixture = Fixture::new();
    let good = fixture.package("good", "good+1.run", 5000);
    fixture.package("wrong", "wrong.run", 5000);
    fixture.write("packages/wrong.run", b"something else");
    fixture.declare("missing", "missing.run", b"content");
    fixture.write("packages/undeclared.run", b"undeclared");
    (fixture, good)
}

#[test]
fn what_is_wrong_or_missing_is_said_and_left_out() {
    let (fixture, good) = project();
    let mut server = Server::start(&fixture, &[], &[]);
    let line = server.line();
    assert_eq!(line, format!("wget http://{}/good+1.run", server.authority));
    assert_eq!(server.get("/good%2B1.run"), (200, good));
    for path in ["/wrong.run", "/missing.run", "/undeclared.run", "/packages.toml", "/../home"] {
        assert_eq!(server.status(path), 404, "{path}");
    }
    let page = String::from_utf8_lossy(&server.get("/").1).into_owned();
    assert!(page.contains("good+1.run") && !page.contains("wrong.run"), "{page}");
    let outcome = server.end();
    for said in ["warning: ", "`wrong.run`", "`missing.run`", "note: no engine answers"] {
        assert!(outcome.stderr.contains(said), "{said}: {}", outcome.stderr);
    }
    assert!(outcome.stdout.starts_with("serving 1 file, "), "{}", outcome.stdout);
}

#[test]
fn each_request_and_each_end_is_one_line_of_the_log() {
    let (fixture, _) = project();
    let server = Server::start(&fixture, &[], &[]);
    server.get("/good+1.run?token=none");
    server.get("/absent.run");
    let outcome = server.end();
    let lines: Vec<_> =
        outcome.stderr.lines().filter(|line| line.contains("ascend_build::access")).collect();
    assert_eq!(lines.len(), 3, "{}", outcome.stderr);
    assert!(lines[0].contains("path=/good+1.run status=200"), "{}", lines[0]);
    assert!(lines[0].contains("method=GET") && lines[0].contains("client=127.0.0.1:"));
    let end = "file=good+1.run sent=5000 length=5000 outcome=Whole";
    assert!(lines[1].contains(end), "{}", lines[1]);
    assert!(lines[2].contains("path=/absent.run status=404"), "{}", lines[2]);
}

#[test]
fn folders_are_served_without_their_secrets() {
    let fixture = Fixture::new();
    for file in ["one/a.run", "one/deep/install.sh", "two/b.whl", "one/id_rsa", "two/.env.sh"] {
        fixture.write(file, file);
    }
    let server = Server::start(&fixture, &["--root", "one", "--root", "two"], &[]);
    for (path, content) in
        [("/a.run", "one/a.run"), ("/install.sh", "one/deep/install.sh"), ("/b.whl", "two/b.whl")]
    {
        server.becomes(path, 200);
        assert_eq!(server.get(path).1, content.as_bytes());
    }
    for path in ["/id_rsa", "/.env.sh", "/one/a.run", "/packages.toml"] {
        assert_eq!(server.status(path), 404, "{path}");
    }
    server.end();
}

fn check_refused(fixture: &Fixture, arguments: &[&str], code: i32, said: &str) {
    let environment = [("DOCKER_HOST", "unix:///nowhere")];
    let arguments = [&["serve", "--port", "0"], arguments].concat();
    let outcome = fixture.run_with(&arguments, &environment).exits(code);
    assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
}

#[test]
fn there_must_be_something_to_serve() {
    let fixture = Fixture::new();
    check_refused(&fixture, &[], 3, "there is nothing to serve");
    check_refused(&fixture, &["--root", "nowhere"], 2, "is no folder that can be read");
    fixture.write("packages.toml", "[[package]]\nnmae = 1\n");
    check_refused(&fixture, &[], 3, "nmae");
}
