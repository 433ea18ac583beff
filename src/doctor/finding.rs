//! One thing that was found, and how it is told.

use serde::Serialize;

use super::Code;
use crate::error::{Problem, Severity};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// A build cannot work.
    Error,
    /// A build may fail, or be slower than it need be.
    Warning,
    /// Nothing is wrong; the user may want to know.
    Note,
}

/// One thing that was found. Texts are lowercase fragments with names in backticks and no full stop.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// Its stable name (docs/doctor.md).
    #[serde(serialize_with = "name")]
    pub code: Code,
    /// What is wrong.
    pub what: String,
    /// What was expected, where something can be compared.
    pub expected: Option<String>,
    /// What there is instead.
    pub actual: Option<String>,
    /// Facts that help.
    pub notes: Vec<String>,
    /// What to do, one way after the other.
    pub mend: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn name<S: serde::Serializer>(code: &Code, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(code.as_str())
}

impl Finding {
    /// A finding that stops builds.
    pub(super) fn error(code: Code, what: impl Into<String>) -> Self {
        Self::of(Level::Error, code, what)
    }

    /// A finding that builds may do without.
    pub(super) fn warning(code: Code, what: impl Into<String>) -> Self {
        Self::of(Level::Warning, code, what)
    }

    /// A finding of any level.
    pub(super) fn of(level: Level, code: Code, what: impl Into<String>) -> Self {
        let what = what.into();
        Self {
            level,
            code,
            what,
            expected: None,
            actual: None,
            notes: Vec::new(),
            mend: Vec::new(),
        }
    }

    /// What was expected, and what there is.
    pub(super) fn expected(
        mut self,
        expected: impl Into<String>,
        actual: impl Into<String>,
    ) -> Self {
        self.expected = Some(expected.into());
        self.actual = Some(actual.into());
        self
    }

    /// A fact that helps.
    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// A way to mend it.
    pub(super) fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend.push(mend.into());
        self
    }

    /// The finding as every other problem is told.
    pub fn problem(&self) -> Problem {
        let severity = match self.level {
            Level::Error => Severity::Error,
            Level::Warning => Severity::Warning,
            Level::Note => Severity::Note,
        };
        let compared = self.expected.iter().zip(&self.actual);
        let compared =
            compared.map(|(expected, actual)| format!("expected {expected}, actual {actual}"));
        Problem {
            severity,
            code: Some(self.code.as_str()),
            notes: compared.chain(self.notes.iter().cloned()).collect(),
            hints: self.mend.clone(),
            ..Problem::error(self.what.clone())
        }
    }
}
