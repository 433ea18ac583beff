//! The server over real sockets on loopback.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::fixtures::written;
use super::{Facts, Limits, Observer, Options, Outcome, PackageServer, Transfer, bind};
use crate::plan::VerifiedPackage;

/// A server of files in a folder of its own, and what its observer heard.
struct Served {
    folder: tempfile::TempDir,
    server: PackageServer,
    heard: Arc<Mutex<Vec<Transfer>>>,
    packages: Vec<VerifiedPackage>,
}

impl Served {
    async fn new(files: &[(&str, &[u8])]) -> Self {
        Self::with(Options::default(), files).await
    }

    async fn with(options: Options, files: &[(&str, &[u8])]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let packages: Vec<_> =
            files.iter().map(|(name, content)| written(folder.path(), name, content)).collect();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ear = Arc::clone(&heard);
        let observer: Observer = Arc::new(move |event| ear.lock().unwrap().push(event));
        let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let server = PackageServer::start_with(options, listener, packages.clone(), observer);
        Self { folder, server, heard, packages }
    }

    fn address(&self) -> SocketAddr {
        self.server.local_address()
    }

    fn ended(&self) -> Vec<(u64, Outcome)> {
        let heard = self.heard.lock().unwrap();
        let ended = heard.iter().filter_map(|event| match event {
            Transfer::Ended { sent, outcome, .. } => Some((*sent, *outcome)),
            _ => None,
        });
        ended.collect()
    }

