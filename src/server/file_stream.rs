//! The connection's stream: moves file bytes from the file to the socket
//! without giving them to hyper.
//!
//! hyper wants `Bytes`. A body that made them would read or map the file:
//! reading costs a copy, and a map dies with SIGBUS when the file is cut. So a
//! body gives hyper a *ticket*: a slice of one block of memory that nothing
//! ever reads, as long as the stretch of the file that it stands for, which is
//! queued beside it. When hyper writes, the stream knows a ticket by its
//! address and sends that many bytes of the first queued [`Segment`] instead.
//! HTTP/1 answers in order, so queue and tickets stay in step.
//!
//! How a stretch is sent:
//! 1. copied: read into this thread's buffer, then the file is looked at again,
//!    then the buffer is written. What the socket did not take is read again.
//! 2. with `sendfile`, to clients on this machine, which halves the processor
//!    time there (`docs/benchmarks.md`). The kernel then hands out the page
//!    cache itself until the client has read it, so a write to the file could
//!    still reach the client after the last look. The last [`in_flight`] bytes of
//!    a response are therefore always copied: when the last of them goes out,
//!    everything before has been read by the client, and the look that came
//!    before it vouches for every byte.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use rustix::net::SendFlags;
use socket2::SockRef;
use tokio::io::{AsyncWrite as _, Interest};
use tokio::net::TcpStream;

use super::guests::Guest;
use super::open_package::OpenPackage;
use super::ticket_stream::SendsTickets;
use super::transfer::RunningTransfer;

/// The longest stretch of a file that one ticket stands for: of whole calls, whichever way it is sent
/// (but for the first of a response, which goes with the head).
pub(super) const TICKET_BYTES: usize = 32 * SHARED_BYTES;
const _: () = assert!(TICKET_BYTES.is_multiple_of(COPY_BYTES));

/// How much is copied at a time: fits a processor's second-level cache.
const COPY_BYTES: usize = 256 << 10;

/// How much one `sendfile` hands over: a packet of loopback, which holds just under 64 KiB, and
/// a little more. With longer calls, a client that keeps up with them falls asleep and has to
/// be woken for each packet, which can cost half of the rate (`docs/benchmarks.md`).
const SHARED_BYTES: usize = 72 << 10;

/// How much the socket holds beyond what the client has room for. A thousand clients that
/// read slowly would else fill send buffers of megabytes each, and the kernel then cuts the
/// fast ones; and what leaves soon is still in the processor's cache (`docs/benchmarks.md`).
const UNSENT_SHARED: u32 = 128 << 10;

/// The same where bytes are copied: two fillings of the buffer, so that it is mostly taken whole.
const UNSENT_COPIED: u32 = 2 * COPY_BYTES as u32;

/// The memory that tickets point into. Zeroed pages that are never touched take no room.
static TICKET_BLOCK: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(vec![0; TICKET_BYTES]));

thread_local! {
    // One a thread, not one a connection: 1,000 slow clients must not hold 256 MB.
    static COPY_BUFFER: RefCell<Vec<u8>> = RefCell::new(Vec::with_capacity(COPY_BYTES + (64 << 10)));
}

/// The stretches of files that a connection has still to send, in order.
#[derive(Clone)]
pub(super) struct Tickets {
    queue: Arc<Mutex<VecDeque<Segment>>>,
    guest: Arc<Guest>,
}

/// A stretch of a file that a ticket stands for.
pub(super) struct Segment {
    pub(super) file: Arc<OpenPackage>,
    pub(super) transfer: Arc<RunningTransfer>,
    pub(super) offset: u64,
    pub(super) length: u64,
    /// Bytes of the response that come after this segment.
    pub(super) left_after: u64,
    /// Whether those are no bytes of files.
    pub(super) is_last: bool,
}

/// What one attempt to send did.
pub(super) struct Sent {
    /// Bytes that the socket took, of head and file together.
    pub(super) bytes: usize,
    /// Whether the socket is known to take no more for now.
    full: bool,
}

impl Tickets {
    /// Tickets for the connection of `guest`.
    pub(super) fn new(guest: Arc<Guest>) -> Self {
        Self { queue: Arc::default(), guest }
    }

