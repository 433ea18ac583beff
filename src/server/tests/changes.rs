//! Files that change before and while they are sent.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::{Reply, Served, pattern};
use crate::server::Outcome;

#[tokio::test]
async fn a_file_that_changed_before_the_request_is_refused() {
    let check = async |change: fn(&Path)| {
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
    change: fn(&Path),
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
    let check = async |change: fn(&Path)| {
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
    check(|path| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o000)).unwrap();
    })
    .await;
    check(|path| std::fs::remove_file(path).unwrap()).await;
    check(|path| {
        let other = path.with_extension("other");
        std::fs::copy(path, &other).unwrap();
        std::fs::rename(&other, path).unwrap();
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
