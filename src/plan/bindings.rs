//! What only the run knows of a Dockerfile.

use std::collections::BTreeSet;

use sha2::Digest as _;

use super::Piece;
use crate::project::{Sha256, StageName};

/// What stands in the open places of a stage's Dockerfile.
pub struct Bindings<'a> {
    /// The image of an earlier stage.
    pub reference: &'a dyn Fn(&StageName) -> String,
    /// The image of a base, by the reference that the user wrote.
    pub base: &'a dyn Fn(&str) -> String,
    /// The files of the plan and their digests, as far as they are known.
    pub files: &'a [(String, Option<Sha256>)],
    /// Mixed into the digests of files and the words of `RUN --package`, where a layer may be taken from the engine's cache only
    /// if it was made under the same mark.
    pub mark: Option<&'a str>,
    /// The package server's `host:port` in place of the one that the user wrote.
    pub authority: &'a dyn Fn(&str) -> String,
    /// Whether the builder knows `RUN --mount`.
    pub mounts: bool,
    /// Whether paths of the context are written as the engine finds them, not as the user wrote them.
    pub relocated: bool,
}

/// `/dev/shm`, where every builder has a small folder in memory, but one of half the machine's.
const PACKAGE_MOUNT: &str = "--mount=type=tmpfs,target=/dev/shm ";

impl Bindings<'_> {
    pub(super) fn bind(&self, piece: &Piece) -> String {
        match piece {
            Piece::Text(text) => text.clone(),
            Piece::Reference(stage) => (self.reference)(stage),
            Piece::Base(image) => (self.base)(image),
            Piece::Files(names) => self.digest(|file| names.iter().any(|name| name == file)),
            Piece::AllFiles => self.digest(|_| true),
            Piece::Authority(written) => (self.authority)(written),
            Piece::Given { written, before, after } => {
                let server = (self.authority)(written);
                if server == *written { String::new() } else { format!("{before}{server}{after}") }
            }
            Piece::Relocated { found, .. } if self.relocated => found.clone(),
            Piece::Relocated { written, .. } => written.clone(),
            Piece::PackageMount if self.mounts => PACKAGE_MOUNT.to_owned(),
            Piece::PackageMount => String::new(),
            Piece::Mark => {
                self.mark.map(|_| format!(" {}", self.digest(|_| false))).unwrap_or_default()
            }
        }
    }

    /// A digest over names and contents, whatever the order in which they were found.
    fn digest(&self, wanted: impl Fn(&str) -> bool) -> String {
        let lines = self.files.iter().filter(|(file, _)| wanted(file));
        let lines: BTreeSet<String> = lines
            .map(|(file, sha256)| {
                format!("{file} {}\n", sha256.as_ref().map_or("unknown", Sha256::as_str))
            })
            .collect();
        let mut hasher = sha2::Sha256::new();
        self.mark.iter().for_each(|mark| hasher.update(format!("{mark}\n")));
        lines.iter().for_each(|line| hasher.update(line));
        hex::encode(hasher.finalize())
    }
}
