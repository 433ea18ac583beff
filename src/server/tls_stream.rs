//! The same as `file_stream` under TLS: what a ticket stands for is read, looked at
//! again, and given to the encryption. The kernel cannot send it by itself.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::AsyncWrite as _;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::file_stream::{Tickets, Way, split_at_ticket};
use super::ticket_stream::SendsTickets;

/// How much is read at a time: as much as the encryption takes at once.
const PLAIN_BYTES: usize = 64 << 10;

/// An encrypted stream that sends file bytes where hyper writes tickets.
pub(super) struct TlsFileStream {
    stream: TlsStream<TcpStream>,
    tickets: Tickets,
}

impl TlsFileStream {
    /// Wraps a connection.
    pub(super) fn new(stream: TlsStream<TcpStream>, tickets: Tickets) -> Self {
        Way::Copied.bound_buffer(stream.get_ref().0);
        Self { stream, tickets }
    }
}

impl SendsTickets for TlsFileStream {
    type Connection = TlsStream<TcpStream>;

    fn connection(&mut self) -> Pin<&mut Self::Connection> {
        Pin::new(&mut self.stream)
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let (plain, ticket) = split_at_ticket(slices);
        let Some(ticket) = ticket else {
            return Pin::new(&mut self.stream).poll_write_vectored(cx, plain);
        };
        let stream = &mut self.stream;
        let write = |bytes: &[u8]| match Pin::new(&mut *stream).poll_write(cx, bytes) {
            Poll::Ready(result) => result,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        };
        match self.tickets.copy(plain, ticket.len().min(PLAIN_BYTES), write) {
            // The encryption has seen to it that this task is woken.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
            result => Poll::Ready(result.map(|sent| sent.bytes)),
        }
    }
}
