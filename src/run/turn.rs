//! One build of a target at a time: who comes second waits for the first.
//!
//! The lock (`flock`) is on a file in `.ascend-build/locks`, named after the
//! image that the target becomes: builds of another target, or of the same one
//! with another tag, do not wait for each other. It ends with its process, so
//! there is nothing stale to take over.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::holder::Holder;

/// The longest beginning of a reference that names a file, in bytes: file systems take names of 255.
const LONGEST: usize = 200;

/// The right to build one image; given back when it is dropped.
#[derive(Debug)]
pub struct Turn {
    _file: File,
}

/// Whether it is this run's turn.
#[derive(Debug)]
#[must_use]
pub enum Asked {
    /// It is, until this is dropped.
    Ours(Turn),
    /// Another run has it; `None` where that run has not yet written who it is.
    Theirs(Option<Holder>),
}

impl Turn {
    /// Asks for the right to build `reference` in the project whose state is
    /// below `state` (`.ascend-build`), or to get it for the engine where `state` is the user's
    /// cache folder; does not wait.
    ///
    /// # Errors
    /// The file, which is named, cannot be written, or the file system has no locks.
    pub fn ask(state: &Path, reference: &str, holder: &Holder) -> io::Result<Asked> {
        let path = Self::path(state, reference);
        fs::create_dir_all(path.parent().unwrap_or(state))?;
        // What another run has written stays until the lock is ours.
        let options =
            File::options().create(true).truncate(false).read(true).write(true).to_owned();
        let file = options.open(path)?;
        match file.try_lock() {
            Ok(()) => {
                holder.write(&file)?;
                Ok(Asked::Ours(Self { _file: file }))
            }
            Err(TryLockError::WouldBlock) => Ok(Asked::Theirs(Holder::read(&file))),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// The file of one image; `+` stands in no reference.
    pub fn path(state: &Path, reference: &str) -> PathBuf {
        let name = reference.replace(['/', ':'], "+");
        let name = match name.get(..LONGEST).filter(|_| name.len() > LONGEST) {
            Some(beginning) => {
                format!("{beginning}+{}", hex::encode(&Sha256::digest(name.as_bytes())[..16]))
            }
            None => name,
        };
        state.join("locks").join(format!("{name}.lock"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::OffsetDateTime;

    fn holder(run: &str) -> Holder {
        Holder::this(run, OffsetDateTime::from_unix_timestamp(1_795_242_400).unwrap())
    }

    /// Asks for a turn, and tells whose it is: `None` for the asker's.
    fn check(state: &Path, reference: &str, run: &str, expected: Option<&str>) -> Option<Turn> {
        let asked = Turn::ask(state, reference, &holder(run)).unwrap();
        let (turn, theirs) = match asked {
            Asked::Ours(turn) => (Some(turn), None),
            Asked::Theirs(holder) => (None, Some(holder.unwrap())),
        };
        assert_eq!(theirs.map(|holder| holder.run).as_deref(), expected);
        turn
    }

    #[test]
    fn the_second_waits_for_the_first() {
        let state = tempfile::tempdir().unwrap();
        let first = check(state.path(), "demo/c:latest", "1", None);
        check(state.path(), "demo/c:latest", "2", Some("1"));
        let other = check(state.path(), "demo/c:8.5.0", "3", None);
        drop(first);
        let second = check(state.path(), "demo/c:latest", "2", None);
        check(state.path(), "demo/c:latest", "4", Some("2"));
        drop((second, other));
    }

    #[test]
    fn references_of_any_length_have_a_file_each() {
        let state = tempfile::tempdir().unwrap();
        let [one, other] = ["a", "b"].map(|last| format!("demo/{}:{last}", "x".repeat(400)));
        let first = check(state.path(), &one, "1", None);
        let second = check(state.path(), &other, "2", None);
        check(state.path(), &one, "3", Some("1"));
        drop((first, second));
    }

    #[test]
    fn what_a_killed_process_wrote_is_written_over() {
        let state = tempfile::tempdir().unwrap();
        let path = Turn::path(state.path(), "demo/c:latest");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("{{\"run\":\"{}", "long".repeat(100))).unwrap();
        let _turn = check(state.path(), "demo/c:latest", "1", None);
        check(state.path(), "demo/c:latest", "2", Some("1"));
    }
}
