//! Package files for this room's tests.

use std::path::Path;

use sha2::{Digest, Sha256 as Hasher};

use super::shelf::{Found, Offer, Shelf};
use crate::plan::{FileIdentity, VerifiedPackage};
use crate::project::Sha256;

/// A package that exists only as a value.
pub(super) fn package(file: &str, content: &[u8]) -> VerifiedPackage {
    VerifiedPackage {
        name: "demo".parse().unwrap(),
        file: file.to_owned(),
        path: file.into(),
        sha256: Sha256::from_bytes(Hasher::digest(content).into()),
        size: content.len() as u64,
        declared: true,
        identity: FileIdentity { device: 0, inode: 0, size: 0, modified: 0, changed: 0 },
    }
}

/// A package whose file is written into `folder`, dated into the past: the kernel's
/// clock for files ticks in milliseconds, and a test may write again within one.
pub(super) fn written(folder: &Path, file: &str, content: &[u8]) -> VerifiedPackage {
    let path = folder.canonicalize().unwrap().join(file);
    std::fs::write(&path, content).unwrap();
    let past = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
    std::fs::File::open(&path).unwrap().set_modified(past).unwrap();
    let identity = FileIdentity::from(&std::fs::metadata(&path).unwrap());
    VerifiedPackage { path, identity, ..package(file, content) }
}

/// An offer whose file was modified so many seconds after the epoch.
pub(super) fn offer_of_second(second: i128) -> Offer {
    let mut file = package("demo.run", b"demo");
    file.identity.modified = second * 1_000_000_000 + 500_000_000;
    let shelf = Shelf::new(vec![file]);
    let Some(Found::Offer(offer)) = shelf.find("/demo.run").cloned() else {
        panic!("the shelf holds the file")
    };
    drop(shelf);
    std::sync::Arc::into_inner(offer).unwrap()
}
