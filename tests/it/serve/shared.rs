//! Builds that fetch from a running `serve`: which is used, what they are told of it, and how they end with it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;

use rustix::process::Signal;
use serde_json::Value;

use crate::recipe::port;
use crate::support::{Builders, Fixture, Gate, Outcome, Running, eventually};

/// A server of the fixture's project on the engine's gateway, and the port that it has.
pub(super) fn serve(fixture: &Fixture, arguments: &[&str]) -> (Running, String) {
    greeted(fixture.command(&[&["serve"], arguments].concat()))
}

fn greeted(command: std::process::Command) -> (Running, String) {
    let mut server = Running::start(command);
    let page = server.wait_for_line("page: http://");
    let port = page.trim_end_matches('/').rsplit(':').next().expect("an address has a port");
    let port = port.to_owned();
    (server, port)
}

pub(super) fn end(server: Running) -> Outcome {
    server.signal(Signal::TERM);
    server.end().exits(0)
}

/// Whether a build used a running server.
fn shared(outcome: &Outcome) -> bool {
    let ready = outcome.events_called("engine-ready");
    ready[0]["shared"].as_bool().expect("it is said")
}

/// The whole answer of a server.
fn ask(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    let ask = format!("GET /{path} HTTP/1.0\r\n\r\n");
    stream.write_all(ask.as_bytes()).expect("the server reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the server answers");
    answer
}

/// The fields of each object of a list in the last report, as one line an object.
fn reported(fixture: &Fixture, list: &str, fields: &[&str]) -> Vec<String> {
    let json = std::fs::read(fixture.last_run().join("report.json")).expect("there is a report");
    let report: Value = serde_json::from_slice(&json).expect("the report is JSON");
    let line = |object: &Value| {
        let words = fields.iter().map(|field| object[field].to_string().replace('"', ""));
        words.collect::<Vec<_>>().join(" ")
    };
    report[list].as_array().expect("a list").iter().map(line).collect()
}

const FETCH: [&str; 4] = ["stage", "file", "sent", "outcome"];
const REFUSAL: [&str; 4] = ["stage", "path", "status", "nearest"];

/// Two stages that fetch two packages.
fn project() -> Fixture {
    let fixture = Fixture::on_engine();
    fixture.package("plain", "plain.run", 5000);
    fixture.package("big", "big.run", 900_000);
    fixture.stages("[stages.A]\nfrom = \"tiny\"\n[stages.B]\nfrom = \"A\"\n");
    fixture.dockerfile("A", "RUN --package=plain cp \"$PACKAGES\"/plain.run /kept\n");
    fixture.dockerfile("B", "RUN --package=big,plain true\n");
    fixture
}

/// Where the package server was, such as `172.17.0.1:40123`.
fn server_of(outcome: &Outcome) -> String {
    let ready = outcome.events_called("engine-ready");
    ready[0]["server"].as_str().expect("a text").trim_start_matches("http://").to_owned()
}

