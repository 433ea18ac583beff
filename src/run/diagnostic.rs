//! A problem as the report keeps it: everything that a run's end says of it, so
//! that it can be said again when the files that it points at have changed.

use std::fmt;
use std::iter;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Place, Problem, Severity, SourceFile};

/// One problem of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Diagnostic {
    /// `error`, `warning` or `note`.
    pub severity: String,
    /// The stable name of this kind of problem, where it has one.
    pub code: Option<String>,
    /// What was wrong.
    pub message: String,
    /// Where it was wrong.
    pub place: Option<Spot>,
    /// The underlying cause, and its own, and so on.
    pub causes: Vec<String>,
    /// Facts: expected, actual, the last lines of output.
    pub notes: Vec<String>,
    /// What to do next.
    pub hints: Vec<String>,
}

/// A place in a file, with the text that stood there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Spot {
    /// The file, as the user would write it.
    pub file: String,
    /// Its line, counted from 1.
    pub line: usize,
    /// The first character meant, counted from 1.
    pub column: usize,
    /// How many characters of the line are meant.
    pub length: usize,
    /// The whole line as it was.
    pub text: String,
    /// What is said of it.
    pub label: String,
}

impl Diagnostic {
    /// What a problem says.
    pub fn of(problem: &Problem) -> Self {
        let label = problem.label.as_deref().unwrap_or_default();
        Self {
            severity: severity(problem.severity).to_owned(),
            code: problem.code.map(str::to_owned),
            message: problem.message.clone(),
            place: problem.place.as_ref().map(|place| Spot::of(place, label)),
            causes: causes(problem),
            notes: problem.notes.clone(),
            hints: problem.hints.clone(),
        }
    }

    /// The problem again; `known` gives the codes of this program by their names.
    pub fn problem(&self, known: impl Fn(&str) -> Option<&'static str>) -> Problem {
        let problem = Problem {
            severity: match self.severity.as_str() {
                "warning" => Severity::Warning,
                "note" => Severity::Note,
                _ => Severity::Error,
            },
            code: self.code.as_deref().and_then(known),
            notes: self.notes.clone(),
            hints: self.hints.clone(),
            ..Problem::error(self.message.as_str())
        };
        let problem = match &self.place {
            Some(spot) => problem.at(spot.place(), spot.label.as_str()),
            None => problem,
        };
        match Told::chain(&self.causes) {
            Some(cause) => problem.cause(cause),
            None => problem,
        }
    }
}

impl Spot {
    fn of(place: &Place, label: &str) -> Self {
        let (text, span) = (place.file.text.as_str(), &place.span);
        let start = text[..span.start].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
        let line = text[start..end].trim_end_matches('\r');
        let end = start + line.len();
        let meant = span.start..span.end.clamp(span.start, end.max(span.start));
        Self {
            file: place.file.path.display().to_string(),
            line: place.line(),
            column: text[start..span.start].chars().count() + 1,
            length: text[meant].chars().count(),
            text: line.to_owned(),
            label: label.to_owned(),
        }
    }

    /// The place in a file of which nothing but this line is known.
    fn place(&self) -> Place {
        // A file of a program's length; a number beyond it is none that this program wrote.
        let before = "\n".repeat(self.line.saturating_sub(1).min(1 << 20));
        let span = self.span();
        let span = before.len() + span.start..before.len() + span.end;
        let (path, text) = (PathBuf::from(&self.file), before + &self.text);
        Place::new(&Arc::new(SourceFile { path, text }), span)
    }

    /// The bytes of the line that are meant.
    fn span(&self) -> Range<usize> {
        let ends = self.text.char_indices().map(|(at, _)| at).chain(iter::once(self.text.len()));
        let byte = |characters: usize| ends.clone().nth(characters).unwrap_or(self.text.len());
        let first = self.column.saturating_sub(1);
        byte(first)..byte(first.saturating_add(self.length))
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn causes(problem: &Problem) -> Vec<String> {
    let first = problem.source.as_deref().map(|source| source as &dyn std::error::Error);
    iter::successors(first, |error| error.source()).map(ToString::to_string).collect()
}

/// A cause of which the words are left.
#[derive(Debug)]
struct Told {
    words: String,
    source: Option<Box<Self>>,
}

impl Told {
    fn chain(causes: &[String]) -> Option<Self> {
        let deeper = |source: Option<Self>, words: &String| {
            Some(Self { words: words.clone(), source: source.map(Box::new) })
        };
        causes.iter().rev().fold(None, deeper)
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl std::error::Error for Told {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "FROM x\nRUN 装 && \\\r\n  false\nRUN b";

    /// What is kept of a problem at `meant` in [`TEXT`]; the problem that is made of it says the same.
    fn check(meant: &str, expected: (usize, usize, usize, &str)) {
        let start = TEXT.find(meant).unwrap();
        let file = Arc::new(SourceFile { path: "stages/A.Dockerfile".into(), text: TEXT.into() });
        let cause = Told::chain(&["first".to_owned(), "second".to_owned()]).unwrap();
        let problem = Problem::error("an instruction failed")
            .at(Place::new(&file, start..start + meant.len()), "exit code 3")
            .code("engine-silent")
            .note("its last line of output:\nno")
            .hint("mend it")
            .cause(cause);
        let kept = Diagnostic::of(&problem);
        let spot = kept.place.clone().unwrap();
        assert_eq!((spot.line, spot.column, spot.length, spot.text.as_str()), expected);
        let json = serde_json::to_string(&kept).unwrap();
        let read: Diagnostic = serde_json::from_str(&json).unwrap();
        let again = read.problem(|name| (name == "engine-silent").then_some("engine-silent"));
        assert_eq!(Diagnostic::of(&again), kept);
    }

    #[test]
    fn a_problem_is_the_same_after_it_was_kept() {
        check("RUN 装 && \\\r\n  false", (2, 1, 10, "RUN 装 && \\"));
        check("装", (2, 5, 1, "RUN 装 && \\"));
        check("RUN b", (4, 1, 5, "RUN b"));
        check("", (1, 1, 0, "FROM x"));
    }

    #[test]
    fn a_report_with_less_or_odd_content_is_told_all_the_same() {
        let odd = r#"{"message":"m","place":{"line":0,"column":99,"length":99,"text":"é"}}"#;
        let problem = serde_json::from_str::<Diagnostic>(odd).unwrap().problem(|_| None);
        assert_eq!(problem.place.map(|place| place.span), Some(2..2));
    }
}
