//! The same as `file_stream` under TLS: what a ticket stands for is read, looked at
//! again, and given to the encryption. The kernel cannot send it by itself.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::file_stream::{Tickets, Way, split_at_ticket};
use super::patience::Patience;

/// How much is read at a time: as much as the encryption takes at once.
const PLAIN_BYTES: usize = 64 << 10;

/// An encrypted stream that sends file bytes where hyper writes tickets.
pub(super) struct TlsFileStream {
    stream: TlsStream<TcpStream>,
    tickets: Tickets,
    patience: Patience,
}

impl TlsFileStream {
    /// Wraps a connection whose client may stall for so long.
    pub(super) fn new(stream: TlsStream<TcpStream>, tickets: Tickets, stall: Duration) -> Self {
        Way::Copied.bound_buffer(stream.get_ref().0);
        Self { stream, tickets, patience: Patience::new(stall) }
    }

    fn poll_slices(
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

impl AsyncWrite for TlsFileStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let write = self.poll_slices(cx, slices);
        self.patience.watch(cx, write)
    }

    fn is_write_vectored(&self) -> bool {
        true // so that hyper queues tickets as they are
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flush = Pin::new(&mut self.stream).poll_flush(cx);
        self.patience.watch(cx, flush)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shutdown = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.patience.watch(cx, shutdown)
    }
}

impl AsyncRead for TlsFileStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}
