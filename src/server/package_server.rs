//! The running server: accepts, serves each connection, stops.

use std::convert::Infallible;
use std::future::{Future, ready};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::answer::{Answers, Visitor};
use super::file_stream::{FileStream, Tickets, Way};
use super::shelf::Shelf;
use super::transfer::Observer;
use crate::plan::VerifiedPackage;

/// How long a client may take to send a request's head, and how long it may
/// keep an idle connection open.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// The longest head of a request in bytes; longer ones are answered with 431.
const HEAD_BYTES: usize = 32 << 10;

/// Serves verified packages until it is stopped or dropped.
pub struct PackageServer {
    address: SocketAddr,
    answers: Arc<Answers>,
    connections: TaskTracker,
    /// No new connections and no new requests.
    closing: CancellationToken,
    /// Nothing any more.
    over: CancellationToken,
}

impl PackageServer {
    /// Serves exactly `files` on `listener`, in tasks of the current tokio runtime.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(
        listener: TcpListener,
        files: Vec<VerifiedPackage>,
        observer: Observer,
    ) -> PackageServer {
        let address = listener.local_addr().expect("a bound listener has an address");
        let over = CancellationToken::new();
        let server = PackageServer {
            address,
            answers: Arc::new(Answers::new(Shelf::new(files), observer)),
            connections: TaskTracker::new(),
            closing: over.child_token(),
            over,
        };
        tokio::spawn(server.accept(listener));
        server
    }

    /// The address that the server listens on.
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// Offers exactly `files` from the next request on; running downloads go on.
    pub fn replace(&self, files: Vec<VerifiedPackage>) {
        self.answers.replace(Shelf::new(files));
    }

    /// Closes the port, lets running downloads end within `grace`, then cuts them.
    pub async fn stop(self, grace: Duration) {
        self.closing.cancel();
        self.connections.close();
        // The outcome of the wait does not matter: what still runs is cut next.
        let _in_time = tokio::time::timeout(grace, self.connections.wait()).await;
        self.over.cancel();
        self.connections.wait().await;
    }

    /// Accepts until the server closes; the port is closed when this ends.
    fn accept(&self, listener: TcpListener) -> impl Future<Output = ()> + Send + 'static {
        let answers = Arc::clone(&self.answers);
        let (connections, closing) = (self.connections.clone(), self.closing.clone());
        let over = self.over.clone();
        connections.clone().track_future(async move {
            while let Some(accepted) = closing.run_until_cancelled(listener.accept()).await {
                match accepted {
                    Ok((stream, client)) => {
                        let serving = serve(stream, client, Arc::clone(&answers), closing.clone());
                        let over = over.clone();
                        connections.spawn(async move { over.run_until_cancelled(serving).await });
                    }
                    Err(error) => pause_after(&error).await,
                }
            }
        })
    }
}

impl Drop for PackageServer {
    fn drop(&mut self) {
        self.over.cancel();
    }
}

/// Serves one connection until the client is done or the server closes.
async fn serve(
    stream: TcpStream,
    client: SocketAddr,
    answers: Arc<Answers>,
    closing: CancellationToken,
) {
    let tickets = Tickets::default();
    let stream = FileStream::new(stream, tickets.clone(), Way::to(client));
    let visitor = Visitor { client, tickets };
    let service =
        service_fn(|request| ready(Ok::<_, Infallible>(answers.answer(&request, &visitor))));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES)
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = closing.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%client, %error, "connection ended");
    }
}

/// Waits where trying again at once would only burn the processor: no file
/// descriptors or memory are left. An error of one connection needs no wait.
async fn pause_after(error: &io::Error) {
    tracing::warn!(%error, "cannot accept a connection");
    let one_connection = [
        io::ErrorKind::ConnectionAborted,
        io::ErrorKind::ConnectionReset,
        io::ErrorKind::ConnectionRefused,
    ];
    if !one_connection.contains(&error.kind()) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
