//! The terminal that somebody sits at, handed over byte by byte, key by key.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The terminal in raw mode: every key passes through, Ctrl-C too. It is what it was before when
/// this goes out of scope.
pub struct RawTerminal {
    file: Arc<AsyncFd<File>>,
    before: Termios,
}

impl RawTerminal {
    /// Whether somebody sits at the terminal that the program reads from.
    pub fn is_there() -> bool {
        io::stdin().is_terminal()
    }

    /// Writes `lines`, then takes the terminal over.
    ///
    /// # Errors
    /// The process has no terminal, or it has gone.
    pub fn open(lines: &[String]) -> io::Result<Self> {
        // Opened anew, so that what reads stdin elsewhere still waits for what it reads.
        let nonblocking = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
        let flags = nonblocking.bits().cast_signed();
        let file =
            OpenOptions::new().read(true).write(true).custom_flags(flags).open("/dev/tty")?;
        for line in lines {
            writeln!(&file, "{line}")?;
        }
        let before = tcgetattr(&file)?;
        let mut raw = before.clone();
        raw.make_raw();
        #[expect(
            deprecated,
            reason = "what replaces it is `unsafe`; a `File` keeps its descriptor"
        )]
        let file = Arc::new(AsyncFd::new(file)?);
        tcsetattr(file.get_ref(), OptionalActions::Now, &raw)?;
        Ok(Self { file, before })
    }

    /// Its size in columns and rows.
    pub fn size(&self) -> (u16, u16) {
        tcgetwinsize(self.file.get_ref()).map_or((80, 24), |size| (size.ws_col, size.ws_row))
    }

    /// What is typed, or what is shown.
    pub fn bytes(&self) -> TerminalBytes {
        TerminalBytes(Arc::clone(&self.file))
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        _ = tcsetattr(self.file.get_ref(), OptionalActions::Now, &self.before);
    }
}

/// One end of a terminal.
pub struct TerminalBytes(Arc<AsyncFd<File>>);

impl AsyncRead for TerminalBytes {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let mut guard = ready!(self.0.poll_read_ready(context))?;
            let read = guard.try_io(|file| file.get_ref().read(buffer.initialize_unfilled()));
            if let Ok(read) = read {
                return Poll::Ready(read.map(|count| buffer.advance(count)));
            }
        }
    }
}

impl AsyncWrite for TerminalBytes {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            let mut guard = ready!(self.0.poll_write_ready(context))?;
            if let Ok(written) = guard.try_io(|file| file.get_ref().write(bytes)) {
                return Poll::Ready(written);
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