    /// Queues `segment` (at most [`TICKET_BYTES`] long) and gives the ticket for it.
    pub(super) fn issue(&self, segment: Segment) -> Bytes {
        let length = usize::try_from(segment.length).unwrap_or(usize::MAX).min(TICKET_BYTES);
        self.guest.begins();
        self.queue().push_back(segment);
        TICKET_BLOCK.slice(..length)
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<Segment>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends `head` and at most `length` bytes of the first segment; returns the sum.
    fn send(
        &self,
        stream: &TcpStream,
        head: &[IoSlice<'_>],
        length: usize,
        way: Way,
    ) -> io::Result<Sent> {
        self.take(|segment| {
            if way.shares(segment.left_after) && head.is_empty() {
                return segment.share(stream, length);
            }
            segment.copy(head, length, |bytes| {
                Ok(rustix::net::send(stream, bytes, SendFlags::NOSIGNAL)?)
            })
        })
    }

    /// The same, where `write` takes the bytes; it may take only some of them.
    pub(super) fn copy(
        &self,
        head: &[IoSlice<'_>],
        length: usize,
        write: impl FnOnce(&[u8]) -> io::Result<usize>,
    ) -> io::Result<Sent> {
        self.take(|segment| segment.copy(head, length, write))
    }

    fn take(&self, send: impl FnOnce(&mut Segment) -> io::Result<Sent>) -> io::Result<Sent> {
        let mut queue = self.queue();
        let Some(segment) = queue.front_mut() else {
            return Err(io::Error::other("a ticket without a segment"));
        };
        let sent = send(segment)?;
        self.guest.took(sent.bytes as u64);
        if segment.length == 0 {
            if segment.is_last {
                self.guest.rests();
            }
            queue.pop_front();
        }
        Ok(sent)
    }
}

/// How a connection's file bytes are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// All of them copied.
    Copied,
    /// With `sendfile`, but for the last so many bytes of a response.
    Shared {
        /// Bytes to copy at the end.
        tail: u64,
    },
}

impl Way {
    /// The way that suits a client: measured, see `docs/benchmarks.md`.
    pub(super) fn to(client: SocketAddr) -> Self {
        if client.ip().to_canonical().is_loopback() {
            Self::Shared { tail: in_flight() }
        } else {
            Self::Copied
        }
    }

    /// Whether a segment that so many bytes of the response follow is not copied.
    fn shares(self, left_after: u64) -> bool {
        matches!(self, Self::Shared { tail } if left_after >= tail)
    }

    /// Bounds what the kernel keeps of it; a kernel that cannot sends as it always did.
    pub(super) fn bound_buffer(self, stream: &TcpStream) {
        let most = match self {
            Self::Copied => UNSENT_COPIED,
            Self::Shared { .. } => UNSENT_SHARED,
        };
        if let Err(error) = SockRef::from(stream).set_tcp_notsent_lowat(most) {
            tracing::debug!(%error, "the send buffer is not bounded");
        }
    }
}

/// The most bytes that can stand between `sendfile` and a client's read on this machine: a full
/// send buffer and a full receive buffer. The latter is as large as the kernel makes it by
/// itself, or twice what a client may ask for with `SO_RCVBUF` (socket(7)).
pub(super) fn in_flight() -> u64 {
    static IN_FLIGHT: LazyLock<u64> = LazyLock::new(|| {
        let limit = |name| kernel_limit(name).unwrap_or(32 << 20);
        let received = limit("ipv4/tcp_rmem").max(2 * limit("core/rmem_max"));
        limit("ipv4/tcp_wmem") + received + COPY_BYTES as u64
    });
    *IN_FLIGHT
}

/// The last of the numbers (least, default, most; or one) that the kernel shows, in bytes.
fn kernel_limit(name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/sys/net/{name}")).ok()?;
    text.split_whitespace().next_back()?.parse().ok()
}

impl Segment {
    fn advance(&mut self, sent: u64) {
        self.offset += sent;
        self.length -= sent;
        if sent > 0 {
            self.transfer.add(sent);
        }
    }

    /// How many of `length` bytes this segment still has.
    fn within(&self, length: usize) -> usize {
        length.min(usize::try_from(self.length).unwrap_or(usize::MAX))
    }

    fn share(&mut self, stream: &TcpStream, length: usize) -> io::Result<Sent> {
        let (mut offset, length) = (self.offset, self.within(length).min(SHARED_BYTES));
        let bytes = rustix::fs::sendfile(stream, self.file.file(), Some(&mut offset), length)?;
        if bytes == 0 || !self.file.is_unchanged() {
            return Err(self.changed());
        }
        self.advance(bytes as u64);
        Ok(Sent { bytes, full: false })
    }

    /// One write for the response's head and the first bytes of its file: a small
    /// file is one packet.
    fn copy(
        &mut self,
        head: &[IoSlice<'_>],
        length: usize,
        write: impl FnOnce(&[u8]) -> io::Result<usize>,
    ) -> io::Result<Sent> {
        COPY_BUFFER.with_borrow_mut(|buffer| {
            buffer.clear();
            head.iter().for_each(|slice| buffer.extend_from_slice(slice));
            let start = buffer.len();
            buffer.resize(start + self.within(length).min(COPY_BYTES), 0);
            let count = rustix::io::pread(self.file.file(), &mut buffer[start..], self.offset)?;
            if count == 0 || !self.file.is_unchanged() {
                return Err(self.changed());
            }
            let filled = &buffer[..start + count];
            let bytes = write(filled)?;
            self.advance(bytes.saturating_sub(start) as u64);
            Ok(Sent { bytes, full: bytes < filled.len() })
        })
    }

    fn changed(&self) -> io::Error {
        self.transfer.file_changed();
        io::Error::other("the file changed while it was sent")
    }
}

/// A TCP stream that sends file bytes where hyper writes tickets.
pub(super) struct FileStream {
    stream: TcpStream,
    tickets: Tickets,
    way: Way,
}

impl FileStream {
    /// Wraps an accepted connection.
    pub(super) fn new(stream: TcpStream, tickets: Tickets, way: Way) -> Self {
        way.bound_buffer(&stream);
        Self { stream, tickets, way }
    }

    /// A short write says that the socket is full. To try again would read the file
    /// for nothing, so it is reported to tokio like a refused one, which then waits.
    fn poll_ticket(
        &self,
        cx: &mut Context<'_>,
        head: &[IoSlice<'_>],
        length: usize,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream.poll_write_ready(cx))?;
            let mut short = None;
            let result = self.stream.try_io(Interest::WRITABLE, || {
                let sent = self.tickets.send(&self.stream, head, length, self.way)?;
                short = sent.full.then_some(sent.bytes);
                if sent.full { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(sent.bytes) }
            });
            match (result, short) {
                (_, Some(bytes)) => return Poll::Ready(Ok(bytes)),
                (Err(error), None) if is_passing(&error) => {}
                (result, None) => return Poll::Ready(result),
            }
        }
    }
}

/// Whether the same call can succeed later.
fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// The slices before the first ticket, and that.
pub(super) fn split_at_ticket<'a, 'b>(
    slices: &'a [IoSlice<'b>],
) -> (&'a [IoSlice<'b>], Option<&'a IoSlice<'b>>) {
    let (plain, rest) =
        slices.split_at(slices.iter().take_while(|slice| !is_ticket(slice)).count());
    (plain, rest.first())
}

