//! The commit that a run's project stood at.

use serde::{Deserialize, Serialize};

/// What git says of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// The commit's id, in hexadecimal digits.
    pub commit: String,
    /// Whether a file that git knows differs from the commit.
    pub dirty: bool,
    /// Where the project was cloned from, without user, password or query; absent where git names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}
