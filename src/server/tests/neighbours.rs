//! A build that uses another process's server: what it is told, and when it must not go on.

use std::sync::{Arc, Mutex};

use super::pages::with_pages;
use super::{Served, written};
use crate::error::Exit;
use crate::server::{Limits, Neighbour, Observer, Options, Transfer, Unusable, Wanting};

const FILES: [(&str, &[u8]); 2] = [("a.run", b"aaa"), ("b.run", b"b")];

/// A build of both files.
struct Build {
    neighbour: Neighbour,
    heard: Arc<Mutex<Vec<String>>>,
    observer: Observer,
}

impl Build {
    async fn of(served: &Served, plain: bool) -> Self {
        let wanting = Wanting { files: &served.packages, run: "r1", plain, network: None };
        let neighbour = Neighbour::find(served.address(), wanting).await.unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ear = Arc::clone(&heard);
        let observer: Observer = Arc::new(move |event| ear.lock().unwrap().push(told(event)));
        Self { neighbour, heard, observer }
    }

    async fn hear(&self) -> Result<(), Exit> {
        self.neighbour.hear(&self.observer).await.map_err(|error| error.exit)
    }
}

fn told(event: Transfer) -> String {
    match event {
        Transfer::Started { id, file, length, .. } => format!("{id} {file} {length}"),
        Transfer::Progress { id, .. } => format!("{id} goes on"),
        Transfer::Ended { id, outcome, .. } => format!("{id} {outcome:?}"),
        Transfer::Refused { path, status, .. } => format!("{path} {status}"),
        Transfer::Lost { files } => format!("lost {files:?}"),
    }
}

/// What a build hears of requests for these paths, of which each is answered before the next.
async fn check(plain: bool, paths: &[&str], expected: &[&str]) {
    let served = Served::with(with_pages(), &FILES).await;
    served.get("/a.run", "").await;
    served.wait_for_ends(1).await;
    let build = Build::of(&served, plain).await;
    for path in paths {
        let digest = &served.packages[0].sha256;
        served.get(&path.replace("DIGEST", digest.as_str()), "").await;
    }
    let fetched = expected.iter().filter(|line| line.ends_with("Whole")).count();
    served.wait_for_ends(1 + fetched).await;
    build.hear().await.unwrap();
    build.hear().await.unwrap();
    assert_eq!(*build.heard.lock().unwrap(), expected, "{paths:?}");
}

#[tokio::test]
async fn a_build_hears_of_its_own_fetches() {
    let labelled = ["2 a.run 3", "2 Whole"];
    check(false, &["/for/r1/A/sha256/DIGEST/a.run"], &labelled).await;
    check(true, &["/for/r1/A/sha256/DIGEST/a.run"], &labelled).await;
    check(true, &["/a.run"], &labelled).await;
    check(false, &["/for/r1/A/x", "/x", "/for/r2/A/x"], &["/x 404"]).await;
    check(true, &["/for/r1/A/x", "/y", "/for/r2/A/x"], &["/x 404", "/y 404"]).await;
    check(true, &["/healthz", "/api/packages", "/"], &[]).await;
}

