//! Response bodies: pieces of text and ranges of files.
//!
//! A file range is not read here. The body gives hyper a ticket (see
//! `file_stream`) for each stretch of at most [`TICKET_BYTES`] and waits for the
//! disk, on a thread that may block, before it does.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::task::JoinHandle;

use super::file_stream::{Segment, TICKET_BYTES, Tickets};
use super::open_package::OpenPackage;
use super::transfer::RunningTransfer;

/// A response's body; its length is known before it is sent.
pub(super) struct PieceBody {
    pieces: VecDeque<Piece>,
    tickets: Tickets,
    warming: Option<JoinHandle<()>>,
    left: u64,
}

/// One part of a body.
pub(super) enum Piece {
    /// Bytes in memory.
    Text(Bytes),
    /// Bytes of a file.
    File(FileRange),
}

/// A stretch of a package file that belongs to a transfer.
pub(super) struct FileRange {
    pub(super) file: Arc<OpenPackage>,
    pub(super) transfer: Arc<RunningTransfer>,
    pub(super) offset: u64,
    pub(super) length: u64,
}

impl PieceBody {
    /// A body of these pieces, on the connection that `tickets` belongs to.
    pub(super) fn new(pieces: impl IntoIterator<Item = Piece>, tickets: &Tickets) -> Self {
        let pieces: VecDeque<_> = pieces.into_iter().filter(|piece| piece.length() > 0).collect();
        let left = pieces.iter().map(Piece::length).sum();
        Self { pieces, tickets: tickets.clone(), warming: None, left }
    }

    /// Waits until the next stretch of the first piece is in memory; `Ready` if it is text.
    fn poll_warm(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.warming.is_none()
            && let Some(Piece::File(range)) = self.pieces.front()
        {
            self.warming = range.warm_if_cold();
        }
        if let Some(warming) = &mut self.warming {
            // A reader that panicked changes nothing: the sender reads the file itself.
            let _finished = ready!(Pin::new(warming).poll(cx));
            self.warming = None;
        }
        Poll::Ready(())
    }

    fn next_bytes(&mut self) -> Option<Bytes> {
        let left = self.left;
        let is_last = !self.pieces.iter().skip(1).any(|piece| matches!(piece, Piece::File(_)));
        let bytes = match self.pieces.front_mut()? {
            Piece::Text(text) => std::mem::take(text),
            Piece::File(range) => self.tickets.issue(range.take_segment(left, is_last)),
        };
        if self.pieces.front().is_some_and(|piece| piece.length() == 0) {
            self.pieces.pop_front();
        }
        self.left -= bytes.len() as u64;
        Some(bytes)
    }
}

impl Piece {
    fn length(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::File(range) => range.length,
        }
    }
}

impl FileRange {
    fn next_length(&self) -> u64 {
        self.length.min(TICKET_BYTES as u64)
    }

    /// Starts reading the next stretch where its ends are not in the page cache.
    ///
    /// The kernel reads ahead in order, so that a stretch whose ends are
    /// cached is cached, bar a race that costs a short wait.
    fn warm_if_cold(&self) -> Option<JoinHandle<()>> {
        let (offset, length) = (self.offset, self.next_length());
        let last = (offset + length).saturating_sub(1);
        if self.file.is_cached(offset) && self.file.is_cached(last) {
            return None;
        }
        let file = Arc::clone(&self.file);
        Some(tokio::task::spawn_blocking(move || file.warm(offset, length)))
    }

    /// Cuts the next segment off; `left` is how many bytes the response still has, `is_last`
    /// whether this is its last file range.
    fn take_segment(&mut self, left: u64, is_last: bool) -> Segment {
        let length = self.next_length();
        let offset = self.offset;
        self.offset += length;
        self.length -= length;
        Segment {
            file: Arc::clone(&self.file),
            transfer: Arc::clone(&self.transfer),
            offset,
            length,
            left_after: left - length,
            is_last: is_last && self.length == 0,
        }
    }
}

impl Body for PieceBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        ready!(self.poll_warm(cx));
        Poll::Ready(self.next_bytes().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::server::fixtures::written;
    use crate::server::guests::Guests;

    fn range(folder: &tempfile::TempDir, length: usize) -> FileRange {
        let file = written(folder.path(), &format!("{length}.run"), &vec![0; length]);
        let length = length as u64;
        let transfer = Arc::new(RunningTransfer::new(1, length, Arc::new(|_| {})));
        FileRange { file: OpenPackage::open(&file).unwrap(), transfer, offset: 0, length }
    }

    #[test]
    fn a_connection_fetches_until_the_last_range_is_sent() {
        let folder = tempfile::tempdir().unwrap();
        let stay = Guests::new(16).welcome(Ipv4Addr::LOCALHOST.into());
        let tickets = Tickets::new(Arc::clone(&stay.guest));
        let text = || Piece::Text(Bytes::from_static(b"--"));
        let ranges = [10, 11].map(|length| Piece::File(range(&folder, length)));
        let pieces = ranges.into_iter().flat_map(|range| [text(), range]).chain([text()]);
        let mut body = PieceBody::new(pieces, &tickets);
        let mut fetching = Vec::new();
        while let Some(bytes) = body.next_bytes() {
            if bytes.len() >= 10 {
                tickets.copy(&[], bytes.len(), |all| Ok(all.len())).unwrap();
                fetching.push(stay.guest.is_fetching());
            }
        }
        assert_eq!(fetching, [true, false]);
    }

    #[test]
    fn the_last_segment_ends_its_range() {
        let folder = tempfile::tempdir().unwrap();
        let mut range = range(&folder, TICKET_BYTES + 1);
        let left = range.length;
        assert_eq!([(); 2].map(|()| range.take_segment(left, true).is_last), [false, true]);
        assert_eq!(range.length, 0);
    }
}
