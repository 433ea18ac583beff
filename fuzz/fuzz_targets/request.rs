//! A request's path and `Range` header: `cargo +nightly fuzz run request`.
//!
//! No path but the declared file's own may find it, and no range may leave it.
#![no_main]

use std::sync::LazyLock;

use ascend_build::plan::{FileIdentity, VerifiedPackage};
use ascend_build::project::Sha256;
use ascend_build::server::{Shelf, Wanted, wanted_ranges};
use libfuzzer_sys::fuzz_target;

static SHELF: LazyLock<Shelf> = LazyLock::new(|| {
    Shelf::new(vec![VerifiedPackage {
        name: "fuzz".parse().expect("a package name"),
        file: "a+b.run".to_owned(),
        path: "a+b.run".into(),
        sha256: Sha256::from_bytes([0; 32]),
        size: 1000,
        declared: true,
        identity: FileIdentity { device: 0, inode: 0, size: 1000, modified: 0, changed: 0 },
    }])
});

fuzz_target!(|input: (&str, &str, u32)| {
    let (path, range, size) = input;
    if SHELF.package_at(path).is_some() {
        assert!(path.starts_with('/') && !path.contains(".."), "{path}");
    }
    let size = u64::from(size);
    if let Wanted::Parts(parts) = wanted_ranges(range, size) {
        assert!(!parts.is_empty());
        assert!(parts.iter().all(|part| part.start < part.end && part.end <= size));
        assert!(parts.iter().map(|part| part.end - part.start).sum::<u64>() <= size);
    }
});