    /// Waits until so many transfers have ended.
    async fn wait_for_ends(&self, count: usize) {
        while self.ended().len() < count {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// The whole answer to one request, sent as these bytes on a connection of its own.
    async fn ask(&self, request: impl Into<Vec<u8>>) -> Reply {
        let (address, request) = (self.address(), request.into());
        let work = move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(&request).unwrap();
            let mut answer = Vec::new();
            // A reset is an end, too: what came before it is the answer.
            let _end = stream.read_to_end(&mut answer);
            Reply::parse(&answer)
        };
        tokio::task::spawn_blocking(work).await.unwrap()
    }

    async fn get(&self, path: &str, headers: &str) -> Reply {
        self.ask(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n"))
            .await
    }
}

/// A parsed response.
#[derive(Debug)]
struct Reply {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Reply {
    fn parse(answer: &[u8]) -> Self {
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(answer.len());
        let head = String::from_utf8(answer[..end].to_vec()).unwrap();
        let status = head.get(9..12).and_then(|code| code.parse().ok()).unwrap_or_default();
        let body = answer.get(end + 4..).unwrap_or_default().to_vec();
        Self { status, head, body }
    }

    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }
}

fn limited(limits: Limits) -> Options {
    Options { limits, ..Options::default() }
}

fn pattern(length: usize) -> Vec<u8> {
    let block: Vec<u8> = (0..997_u32).map(|at| (at * at / 7) as u8).collect();
    let mut content = block.repeat(length / block.len() + 1);
    content.truncate(length);
    content
}

#[tokio::test]
async fn serves_by_name_and_by_digest_and_nothing_else() {
    let served = Served::new(&[("a.run", b"hello"), ("empty.whl", b"")]).await;
    std::fs::write(served.folder.path().join("undeclared"), "secret").unwrap();
    let digest = served.packages[0].sha256.clone();
    let check = async |path: &str, status: u16, body: &[u8]| {
        let reply = served.get(path, "").await;
        assert_eq!(reply.status, status, "{path}");
        if status == 200 {
            assert_eq!(reply.body, body, "{path}");
            assert_eq!(reply.header("content-length"), Some(body.len().to_string().as_str()));
        }
    };
    check("/a.run", 200, b"hello").await;
    check("/empty.whl", 200, b"").await;
    check(&format!("/sha256/{digest}/a.run"), 200, b"hello").await;
    check("http://x/a.run?x=y", 200, b"hello").await;
    for path in [
        "/",
        "/undeclared",
        "/../etc/passwd",
        "/%2e%2e/etc/passwd",
        "/a.run/",
        "/a.run%00",
        "/sha256",
        "/sha256/",
        &format!("/sha256/{digest}"),
        &format!("/sha256/{digest}/empty.whl"),
    ] {
        check(path, 404, b"").await;
    }
}

#[tokio::test]
async fn only_get_and_head_are_allowed() {
    let served = Served::new(&[("a.run", b"hello")]).await;
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"] {
        let request = format!("{method} /a.run HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let reply = served.ask(request).await;
        assert_eq!((reply.status, reply.header("allow")), (405, Some("GET, HEAD")), "{method}");
    }
    let head = served.ask("HEAD /a.run HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, Some("5"), 0));
}

#[tokio::test]
async fn ranges_are_cut_from_the_file() {
    let content = pattern(300_000);
    let served = Served::new(&[("a.run", &content)]).await;
    let check = async |headers: String, status: u16, place: Option<&str>, body: &[u8]| {
        let reply = served.get("/a.run", &headers).await;
        assert_eq!((reply.status, reply.header("content-range")), (status, place), "{headers}");
        assert!(status == 416 || reply.body == body, "{headers}: {} bytes", reply.body.len());
    };
    let etag = format!("\"{}\"", served.packages[0].sha256);
    check(String::new(), 200, None, &content).await;
    let middle = &content[100_000..200_000];
    let range = "Range: bytes=100000-199999\r\n";
    let place = Some("bytes 100000-199999/300000");
    check(range.to_owned(), 206, place, middle).await;
    check(format!("{range}If-Range: {etag}\r\n"), 206, place, middle).await;
    check(format!("{range}If-Range: \"other\"\r\n"), 200, None, &content).await;
    check(
        "Range: bytes=-1\r\n".into(),
        206,
        Some("bytes 299999-299999/300000"),
        &content[299_999..],
    )
    .await;
    check("Range: bytes=300000-\r\n".into(), 416, Some("bytes */300000"), b"").await;
}

#[tokio::test]
async fn several_ranges_come_as_parts() {
    let served = Served::new(&[("a.run", b"0123456789")]).await;
    let reply = served.get("/a.run", "Range: bytes=0-1,-2\r\n").await;
    let kind = reply.header("content-type").unwrap();
    let boundary = kind.strip_prefix("multipart/byteranges; boundary=").unwrap();
    let part = |place: &str, body: &str| {
        format!(
            "\r\n--{boundary}\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes {place}/10\r\n\r\n{body}"
        )
    };
    let expected = format!("{}{}\r\n--{boundary}--\r\n", part("0-1", "01"), part("8-9", "89"));
    assert_eq!(String::from_utf8(reply.body.clone()).unwrap(), expected);
    assert_eq!(reply.header("content-length"), Some(expected.len().to_string().as_str()));
    assert_eq!(reply.status, 206);
}

#[tokio::test]
async fn the_observer_hears_each_transfer() {
    let content = pattern(3 << 20);
    let served = Served::new(&[("a.run", &content), ("b.run", b"b")]).await;
    served.get("/a.run", "Range: bytes=1-\r\n").await;
    served.get("/b.rum", "").await;
    served.wait_for_ends(1).await;
    let heard = served.heard.lock().unwrap();
    let size = content.len() as u64;
    let Transfer::Started { id: 1, file, offset: 1, length, size: whole, .. } = &heard[0] else {
        panic!("{heard:?}");
    };
    assert_eq!((file.as_str(), *length, *whole), ("a.run", size - 1, size));
    let ended = Transfer::Ended { id: 1, sent: size - 1, outcome: Outcome::Whole };
    assert!(heard.contains(&ended), "{heard:?}");
    let refused = heard.iter().find_map(|event| match event {
        Transfer::Refused { path, status, nearest, .. } => {
            Some((path, *status, nearest.as_deref()))
        }
        _ => None,
    });
    assert_eq!(refused, Some((&"/b.rum".to_owned(), 404, Some("b.run"))));
}

#[tokio::test]
async fn a_file_that_changed_before_the_request_is_refused() {
    let check = async |change: fn(&std::path::Path)| {
        let served = Served::new(&[("a.run", b"hello")]).await;
        change(&served.packages[0].path);
        assert_eq!(served.get("/a.run", "").await.status, 410);
    };
    check(|path| std::fs::write(path, "HELLO").unwrap()).await;
    check(|path| std::fs::remove_file(path).unwrap()).await;
    check(|path| {
        std::fs::remove_file(path).unwrap();
        std::fs::write(path, "hello").unwrap();
    })
    .await;
    check(|path| {
        std::fs::remove_file(path).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", path).unwrap();
    })
    .await;
    check(|path| {
        std::fs::remove_file(path).unwrap();
        std::fs::create_dir(path).unwrap();
    })
    .await;
    check(|path| {
        std::fs::remove_file(path).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            path,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )
        .unwrap();
    })
    .await;
}

/// Reads the first bytes of a file of this many mebibytes, does `change` to it,
/// then reads the rest: how many bytes came, and whether all were right.
async fn changed_while_sent(
    mebibytes: usize,
    change: fn(&std::path::Path),
) -> (bool, bool, Vec<(u64, Outcome)>) {
    let content = pattern(mebibytes << 20);
    let served = Served::new(&[("a.run", &content)]).await;
    let (address, path) = (served.address(), served.packages[0].path.clone());
    let work = move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"GET /a.run HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = vec![0; 1000];
        stream.read_exact(&mut answer).unwrap();
        change(&path);
        let _end = stream.read_to_end(&mut answer);
        Reply::parse(&answer).body
    };
    let body = tokio::task::spawn_blocking(work).await.unwrap();
    served.wait_for_ends(1).await;
    (body.len() == content.len(), body == content, served.ended())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_changes_while_it_is_sent_never_arrives_whole() {
    let check = async |change: fn(&std::path::Path)| {
        let (whole, _, ended) = changed_while_sent(64, change).await;
        assert!(!whole);
        assert!(matches!(ended[..], [(_, Outcome::Changed)]), "{ended:?}");
    };
    check(|path| std::fs::write(path, "short").unwrap()).await;
    check(|path| {
        let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
        file.set_len(63 << 20).unwrap();
    })
    .await;
    check(|path| {
        let mut file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
        file.write_all(b"X").unwrap();
    })
    .await;
}

/// Small enough to be wholly in the socket's buffers when the file changes: what
/// was sent before the change is right, and stays right.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sent_before_a_change_stays_as_it_was() {
    for mebibytes in [1, 2, 4, 6] {
        let (whole, right, _) = changed_while_sent(mebibytes, |path| {
            let length = std::fs::metadata(path).unwrap().len();
            let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
            let zeros = vec![0; usize::try_from(length).unwrap()];
            std::os::unix::fs::FileExt::write_all_at(&file, &zeros, 0).unwrap();
        })
        .await;
        assert!(right || !whole, "{mebibytes} MiB arrived whole with wrong bytes");
    }
}

#[tokio::test]
async fn a_client_that_leaves_is_a_cut() {
    let served = Served::new(&[("a.run", &pattern(64 << 20))]).await;
    let address = served.address();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /a.run HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    tokio::task::spawn_blocking(move || {
        stream.read_exact(&mut [0; 1000]).unwrap();
        drop(stream);
    })
    .await
    .unwrap();
    served.wait_for_ends(1).await;
    assert!(matches!(served.ended()[..], [(_, Outcome::Cut)]), "{:?}", served.ended());
}

#[tokio::test]
async fn stopping_lets_a_download_end_and_closes_the_port() {
    let content = pattern(64 << 20);
    let served = Served::new(&[("a.run", &content)]).await;
    let address = served.address();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /a.run HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let (begun, wait) = tokio::sync::oneshot::channel();
    let reader = tokio::task::spawn_blocking(move || {
        let mut answer = vec![0; 1000];
        stream.read_exact(&mut answer).unwrap();
        begun.send(()).unwrap();
        stream.read_to_end(&mut answer).unwrap();
        Reply::parse(&answer)
    });
    wait.await.unwrap();
    served.server.stop(Duration::from_secs(60)).await;
    assert_eq!(reader.await.unwrap().body.len(), content.len());
    assert!(TcpStream::connect(address).is_err());
}

#[tokio::test]
async fn stopping_without_grace_cuts_and_frees_idle_connections() {
    let served = Served::new(&[("a.run", &pattern(64 << 20))]).await;
    let mut idle = TcpStream::connect(served.address()).unwrap();
    let mut stuck = TcpStream::connect(served.address()).unwrap();
    stuck.write_all(b"GET /a.run HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let stuck = tokio::task::spawn_blocking(move || {
        stuck.read_exact(&mut [0; 1000]).unwrap();
        stuck
    })
    .await
    .unwrap();
    served.server.stop(Duration::ZERO).await;
    assert_eq!(served.heard.lock().unwrap().len(), 2);
    assert!(matches!(idle.read(&mut [0; 1]), Ok(0) | Err(_)));
    drop(stuck);
}

