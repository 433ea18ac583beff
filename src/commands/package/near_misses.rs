//! What is odd about a file's name, said on stderr.

use crate::ascend::Identity;
use crate::error::{Problem, Severity};

/// A note for each near miss of a name.
pub(super) fn near_misses(file: &str, identity: &Identity) -> Vec<Problem> {
    identity.notes.iter().map(|note| noted(format!("`{file}`: {note}"))).collect()
}

/// Something to know that stops nothing.
pub(super) fn noted(message: String) -> Problem {
    Problem { severity: Severity::Note, ..Problem::error(message) }
}
