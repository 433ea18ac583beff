//! Taking packages out of a zip, as the official CANN downloads come.
//!
//! 1. Hash the zip, and compare it with the digest that is expected of it.
//! 2. Look at every entry before anything is written: one that would leave the
//!    folder, a link, a bomb or two of one name refuse the whole zip.
//! 3. Unpack each package into a hidden file, never past its declared size, and
//!    give it its name when its length and checksum are right.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::Digest;
use tempfile::NamedTempFile;
use zip::ZipArchive;
use zip::read::ZipReadOptions;

use super::digest::{self, HashError, Hashed};
use super::disguise;
use super::import_entries::{Plan, Wanted, plan};
use super::import_problems as problems;
use super::zip_end::{Bounded, claimed_entries};
use crate::error::{Error, Exit, Problem};
use crate::plan::FileIdentity;
use crate::project::Sha256;

/// Entries that a zip of packages may have; the official ones have fewer than ten.
const MOST_ENTRIES: u64 = 10_000;

/// Bytes that may be read to learn what the entries are.
const MOST_LIST: u64 = 8 << 20;

/// How to import.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// Where the packages go; made if need be.
    pub into: PathBuf,
    /// The digest that the zip must have, where one is known.
    pub sha256: Option<Sha256>,
    /// Replace a file of another content that has a package's name.
    pub replace: bool,
}

/// What came out of a zip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The zip's own digest.
    pub sha256: Sha256,
    /// The zip's size in bytes.
    pub size: u64,
    /// The packages, ordered by file name.
    pub packages: Vec<ImportedPackage>,
    /// Entries that are no packages (signatures, readme files), ordered by name.
    pub skipped: Vec<String>,
}

/// A package that came out of a zip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedPackage {
    /// The file's name.
    pub file: String,
    /// Where it is now.
    pub path: PathBuf,
    /// Its name in the zip.
    pub entry: String,
    /// The digest of its content.
    pub sha256: Sha256,
    /// Size in bytes.
    pub size: u64,
    /// Whether it was there before.
    pub already: bool,
}

/// What happens while a zip is imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportEvent {
    /// This much is to be read and written.
    Started {
        /// Bytes of the zip and of the packages in it.
        bytes: u64,
    },
    /// More bytes were read or written; add them up.
    Done {
        /// Number of bytes.
        bytes: u64,
    },
}

/// Takes the packages out of the zip at `path`.
///
/// Blocking; `cancelled` is looked at after every piece of 1 MiB.
///
/// # Errors
/// [`Exit::Package`] when the zip is not the expected one, is hostile or
/// damaged, or when a package cannot be written; then nothing of the zip has
/// a package's name that had none before, except packages that were finished
/// before the failing one. [`Exit::Interrupted`] when cancelled.
pub fn import(
    path: &Path,
    options: &ImportOptions,
    observer: &dyn Fn(ImportEvent),
    cancelled: &AtomicBool,
) -> Result<Imported, Error> {
    let importer = Importer { path, options, observer, cancelled };
    importer.run().map_err(|problem| {
        let interrupted = cancelled.load(Ordering::Relaxed);
        problem.exit(if interrupted { Exit::Interrupted } else { Exit::Package })
    })
}

struct Importer<'a> {
    path: &'a Path,
    options: &'a ImportOptions,
    observer: &'a dyn Fn(ImportEvent),
    cancelled: &'a AtomicBool,
}

type Archive = ZipArchive<Bounded>;

/// A problem on the heap: it is large, and results of it are passed around.
type Outcome<T> = Result<T, Box<Problem>>;