#[tokio::test]
async fn a_client_that_stops_reading_is_cut() {
    let limits = Limits { stall: Duration::from_millis(50), ..Limits::default() };
    let served = Served::with(limited(limits), &[("a.run", &pattern(64 << 20))]).await;
    let mut stream = TcpStream::connect(served.address()).unwrap();
    stream.write_all(b"GET /a.run HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    served.wait_for_ends(1).await;
    assert!(matches!(served.ended()[..], [(1.., Outcome::Cut)]), "{:?}", served.ended());
}

#[tokio::test]
async fn a_slow_head_and_an_idle_connection_are_closed() {
    let limits = Limits { head: Duration::from_millis(50), ..Limits::default() };
    let served = Served::with(limited(limits), &[("a.run", b"hello")]).await;
    let address = served.address();
    let check = async |sent: &'static str| {
        let work = move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(sent.as_bytes()).unwrap();
            let _end = stream.read_to_end(&mut Vec::new());
        };
        tokio::task::spawn_blocking(work).await.unwrap(); // returns only when the server closes
    };
    check("").await;
    check("GET /a.run HTT").await;
    check("GET /a.run HTTP/1.1\r\nHost: x\r\nX").await;
    check("GET /a.run HTTP/1.1\r\nHost: x\r\n\r\n").await;
}

