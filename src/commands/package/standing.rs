//! How a file stands to the official ones.

use std::fmt;

use crate::ascend::{Catalogue, Verdict};
use crate::project::{PackageEntry, Sha256};

/// How a file of this name and content stands to the official ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::commands) enum Standing {
    /// The content is official.
    Official,
    /// The name is official, the content is not, and the entry says why.
    Unofficial(String),
    /// The name is official, and the content is not.
    Differs,
    /// Neither is known.
    Unknown,
}

impl Standing {
    /// How `file` with this content stands.
    pub(in crate::commands) fn of(catalogue: &Catalogue, file: &str, sha256: &Sha256) -> Self {
        match catalogue.official(file, sha256.as_str()) {
            Verdict::Official(_) => Self::Official,
            Verdict::Differs { .. } => Self::Differs,
            Verdict::Unknown => Self::Unknown,
        }
    }

    /// How the file of an entry stands: that of its archive where there is one.
    pub(in crate::commands) fn of_entry(catalogue: &Catalogue, entry: &PackageEntry) -> Self {
        let own = Self::of(catalogue, &entry.file, &entry.sha256);
        let archive =
            || entry.archive.as_ref().map(|zip| Self::of(catalogue, &zip.file, &zip.sha256));
        let standing = if own == Self::Unknown { archive().unwrap_or(own) } else { own };
        match (&standing, &entry.unofficial) {
            (Self::Differs, Some(reason)) => Self::Unofficial(reason.clone()),
            _ => standing,
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Official => f.write_str("official"),
            Self::Unofficial(reason) => write!(f, "unofficial: {reason}"),
            Self::Differs => f.write_str("differs from official"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}
