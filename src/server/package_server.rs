//! The running server: accepts, serves each connection, stops.

use std::collections::HashSet;
use std::convert::Infallible;
use std::future::{Future, ready};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::service_fn;
use tower_http::set_header::SetResponseHeader;

use super::access::Access;
use super::answer::{Answers, Visitor};
use super::book::Book;
use super::file_stream::{FileStream, Tickets, Way};
use super::guests::Guests;
use super::machine::is_own;
use super::piece_body::PieceBody;
use super::seldom::Seldom;
use super::shelf::Shelf;
use super::site::{Describe, Site, is_events};
use super::ticket_stream::TicketStream;
use super::tls::Tls;
use super::tls_stream::TlsFileStream;
use super::transfer::Observer;
use crate::plan::VerifiedPackage;

/// The longest head of a request in bytes; longer ones are answered with 431.
const HEAD_BYTES: usize = 32 << 10;

/// What a server puts up with.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long a client may take to send a request's head, and may keep an idle
    /// connection open.
    pub head: Duration,
    /// How long a client may take none of the bytes that are sent to it.
    pub stall: Duration,
    /// Connections at a time; a new one then takes the place of the one that is
    /// missed least: of the client that has most, an idle one, else the slowest.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { head: Duration::from_secs(30), stall: Duration::from_secs(60), connections: 4096 }
    }
}

/// How a server behaves; the default is a build's own server, which shows its
/// files, their list at `/`, `/simple/` and `/healthz` to whoever reaches it, and nothing else.
#[derive(Clone, Default)]
pub struct Options {
    /// What a server puts up with.
    pub limits: Limits,
    /// Show `/`, `/api/packages`, `/api/transfers` and `/metrics`, with these facts.
    pub pages: Option<Describe>,
    /// More files may follow soon; see [`PackageServer::replace`].
    pub is_growing: bool,
    /// Files that change are looked at again, and their new content follows.
    pub follows: bool,
    /// Wanted of every request, as `?token=…` or `Authorization: Bearer …`.
    pub token: Option<String>,
    /// An unguessable first part of every path, letters and digits: `/<prefix>/<file>`.
    pub prefix: Option<String>,
    /// Hang up on clients outside this network (its address and the length of its
    /// prefix) that are not this machine: the kernel lets other interfaces reach
    /// every address of this machine, whichever the listener is bound to.
    pub network: Option<(Ipv4Addr, u8)>,
    /// Encrypt every connection.
    pub tls: Option<Tls>,
}

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
        Self::start_with(Options::default(), listener, files, observer)
    }

    /// The same with other options than those of a build.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start_with<F: Into<Arc<VerifiedPackage>>>(
        options: Options,
        listener: TcpListener,
        files: Vec<F>,
        observer: Observer,
    ) -> PackageServer {
        let address = listener.local_addr().expect("a bound listener has an address");
        let (tls, describe) = (options.tls.clone(), options.pages);
        let site = Site { book: Book::default(), describe, address, tls };
        let access = Access { prefix: options.prefix, token: options.token };
        let shelf = Shelf::new(files).growing(options.is_growing);
        let over = CancellationToken::new();
        let server = PackageServer {
            address,
            answers: Arc::new(Answers::new(shelf, site, access, options.follows, observer)),
            connections: TaskTracker::new(),
            closing: over.child_token(),
            over,
        };
        let visits = Visits {
            limits: options.limits,
            guests: Guests::new(options.limits.connections),
            answers: Arc::clone(&server.answers),
            closing: server.closing.clone(),
            tls: options.tls,
        };
        tokio::spawn(server.accept(listener, visits, options.network));
        server
    }

    /// The address that the server listens on.
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// Offers exactly `files` from the next request on; running downloads go on. Those of the
    /// names in `awaited` may follow soon: who asks for one is told to ask again, and builds that
    /// want to share the server wait for them.
    pub fn replace<F: Into<Arc<VerifiedPackage>>>(&self, files: Vec<F>, awaited: HashSet<String>) {
        self.answers.replace(Shelf::new(files).awaiting(awaited));
    }

    /// How many downloads run now.
    pub fn running(&self) -> usize {
        self.answers.running()
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
    fn accept(
        &self,
        listener: TcpListener,
        visits: Visits,
        network: Option<(Ipv4Addr, u8)>,
    ) -> impl Future<Output = ()> + Send + 'static {
        let (connections, over) = (self.connections.clone(), self.over.clone());
        connections.clone().track_future(async move {
            let (closing, strangers) = (&visits.closing, Seldom::default());
            while let Some(accepted) = closing.run_until_cancelled(listener.accept()).await {
                match accepted {
                    Ok((_, client)) if !may_ask(client.ip(), network) => {
                        if let Some(times) = strangers.happens(Instant::now()) {
                            tracing::warn!(%client, times, "hung up on clients of other networks");
                        }
                    }
                    Ok((stream, client)) => {
                        let (visit, over) = (visits.receive(stream, client), over.clone());
                        connections.spawn(async move { over.run_until_cancelled(visit).await });
                    }
                    Err(error) => pause_after(&error).await,
                }
            }
        })
    }
}