#[tokio::test]
async fn a_build_hears_nothing_of_other_fetches() {
    let served = Served::with(with_pages(), &FILES).await;
    let build = Build::of(&served, false).await;
    served.get("/a.run", "").await;
    served.get("/for/r2/A/b.run", "").await;
    served.wait_for_ends(2).await;
    build.hear().await.unwrap();
    assert!(build.heard.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_build_ends_with_its_server() {
    let served = Served::with(with_pages(), &FILES).await;
    let build = Build::of(&served, true).await;
    let address = served.address();
    served.server.stop(std::time::Duration::ZERO).await;
    let next = crate::server::bind(address).await.unwrap();
    let files = served.packages;
    let _next =
        crate::server::PackageServer::start_with(with_pages(), next, files, Arc::new(|_| ()));
    assert_eq!(build.hear().await, Err(Exit::Engine));
}

#[tokio::test]
async fn another_content_of_a_name_ends_the_build() {
    let served = Served::with(with_pages(), &FILES).await;
    let build = Build::of(&served, true).await;
    served.offer(&[written(served.folder.path(), "a.run", b"other")], &[]);
    served.get("/a.run", "").await;
    assert_eq!(build.hear().await, Err(Exit::Package));
}

/// What a build is told when it asks a server that does `act` for a file by this path.
async fn check_dropped(plain: bool, act: fn(&Served), path: &str, expected: &[&str]) {
    let served = Served::with(with_pages(), &FILES).await;
    let build = Build::of(&served, plain).await;
    act(&served);
    let digest = &served.packages[0].sha256;
    served.get(&path.replace("DIGEST", digest.as_str()), "").await;
    let told = build.neighbour.hear(&build.observer).await.map_err(|error| {
        assert_eq!(error.exit, Exit::Package);
        let problem = &error.problems[0];
        format!("{}: {}", problem.message, problem.notes.join(""))
    });
    let told = told.err().unwrap_or_default().replace(&served.address().to_string(), "HERE");
    let told = [told, build.heard.lock().unwrap().join(" ")];
    assert_eq!(told, expected, "{path}");
}

#[tokio::test]
async fn a_file_that_is_served_no_more_ends_the_build_that_fetches_it() {
    let undeclared: fn(&Served) = |served| served.offer(&[], &[]);
    let deleted: fn(&Served) = |served| std::fs::remove_file(&served.packages[0].path).unwrap();
    let said = "the package server at `HERE` serves `a.run` no more, which this build fetches from it: it was deleted or changed where that server has it, ";
    let [gone, spoilt] =
        ["or is declared there no more", "after it was verified"].map(|why| format!("{said}{why}"));
    let awaited: fn(&Served) = |served| served.offer(&[], &["a.run"]);
    let again = said.replace("deleted or changed", "written to");
    let again = format!("{again}and is being verified again there");
    let own = "/for/r1/A/sha256/DIGEST/a.run";
    check_dropped(false, undeclared, own, &[&gone, ""]).await;
    check_dropped(false, deleted, own, &[&spoilt, ""]).await;
    check_dropped(true, undeclared, "/a.run", &[&gone, ""]).await;
    check_dropped(true, deleted, "/a.run", &[&spoilt, ""]).await;
    check_dropped(true, awaited, "/a.run", &[&again, ""]).await;
    // Another's path, another digest and another name tell nothing of this build's files.
    check_dropped(true, undeclared, "/for/r2/A/a.run", &["", ""]).await;
    let other = format!("/sha256/{}/a.run", "0".repeat(64));
    check_dropped(true, undeclared, &other, &["", &format!("{other} 404")]).await;
    check_dropped(false, undeclared, "/a.run", &["", ""]).await;
}

/// Fetches so many times from one server, over connections that are kept.
async fn fetch_often(served: &Served, path: &str, times: usize) {
    let before = served.ended().len();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    let last = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    for start in (0..times).step_by(100) {
        served.ask(request.repeat((times - start).min(100)) + last).await;
    }
    served.wait_for_ends(before + times).await;
}

#[tokio::test]
async fn a_flood_of_fetches_is_told_as_what_is_not_known() {
    let served = Served::with(with_pages(), &FILES).await;
    let (plain, labelled) = (Build::of(&served, true).await, Build::of(&served, false).await);
    served.get("/a.run", "").await;
    fetch_often(&served, "/b.run", 5000).await;
    served.get("/for/r1/A/a.run", "").await;
    served.wait_for_ends(5002).await;
    for build in [&plain, &labelled] {
        build.hear().await.unwrap();
        let heard = build.heard.lock().unwrap();
        assert_eq!(heard[0], "lost [\"a.run\", \"b.run\"]");
        assert_eq!(heard[heard.len() - 2..], ["5002 a.run 3", "5002 Whole"]);
    }
}

#[tokio::test]
async fn another_content_is_found_behind_a_flood() {
    let served = Served::with(with_pages(), &FILES).await;
    let (plain, labelled) = (Build::of(&served, true).await, Build::of(&served, false).await);
    let other = written(served.folder.path(), "a.run", b"other");
    served.offer(&[other, served.packages[1].clone()], &[]);
    served.get("/a.run", "").await;
    fetch_often(&served, "/b.run", 5000).await;
    assert_eq!(plain.hear().await, Err(Exit::Package));
    assert_eq!(labelled.hear().await, Ok(()));
}

/// A server that offers nothing yet is waited for until it has the files, and then used.
async fn check_waited_for(served: &Served, awaited: &[&str]) {
    served.offer(&[], awaited);
    let wanting = Wanting { files: &served.packages, run: "r1", plain: true, network: None };
    let mut finding = std::pin::pin!(Neighbour::find(served.address(), wanting));
    let early = tokio::time::timeout(std::time::Duration::from_millis(300), &mut finding).await;
    assert!(early.is_err(), "it does not wait");
    served.offer(&served.packages, &[]);
    assert!(finding.await.is_ok());
}

#[tokio::test]
async fn a_server_that_is_still_looking_at_its_files_is_waited_for() {
    let served = Served::with(with_pages(), &FILES).await;
    check_waited_for(&served, &["b.run"]).await;
    served.offer(&[], &[]);
    // Files that came a moment ago would be waited for, too.
    let mut old = served.packages.clone();
    old.iter_mut().for_each(|file| file.identity.changed = file.identity.modified);
    let wanting = Wanting { files: &old, run: "r1", plain: true, network: None };
    let lacking = Neighbour::find(served.address(), wanting).await.err();
    assert!(matches!(lacking, Some(Unusable::Lacks(_))), "{lacking:?}");
}

/// Why a server with these options, of these files, is not used.
async fn check_unusable(options: Options, files: &[(&str, &[u8])], expected: &str) {
    let served = Served::with(options, files).await;
    let wanted = [crate::server::fixtures::package("a.run", b"aaa")];
    let wanting = Wanting { files: &wanted, run: "r1", plain: true, network: None };
    let found = Neighbour::find(served.address(), wanting).await;
    let why = found.err().map(|unusable: Unusable| unusable.to_string()).unwrap_or_default();
    assert!(why.contains(expected), "{why}");
    let heard: Vec<_> = served.heard.lock().unwrap().iter().cloned().map(told).collect();
    let guesses = if expected == "401" { vec!["/api/events 401".to_owned()] } else { vec![] };
    assert_eq!(heard, guesses, "a look at a server is no request for a file");
}

#[tokio::test]
async fn what_cannot_be_shared_says_why() {
    check_unusable(with_pages(), &FILES[1..], "it has no `a.run`").await;
    check_unusable(with_pages(), &[("a.run", b"bbb")], "it has other contents of `a.run`").await;
    check_unusable(Options::default(), &FILES, "404").await;
    let token = Options { token: Some("t".to_owned()), ..with_pages() };
    check_unusable(token, &FILES, "401").await;
    let private = Options { prefix: Some("p".to_owned()), ..with_pages() };
    check_unusable(private, &FILES, "404").await;
}

#[tokio::test]
async fn a_file_that_came_a_moment_ago_is_waited_for() {
    let served = Served::with(with_pages(), &FILES).await;
    check_waited_for(&served, &[]).await;
}

#[tokio::test]
async fn a_builds_line_outlives_idle_connections() {
    let limits = Limits { connections: 16, ..Limits::default() };
    let served = Served::with(Options { limits, ..with_pages() }, &FILES).await;
    let build = Build::of(&served, true).await;
    let connect = |_| std::net::TcpStream::connect(served.address()).unwrap();
    let idle: Vec<_> = (0..40).map(connect).collect();
    served.get("/a.run", "").await;
    served.wait_for_ends(1).await;
    build.hear().await.unwrap();
    assert_eq!(*build.heard.lock().unwrap(), ["1 a.run 3", "1 Whole"]);
    drop(idle);
}

#[tokio::test]
async fn whatever_a_client_writes_little_of_it_is_kept() {
    let served = Served::with(with_pages(), &FILES).await;
    let build = Build::of(&served, true).await;
    let (method, path) = ("M".repeat(14_000), "p".repeat(14_000));
    served.ask(format!("{method} /{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await;
    build.hear().await.unwrap();
    assert_eq!(*build.heard.lock().unwrap(), [format!("/{} 405", "p".repeat(511))]);
    let events = served.get("/api/events/0", "").await.body;
    assert!(events.len() < 2000, "{} bytes", events.len());
}
