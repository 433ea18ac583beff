//! From a request to its response.
//!
//! 1. the method is GET or HEAD, or 405;
//! 2. the path is on the shelf, or 404;
//! 3. the file opens and is the verified one, or 410;
//! 4. its conditions hold, or 304 or 412;
//! 5. its ranges can be had, or 416;
//! 6. 200 or 206.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header, response};

use super::file_stream::Tickets;
use super::open_package::OpenPackage;
use super::piece_body::{FileRange, Piece, PieceBody};
use super::preconditions;
use super::ranges::{self, Wanted};
use super::shelf::{Found, Offer, Shelf};
use super::transfer::{Observer, RunningTransfer, Transfer};

const OCTETS: &str = "application/octet-stream";

/// Answers requests from a shelf that can be replaced.
pub(super) struct Answers {
    shelf: RwLock<Arc<Shelf>>,
    observer: Observer,
    transfers: AtomicU64,
}

/// Where a request came from and where its file bytes are queued.
#[derive(Clone)]
pub(super) struct Visitor {
    pub(super) client: SocketAddr,
    pub(super) tickets: Tickets,
}

/// Why a request gets no file, in words for the client.
struct Refusal {
    status: StatusCode,
    text: String,
    nearest: Option<String>,
    /// `Content-Range` or `Allow`, where the status calls for one.
    header: Option<(HeaderName, String)>,
}

impl Answers {
    pub(super) fn new(shelf: Shelf, observer: Observer) -> Self {
        Self { shelf: RwLock::new(Arc::new(shelf)), observer, transfers: AtomicU64::new(0) }
    }

    /// Offers the files of another shelf from the next request on.
    pub(super) fn replace(&self, shelf: Shelf) {
        *self.shelf.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(shelf);
    }

    /// The response to a request whose body is ignored.
    pub(super) fn answer<B>(&self, request: &Request<B>, visitor: &Visitor) -> Response<PieceBody> {
        self.find(request)
            .and_then(|(offer, file)| self.offer(request, visitor, &offer, &file))
            .unwrap_or_else(|refusal| self.refuse(request, visitor, refusal))
    }

    fn find<B>(&self, request: &Request<B>) -> Result<(Arc<Offer>, Arc<OpenPackage>), Refusal> {
        if request.method() != Method::GET && request.method() != Method::HEAD {
            return Err(Refusal::method());
        }
        let path = request.uri().path();
        let shelf = Arc::clone(&self.shelf.read().unwrap_or_else(PoisonError::into_inner));
        match shelf.find(path) {
            None => Err(Refusal::missing(shelf.nearest(path))),
            Some(Found::Ambiguous(paths)) => Err(Refusal::ambiguous(paths)),
            Some(Found::Offer(offer)) => match OpenPackage::open(&offer.package) {
                Ok(file) => Ok((Arc::clone(offer), file)),
                Err(why) => Err(Refusal::new(StatusCode::GONE, why.to_string())),
            },
        }
    }

    fn offer<B>(
        &self,
        request: &Request<B>,
        visitor: &Visitor,
        offer: &Offer,
        file: &Arc<OpenPackage>,
    ) -> Result<Response<PieceBody>, Refusal> {
        let empty = |status| Ok(finish(common(status, offer), [], visitor));
        match preconditions::verdict(request.headers(), offer) {
            Some(StatusCode::NOT_MODIFIED) => return empty(StatusCode::NOT_MODIFIED),
            Some(status) => return Err(Refusal::new(status, "the content is not the wanted one")),
            None => {}
        }
        let wanted = wanted(request, offer);
        if wanted == Wanted::Unsatisfiable {
            return Err(Refusal::range(offer.package.size));
        }
        let (head, mut plan) = plan_parts(&wanted, offer);
        if request.method() == Method::HEAD {
            let head = head.header(header::CONTENT_LENGTH, length(&plan));
            return Ok(finish(head, [], visitor));
        }
        let transfer = self.start(visitor, offer, &plan);
        let pieces = plan.drain(..).map(|part| part.piece(file, transfer.as_ref()));
        Ok(finish(head, pieces, visitor))
    }

    /// Announces a transfer, unless there is nothing to transfer.
    fn start(
        &self,
        visitor: &Visitor,
        offer: &Offer,
        plan: &[Part],
    ) -> Option<Arc<RunningTransfer>> {
        let mut ranges = plan.iter().filter_map(Part::range).peekable();
        let offset = ranges.peek()?.start;
        let length = ranges.map(|range| range.end - range.start).sum();
        let id = self.transfers.fetch_add(1, Ordering::Relaxed) + 1;
        let package = &offer.package;
        (self.observer)(Transfer::Started {
            id,
            client: visitor.client,
            file: package.file.clone(),
            package: package.name.clone(),
            offset,
            length,
            size: package.size,
        });
        Some(Arc::new(RunningTransfer::new(id, length, Arc::clone(&self.observer))))
    }

    fn refuse<B>(
        &self,
        request: &Request<B>,
        visitor: &Visitor,
        refusal: Refusal,
    ) -> Response<PieceBody> {
        let hint = refusal.nearest.as_ref().map(|name| format!("hint: did you mean `{name}`?\n"));
        let text = format!("{}\n{}", refusal.text, hint.unwrap_or_default());
        (self.observer)(Transfer::Refused {
            client: visitor.client,
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            status: refusal.status.as_u16(),
            nearest: refusal.nearest,
        });
        let mut head = Response::builder()
            .status(refusal.status)
            .header(header::CONTENT_TYPE, "text/plain; charset=utf-8")
            .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        if let Some((name, value)) = refusal.header {
            head = head.header(name, value);
        }
        if request.method() == Method::HEAD {
            return finish(head.header(header::CONTENT_LENGTH, text.len()), [], visitor);
        }
        finish(head, [Piece::Text(text.into())], visitor)
    }
}

