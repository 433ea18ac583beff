//! Questions to another server of this machine, over one connection that is never made anew.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;

use http::{Request, StatusCode, header};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;

/// The longest answer in bytes.
const LONGEST: usize = 32 << 20;

/// A connection.
pub(super) struct Line {
    sender: SendRequest<String>,
    host: String,
}

impl Line {
    /// Connects.
    ///
    /// # Errors
    /// Why it cannot, in words.
    pub(super) async fn open(address: SocketAddr) -> Result<Self, String> {
        let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
        let shaken = handshake(TokioIo::new(stream)).await;
        let (sender, connection) = shaken.map_err(|error| error.to_string())?;
        // How it ends is told to whoever asks next.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Self { sender, host: address.to_string() })
    }

    /// What stands at `path`, as JSON.
    ///
    /// # Errors
    /// What is wrong with the answer, in words.
    pub(super) async fn ask<T: DeserializeOwned>(&mut self, path: &str) -> Result<T, String> {
        let request = Request::get(path).header(header::HOST, &self.host).body(String::new());
        let request = request.map_err(|error| error.to_string())?;
        let lost = |error: hyper::Error| format!("its connection ended: {error}");
        self.sender.ready().await.map_err(lost)?;
        let response = self.sender.send_request(request).await.map_err(lost)?;
        if response.status() != StatusCode::OK {
            return Err(format!("it answers `{path}` with {}", response.status()));
        }
        let text = read(response.into_body()).await?;
        serde_json::from_slice(&text).map_err(|_| {
            format!("what it answers to `{path}` is nothing that a package server says")
        })
    }
}

async fn read(mut body: Incoming) -> Result<Vec<u8>, String> {
    let mut text = Vec::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let frame = frame.map_err(|error| error.to_string())?;
        text.extend_from_slice(&frame.into_data().unwrap_or_default());
        if text.len() > LONGEST {
            return Err("its answer has no end".to_owned());
        }
    }
    Ok(text)
}