/// Whether a slice is a ticket: it lies in the ticket block.
fn is_ticket(slice: &[u8]) -> bool {
    !slice.is_empty() && TICKET_BLOCK.as_ptr_range().contains(&slice.as_ptr())
}

impl SendsTickets for FileStream {
    type Connection = TcpStream;

    fn connection(&mut self) -> Pin<&mut TcpStream> {
        Pin::new(&mut self.stream)
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let (plain, ticket) = split_at_ticket(slices);
        match ticket {
            Some(ticket) => self.poll_ticket(cx, plain, ticket.len()),
            None => Pin::new(&mut self.stream).poll_write_vectored(cx, plain),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    async fn check(way: Way, expected: u32) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        way.bound_buffer(&stream);
        assert_eq!(SockRef::from(&stream).tcp_notsent_lowat().unwrap(), expected);
    }

    #[tokio::test]
    async fn a_slow_client_holds_little_of_the_kernels_memory() {
        check(Way::Shared { tail: 0 }, 128 << 10).await;
        check(Way::Copied, 512 << 10).await;
    }

    #[test]
    fn what_a_client_may_not_have_read_before_the_last_look_is_copied() {
        assert!(in_flight() >= kernel_limit("ipv4/tcp_rmem").unwrap());
        let shared = Way::Shared { tail: 100 };
        assert_eq!([99, 100, 101].map(|left| shared.shares(left)), [false, true, true]);
        assert!(!Way::Copied.shares(u64::MAX));
    }
}
