//! Package files on disk: find, hash, remember hashes.
