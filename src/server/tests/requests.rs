//! Requests and their answers.

use super::Served;
use super::pattern;
use crate::server::{Outcome, Transfer};

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
    let digest_of_hello = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
    let head = served.get("/a.run", "").await;
    assert_eq!(head.header("repr-digest"), Some(&*format!("sha-256=:{digest_of_hello}:")));
    assert_eq!(head.header("digest"), Some(&*format!("sha-256={digest_of_hello}")));
    check("/empty.whl", 200, b"").await;
    check(&format!("/sha256/{digest}/a.run"), 200, b"hello").await;
    check("http://x/a.run?x=y", 200, b"hello").await;
    for path in [
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
async fn what_is_being_verified_is_to_be_asked_for_again() {
    let served = Served::new(&[("a.run", b"hello")]).await;
    let digest = served.packages[0].sha256.clone();
    let check = async |path: &str, expected: (u16, Option<&str>)| {
        let reply = served.get(path, "").await;
        assert_eq!((reply.status, reply.header("retry-after")), expected, "{path}");
    };
    let by_digest = format!("/sha256/{digest}/a.run");
    served.offer(&[], &["a.run"]);
    for path in ["/a.run", &by_digest, "/for/r1/A/a.run"] {
        check(path, (503, Some("2"))).await;
    }
    check("/b.run", (404, None)).await;
    served.offer(&served.packages, &[]);
    check("/a.run", (200, None)).await;
    served.offer(&[], &[]);
    check(&by_digest, (404, None)).await;
}
