//! What layers are cached by that were fetched from another process's server.
//!
//! Such a server may serve something else to plain lines in the middle of a build, and its
//! port may become somebody else's, who answers `RUN --package` as well: hashing gigabytes in
//! the container costs more than fetching them (docs/server.md). The build ends when it hears
//! of that, but the engine has the layer by then, and would take it from its cache the next
//! time. So those layers carry a secret mark of the project besides their files' digests:
//!
//! 1. a run takes the mark out of the project's state, or makes a new one;
//! 2. it gives it back when the server has kept its word to the end.
//!
//! A run that ends otherwise, even by a kill, leaves no mark: the next one has another,
//! and nothing in the cache has that.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::serve::made_up;
use super::supply::Shared;
use crate::error::Result;
use crate::run::RunFolder;

/// The file below the project's state, and below a run's folder while it is read.
const NAME: &str = "shared-server.mark";

/// The mark of one run.
#[derive(Debug)]
pub(super) struct Mark {
    text: String,
    state: PathBuf,
}

impl Mark {
    /// The mark of a run that fetches from a shared server.
    ///
    /// # Errors
    /// Those of [`Self::take`].
    pub(super) fn take_for(shared: Option<&Arc<Shared>>, run: &RunFolder) -> Result<Option<Self>> {
        shared.map(|_| Self::take(run)).transpose()
    }

    /// The project's mark, which no other run has from now on, or a new one.
    ///
    /// # Errors
    /// [`Exit::Bug`](crate::error::Exit::Bug): the kernel gives no random bytes.
    fn take(run: &RunFolder) -> Result<Self> {
        let text = taken(run.state(), &run.path).map_or_else(|_| made_up(), Ok)?;
        Ok(Self { text, state: run.state().to_owned() })
    }

    /// What stands for it in digests.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The next run may use what was cached under it, if the server has kept its word. To be
    /// called when nothing of the run goes on in the engine.
    pub(super) async fn give_back_after(self, shared: Option<&Arc<Shared>>) {
        if let Some(shared) = shared
            && shared.kept_its_word().await
        {
            self.give_back();
        }
    }

    fn give_back(self) {
        let write = || {
            let mut file = tempfile::NamedTempFile::new_in(&self.state)?;
            file.write_all(self.text.as_bytes())?;
            file.persist(self.state.join(NAME)).map_err(|error| error.error)
        };
        if let Err(error) = write() {
            tracing::warn!(%error, "what was fetched from the shared server is not cached");
        }
    }
}

/// Takes the mark out of `state`, by way of `own`, a folder that no other run writes to: of two
/// runs that ask at the same time, one gets it.
fn taken(state: &Path, own: &Path) -> io::Result<String> {
    let place = own.join(NAME);
    fs::rename(state.join(NAME), &place)?;
    // After a crash of the machine, too, it must be gone.
    File::open(state)?.sync_all()?;
    let text = fs::read_to_string(&place)?;
    fs::remove_file(place)?;
    let is_mark = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_mark.then_some(text).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;

    /// Whether the second of two runs has the mark of the first, which it gave back or not.
    fn check(given_back: bool, expected: bool) {
        let project = tempfile::tempdir().unwrap();
        let run = || RunFolder::create(project.path(), OffsetDateTime::UNIX_EPOCH).unwrap();
        let (first, second) = (run(), run());
        let mark = Mark::take(&first).unwrap();
        let text = mark.text().to_owned();
        if given_back {
            mark.give_back();
        }
        let next = Mark::take(&second).unwrap();
        assert_eq!(next.text() == text, expected);
        assert_ne!(Mark::take(&first).unwrap().text(), next.text(), "two runs have one mark");
    }

    #[test]
    fn a_mark_lasts_from_run_to_run_only_where_it_was_given_back() {
        check(true, true);
        check(false, false);
    }

    #[test]
    fn what_is_no_mark_is_not_taken_for_one() {
        let project = tempfile::tempdir().unwrap();
        let run = RunFolder::create(project.path(), OffsetDateTime::UNIX_EPOCH).unwrap();
        for text in ["", "../x\n"] {
            fs::write(run.state().join(NAME), text).unwrap();
            assert_eq!(Mark::take(&run).unwrap().text().len(), 32, "{text:?}");
        }
    }
}
