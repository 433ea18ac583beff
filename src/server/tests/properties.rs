//! What holds for every path, name and range; `fuzz/` looks for exceptions for longer.

use proptest::prelude::*;

use crate::server::fixtures::package;
use crate::server::ranges::{Wanted, wanted_ranges};
use crate::server::shelf::{Found, Shelf, encode_path};

/// Text made of what ranges are made of, so that some of it is well-formed.
fn range_header() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "(bytes=)?[-0-9, a]{0,40}",
        "bytes=([0-9]{0,3}-[0-9]{0,3},?){1,80}"
    ]
}

proptest! {
    #[test]
    fn ranges_lie_within_the_file(header in range_header(), size in 0_u64..1000) {
        if let Wanted::Parts(parts) = wanted_ranges(&header, size) {
            prop_assert!((1..=64).contains(&parts.len()));
            prop_assert!(parts.iter().all(|part| part.start < part.end && part.end <= size));
            prop_assert!(parts.iter().map(|part| part.end - part.start).sum::<u64>() <= size);
        }
    }

    #[test]
    fn every_name_is_found_at_its_encoded_path(name in "[^/]{1,30}") {
        let file = package(&name, b"");
        let path = format!("/{}", encode_path(&format!("sha256/{}/{name}", file.sha256)));
        let shelf = Shelf::new(vec![file]);
        let found = matches!(shelf.find(&path), Some(Found::Offer(offer)) if offer.package.file == name);
        prop_assert!(found, "{path}");
        prop_assert!(path.is_ascii() && http::Uri::try_from(&path).is_ok(), "{path}");
    }

    #[test]
    fn no_other_path_is_found(path in prop_oneof![any::<String>(), "(/|[.]|%2[eEfF]|a[.]run|sha256){0,12}"]) {
        let shelf = Shelf::new(vec![package("a.run", b"")]);
        let decoded = percent_encoding::percent_decode_str(&path).decode_utf8_lossy();
        // Several slashes are one, but what ends with one is a folder.
        let parts = decoded.split('/').filter(|part| !part.is_empty());
        let is_there = path.starts_with('/') && decoded.ends_with("a.run") && parts.eq(["a.run"]);
        prop_assert_eq!(shelf.find(&path).is_some(), is_there);
    }
}
