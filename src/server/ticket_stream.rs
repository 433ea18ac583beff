//! The stream that hyper writes to: whatever sends tickets, cut when the client takes nothing for too long.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::patience::Patience;

/// What sends plain bytes, and stretches of files where there are tickets for them.
pub(super) trait SendsTickets: Unpin {
    /// The connection.
    type Connection: AsyncRead + AsyncWrite + Unpin;
    /// The connection.
    fn connection(&mut self) -> Pin<&mut Self::Connection>;
    /// Sends some of it.
    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>>;
}

/// A connection with its patience.
pub(super) struct TicketStream<S> {
    sender: S,
    patience: Patience,
}

impl<S> TicketStream<S> {
    /// Cuts the connection when its client takes nothing for so long.
    pub(super) fn new(sender: S, stall: Duration) -> Self {
        Self { sender, patience: Patience::new(stall) }
    }
}

impl<S: SendsTickets> AsyncWrite for TicketStream<S> {
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
        let write = self.sender.poll_send(cx, slices);
        self.patience.watch(cx, write)
    }

    fn is_write_vectored(&self) -> bool {
        true // so that hyper queues slices as they are and copies none into a buffer of its own
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flush = self.sender.connection().poll_flush(cx);
        self.patience.watch(cx, flush)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shutdown = self.sender.connection().poll_shutdown(cx);
        self.patience.watch(cx, shutdown)
    }
}

impl<S: SendsTickets> AsyncRead for TicketStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.sender.connection().poll_read(cx, buffer)
    }
}
