//! Any file name is answered: no panic, one kind at most, versions that come back as written.
#![no_main]

use ascend_build::ascend::{Version, identify};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let name = String::from_utf8_lossy(bytes);
    let identity = identify(&name);
    assert_eq!(identity, identify(&name));
    if let Some(version) = &identity.version {
        let again: Version = version.as_str().parse().expect("a version parses as it is written");
        assert_eq!(&again, version);
        assert!(again.same_as(version));
    }
    for note in &identity.notes {
        assert!(!note.to_string().is_empty());
    }
    assert_eq!(identity.row(&name)[0], name);
});