impl Refusal {
    fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, text: text.into(), nearest: None, header: None }
    }

    fn method() -> Self {
        let header = Some((header::ALLOW, "GET, HEAD".to_owned()));
        let text = "only GET and HEAD are answered here";
        Self { header, ..Self::new(StatusCode::METHOD_NOT_ALLOWED, text) }
    }

    fn range(size: u64) -> Self {
        let header = Some((header::CONTENT_RANGE, format!("bytes */{size}")));
        let text = format!("the range lies outside the file's {size} bytes");
        Self { header, ..Self::new(StatusCode::RANGE_NOT_SATISFIABLE, text) }
    }

    fn missing(nearest: Option<String>) -> Self {
        Self { nearest, ..Self::new(StatusCode::NOT_FOUND, "no such file is served here") }
    }

    fn ambiguous(paths: &[String]) -> Self {
        let text = "several contents have this name; ask for one by its digest:";
        let lines = paths.iter().map(|path| format!("\n/{}", super::shelf::encode_path(path)));
        Self::new(StatusCode::NOT_FOUND, lines.fold(text.to_owned(), |text, line| text + &line))
    }
}

/// A part of a response's body, before the file is tied to it.
enum Part {
    Text(String),
    File(Range<u64>),
}

impl Part {
    fn range(&self) -> Option<&Range<u64>> {
        match self {
            Self::Text(_) => None,
            Self::File(range) => (!range.is_empty()).then_some(range),
        }
    }

    fn length(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::File(range) => range.end - range.start,
        }
    }

    fn piece(self, file: &Arc<OpenPackage>, transfer: Option<&Arc<RunningTransfer>>) -> Piece {
        match (self, transfer) {
            (Self::File(range), Some(transfer)) => Piece::File(FileRange {
                file: Arc::clone(file),
                transfer: Arc::clone(transfer),
                offset: range.start,
                length: range.end - range.start,
            }),
            (Self::File(_), None) => Piece::Text(Bytes::new()),
            (Self::Text(text), _) => Piece::Text(text.into()),
        }
    }
}

fn length(plan: &[Part]) -> u64 {
    plan.iter().map(Part::length).sum()
}

fn wanted<B>(request: &Request<B>, offer: &Offer) -> Wanted {
    let header = request.headers().get(header::RANGE).and_then(|value| value.to_str().ok());
    match header {
        Some(text) if preconditions::range_applies(request.headers(), offer) => {
            ranges::wanted(text, offer.package.size)
        }
        _ => Wanted::Whole,
    }
}

/// Status, headers and parts of a 200 or 206.
fn plan_parts(wanted: &Wanted, offer: &Offer) -> (response::Builder, Vec<Part>) {
    let size = offer.package.size;
    let parts = match wanted {
        Wanted::Parts(parts) => parts.as_slice(),
        Wanted::Whole | Wanted::Unsatisfiable => &[],
    };
    let partial = || common(StatusCode::PARTIAL_CONTENT, offer);
    match parts {
        [] => (
            common(StatusCode::OK, offer).header(header::CONTENT_TYPE, OCTETS),
            vec![Part::File(0..size)],
        ),
        [range] => (
            partial()
                .header(header::CONTENT_TYPE, OCTETS)
                .header(header::CONTENT_RANGE, content_range(range, size)),
            vec![Part::File(range.clone())],
        ),
        several => {
            let boundary = &offer.package.sha256.as_str()[..32];
            let kind = format!("multipart/byteranges; boundary={boundary}");
            (partial().header(header::CONTENT_TYPE, kind), multipart(several, size, boundary))
        }
    }
}

/// The boundary is part of the digest of the content, which therefore cannot hold it but by design.
fn multipart(ranges: &[Range<u64>], size: u64, boundary: &str) -> Vec<Part> {
    let head = |range| {
        let place = content_range(range, size);
        Part::Text(format!(
            "\r\n--{boundary}\r\nContent-Type: {OCTETS}\r\nContent-Range: {place}\r\n\r\n"
        ))
    };
    let parts = ranges.iter().flat_map(|range| [head(range), Part::File(range.clone())]);
    parts.chain([Part::Text(format!("\r\n--{boundary}--\r\n"))]).collect()
}

fn content_range(range: &Range<u64>, size: u64) -> String {
    format!("bytes {}-{}/{size}", range.start, range.end - 1)
}

/// The headers that every answer about a file carries.
fn common(status: StatusCode, offer: &Offer) -> response::Builder {
    Response::builder()
        .status(status)
        .header(header::ETAG, &offer.etag)
        .header(header::LAST_MODIFIED, &offer.last_modified)
        .header(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"))
        .header("repr-digest", &offer.repr_digest)
        .header(header::CONTENT_DISPOSITION, &offer.disposition)
        .header(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"))
}

fn finish(
    head: response::Builder,
    pieces: impl IntoIterator<Item = Piece>,
    visitor: &Visitor,
) -> Response<PieceBody> {
    head.body(PieceBody::new(pieces, &visitor.tickets))
        .expect("every header is made of digests, numbers and quoted names")
}
