//! What is sent of a file: headers, and the parts of the body.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header, response};

use super::open_package::OpenPackage;
use super::piece_body::{FileRange, Piece};
use super::preconditions;
use super::ranges::{self, Wanted};
use super::shelf::Offer;
use super::transfer::RunningTransfer;

const OCTETS: &str = "application/octet-stream";

/// A part of a response's body, before the file is tied to it.
pub(super) enum Part {
    /// Boundaries of a multipart body.
    Text(String),
    /// Bytes of the file.
    File(Range<u64>),
}

impl Part {
    /// The bytes of the file, if it has any.
    pub(super) fn range(&self) -> Option<&Range<u64>> {
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

    /// The part, tied to the open file.
    pub(super) fn piece(
        self,
        file: &Arc<OpenPackage>,
        transfer: Option<&Arc<RunningTransfer>>,
    ) -> Piece {
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

/// How many bytes a body of these parts has.
pub(super) fn length(plan: &[Part]) -> u64 {
    plan.iter().map(Part::length).sum()
}

/// What a request wants of a file.
pub(super) fn wanted<B>(request: &Request<B>, offer: &Offer) -> Wanted {
    let header = request.headers().get(header::RANGE).and_then(|value| value.to_str().ok());
    match header {
        Some(text) if preconditions::range_applies(request.headers(), offer) => {
            ranges::wanted_ranges(text, offer.package.size)
        }
        _ => Wanted::Whole,
    }
}

/// Status, headers and parts of a 200 or 206.
pub(super) fn plan_parts(wanted: &Wanted, offer: &Offer) -> (response::Builder, Vec<Part>) {
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
pub(super) fn common(status: StatusCode, offer: &Offer) -> response::Builder {
    Response::builder()
        .status(status)
        .header(header::ETAG, &offer.etag)
        .header(header::LAST_MODIFIED, &offer.last_modified)
        .header(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"))
        .header("repr-digest", &offer.repr_digest)
        .header("digest", &offer.digest)
        .header(header::CONTENT_DISPOSITION, &offer.disposition)
}
