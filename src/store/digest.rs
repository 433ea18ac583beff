//! The SHA-256 of one file, read in large pieces.
//!
//! 1. Open without ever waiting for a pipe, and refuse what is no regular file.
//! 2. Note the file's identity, read to the end, look at the identity again.
//! 3. A file that changed in between has no digest.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::Digest;

use crate::plan::FileIdentity;
use crate::project::Sha256;

/// Bytes read at a time, and so also the most that is read after a cancellation.
pub(super) const PIECE: usize = 1 << 20;

/// A digest and the identity of the file that it belongs to.
#[derive(Debug, Clone)]
pub(super) struct Hashed {
    pub(super) sha256: Sha256,
    pub(super) identity: FileIdentity,
}

/// Why a file has no digest.
#[derive(Debug, thiserror::Error)]
pub(super) enum HashError {
    #[error("interrupted")]
    Interrupted,
    #[error("the file changed while it was read")]
    Changed,
    #[error("not a regular file")]
    NotAFile,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Hashes the file at `path`. `read` is told the number of bytes of each piece.
pub(super) fn hash_file(
    path: &Path,
    buffer: &mut Vec<u8>,
    read: &dyn Fn(u64),
    cancelled: &AtomicBool,
) -> Result<Hashed, HashError> {
    let (mut file, before) = open_regular(path)?;
    buffer.resize(PIECE, 0);
    let mut state = sha2::Sha256::new();
    let mut total = 0;
    loop {
        if cancelled.load(Ordering::Relaxed) {
            return Err(HashError::Interrupted);
        }
        let count = read_some(&mut file, buffer)?;
        if count == 0 {
            break;
        }
        state.update(&buffer[..count]);
        total += count as u64;
        read(count as u64);
    }
    let after = FileIdentity::from(&file.metadata()?);
    if after != before || total != before.size {
        return Err(HashError::Changed);
    }
    Ok(Hashed { sha256: Sha256::from_bytes(state.finalize().into()), identity: before })
}

/// Opens a regular file and tells its identity.
pub(super) fn open_regular(path: &Path) -> Result<(File, FileIdentity), HashError> {
    // Without O_NONBLOCK, opening a pipe would wait for a writer for ever.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(HashError::NotAFile);
    }
    Ok((file, FileIdentity::from(&metadata)))
}

fn read_some(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::fs;
    use std::io::Write;

    use super::*;

    /// Hashes a file of `content`, running `meanwhile` once after the first piece.
    fn check(content: &[u8], meanwhile: &dyn Fn(&Path, &AtomicBool), expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, content).unwrap();
        let cancelled = AtomicBool::new(false);
        let first = Cell::new(true);
        let read = |_| {
            if first.replace(false) {
                meanwhile(&path, &cancelled);
            }
        };
        let actual = match hash_file(&path, &mut Vec::new(), &read, &cancelled) {
            Ok(hashed) => hashed.sha256.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(actual, expected);
    }

    fn append(path: &Path, _: &AtomicBool) {
        OpenOptions::new().append(true).open(path).unwrap().write_all(b"more").unwrap();
    }

    fn truncate(path: &Path, _: &AtomicBool) {
        OpenOptions::new().write(true).open(path).unwrap().set_len(1).unwrap();
    }

    fn nothing(_: &Path, _: &AtomicBool) {}

    #[test]
    fn digests_are_those_of_the_standard() {
        check(b"", &nothing, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        check(b"abc", &nothing, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        // The standard's third example: a million times the letter a, and more than one piece.
        check(
            &vec![b'a'; 1_000_000],
            &nothing,
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
        );
        check(
            &vec![0; 3 * PIECE + 1],
            &nothing,
            "5983281b51c767c831104f52c95e4075f27e6f4fa8dd0526e3929f79176a1217",
        );
    }

    #[test]
    fn a_file_that_changes_has_no_digest() {
        let content = vec![7; 2 * PIECE];
        check(&content, &append, "the file changed while it was read");
        check(&content, &truncate, "the file changed while it was read");
        check(&content, &|_, cancelled| cancelled.store(true, Ordering::Relaxed), "interrupted");
    }

    #[test]
    fn what_is_no_file_is_refused_without_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, 0o600.into()).unwrap();
        assert!(matches!(open_regular(&pipe), Err(HashError::NotAFile)));
        assert!(matches!(open_regular(folder.path()), Err(HashError::NotAFile)));
    }
}