/// Whether a client may be answered: one of the network, or this machine itself.
/// An answer to an address of the network goes to that network, so a stranger
/// gains nothing by borrowing one.
fn may_ask(client: IpAddr, network: Option<(Ipv4Addr, u8)>) -> bool {
    network.is_none_or(|network| is_within(client, network)) || is_own(client)
}

pub(super) fn is_within(client: IpAddr, (address, prefix): (Ipv4Addr, u8)) -> bool {
    let IpAddr::V4(client) = client.to_canonical() else { return false };
    let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
    (client.to_bits() ^ address.to_bits()) & mask == 0
}

impl Drop for PackageServer {
    fn drop(&mut self) {
        self.over.cancel();
    }
}

/// What every connection needs.
struct Visits {
    limits: Limits,
    guests: Arc<Guests>,
    answers: Arc<Answers>,
    closing: CancellationToken,
    tls: Option<Tls>,
}

impl Visits {
    /// Serves one connection until the client is done, has to make room, or the
    /// server closes. The connection counts from this call on.
    fn receive(
        &self,
        stream: TcpStream,
        client: SocketAddr,
    ) -> impl Future<Output = ()> + Send + 'static {
        let (limits, stay) = (self.limits, self.guests.welcome(client.ip()));
        let (answers, closing) = (Arc::clone(&self.answers), self.closing.clone());
        let tls = self.tls.clone();
        async move {
            let visitor = Visitor { client, tickets: Tickets::new(Arc::clone(&stay.guest)) };
            let tickets = visitor.tickets.clone();
            let answer = |request: Request<Incoming>| {
                // A line that only this machine's builds can have open must not make room.
                stay.guest.asks(|| is_events(request.uri().path()) && is_own(client.ip()));
                answers.answer(&request, &visitor)
            };
            let talk = async {
                match tls {
                    None => {
                        let way = Way::to(client);
                        let stream = FileStream::new(stream, tickets, way);
                        let stream = TicketStream::new(stream, limits.stall);
                        converse(stream, limits, &closing, answer).await
                    }
                    Some(tls) => {
                        let stream = encrypted(stream, tls, limits.head).await?;
                        let stream = TlsFileStream::new(stream, tickets);
                        let stream = TicketStream::new(stream, limits.stall);
                        converse(stream, limits, &closing, answer).await
                    }
                }
            };
            let result = stay.guest.leave.run_until_cancelled(talk).await;
            if let Some(Err(error)) = result {
                malformed(&error).into_iter().for_each(|status| answers.malformed(client, status));
                tracing::debug!(%client, %error, "connection ended");
            }
        }
    }
}

/// Greets a client, which has so long for it.
async fn encrypted(
    stream: TcpStream,
    tls: Tls,
    patience: Duration,
) -> io::Result<TlsStream<TcpStream>> {
    let greeting = TlsAcceptor::from(tls.config).accept(stream);
    tokio::time::timeout(patience, greeting).await.map_err(io::Error::from)?
}

/// Answers the requests of one connection; lets a running response end when `closing`.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    limits: Limits,
    closing: &CancellationToken,
    answer: impl Fn(Request<Incoming>) -> Response<PieceBody> + Clone,
) -> io::Result<()> {
    let service = service_fn(move |request| ready(Ok::<_, Infallible>(answer(request))));
    // No browser shall guess that a package is a page.
    let nosniff = HeaderValue::from_static("nosniff");
    let service = SetResponseHeader::overriding(service, header::X_CONTENT_TYPE_OPTIONS, nosniff);
    let service = TowerToHyperService::new(service);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
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
    served.map_err(io::Error::other)
}

/// What hyper has answered where a client did not speak HTTP, and ended the connection.
fn malformed(error: &io::Error) -> Option<StatusCode> {
    let error = error.get_ref()?.downcast_ref::<hyper::Error>()?;
    match error.is_parse_too_large() {
        true => Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE),
        false => error.is_parse().then_some(StatusCode::BAD_REQUEST),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(client: &str, network: Option<(&str, u8)>, expected: bool) {
        let network = network.map(|(address, prefix)| (address.parse().unwrap(), prefix));
        assert_eq!(may_ask(client.parse().unwrap(), network), expected, "{client} {network:?}");
    }

    #[test]
    fn only_the_containers_network_and_this_machine_are_answered() {
        check("172.17.0.2", Some(("172.17.0.0", 16)), true);
        check("172.17.255.1", Some(("172.17.0.1", 16)), true);
        check("172.18.0.2", Some(("172.17.0.0", 16)), false);
        check("::ffff:172.17.0.2", Some(("172.17.0.0", 16)), true);
        check("::ffff:10.0.0.2", Some(("172.17.0.0", 16)), false);
        check("127.0.0.1", Some(("172.17.0.0", 16)), true);
        check("10.0.0.2", Some(("0.0.0.0", 0)), true);
        check("10.0.0.3", Some(("10.0.0.2", 32)), false);
        check("10.0.0.2", None, true);
    }
}
