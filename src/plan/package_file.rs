//! The files that a plan needs, before and after they were verified.
//!
//! `store` turns a [`PlannedPackage`] into a [`VerifiedPackage`]; `server`
//! offers the latter and nothing else.

use std::path::PathBuf;

use serde::Serialize;

use crate::error::Place;
use crate::project::{PackageName, Sha256};

/// One file that a plan needs, as declared.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedPackage {
    /// The name that stages use.
    pub name: PackageName,
    /// The file's name, or where an address has a folder in it, its path below a root.
    pub file: String,
    /// The declared digest; `None` only for files of a plain Dockerfile that nothing declares.
    pub sha256: Option<Sha256>,
    /// The declared size in bytes, where one is declared.
    pub size: Option<u64>,
    /// Where `package fetch` gets it.
    pub url: Option<String>,
    /// Where it is declared, for messages.
    #[serde(skip)]
    pub place: Option<Place>,
    /// Where an instruction asks for it, for messages.
    #[serde(skip)]
    pub asked: Option<Place>,
}

/// A file whose content was seen to have its digest.
#[derive(Debug, Clone, Serialize)]
pub struct VerifiedPackage {
    /// The name that stages use.
    pub name: PackageName,
    /// The path under which it is served: the file's name, behind a folder where an address has one.
    pub file: String,
    /// Where it is on this machine.
    pub path: PathBuf,
    /// The digest of its content.
    pub sha256: Sha256,
    /// Size in bytes.
    pub size: u64,
    /// Whether a declaration vouches for the digest (`false`: "not verified", computed only).
    pub declared: bool,
    /// What the file system said of it when its content was read.
    #[serde(skip)]
    pub identity: FileIdentity,
}

impl PlannedPackage {
    /// The file's name without a folder.
    pub fn file_name(&self) -> &str {
        last_part(&self.file)
    }
}

impl VerifiedPackage {
    /// The file's name without a folder.
    pub fn file_name(&self) -> &str {
        last_part(&self.file)
    }
}

fn last_part(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// What tells that a file is still the one that was read: any write changes it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct FileIdentity {
    /// Device number.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
    /// Size in bytes.
    pub size: u64,
    /// Modification time, nanoseconds since the epoch.
    pub modified: i128,
    /// Status-change time, nanoseconds since the epoch.
    pub changed: i128,
}

impl From<&std::fs::Metadata> for FileIdentity {
    fn from(metadata: &std::fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        let nanoseconds =
            |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.len(),
            modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}
