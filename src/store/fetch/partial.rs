//! A file on its way: hidden beside its final place, locked, hashed as it grows.
//!
//! A small note beside it says where its bytes come from, so that a later process
//! knows whether it may go on from there.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::Digest;
use tokio::io::AsyncWriteExt;

use super::FetchItem;
use crate::project::Sha256;

/// A partial file that this process alone writes to.
pub(super) struct Partial {
    path: PathBuf,
    file: tokio::fs::File,
    len: u64,
    state: sha2::Sha256,
    origin: Origin,
}

/// Where the bytes of a partial file come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Origin {
    pub(super) url: String,
    /// A strong entity tag or a date, for `If-Range`.
    pub(super) validator: Option<String>,
}

/// Bytes of `file` that are on their way in the folder `into`.
pub(super) fn length(into: &Path, file: &str) -> u64 {
    into.join(partial_name(file)).metadata().map_or(0, |metadata| metadata.len())
}

fn partial_name(file: &str) -> String {
    format!(".{file}.part")
}

/// The note beside the partial file at `path`.
fn note(path: &Path) -> PathBuf {
    path.with_extension("part.from")
}

impl Partial {
    /// Opens the partial file of `item`, or gives `None` where another process has it.
    pub(super) async fn open(into: &Path, item: &FetchItem) -> io::Result<Option<Self>> {
        let path = into.join(partial_name(&item.file));
        let (url, declared) = (item.url.clone(), item.sha256.is_some());
        let open = move || Self::open_blocking(path, url, declared);
        tokio::task::spawn_blocking(open).await.map_err(io::Error::other)?
    }

    fn open_blocking(path: PathBuf, url: String, declared: bool) -> io::Result<Option<Self>> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).custom_flags(libc::O_NOFOLLOW);
        let mut file = options.open(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        if !is_at(&file, &path) {
            // It got its final name or was removed between opening and locking.
            return Ok(None);
        }
        let noted = read_note(&path);
        let validator =
            noted.as_ref().filter(|origin| origin.url == url).and_then(|o| o.validator.clone());
        // Bytes without a validator, or of another address, are worth keeping only
        // where a declared digest will tell in the end whether they were right.
        if noted.is_none() || (validator.is_none() && !declared) {
            file.set_len(0)?;
        }
        let origin = Origin { url, validator };
        let (len, state) = hash(&mut file)?;
        let file = tokio::fs::File::from_std(file);
        Ok(Some(Self { path, file, len, state, origin }))
    }

    /// Bytes that are here.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Where the bytes come from.
    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The digest of the bytes that are here.
    pub(super) fn sha256(&self) -> Sha256 {
        Sha256::from_bytes(self.state.clone().finalize().into())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Begins anew, with bytes that `validator` tells apart from others.
    pub(super) async fn restart(&mut self, validator: Option<String>) -> io::Result<()> {
        self.clear().await?;
        self.origin.validator = validator;
        let note = note(&self.path);
        let text = serde_json::to_vec(&self.origin)?;
        write_whole(&note, &text)
    }

    pub(super) async fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes).await?;
        self.state.update(bytes);
        self.len += bytes.len() as u64;
        Ok(())
    }

    pub(super) async fn flush(&mut self) -> io::Result<()> {
        self.file.flush().await
    }

    /// Forgets every byte.
    pub(super) async fn clear(&mut self) -> io::Result<()> {
        self.file.flush().await?;
        self.file.set_len(0).await?;
        self.len = 0;
        self.state = sha2::Sha256::new();
        Ok(())
    }

    /// Gives the file its final name, once its bytes are safely on the disk.
    pub(super) async fn finish(self, path: &Path) -> io::Result<()> {
        self.file.sync_all().await?;
        std::fs::rename(&self.path, path)?;
        remove(&note(&self.path));
        if let Some(folder) = path.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }

    /// Removes what is here: it is of no use to anyone.
    pub(super) fn remove(&self) {
        remove(&note(&self.path));
        remove(&self.path);
    }
}

/// Whether the open file is the one that `path` names now.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), path.metadata()) {
        (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

fn read_note(path: &Path) -> Option<Origin> {
    serde_json::from_slice(&std::fs::read(note(path)).ok()?).ok()
}

/// Replaces the file at `path` as a whole.
fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
    file.write_all(content)?;
    file.persist(path)?;
    Ok(())
}

fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::debug!(%error, path = %path.display(), "a partial file stays");
    }
}

/// Length and digest state of what the file holds.
fn hash(file: &mut File) -> io::Result<(u64, sha2::Sha256)> {
    let mut state = sha2::Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut len = 0;
    loop {
        let count = match file.read(&mut buffer) {
            Ok(0) => return Ok((len, state)),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        state.update(&buffer[..count]);
        len += count as u64;
    }
}
