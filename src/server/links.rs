//! Addresses on this server, as its own pages name them.

use super::shelf::encode_path;
use crate::plan::VerifiedPackage;

/// How this server's paths are written for one client.
#[derive(Debug, Clone, Default)]
pub(super) struct Links {
    /// The secret first part of every path, where there is one, with its slash in front.
    pub(super) prefix: String,
    /// `?token=…`, where the client came with one.
    pub(super) query: String,
}

impl Links {
    /// The address of `path`, which has no leading slash and is not encoded.
    pub(super) fn to(&self, path: &str) -> String {
        format!("{}/{}{}", self.prefix, encode_path(path), self.query)
    }

    /// The address of exactly this content.
    pub(super) fn to_file(&self, file: &VerifiedPackage) -> String {
        self.to(&format!("sha256/{}/{}", file.sha256, file.file))
    }
}
