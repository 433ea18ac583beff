//! A server on loopback that does everything wrong that servers do.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the server was asked.
pub(super) struct Request {
    /// Counted from 0.
    pub(super) number: usize,
    pub(super) path: String,
    pub(super) headers: String,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    pub(super) fn from(&self) -> Option<usize> {
        self.header("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// What the server answers.
#[derive(Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
    /// Bytes of the body after which the connection is closed.
    pub(super) cut: Option<usize>,
    /// Do not tell the length.
    pub(super) lengthless: bool,
}

impl Answer {
    pub(super) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, body: body.into(), ..Self::default() }
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn cut(self, bytes: usize) -> Self {
        Self { cut: Some(bytes), ..self }
    }

    /// Honours a range, and `If-Range` against `tag`, as a good server does.
    pub(super) fn good(request: &Request, body: &[u8], tag: &str) -> Self {
        let same = request.header("if-range").is_none_or(|wanted| wanted == tag);
        match request.from().filter(|_| same) {
            Some(from) if from >= body.len() => {
                Self::new(416, "").header("content-range", format!("bytes */{}", body.len()))
            }
            Some(from) => Self::new(206, &body[from..])
                .header("content-range", format!("bytes {from}-{}/{}", body.len() - 1, body.len())),
            None => Self::new(200, body),
        }
        .header("etag", tag)
    }
}

type Handler = Arc<dyn Fn(&Request) -> Answer + Send + Sync>;

/// A server that answers each request with what its handler says, then closes.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    log: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    pub(super) async fn start(
        handler: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let handler: Handler = Arc::new(handler);
        let task = tokio::spawn(accept(listener, handler, Arc::clone(&log)));
        Self { address, log, task }
    }

    /// The ranges that were asked for, one for each request.
    pub(super) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, handler: Handler, log: Arc<Mutex<Vec<String>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (handler, log) = (Arc::clone(&handler), Arc::clone(&log));
        // A client that goes away in the middle is what some tests are about.
        tokio::spawn(async move { drop(answer(stream, &*handler, &log).await) });
    }
}

async fn answer(
    mut stream: TcpStream,
    handler: &(dyn Fn(&Request) -> Answer + Send + Sync),
    log: &Mutex<Vec<String>>,
) -> io::Result<()> {
    let headers = read_head(&mut stream).await?;
    let path = headers.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut request = Request { number: 0, path, headers };
    {
        let mut log = log.lock().unwrap();
        request.number = log.len();
        log.push(request.header("range").unwrap_or("whole").to_owned());
    }
    let answer = handler(&request);
    let mut head = format!("HTTP/1.1 {} X\r\nconnection: close\r\n", answer.status);
    for (name, value) in &answer.headers {
        head += &format!("{name}: {value}\r\n");
    }
    if !answer.lengthless {
        head += &format!("content-length: {}\r\n", answer.body.len());
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).await?;
    stream.write_all(&answer.body[..answer.cut.unwrap_or(answer.body.len())]).await?;
    stream.shutdown().await
}

async fn read_head(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}
