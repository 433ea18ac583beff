//! From a request to its response.
//!
//! 1. the method is GET or HEAD, or 405;
//! 2. prefix and token are shown where they are wanted, or 404 and 401;
//! 3. the path is on the shelf or a page of the site, or 404, or 503 where the file is awaited;
//! 4. the file opens and is the verified one, or 410, or 503 where a moment may mend it;
//! 5. its conditions hold, or 304 or 412;
//! 6. its ranges can be had, or 416;
//! 7. 200 or 206.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header, response};
use http_body::Body as _;

use super::access::Access;
use super::book::Entry;
use super::file_answer::{Part, common, length, plan_parts, wanted};
use super::file_stream::Tickets;
use super::open_package::OpenPackage;
use super::piece_body::{Piece, PieceBody};
use super::preconditions;
use super::ranges::Wanted;
use super::refusal::{Refusal, brief};
use super::run_path;
use super::shelf::{Found, Offer, Shelf};
use super::site::{Page, Site, TRANSFERS, is_events};
use super::text_room::TextRoom;
use super::transfer::{Errand, Observer, RunningTransfer, Transfer};

/// Nothing from elsewhere is loaded, sent to or framed by the page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
    img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Answers requests from a shelf that can be replaced.
pub(super) struct Answers {
    shelf: RwLock<Arc<Shelf>>,
    site: Arc<Site>,
    access: Access,
    observer: Observer,
    transfers: AtomicU64,
    room: TextRoom,
    /// Whether files that change are looked at again.
    follows: bool,
}

/// Where a request came from and where its file bytes are queued.
pub(super) struct Visitor {
    pub(super) client: SocketAddr,
    pub(super) tickets: Tickets,
}

/// What a path leads to.
enum Thing {
    File(Wish),
    Page(Page),
}

/// A file that is asked for, and for whom, where the path says so.
struct Wish {
    offer: Arc<Offer>,
    file: Arc<OpenPackage>,
    errand: Option<Errand>,
}

impl Answers {
    /// Answers from `shelf` and `site`; the site's book hears every event before `observer`.
    pub(super) fn new(
        shelf: Shelf,
        site: Site,
        access: Access,
        follows: bool,
        observer: Observer,
    ) -> Self {
        let site = Arc::new(site);
        let reader = Arc::clone(&site);
        let observer: Observer = Arc::new(move |event| {
            reader.book.note(&event).iter().for_each(Entry::log);
            observer(event);
        });
        let shelf = RwLock::new(Arc::new(shelf));
        Self {
            shelf,
            site,
            access,
            observer,
            transfers: AtomicU64::new(0),
            room: TextRoom::default(),
            follows,
        }
    }

    /// Offers the files of another shelf from the next request on.
    pub(super) fn replace(&self, shelf: Shelf) {
        *self.shelf.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(shelf);
    }

    /// How many transfers run now.
    pub(super) fn running(&self) -> usize {
        self.site.book.running()
    }

    /// The response to a request, whose body is ignored; one line in the access log.
    pub(super) fn answer<B>(&self, request: &Request<B>, visitor: &Visitor) -> Response<PieceBody> {
        let found = self.find(request).and_then(|thing| match thing {
            Thing::File(wish) => self.offer(request, visitor, &wish),
            Thing::Page(page) => {
                let text = self.room.take(page.text).ok_or_else(Refusal::crowded)?;
                Ok(show(request, visitor, page.kind, text))
            }
        });
        let response = found.unwrap_or_else(|refusal| self.refuse(request, visitor, refusal));
        if is_of_neighbour(request, response.status()) || is_look(request, response.status()) {
            return response;
        }
        tracing::info!(
            target: "ascend_build::access",
            client = %visitor.client,
            method = %brief(request.method().as_str()),
            path = %brief(&self.access.without_prefix(request.uri().path())),
            status = response.status().as_u16(),
            bytes = response.body().size_hint().exact(),
            "request"
        );
        response
    }

    /// One line in the access log for what is no HTTP request; hyper has answered it with `status`.
    pub(super) fn malformed(&self, client: SocketAddr, status: StatusCode) {
        let (method, path, status) = (String::new(), String::new(), status.as_u16());
        tracing::info!(
            target: "ascend_build::access",
            %client, method = %"-", path = %"-", status, bytes = 0, "request"
        );
        let (errand, nearest) = (None, None);
        (self.observer)(Transfer::Refused { client, errand, method, path, status, nearest });
    }

    fn find<B>(&self, request: &Request<B>) -> Result<Thing, Refusal> {
        if request.method() != Method::GET && request.method() != Method::HEAD {
            return Err(Refusal::method());
        }
        let (path, links) = self.access.admit(request)?;
        let (errand, path) = run_path::split(path);
        let shelf = Arc::clone(&self.shelf.read().unwrap_or_else(PoisonError::into_inner));
        match shelf.find(path) {
            Some(Found::Offer(offer)) => match OpenPackage::open(&offer.package) {
                Ok(file) => Ok(Thing::File(Wish { offer: Arc::clone(offer), file, errand })),
                Err(why) if why.passes(self.follows) => Err(Refusal::unsettled(&why)),
                Err(why) => Err(Refusal::new(StatusCode::GONE, why.to_string())),
            },
            Some(Found::Ambiguous(paths)) => Err(Refusal::ambiguous(paths)),
            None if shelf.awaits(path) => Err(Refusal::awaited()),
            None => match self.site.page(path, request.headers(), &shelf, &links) {
                Some(page) => Ok(Thing::Page(page)),
                None => Err(Refusal::missing(shelf.nearest(path))),
            },
        }
    }

