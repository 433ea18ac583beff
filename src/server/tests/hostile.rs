//! Requests that mean harm: nothing outside is read, and the server goes on answering.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use super::Served;
use crate::server::{Facts, Limits, Options};

/// Ways to write "one folder up".
const UP: [&str; 24] = [
    "../",
    "..%2f",
    "..%2F",
    "%2e%2e/",
    "%2E%2E%2F",
    "%2e./",
    ".%2e/",
    "..\\",
    "..%5c",
    "..%5C",
    "%252e%252e%252f",
    "..%252f",
    "..%c0%af",
    "..%C1%9C",
    "%c0%ae%c0%ae/",
    "%e0%80%ae%e0%80%ae/",
    "..%ef%bc%8f",
    "..%e2%88%95",
    "..;/",
    "....//",
    "..%00/",
    "..%0d/",
    "..%u2215",
    "..//",
];

/// What an attacker would like to read: a file of the machine, and one beside the served ones.
const WANTED: [&str; 2] = ["etc/passwd", "undeclared"];

/// Every traversal, from each place that a path can start at.
fn traversals() -> Vec<Vec<u8>> {
    let starts = [
        "/",
        "//",
        "/sha256/",
        "/a.run/",
        "/simple/",
        "http://x/",
        "/.",
        "/for/r/s/",
        "/tls/",
        "/api/events/",
    ];
    let paths = starts.iter().flat_map(|start| {
        UP.iter().flat_map(move |up| {
            WANTED.iter().flat_map(move |wanted| {
                [1, 8].map(|depth| format!("{start}{}{wanted}", up.repeat(depth)))
            })
        })
    });
    paths.map(|path| format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").into_bytes()).collect()
}

/// Direct ways to a file.
fn direct() -> Vec<Vec<u8>> {
    let paths = [
        "/undeclared",
        "/etc/passwd",
        "//etc/passwd",
        "/%2fetc/passwd",
        "/%2Fetc%2Fpasswd",
        "file:///etc/passwd",
        "/undeclared%00.run",
        "/a.run%00/../undeclared",
        "/a.run/../undeclared",
        "/undeclared?x=/a.run",
        "/a.run;/../undeclared",
        "/a.run%3f/../undeclared",
        "/C:/etc/passwd",
        "/proc/self/root/etc/passwd",
        "/proc/self/environ",
        "/dev/zero",
        "/dev/stdin",
        "/.",
        "/..",
        "/...",
        "/~root/.bashrc",
        "/.git/config",
        "/sha256/../../etc/passwd",
        "/for/r//etc/passwd",
        "/for/r/s//etc/passwd",
        "/for/../undeclared",
        "/for/r/../undeclared",
        "/for/r/s/undeclared",
        "/for/r/s/for/r/s/undeclared",
        "/tls/certificate.pem",
        "/tls/key.pem",
        "/api/events/-1",
        "/api/events/1/../undeclared",
        "/api/events/18446744073709551616",
        "/\u{ff0e}\u{ff0e}/etc/passwd",
        "undeclared",
        "../undeclared",
        "\\undeclared",
        "/ undeclared",
    ];
    paths
        .iter()
        .map(|path| format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").into_bytes())
        .collect()
}

/// What hides in bodies and behind them.
const INNER: &str = "GET /undeclared HTTP/1.1\r\nHost: x\r\n\r\n";

/// Heads that are no heads, and bodies that pretend to be requests: `{inner}` is [`INNER`].
const MALFORMED: &[&str] = &[
    "",
    "\r\n",
    "\n",
    "\0",
    "GET",
    "GET /",
    "GET /undeclared\r\n\r\n",
    "GET /undeclared\n\n",
    "GET /undeclared HTTP/1.1\nHost: x\n\n",
    "GET /undeclared HTTP/1.1\rHost: x\r\r",
    "GET /undeclared HTTP/0.9\r\n\r\n",
    "GET /undeclared HTTP/2.0\r\n\r\n",
    "GET /undeclared HTTP/1.1.1\r\n\r\n",
    "GET /undeclared HTP/1.1\r\n\r\n",
    "get /undeclared HTTP/1.1\r\nHost: x\r\n\r\n",
    " GET /undeclared HTTP/1.1\r\n\r\n",
    "G\0T /undeclared HTTP/1.1\r\n\r\n",
    "GET\t/undeclared\tHTTP/1.1\r\n\r\n",
    "GET  /undeclared  HTTP/1.1\r\n\r\n",
    "GET /\0undeclared HTTP/1.1\r\n\r\n",
    "GET * HTTP/1.1\r\nHost: x\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "CONNECT undeclared:80 HTTP/1.1\r\nHost: x\r\n\r\n",
    "CONNECT / HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /undeclared HTTP/1.1\r\n: x\r\n\r\n",
    "GET /undeclared HTTP/1.1\r\nHost\r\n\r\n",
    "GET /undeclared HTTP/1.1\r\nHost : x\r\n\r\n",
    "GET /undeclared HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n",
    "GET /undeclared HTTP/1.1\r\nHost: \0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}",
    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n{inner}",
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n{inner}",
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0, 44\r\n\r\n{inner}",
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +0\r\n\r\n{inner}",
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n{inner}",
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x2c\r\n\r\n{inner}",
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n{inner}",
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length : 0\r\n\r\n{inner}",
    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{inner}",
    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{inner}",
    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}",
    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n{inner}",
    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{inner}",
    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n{inner}",
    "GET /a.run HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}",
    "GET /a.run HTTP/1.1\r\nHost: x\r\nContent-Length: 44\r\n\r\n{inner}",
    "GET /a.run HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 44\r\n\r\n{inner}",
    "GET /a.run HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n{inner}",
    "GET /a.run#/../undeclared HTTP/1.1\r\nHost: x\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET /undeclared HTTP/1.1\r\n\r\n",
    "GET /a.run HTTP/1.1\r\nHost: ../../etc/passwd\r\nX-Original-URL: /undeclared\r\nX-Rewrite-URL: /undeclared\r\n\r\n{inner}",
    "GET /a.run HTTP/1.1\r\nRange: bytes=-18446744073709551616\r\n\r\n",
    "GET /a.run HTTP/1.1\r\nRange: bytes=18446744073709551615-18446744073709551615\r\n\r\n",
    "GET /a.run HTTP/1.1\r\nRange: bytes=9223372036854775807-\r\n\r\n",
    "GET /a.run HTTP/1.1\r\nRange: bytes=0-0\r\nRange: bytes=1-1\r\n\r\n",
];

/// Heads that have no end: what comes before, what is repeated how often, what comes after.
const ENDLESS: &[(&str, &str, usize, &str)] = &[
    ("GET /", "a", 100_000, " HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("GET /a.run HTTP/1.1\r\nX: ", "a", 100_000, "\r\n\r\n"),
    ("GET /a.run HTTP/1.1\r\n", "X: y\r\n", 5000, "\r\n"),
    ("GET /a.run HTTP/1.1\r\nRange: bytes=", "0-,", 9000, "\r\n\r\n"),
    ("GET /a.run HTTP/1.1\r\nIf-None-Match: ", "\"x\",", 7000, "\r\n\r\n"),
    (
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0;",
        "x",
        50_000,
        "\r\n\r\n{inner}",
    ),
];

/// What is not even text.
const RAW: &[&[u8]] = &[
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET /\xff\xfe/undeclared HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /undeclared HTTP/1.1\r\nHost: \xff\xff\r\n\r\n",
    b"\x00\x0e\x08\xff\xff\xff\xff",
    b"\xef\xbb\xbfGET /undeclared HTTP/1.1\r\n\r\n",
];

fn malformed() -> Vec<Vec<u8>> {
    let filled = |text: &str| text.replace("{inner}", INNER).into_bytes();
    let texts = MALFORMED.iter().map(|text| filled(text));
    let endless = ENDLESS
        .iter()
        .map(|(head, unit, count, tail)| filled(&[*head, &unit.repeat(*count), tail].concat()));
    texts.chain(endless).chain(RAW.iter().map(|bytes| bytes.to_vec())).collect()
}

/// Sends each request on a connection of its own, half-closed after it; gives all answers.
fn send_all(address: std::net::SocketAddr, requests: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let send = |request: &Vec<u8>| {
        let mut stream = TcpStream::connect(address).unwrap();
        // The server may have closed before it read everything: that is an answer, too.
        let _sent = stream.write_all(request);
        let _closed = stream.shutdown(Shutdown::Write);
        let mut answer = Vec::new();
        let _end = stream.read_to_end(&mut answer);
        answer
    };
    requests.iter().map(send).collect()
}

/// None of `requests` gets a status of `forbidden`, nor a byte of what it must not see.
async fn check(requests: Vec<Vec<u8>>, forbidden: &[&str]) {
    let limits = Limits { head: Duration::from_millis(500), ..Limits::default() };
    let options =
        Options { limits, pages: Some(Arc::new(|_| Facts::default())), ..Options::default() };
    let served = Served::with(options, &[("a.run", b"hello")]).await;
    std::fs::write(served.folder.path().join("undeclared"), "SECRET").unwrap();
    let (address, sent) = (served.address(), requests.clone());
    let answers = tokio::task::spawn_blocking(move || send_all(address, &sent)).await.unwrap();
    for (request, answer) in requests.iter().zip(answers) {
        let (request, answer) =
            (String::from_utf8_lossy(request), String::from_utf8_lossy(&answer));
        let leaks = ["SECRET", "root:x:"].iter().any(|part| answer.contains(part));
        let allowed = !forbidden.iter().any(|status| answer.starts_with(status));
        assert!(!leaks && allowed, "{request:?} was answered {answer:?}");
    }
    assert_eq!(served.get("/a.run", "").await.body, b"hello");
}

#[tokio::test]
async fn no_path_leads_out() {
    let requests = [traversals(), direct()].concat();
    assert!(requests.len() >= 200);
    check(requests, &["HTTP/1.1 2", "HTTP/1.1 3", "HTTP/1.0 2", "HTTP/1.0 3"]).await;
}

#[tokio::test]
async fn no_malformed_request_gets_anything_or_stops_the_server() {
    check(malformed(), &[]).await;
}
