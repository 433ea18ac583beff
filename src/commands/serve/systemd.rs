//! What systemd and a service tell each other: the listening socket that it
//! opened, and that the service is ready. See sd_listen_fds(3) and sd_notify(3).

use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd, RawFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use crate::error::{Exit, Problem, Result};

/// Where sd_listen_fds(3) has the first descriptor.
const FIRST: RawFd = 3;

/// The socket that systemd opened for this process, where it did. To be asked once.
///
/// # Errors
/// [`Exit::Usage`]: there are several, or it is not a listening TCP socket.
pub(super) fn listener() -> Result<Option<TcpListener>> {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let own = variable("LISTEN_PID") == std::process::id().to_string();
    match variable("LISTEN_FDS").parse::<u32>() {
        Ok(1) if own => handed_over().map(Some),
        Ok(2..) if own => Err(refusal("systemd handed over several sockets")),
        _ => Ok(None),
    }
}

/// A copy of the descriptor, if it is what it is said to be. The original stays open for as long as
/// the process runs; systemd keeps the port open as well.
#[expect(unsafe_code, reason = "a descriptor that was handed over is known by its number alone")]
fn handed_over() -> Result<TcpListener> {
    // SAFETY: nothing in this process closes descriptor 3: systemd opened it before the process
    // began, and nobody owns it.
    let socket = unsafe { BorrowedFd::borrow_raw(FIRST) };
    let listens = rustix::net::sockopt::socket_acceptconn(socket).unwrap_or(false);
    let listener = socket.try_clone_to_owned().map(TcpListener::from);
    match listener.and_then(|listener| listener.local_addr().map(|_| listener)) {
        Ok(listener) if listens => Ok(listener),
        _ => Err(refusal("systemd handed over something that is no listening TCP socket")),
    }
}

fn refusal(message: &str) -> crate::error::Error {
    Problem::error(message)
        .hint("write one `ListenStream=ADDRESS:PORT` into the .socket unit, as scripts/ascend-build.socket does")
        .exit(Exit::Usage)
}

/// Tells systemd, where it asked to be told; nobody else listens.
pub(super) fn notify(state: &str) {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let address = match path.as_encoded_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(&path),
    };
    let told = address.and_then(|address| {
        UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address).map(drop)
    });
    if let Err(error) = told {
        tracing::warn!(%error, state, "systemd cannot be told");
    }
}

/// Whether stdout or stderr goes to the journal, where everybody who reads logs would read
/// secrets. `JOURNAL_STREAM` alone does not tell: it is inherited by whatever is started there.
pub(super) fn is_journalled() -> bool {
    let Ok(journal) = std::env::var("JOURNAL_STREAM") else { return false };
    is_stream(&journal, std::io::stdout()) || is_stream(&journal, std::io::stderr())
}

/// Whether the file's device and inode are those that are written as `8:1234` (systemd.exec(5)).
fn is_stream(written: &str, file: impl AsFd) -> bool {
    let parts = written.split_once(':').map(|(device, inode)| (device.parse(), inode.parse()));
    let Some((Ok(device), Ok(inode))) = parts else { return false };
    rustix::fs::fstat(file).is_ok_and(|facts| (facts.st_dev, facts.st_ino) == (device, inode))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn the_journal_is_known_by_its_device_and_inode() {
        let file = tempfile::tempfile().unwrap();
        let facts = file.metadata().unwrap();
        let check = |written: &str, expected| {
            assert_eq!(is_stream(written, &file), expected, "{written}");
        };
        check(&format!("{}:{}", facts.dev(), facts.ino()), true);
        check(&format!("{}:{}", facts.dev(), facts.ino() + 1), false);
        check(&format!("{}:{}", facts.dev() + 1, facts.ino()), false);
        check("", false);
        check("8", false);
    }
}
