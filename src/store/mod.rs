//! Package files on disk: find, hash, remember hashes.
//!
//! [`verify`] takes what a plan needs and gives back files whose content was
//! seen to have its digest, or every problem of every file in one go. It looks
//! names up in a [`RootIndex`] (one walk of the roots), hashes what it found in
//! parallel, and judges each planned package by what was found.

mod digest;
mod disguise;
mod index;
mod problems;
mod verify;

pub use index::{Found, Root, RootIndex, RootState};
pub use verify::{VerifyEvent, VerifyOptions, verify};