#[tokio::test]
async fn idle_connections_make_room_for_a_download() {
    let limits = Limits { connections: 20, ..Limits::default() };
    let served = Served::with(limited(limits), &[("a.run", b"hello")]).await;
    let idle: Vec<_> = (0..100).map(|_| TcpStream::connect(served.address()).unwrap()).collect();
    assert_eq!(served.get("/a.run", "").await.body, b"hello");
    drop(idle);
}

fn with_pages() -> Options {
    let facts = Facts { kind: Some("wheel".into()), official: true, ..Facts::default() };
    Options { pages: Some(Arc::new(move |_| facts.clone())), ..Options::default() }
}

const WHEEL: &str = "torch_npu-2.7.1+x-cp311-cp311-linux_x86_64.whl";

#[tokio::test]
async fn pages_are_shown_where_people_are_meant_to_look() {
    let check = async |options: Options, path: &str, status: u16, part: &str| {
        let served = Served::with(options, &[(WHEEL, b"hello")]).await;
        let reply = served.get(path, "").await;
        let body = String::from_utf8(reply.body.clone()).unwrap();
        assert_eq!(reply.status, status, "{path}: {body}");
        assert!(body.contains(part), "{path}: {body}");
    };
    check(with_pages(), "/", 200, "torch_npu-2.7.1+x-cp311").await;
    check(with_pages(), "/api/packages", 200, "\"kind\":\"wheel\"").await;
    check(with_pages(), "/api/transfers", 200, "\"running\":[]").await;
    check(with_pages(), "/metrics", 200, "\nascend_build_packages 1\n").await;
    for path in ["/", "/api/packages", "/api/transfers", "/metrics"] {
        check(Options::default(), path, 404, "no such file").await;
    }
    check(Options::default(), "/healthz", 200, "ok").await;
    check(Options::default(), "/simple/", 200, "/simple/torch-npu/").await;
    check(Options::default(), "/simple/torch_npu", 200, "/torch_npu-2.7.1+x-cp311").await;
    check(Options::default(), "/simple/torch_npy/", 404, "no such file").await;
}

#[tokio::test]
async fn a_token_and_a_prefix_are_wanted_where_they_are_set() {
    let options =
        || Options { token: Some("t0".into()), prefix: Some("s3cret".into()), ..with_pages() };
    let served = Served::with(options(), &[(WHEEL, b"hello")]).await;
    let check = async |path: &str, headers: &str, status: u16| {
        assert_eq!(served.get(path, headers).await.status, status, "{path}");
    };
    check(&format!("/{WHEEL}"), "", 404).await;
    check(&format!("/{WHEEL}?token=t0"), "", 404).await;
    check(&format!("/s3cret/{WHEEL}"), "", 401).await;
    check(&format!("/s3cret/{WHEEL}?token=t0"), "", 200).await;
    check(&format!("/s3cret/{WHEEL}"), "Authorization: Bearer t0\r\n", 200).await;
    check("/s3cret/", "Authorization: Bearer t0\r\n", 200).await;
    check("/healthz", "", 404).await;
}
