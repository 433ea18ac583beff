//! The build context as bytes: a deterministic archive, and digests.
//!
//! Entries come in the order of their paths, belong to root, and carry one fixed
//! time, so that the same files give the same bytes on every machine.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use sha2::Digest;
use tar::{Builder, EntryType, Header};

use super::context::{Context, ContextEntry, EntryKind};
use super::digest::hash_file;
use crate::error::{Error, Exit, Problem};
use crate::project::Sha256;

/// 1980-01-02 00:00:00 UTC. The engines' caches ignore times, but the files keep
/// theirs in the image, and zip, so also every wheel that is built there, knows
/// no year before 1980 in any time zone.
const MODIFIED: u64 = 315_619_200;

/// What tells whether an entry is still the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryDigest {
    /// Relative to the context.
    pub path: PathBuf,
    /// `file`, `folder` or `link`.
    pub kind: &'static str,
    /// Permission bits.
    pub mode: u32,
    /// Of a file's content or a link's target; `None` for a folder.
    pub sha256: Option<Sha256>,
}

impl EntryDigest {
    /// Kind, mode and content in one line: it changes exactly when what a build can see changes.
    pub fn told(&self) -> String {
        let content = self.sha256.as_ref().map_or("", Sha256::as_str);
        format!("{} {:o} {content}", self.kind, self.mode)
    }
}

impl Context {
    /// Writes the context as a tar archive. `extra` are files (name, content)
    /// that the caller adds; one of them takes the place of an entry of that name.
    ///
    /// # Errors
    /// When `out` cannot be written, or an entry cannot be read or has another
    /// size than when it was collected; the archive is then without its end.
    pub fn write_tar(&self, extra: &[(&str, &[u8])], out: impl Write) -> io::Result<()> {
        self.write_tar_below("", extra, out)
    }

    /// The same with all entries below `folder`, which is there even if there are none.
    ///
    /// # Errors
    /// As [`Context::write_tar`].
    pub fn write_tar_below(
        &self,
        folder: &str,
        extra: &[(&str, &[u8])],
        out: impl Write,
    ) -> io::Result<()> {
        let mut archive = Builder::new(out);
        if !folder.is_empty() {
            let mut header = header(EntryType::Directory, 0o755, 0);
            archive.append_data(&mut header, format!("{folder}/"), io::empty())?;
        }
        for (name, content) in extra {
            let mut header = header(EntryType::Regular, 0o644, content.len() as u64);
            archive.append_data(&mut header, name, *content)?;
        }
        let replaced = |entry: &ContextEntry| {
            extra.iter().any(|(name, _)| folder.is_empty() && Path::new(name) == entry.path)
        };
        for entry in self.entries().iter().filter(|entry| !replaced(entry)) {
            self.append(&mut archive, Path::new(folder), entry)
                .map_err(|error| io::Error::new(error.kind(), named(entry, error)))?;
        }
        archive.into_inner()?.flush()
    }

    /// The digest of each entry, ordered by path. The folders above what is copied are none of it,
    /// but where `with_parents`, as `COPY --parents` takes them along.
    ///
    /// # Errors
    /// [`Exit::Project`] with every file that cannot be read.
    pub fn digests(&self, with_parents: bool) -> Result<Vec<EntryDigest>, Error> {
        let mut buffer = Vec::new();
        let mut digests = Vec::new();
        let mut problems = Vec::new();
        for entry in self.entries().iter().filter(|entry| with_parents || !entry.above) {
            match self.digest_entry(entry, &mut buffer) {
                Ok(digest) => digests.push(digest),
                Err(problem) => problems.push(*problem),
            }
        }
        Error::check(Exit::Project, problems).map(|_| digests)
    }

    fn append<W: Write>(
        &self,
        archive: &mut Builder<W>,
        folder: &Path,
        entry: &ContextEntry,
    ) -> io::Result<()> {
        let path = &folder.join(&entry.path);
        match &entry.kind {
            EntryKind::Folder => {
                let mut header = header(EntryType::Directory, entry.mode, 0);
                archive.append_data(&mut header, path.join(""), io::empty())
            }
            EntryKind::Link(target) => {
                let mut header = header(EntryType::Symlink, entry.mode, 0);
                archive.append_link(&mut header, path, target)
            }
            EntryKind::File => {
                let file = self.open(entry)?;
                let mut header = header(EntryType::Regular, entry.mode, entry.size);
                archive.append_data(&mut header, path, file.take(entry.size))
            }
        }
    }

    /// Opens a file that still is one, of the size that the header will tell.
    fn open(&self, entry: &ContextEntry) -> io::Result<File> {
        let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(self.locate(entry))?;
        let metadata = file.metadata()?;
        if !metadata.is_file() || metadata.len() != entry.size {
            return Err(io::Error::other("it changed while the build was being prepared"));
        }
        Ok(file)
    }

    fn digest_entry(
        &self,
        entry: &ContextEntry,
        buffer: &mut Vec<u8>,
    ) -> Result<EntryDigest, Box<Problem>> {
        let sha256 = match &entry.kind {
            EntryKind::Folder => None,
            EntryKind::Link(target) => {
                let digest = sha2::Sha256::digest(target.as_os_str().as_bytes());
                Some(Sha256::from_bytes(digest.into()))
            }
            EntryKind::File => {
                let never = AtomicBool::new(false);
                let hashed = hash_file(&self.locate(entry), buffer, &|_| (), &never);
                Some(hashed.map_err(|error| unreadable(entry, error))?.sha256)
            }
        };
        let kind = match entry.kind {
            EntryKind::File => "file",
            EntryKind::Folder => "folder",
            EntryKind::Link(_) => "link",
        };
        Ok(EntryDigest { path: entry.path.clone(), kind, mode: entry.mode, sha256 })
    }
}

fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(MODIFIED);
    header.set_uid(0);
    header.set_gid(0);
    header
}

fn named(entry: &ContextEntry, error: io::Error) -> EntryError {
    EntryError { path: entry.path.clone(), source: error }
}

/// An entry that could not be put into the archive.
#[derive(Debug, thiserror::Error)]
#[error("`{}` cannot be put into the build context", path.display())]
struct EntryError {
    path: PathBuf,
    source: io::Error,
}

fn unreadable(entry: &ContextEntry, error: super::digest::HashError) -> Box<Problem> {
    let message = format!("`{}` in the build context cannot be read", entry.path.display());
    Box::new(Problem::error(message).cause(error))
}