    fn offer<B>(
        &self,
        request: &Request<B>,
        visitor: &Visitor,
        wish: &Wish,
    ) -> Result<Response<PieceBody>, Refusal> {
        let offer = &*wish.offer;
        match preconditions::verdict(request.headers(), offer) {
            Some(StatusCode::NOT_MODIFIED) => {
                return Ok(finish(common(StatusCode::NOT_MODIFIED, offer), [], visitor));
            }
            Some(status) => return Err(Refusal::new(status, "the content is not the wanted one")),
            None => {}
        }
        let wanted = wanted(request, offer);
        if wanted == Wanted::Unsatisfiable {
            return Err(Refusal::range(offer.package.size));
        }
        let (head, parts) = plan_parts(&wanted, offer);
        if request.method() == Method::HEAD {
            let head = head.header(header::CONTENT_LENGTH, length(&parts));
            return Ok(finish(head, [], visitor));
        }
        let transfer = self.start(visitor, wish, &parts);
        let pieces = parts.into_iter().map(|part| part.piece(&wish.file, transfer.as_ref()));
        Ok(finish(head, pieces, visitor))
    }

    /// Announces a transfer, unless there is nothing to transfer.
    fn start(
        &self,
        visitor: &Visitor,
        wish: &Wish,
        parts: &[Part],
    ) -> Option<Arc<RunningTransfer>> {
        let mut ranges = parts.iter().filter_map(Part::range).peekable();
        let offset = ranges.peek()?.start;
        let length = ranges.map(|range| range.end - range.start).sum();
        let id = self.transfers.fetch_add(1, Ordering::Relaxed) + 1;
        let package = &wish.offer.package;
        (self.observer)(Transfer::Started {
            id,
            client: visitor.client,
            file: package.file.clone(),
            package: package.name.clone(),
            sha256: package.sha256.clone(),
            errand: wish.errand.clone(),
            offset,
            length,
            size: package.size,
        });
        let transfer = RunningTransfer::new(id, length, Arc::clone(&self.observer));
        self.site.book.watch(id, transfer.counter());
        Some(Arc::new(transfer))
    }

    fn refuse<B>(
        &self,
        request: &Request<B>,
        visitor: &Visitor,
        refusal: Refusal,
    ) -> Response<PieceBody> {
        let text = refusal.body();
        if !is_of_neighbour(request, refusal.status) {
            let (errand, path) = run_path::split(self.access.below_prefix(request.uri().path()));
            (self.observer)(Transfer::Refused {
                client: visitor.client,
                errand,
                method: brief(request.method().as_str()).to_owned(),
                path: brief(path).to_owned(),
                status: refusal.status.as_u16(),
                nearest: refusal.nearest,
            });
        }
        let mut response = show(request, visitor, "text/plain; charset=utf-8", text.into());
        *response.status_mut() = refusal.status;
        if let Some((name, value)) = refusal.header {
            let value = HeaderValue::try_from(value);
            response.headers_mut().extend(value.ok().map(|value| (name, value)));
        }
        response
    }
}

/// Builds look whether a server can be shared, and then at its events several times a second:
/// nobody wants to read of that. Who guesses at a token is no such build.
fn is_of_neighbour<B>(request: &Request<B>, status: StatusCode) -> bool {
    is_events(request.uri().path()) && status != StatusCode::UNAUTHORIZED
}

/// An open page asks how transfers go every second.
fn is_look<B>(request: &Request<B>, status: StatusCode) -> bool {
    status == StatusCode::OK && request.uri().path().ends_with(TRANSFERS)
}

fn show<B>(
    request: &Request<B>,
    visitor: &Visitor,
    kind: &str,
    text: Bytes,
) -> Response<PieceBody> {
    let head = Response::builder()
        .header(header::CONTENT_TYPE, kind)
        .header(header::CONTENT_LENGTH, text.len())
        .header(header::CACHE_CONTROL, "no-cache")
        .header(header::VARY, "Accept, Accept-Language")
        .header(header::CONTENT_SECURITY_POLICY, POLICY)
        .header(header::REFERRER_POLICY, "no-referrer");
    let body = (request.method() != Method::HEAD).then_some(Piece::Text(text));
    finish(head, body, visitor)
}

fn finish(
    head: response::Builder,
    pieces: impl IntoIterator<Item = Piece>,
    visitor: &Visitor,
) -> Response<PieceBody> {
    head.body(PieceBody::new(pieces, &visitor.tickets))
        .expect("every header is made of digests, numbers and quoted names")
}
