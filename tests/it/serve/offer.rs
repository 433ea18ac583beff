//! What is offered: the declared files that are right, or the files of folders.

use std::os::unix::fs::PermissionsExt as _;

use super::guest::Server;
use crate::support::{Fixture, Running};

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

#[test]
fn a_link_inside_its_root_is_the_file_that_it_leads_to() {
    let fixture = Fixture::new();
    let one = fixture.package("one", "deep/one.run", 5000);
    std::os::unix::fs::symlink("deep/one.run", fixture.path("packages/two.run")).expect("a link");
    fixture.declare("two", "two.run", &one);
    let declared = Server::start(&fixture, &[], &[]);
    assert_eq!(declared.get("/two.run"), (200, one.clone()));
    declared.end();
    let found = Server::start(&fixture, &["--root", "packages"], &[]);
    found.becomes("/two.run", 200);
    assert_eq!(found.get("/two.run").1, one);
    found.end();
}

#[test]
#[ignore = "needs root; scripts/test runs it"]
fn a_folder_that_cannot_be_read_is_said() {
    let public = tempfile::tempdir().expect("a temporary folder");
    let mode = |path: &std::path::Path, mode| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(path, permissions).expect("the folder is ours");
    };
    let secret = public.path().join("secret");
    std::fs::create_dir(&secret).expect("the folder is ours");
    std::fs::write(public.path().join("a.run"), "a").expect("the folder is ours");
    mode(public.path(), 0o755);
    mode(&secret, 0o700);
    let mut nobody = std::process::Command::new("setpriv");
    nobody.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]);
    nobody.arg(env!("CARGO_BIN_EXE_ascend-build")).current_dir(public.path()).env_clear();
    nobody.args(["serve", "--root", ".", "--port", "0"]).env("DOCKER_HOST", "unix:///nowhere");
    let server = Server::greeted(Running::start(nobody));
    server.becomes("/a.run", 200);
    let said = server.end().stderr;
    let expected = "folders that cannot be read are left out: 1";
    assert!(said.contains(expected) && said.contains("/secret`: "), "{said}");
}

#[test]
fn what_is_wrong_with_an_address_says_what_to_write() {
    let fixture = Fixture::new();
    fixture.package("one", "one.run", 5000);
    check_refused(&fixture, &["--listen", "127.0.0.1:3000"], 2, "`--listen 127.0.0.1 --port 3000`");
    let server = Server::start(&fixture, &["--listen", "127.0.0.1"], &[]);
    let port = server.authority.rsplit(':').next().expect("an address has a port").to_owned();
    let arguments = ["serve", "--listen", "127.0.0.1", "--port", &port];
    let said = fixture.run(&arguments).exits(5).stderr;
    let page = format!("see which at http://127.0.0.1:{port}/");
    for text in ["held by process ", &page, "or choose another port: `--port "] {
        assert!(said.contains(text), "{text}: {said}");
    }
    server.end();
}
