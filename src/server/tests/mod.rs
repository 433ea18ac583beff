//! The server over real sockets on loopback: what its tests share.

mod changes;
mod clients;
mod hostile;
mod limits;
mod neighbours;
mod nginx;
mod pages;
mod pip;
mod properties;
mod requests;

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::fixtures::written;
use super::{Observer, Options, Outcome, PackageServer, Transfer, bind};
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
        Self::at("127.0.0.1".parse().unwrap(), options, files).await
    }

    async fn at(address: IpAddr, options: Options, files: &[(&str, &[u8])]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let packages: Vec<_> =
            files.iter().map(|(name, content)| written(folder.path(), name, content)).collect();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ear = Arc::clone(&heard);
        let observer: Observer = Arc::new(move |event| ear.lock().unwrap().push(event));
        let listener = bind((address, 0).into()).await.unwrap();
        let server = PackageServer::start_with(options, listener, packages.clone(), observer);
        Self { folder, server, heard, packages }
    }

    fn address(&self) -> SocketAddr {
        self.server.local_address()
    }

    /// Offers other files from now on, and those of some names soon.
    fn offer(&self, files: &[VerifiedPackage], awaited: &[&str]) {
        let awaited = awaited.iter().map(|name| (*name).to_owned()).collect();
        self.server.replace(files.to_vec(), awaited);
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

    async fn ask(&self, request: impl Into<Vec<u8>>) -> Reply {
        ask(self.address(), request).await
    }

    async fn get(&self, path: &str, headers: &str) -> Reply {
        self.ask(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n"))
            .await
    }
}

/// The whole answer to one request, sent as these bytes on a connection of its own.
async fn ask(address: SocketAddr, request: impl Into<Vec<u8>>) -> Reply {
    let request = request.into();
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

fn pattern(length: usize) -> Vec<u8> {
    let block: Vec<u8> = (0..997_u32).map(|at| (at * at / 7) as u8).collect();
    let mut content = block.repeat(length / block.len() + 1);
    content.truncate(length);
    content
}
