//! Package files on disk: find, hash, remember hashes.
//!
//! [`verify()`] takes what a plan needs and gives back files whose content was
//! seen to have its digest, or every problem of every file in one go. It looks
//! names up in a [`RootIndex`] (one walk of the roots), hashes what it found in
//! parallel, and judges each planned package by what was found.
//!
//! Files come here by [`fetch()`] (from their addresses) and [`import()`] (out of
//! the vendor's zips); neither ever leaves a wrong or half-written file under a
//! package's name. [`Context`] is what a build is given of a folder.

mod context;
mod context_sources;
mod context_tar;
mod digest;
mod disguise;
mod fetch;
mod glob;
mod hashing;
mod ignore_rules;
mod import;
mod import_entries;
mod import_problems;
mod index;
mod memory;
mod one_by_one;
mod problems;
mod secret_content;
#[cfg(test)]
mod test_ground;
mod verify;
mod zip_end;

pub use context::{Context, ContextEntry, CopySource, EntryKind, UnmatchedSource};
pub use context_tar::EntryDigest;
pub use fetch::{FetchEvent, FetchItem, FetchOptions, Fetched, fetch};
pub use hashing::{HashedFile, VerifyEvent, hash_files};
pub use ignore_rules::IgnoreRules;
pub use import::{ImportEvent, ImportOptions, Imported, ImportedPackage, import};
pub use index::{Found, Root, RootIndex, RootState};
pub use memory::memory_folder;
pub use one_by_one::verify_one_by_one;
pub use secret_content::{names_password, secret_in};
pub use verify::{VerifyOptions, look_for, verify, verify_each};