/// The server's last transfers are those of `run`, the latest first: the stage and the file of each.
fn check_transfers(server: &str, run: &str, expected: &[&str]) {
    let mut stream = TcpStream::connect(server).expect("the server listens");
    stream.write_all(b"GET /api/transfers HTTP/1.0\r\n\r\n").expect("the server reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the server answers");
    let (_, json) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    let report: Value = serde_json::from_str(json).expect("it is JSON");
    let ended = report["ended"].as_array().expect("a list").iter().take(expected.len());
    let line = |one: &Value| {
        assert_eq!(one["run"], run, "{one}");
        format!("{} {}", one["stage"], one["file"]).replace('"', "")
    };
    assert_eq!(ended.map(line).collect::<Vec<_>>(), expected);
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_project_fetches_from_the_server_that_runs() {
    let _alone = port();
    for builder in Builders {
        let fixture = project();
        let (server, port) = serve(&fixture, &[]);
        assert_eq!(port, "3000");
        let outcome = fixture.build(builder, &["--target", "B"]).exits(0);
        assert!(shared(&outcome), "{}", outcome.stdout);
        let all = ["A plain.run 5000 whole", "B big.run 900000 whole", "B plain.run 5000 whole"];
        assert_eq!(reported(&fixture, "transfers", &FETCH), all);
        assert_eq!(reported(&fixture, "refused", &REFUSAL), [""; 0]);
        let run = fixture.last_run();
        let run = run.file_name().expect("a run has a folder").to_string_lossy().into_owned();
        check_transfers(&server_of(&outcome), &run, &["B plain.run", "B big.run", "A plain.run"]);
        let log = end(server).stderr;
        let fetches =
            log.lines().filter(|line| line.contains(&format!("path=/for/{run}/"))).count();
        assert_eq!(fetches, all.len(), "{log}");
        assert!(!log.contains("/api/events"), "{log}");
        // Nothing in an image tells which server it was, so nothing runs again.
        let own = fixture.build(builder, &["--target", "B", "--no-cache"]).exits(0);
        assert!(!shared(&own), "{}", own.stdout);
        let again = fixture.build(builder, &["--target", "B"]).exits(0);
        assert_eq!(again.stages(), ["A reused", "B reused"]);
    }
}

/// A Dockerfile that names a declared file on the server at `port` and has a `wget` that fetches
/// nothing, after another one was fetched.
fn lazy_recipe(port: u16) -> Fixture {
    let fixture = Fixture::on_engine();
    fixture.package("named", "named.sh", 100);
    fixture.package("other", "other.sh", 200);
    fixture.write(
        "Dockerfile",
        format!(
            "FROM {}\n\
             RUN wget -q http://172.17.0.1:{port}/other.sh\n\
             RUN rm /bin/wget && printf '#!/bin/sh\\nexit 0\\n' > /bin/wget && chmod 755 /bin/wget\n\
             RUN wget -q http://172.17.0.1:{port}/named.sh\n",
            fixture.base()
        ),
    );
    fixture
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_recipe_fetches_from_the_server_on_its_port() {
    for builder in Builders {
        let fixture = lazy_recipe(3921);
        let (server, port) = serve(&fixture, &["--port", "3921"]);
        let mut build = fixture.start(builder, &["-f", "Dockerfile"]);
        assert_eq!(build.wait_for_server(), format!("172.17.0.1:{port}"));
        let outcome = build.end().exits(0);
        assert!(shared(&outcome), "{}", outcome.stdout);
        let fetched = ["stage-0 other.sh 200 whole"];
        assert_eq!(reported(&fixture, "transfers", &FETCH), fetched);
        let warned = |text: &str| {
            let warnings = outcome.events_called("warning");
            warnings.iter().any(|event| event["message"].to_string().contains(text))
        };
        assert!(warned("never fetched `named.sh`"), "{}", outcome.stdout);
        assert!(!warned("never fetched `other.sh`"), "{}", outcome.stdout);
        end(server);
    }
}

/// A recipe that fetches one file from the server at `port`.
fn recipe(port: u16) -> Fixture {
    let fixture = Fixture::on_engine();
    let fetch = format!("RUN wget -q -O /result http://172.17.0.1:{port}/one.sh\n");
    fixture.write("Dockerfile", format!("FROM {}\n{fetch}", fixture.base()));
    fixture.package("one", "one.sh", 100);
    fixture
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_server_with_another_content_or_without_a_file_is_not_used() {
    let fixture = recipe(3922);
    let check = |file: &str, said: [&str; 3]| {
        let other = Fixture::on_engine();
        other.package("one", file, 100);
        let (server, _) = serve(&other, &["--port", "3922"]);
        let outcome = fixture.run(&["build", "-f", "Dockerfile", "--progress", "quiet"]).exits(5);
        for text in said {
            assert!(outcome.stderr.contains(text), "{text}: {}", outcome.stderr);
        }
        end(server);
    };
    let held = "held by process ";
    check("two.sh", [held, "it has no `one.sh`", "let it serve them as well"]);
    check("one.sh", [held, "it has other contents of `one.sh`", "the same files"]);
}

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn another_users_server_is_not_used() {
    let fixture = recipe(3923);
    let public = tempfile::tempdir().expect("a temporary folder");
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(public.path(), open).expect("the folder is ours");
    std::fs::copy(fixture.path("packages/one.sh"), public.path().join("one.sh")).expect("copied");
    let mut nobody = std::process::Command::new("setpriv");
    nobody.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]);
    nobody.arg(env!("CARGO_BIN_EXE_ascend-build")).current_dir(public.path()).env_clear();
    nobody.args(["serve", "--root", ".", "--listen", "172.17.0.1", "--port", "3923"]);
    let (server, port) = greeted(nobody);
    let build = ["build", "-f", "Dockerfile", "--progress", "quiet"];
    let refused = |more: &[&str]| fixture.run(&[&build, more].concat()).exits(5).stderr;
    let said = "the user with number 65534 has opened the port";
    assert!(refused(&[]).contains(said));
    assert!(refused(&["--server", &port]).contains(said));
    end(server);
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_build_may_refuse_or_demand_a_running_server() {
    let fixture = project();
    let (server, port) = serve(&fixture, &["--port", "0"]);
    let own = fixture.build("auto", &["--target", "A", "--server", "own"]).exits(0);
    assert!(!shared(&own), "{}", own.stdout);
    let running = fixture.build("auto", &["--target", "B", "--server", &port]).exits(0);
    assert!(shared(&running), "{}", running.stdout);
    end(server);
    let gone = fixture.run(&["build", "--target", "B", "--server", &port]).exits(5);
    assert!(gone.stderr.contains("nobody listens there"), "{}", gone.stderr);
    assert!(gone.stderr.contains("start one with `ascend-build serve`"), "{}", gone.stderr);
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_private_build_has_a_server_that_nobody_else_finds() {
    let (fixture, gate) = (project(), Gate::new());
    let wait = format!("RUN --package=plain true\nRUN echo under way; {}\n", gate.command());
    fixture.dockerfile("A", &wait);
    let digest = crate::support::sha256(&crate::support::pattern(
        &format!("{} plain.run", fixture.name),
        5000,
    ));
    let mut build = fixture.start("auto", &["--target", "A", "--private"]);
    let address = build.wait_for_server();
    build.wait_for_output("under way");
    for path in ["plain.run", "", "healthz", &format!("sha256/{digest}/plain.run")] {
        let answer = ask(&address, path);
        assert!(answer.starts_with("HTTP/1.0 404 "), "{path}: {answer}");
    }
    gate.open();
    build.end().exits(0);
    assert_eq!(reported(&fixture, "transfers", &FETCH), ["A plain.run 5000 whole"]);
    let refused = recipe(3924).run(&["build", "-f", "Dockerfile", "--private"]).exits(2);
    assert!(refused.stderr.contains("`--private` needs `RUN --package`"), "{}", refused.stderr);
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_build_ends_with_the_server_that_it_uses() {
    for builder in Builders {
        let fixture = project();
        fixture.dockerfile("A", "RUN --package=plain true\nRUN echo under way; sleep 60\n");
        let (server, port) = serve(&fixture, &["--port", "0"]);
        let mut build = fixture.start(builder, &["--target", "A", "--server", &port]);
        build.wait_for_output("under way");
        end(server);
        let outcome = build.end().exits(5);
        let said = format!(":{port}`, which this build used, is lost");
        assert!(outcome.stdout.contains(&said), "{}", outcome.stdout);
        assert!(eventually(|| fixture.image_id("A").is_none().then_some(())).is_some());
    }
}

/// What the second build has of a file that the server served otherwise, after it was verified,
/// in the first one.
fn check_second_build(builder: &str, port: u16) {
    let fixture = Fixture::on_engine();
    fixture.package("one", "one.sh", 100);
    let content = fixture.package("two", "two.sh", 200);
    let (gate, address) = (Gate::new(), format!("http://172.17.0.1:{port}"));
    fixture.write(
        "Dockerfile",
        format!(
            "FROM {}\n\
             RUN wget -q {address}/one.sh; echo under way; {}\n\
             RUN wget -q -O /result {address}/two.sh\n\
             RUN sleep 1\n",
            fixture.base(),
            gate.command()
        ),
    );
    let (server, _) = serve(&fixture, &["--port", &port.to_string()]);
    let arguments = ["-f", "Dockerfile", "--tag", "second"];
    let mut build = fixture.start(builder, &arguments);
    build.wait_for_output("under way");
    let other = crate::support::pattern("another content", 200);
    fixture.declare_nothing().declare("two", "two.sh", &other);
    fixture.write("packages/two.sh", &other);
    let list = || ask(&format!("172.17.0.1:{port}"), "api/packages");
    let digest = crate::support::sha256(&other);
    assert!(eventually(|| list().contains(&digest).then_some(())).is_some(), "{}", list());
    gate.open();
    let outcome = build.end().exits(4);
    assert!(outcome.stdout.contains("has served another `two.sh`"), "{}", outcome.stdout);
    fixture.declare_nothing().declare(
        "one",
        "one.sh",
        &crate::support::pattern(&format!("{} one.sh", fixture.name), 100),
    );
    fixture.declare("two", "two.sh", &content).write("packages/two.sh", &content);
    end(server);
    let (server, _) = serve(&fixture, &["--port", &port.to_string()]);
    for expected in ["built", "reused"] {
        let outcome = fixture.build(builder, &arguments).exits(0);
        assert!(shared(&outcome), "{}", outcome.stdout);
        assert!(outcome.stages()[0].ends_with(expected), "{:?}", outcome.stages());
        let image = outcome.events_called("stage-finished")[0]["image"].to_string();
        let digest = fixture.docker().in_image(image.trim_matches('"'), "sha256sum /result");
        assert!(digest.starts_with(&crate::support::sha256(&content)), "{digest}");
    }
    end(server);
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn what_was_served_otherwise_is_not_in_the_next_builds_cache() {
    for (builder, port) in Builders.iter().zip(3925..) {
        check_second_build(builder, port);
    }
}