impl Importer<'_> {
    fn run(&self) -> Outcome<Imported> {
        let (mut archive, identity) = self.open()?;
        let Plan { wanted, skipped } = plan(self.path, &mut archive)?;
        self.check_space(&wanted)?;
        let unpacked: u64 = wanted.iter().map(|wanted| wanted.size).sum();
        (self.observer)(ImportEvent::Started { bytes: identity.size.saturating_add(unpacked) });
        let hashed = self.hash()?;
        self.check_unchanged(identity)?;
        let packages = wanted.iter().map(|wanted| self.take(&mut archive, wanted, identity));
        let packages = packages.collect::<Outcome<Vec<_>>>()?;
        Ok(Imported { sha256: hashed.sha256, size: hashed.identity.size, packages, skipped })
    }

    /// Opens the zip, without reading an endless list of entries into memory.
    fn open(&self) -> Outcome<(Archive, FileIdentity)> {
        let unreadable = |error| problems::unreadable(self.path, error);
        let (mut file, identity) = digest::open_regular(self.path).map_err(unreadable)?;
        let entries = claimed_entries(&mut file).map_err(|error| unreadable(error.into()))?;
        if entries > MOST_ENTRIES {
            return Err(problems::too_many(self.path, entries, MOST_ENTRIES).into());
        }
        let (file, bound) = Bounded::new(file, MOST_LIST);
        let archive = ZipArchive::new(file).map_err(|error| self.no_zip(error))?;
        bound.lift();
        Ok((archive, identity))
    }

    fn no_zip(&self, error: zip::result::ZipError) -> Problem {
        match disguise::look_at(self.path) {
            Some(disguise) => problems::disguised(self.path, &disguise),
            None => problems::damaged(self.path, error),
        }
    }

    /// Hashes the whole zip and compares it with what is expected.
    fn hash(&self) -> Outcome<Hashed> {
        let read = |bytes| (self.observer)(ImportEvent::Done { bytes });
        let hashed = digest::hash_file(self.path, &mut Vec::new(), &read, self.cancelled)
            .map_err(|error| problems::unreadable(self.path, error))?;
        match &self.options.sha256 {
            Some(expected) if *expected != hashed.sha256 => {
                Err(problems::mismatch(self.path, expected, &hashed.sha256).into())
            }
            _ => Ok(hashed),
        }
    }

    /// What is looked at, hashed and unpacked must be one and the same zip.
    fn check_unchanged(&self, identity: FileIdentity) -> Outcome<()> {
        match self.path.metadata() {
            Ok(metadata) if FileIdentity::from(&metadata) == identity => Ok(()),
            Ok(_) => Err(problems::unreadable(self.path, HashError::Changed).into()),
            Err(error) => Err(problems::unreadable(self.path, error.into()).into()),
        }
    }

    fn check_space(&self, wanted: &[Wanted]) -> Outcome<()> {
        let into = &self.options.into;
        std::fs::create_dir_all(into).map_err(|error| problems::folder(into, error))?;
        let needed = wanted.iter().map(|wanted| wanted.size).fold(0, u64::saturating_add);
        let space = rustix::fs::statvfs(into);
        match space.map(|space| space.f_bavail.saturating_mul(space.f_frsize)) {
            Ok(free) if free < needed => Err(problems::no_space(into, needed, free).into()),
            _ => Ok(()),
        }
    }

    /// Unpacks one package and gives it its name.
    fn take(
        &self,
        archive: &mut Archive,
        wanted: &Wanted,
        hashed: FileIdentity,
    ) -> Outcome<ImportedPackage> {
        let path = self.options.into.join(&wanted.file);
        let failed = |error| Box::new(problems::not_unpacked(self.path, wanted, error));
        let mut temporary = tempfile::Builder::new()
            .prefix(".import-")
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
            .tempfile_in(&self.options.into)
            .map_err(failed)?;
        let sha256 = self.unpack(archive, wanted, &mut temporary).map_err(failed)?;
        self.check_unchanged(hashed)?;
        let already = self.place(temporary, &path, wanted, &sha256)?;
        Ok(ImportedPackage {
            file: wanted.file.clone(),
            path,
            entry: wanted.entry.clone(),
            sha256,
            size: wanted.size,
            already,
        })
    }

    /// Writes an entry into `out`: exactly as many bytes as it declares.
    fn unpack(
        &self,
        archive: &mut Archive,
        wanted: &Wanted,
        out: &mut NamedTempFile,
    ) -> io::Result<Sha256> {
        // The local header must say what the list of entries says, so that other
        // readers of this zip see the same package.
        let options = ZipReadOptions::new().enforce_header_consistency(true);
        let entry = archive.by_index_with_options(wanted.index, options)?;
        let mut entry = entry.take(wanted.size.saturating_add(1));
        let mut buffer = vec![0; digest::PIECE];
        let mut state = sha2::Sha256::new();
        let mut total = 0;
        loop {
            if self.cancelled.load(Ordering::Relaxed) {
                return Err(io::Error::other("interrupted"));
            }
            let count = entry.read(&mut buffer)?;
            total += count as u64;
            if count == 0 || total > wanted.size {
                break;
            }
            state.update(&buffer[..count]);
            out.write_all(&buffer[..count])?;
            (self.observer)(ImportEvent::Done { bytes: count as u64 });
        }
        if total != wanted.size {
            return Err(io::Error::other("it is not of the size that the zip declares"));
        }
        out.as_file().sync_all()?;
        Ok(Sha256::from_bytes(state.finalize().into()))
    }

    /// Moves an unpacked package to its place; tells whether it was there already.
    fn place(
        &self,
        temporary: NamedTempFile,
        path: &Path,
        wanted: &Wanted,
        sha256: &Sha256,
    ) -> Outcome<bool> {
        let failed = |error| Box::new(problems::not_unpacked(self.path, wanted, error));
        if self.options.replace {
            temporary.persist(path).map_err(|error| failed(error.error))?;
            return Ok(false);
        }
        match temporary.persist_noclobber(path) {
            Ok(_) => Ok(false),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                let there = digest::hash_file(path, &mut Vec::new(), &|_| (), self.cancelled);
                match there {
                    Ok(there) if there.sha256 == *sha256 => Ok(true),
                    _ => Err(problems::in_the_way(path, wanted).into()),
                }
            }
            Err(error) => Err(failed(error.error)),
        }
    }
}

/// The first of the names that is there twice.
pub(super) fn doubled<'a>(entries: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut seen = BTreeSet::new();
    let mut entries = entries;
    entries.find(|name| !seen.insert(*name))
}

#[cfg(test)]
#[path = "import_tests.rs"]
mod tests;
