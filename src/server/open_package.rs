//! A package file, open: still the one that was verified, or not at all.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;

use rustix::fs::OFlags;
use rustix::io::{Errno, ReadWriteFlags, preadv2};

use crate::plan::{FileIdentity, VerifiedPackage};

/// An open file that was the verified one when it was opened.
#[derive(Debug)]
pub(super) struct OpenPackage {
    file: File,
    verified: FileIdentity,
}

/// Errors that do not say that a file is gone.
const PASSING: [Errno; 5] = [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::IO, Errno::STALE];

/// Why a file cannot be offered any more.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unavailable {
    /// It is gone or cannot be read.
    #[error("the file cannot be opened")]
    Unreadable(#[from] io::Error),
    /// It is another file, or was written to.
    #[error("the file changed after it was verified")]
    Changed,
}

impl Unavailable {
    /// Whether it may be otherwise in a moment: what changed, where files are looked at again
    /// (`follows`), and what this machine or a network disk lacks now.
    pub(super) fn passes(&self, follows: bool) -> bool {
        match self {
            Self::Changed => follows,
            Self::Unreadable(error) => {
                let error = Errno::from_io_error(error);
                error.is_some_and(|error| PASSING.contains(&error))
            }
        }
    }
}

impl OpenPackage {
    /// Opens the file of `package` if its identity is the verified one.
    ///
    /// `O_NOFOLLOW`, because the store resolved symlinks before it verified;
    /// `O_NONBLOCK`, because a pipe put in the file's place must not hold us.
    pub(super) fn open(package: &VerifiedPackage) -> Result<Arc<Self>, Unavailable> {
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        let file = OpenOptions::new().read(true).custom_flags(flags).open(&package.path)?;
        let open = Self { file, verified: package.identity };
        if open.is_unchanged() { Ok(Arc::new(open)) } else { Err(Unavailable::Changed) }
    }

    /// The file, for positioned reads and `sendfile`.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Whether the file is, right now, as it was when it was verified.
    pub(super) fn is_unchanged(&self) -> bool {
        self.file.metadata().is_ok_and(|now| FileIdentity::from(&now) == self.verified)
    }

    /// Whether the page of this byte can be read without waiting for the disk.
    ///
    /// File systems that cannot tell are taken to be ready.
    pub(super) fn is_cached(&self, offset: u64) -> bool {
        let mut byte = [0];
        let mut buffers = [io::IoSliceMut::new(&mut byte)];
        let answer = preadv2(&self.file, &mut buffers, offset, ReadWriteFlags::NOWAIT);
        answer != Err(Errno::AGAIN)
    }

    /// Reads a range into the page cache and forgets it; blocks on the disk.
    pub(super) fn warm(&self, offset: u64, length: u64) {
        let mut scratch = vec![0; 128 << 10];
        let mut at = offset;
        while at < offset + length {
            match std::os::unix::fs::FileExt::read_at(&self.file, &mut scratch, at) {
                Ok(0) | Err(_) => return, // the sender meets the same end and reports it
                Ok(count) => at += count as u64,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(error: Errno, expected: bool) {
        let why = Unavailable::Unreadable(io::Error::from_raw_os_error(error.raw_os_error()));
        assert_eq!((why.passes(false), why.passes(true)), (expected, expected), "{error}");
    }

    #[test]
    fn what_this_machine_lacks_for_a_moment_is_no_file_that_is_gone() {
        check(Errno::MFILE, true);
        check(Errno::STALE, true);
        check(Errno::NOENT, false);
        check(Errno::LOOP, false);
    }
}
