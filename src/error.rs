//! What can go wrong, as values: exit codes, problems and where they are.
//!
//! A [`Problem`] is one thing that a user can mend. An [`Error`] is every
//! problem found in one go, with the exit code that they lead to. Nothing here
//! prints; `ui` renders.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// The result of everything that can fail in a way a user should read about.
pub type Result<T> = std::result::Result<T, Error>;

/// How the process ends (documented in `docs/exit-codes.md`, tested against it).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// A stage or a check failed.
    Failed = 1,
    /// The command line was wrong.
    Usage = 2,
    /// The project's files are wrong.
    Project = 3,
    /// A package is missing or does not match its checksum.
    Package = 4,
    /// The engine cannot be reached or used.
    Engine = 5,
    /// A bug in ascend-build.
    Bug = 70,
    /// Interrupted by the user or by a termination signal.
    Interrupted = 130,
}

impl Exit {
    /// All of them, in order.
    pub const ALL: [Self; 7] = [
        Self::Failed,
        Self::Usage,
        Self::Project,
        Self::Package,
        Self::Engine,
        Self::Bug,
        Self::Interrupted,
    ];
}

/// Every problem found in one go; never empty.
#[derive(Debug)]
pub struct Error {
    /// How the process should end.
    pub exit: Exit,
    /// What is wrong, in the order in which a user should read it.
    pub problems: Vec<Problem>,
}

/// Whether a [`Problem`] stops the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Severity {
    /// The work cannot go on.
    #[default]
    Error,
    /// The work goes on; the user should know.
    Warning,
    /// Nothing is wrong; the user may want to know.
    Note,
}

/// One thing that is wrong, where it is, and what to do about it.
///
/// Texts are lowercase fragments with names in backticks and no full stop.
#[derive(Debug, Default)]
pub struct Problem {
    /// Error or warning.
    pub severity: Severity,
    /// A stable name for `--deny` and the documentation, where there is one.
    pub code: Option<&'static str>,
    /// What is wrong.
    pub message: String,
    /// Where it is wrong.
    pub place: Option<Place>,
    /// What to write under the caret at `place`.
    pub label: Option<String>,
    /// Facts that help: expected, actual, where it was looked for.
    pub notes: Vec<String>,
    /// What to do next.
    pub hints: Vec<String>,
    /// The underlying cause, never repeated in `message`.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// A file's name and text, kept for diagnostics.
#[derive(Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// The path as the user would write it.
    pub path: PathBuf,
    /// The whole text.
    pub text: String,
}

/// A range of bytes in a [`SourceFile`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: Arc<SourceFile>,
    /// Byte offsets into its text, on character boundaries.
    pub span: Range<usize>,
}

impl Place {
    /// A place in `file`.
    pub fn new(file: &Arc<SourceFile>, span: Range<usize>) -> Self {
        Self { file: Arc::clone(file), span }
    }

    /// The line of the first byte, counted from 1.
    pub fn line(&self) -> usize {
        let upto = &self.file.text.as_bytes()[..self.span.start.min(self.file.text.len())];
        upto.iter().filter(|byte| **byte == b'\n').count() + 1
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.path.display(), self.line())
    }
}

impl Problem {
    /// An error with the given message.
    pub fn error(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }

    /// A warning with the given message.
    pub fn warning(message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(message) }
    }

    /// Points at a place in a file, with a label to write under the caret.
    #[must_use]
    pub fn at(mut self, place: Place, label: impl Into<String>) -> Self {
        self.place = Some(place);
        self.label = Some(label.into());
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds what to do next, where there is something.
    #[must_use]
    pub fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hints.extend(hint);
        self
    }

    /// Sets the stable name of this kind of problem.
    #[must_use]
    pub fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// Sets the underlying cause.
    #[must_use]
    pub fn cause(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Makes an error of this one problem.
    pub fn exit(self, exit: Exit) -> Error {
        Error { exit, problems: vec![self] }
    }
}

impl Error {
    /// An error of all `problems`, or `Ok` where none of them stops the work.
    ///
    /// # Errors
    /// When at least one problem is an error.
    pub fn check(exit: Exit, problems: Vec<Problem>) -> std::result::Result<Vec<Problem>, Self> {
        if problems.iter().any(|problem| problem.severity == Severity::Error) {
            Err(Self { exit, problems })
        } else {
            Ok(problems)
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for problem in &self.problems {
            write!(f, "{separator}{}", problem.message)?;
            separator = "; ";
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// The nearest of `candidates` to `wanted`, as a "did you mean" hint.
pub fn did_you_mean<'a>(
    wanted: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    nearest(wanted, candidates).map(|name| format!("did you mean `{name}`?"))
}

/// The candidate most like `wanted`, where one is alike enough to be a slip.
pub fn nearest<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = wanted.to_lowercase();
    candidates
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&wanted, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}
