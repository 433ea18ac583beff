//! Clients that leave, stall or idle, and the server that stops.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Reply, Served, pattern};
use crate::server::{Limits, Options, Outcome};

fn limited(limits: Limits) -> Options {
    Options { limits, ..Options::default() }
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
async fn two_thousand_idle_connections_do_not_stop_a_download() {
    let content = pattern(8 << 20);
    let served = Served::new(&[("a.run", &content)]).await;
    let address = served.address();
    let connect = move || TcpStream::connect(address).unwrap();
    let connect_all = move || (0..2000).map(|_| connect()).collect::<Vec<_>>();
    let idle = tokio::task::spawn_blocking(connect_all).await.unwrap();
    assert!(served.get("/a.run", "").await.body == content);
    drop(idle);
}

#[tokio::test]
async fn idle_connections_make_room_for_a_download() {
    let limits = Limits { connections: 20, ..Limits::default() };
    let served = Served::with(limited(limits), &[("a.run", b"hello")]).await;
    let idle: Vec<_> = (0..100).map(|_| TcpStream::connect(served.address()).unwrap()).collect();
    assert_eq!(served.get("/a.run", "").await.body, b"hello");
    drop(idle);
}

/// A download from an address of this machine that has begun.
async fn begun(served: &Served, client: [u8; 4]) -> tokio::net::TcpStream {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind((client, 0).into()).unwrap();
    let mut stream = socket.connect(served.address()).await.unwrap();
    stream.write_all(b"GET /a.run HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    stream.read_exact(&mut [0; 1000]).await.unwrap();
    stream
}

#[tokio::test]
async fn a_flood_of_one_client_does_not_push_out_another() {
    let limits = Limits { connections: 16, ..Limits::default() };
    let content = pattern(64 << 20);
    let served = Served::with(limited(limits), &[("a.run", &content)]).await;
    let mut slow = begun(&served, [127, 0, 0, 1]).await;
    let mut flood = Vec::new();
    for _ in 0..100 {
        flood.push(begun(&served, [127, 0, 0, 2]).await);
    }
    let mut rest = Vec::new();
    slow.read_to_end(&mut rest).await.unwrap();
    assert!(content.ends_with(&rest) && rest.len() > content.len() - 1000, "{}", rest.len());
    drop(flood);
}

#[tokio::test]
async fn clients_that_do_not_read_their_pages_do_not_fill_the_memory() {
    let names: Vec<_> = (0..600).map(|n| format!("{n}-{}.run", "x".repeat(200))).collect();
    let files: Vec<_> = names.iter().map(|name| (name.as_str(), b"x".as_slice())).collect();
    let served = Served::new(&files).await;
    let page = served.get("/", "").await;
    assert_eq!(page.status, 200);
    let many = (16 << 20) / page.body.len() + 20;
    let ask = |_| {
        let mut stream = TcpStream::connect(served.address()).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        stream
    };
    let stuck: Vec<_> = (0..many).map(ask).collect();
    wait_for(&served, 503).await;
    assert_eq!(served.get("/0", "").await.status, 404, "everything else is answered");
    drop(stuck);
    wait_for(&served, 200).await;
}

/// Asks for the page until it is answered with `status`.
async fn wait_for(served: &Served, status: u16) {
    while served.get("/", "").await.status != status {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
