//! Ranges, compared with nginx's answers byte for byte.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command};

use super::{Reply, Served, ask, pattern};
use crate::project::Sha256;
use crate::server::fixtures::package;

/// A running nginx of this test's own.
struct Nginx {
    process: Child,
    address: SocketAddr,
}

impl Nginx {
    /// Serves `folder`; everything it writes goes into `scratch`.
    fn new(folder: &Path, scratch: &Path) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (folder, here) = (folder.display(), scratch.display());
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {here}/{name};"))
            .concat();
        let user = if rustix::process::geteuid().is_root() { "user root;" } else { "" };
        let config = format!(
            "{user} daemon off; master_process off; pid {here}/pid; error_log {here}/log;
             events {{}} http {{ access_log off; default_type application/octet-stream; {temporary}
             server {{ listen {address}; root {folder}; }} }}"
        );
        let path = scratch.join("nginx.conf");
        std::fs::write(&path, config).unwrap();
        let process = Command::new("nginx")
            .arg("-c")
            .arg(&path)
            .arg("-e")
            .arg(scratch.join("log"))
            .spawn()
            .expect("nginx is installed");
        while TcpStream::connect(address).is_err() {
            std::thread::yield_now();
        }
        Self { process, address }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _status = self.process.wait();
    }
}

/// The same numbers in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }

    /// Mostly a position in or near a file of `size` bytes.
    fn position(&mut self, size: u64) -> String {
        match self.roll(12) {
            0 => String::new(),
            1 => "0".into(),
            2 => (size - 1).to_string(),
            3 => size.to_string(),
            4 => "99999999999999999999".into(),
            5 => format!(" {} ", self.roll(size)),
            _ => self.roll(size * 5 / 4).to_string(),
        }
    }

    fn header(&mut self, size: u64) -> String {
        let count = 1 + self.roll(3) * self.roll(2);
        let ranges: Vec<_> = (0..count)
            .map(|_| format!("{}-{}", self.position(size), self.position(size)))
            .collect();
        let unit = if self.roll(30) == 0 { "items=" } else { "bytes=" };
        format!("{unit}{}", ranges.join([",", ", ", " ,"][self.roll(3) as usize]))
    }
}

/// What has to be the same: all but the server's own names and the wording of errors.
fn essence(reply: &Reply) -> (u16, [Option<String>; 2], Sha256) {
    let kind = reply.header("content-type").unwrap_or_default();
    let boundary = kind.strip_prefix("multipart/byteranges; boundary=");
    let body = match (reply.status, boundary) {
        (200 | 206, None) => reply.body.clone(),
        (200 | 206, Some(boundary)) => {
            String::from_utf8(reply.body.clone()).unwrap().replace(boundary, "B").into_bytes()
        }
        _ => Vec::new(),
    };
    let fixed = reply.status < 300 && boundary.is_none();
    let headers = ["content-range", "content-length"].map(|name| {
        let wanted = name == "content-range" || fixed;
        reply.header(name).filter(|_| wanted).map(str::to_owned)
    });
    (reply.status, headers, package("", &body).sha256)
}

#[tokio::test]
#[ignore = "needs nginx; scripts/test runs it"]
async fn a_thousand_ranges_are_answered_as_nginx_answers_them() {
    let content: Vec<u8> = pattern(20_000).iter().map(|byte| b' ' + byte % 64).collect();
    let served = Served::new(&[("a.run", &content)]).await;
    let scratch = tempfile::tempdir().unwrap();
    let nginx = Nginx::new(served.folder.path(), scratch.path());
    let mut dice = Dice(1);
    let check = async |range: &str| {
        let request = format!(
            "GET /a.run HTTP/1.1\r\nHost: x\r\nConnection: close\r\nRange: {range}\r\n\r\n"
        );
        let ours = ask(served.address(), request.clone()).await;
        let theirs = ask(nginx.address, request).await;
        assert_eq!(essence(&ours), essence(&theirs), "{range}");
        ours.status
    };
    let mut statuses = Vec::new();
    for _ in 0..1000 {
        statuses.push(check(&dice.header(content.len() as u64)).await);
    }
    for status in [200, 206, 416] {
        let count = statuses.iter().filter(|one| **one == status).count();
        assert!(count > 20, "only {count} answers were {status}");
    }
}
