//! Parser directives: `# escape=`, `# syntax=` and `# check=` at the very top.
//!
//! A line that is no known directive, an empty line included, ends them.

use std::ops::Range;

/// A parser directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// Its name in lower case: `escape`, `syntax` or `check`.
    pub name: String,
    /// Its value, without white space around it.
    pub value: String,
    /// The bytes of its line in the source, without the newline.
    pub span: Range<usize>,
}

/// The directives that Docker knows; any other name is a comment.
const KNOWN: [&str; 3] = ["escape", "syntax", "check"];

impl Directive {
    /// Reads one line, which stands at `span` of the source.
    pub(super) fn read(line: &str, span: Range<usize>) -> Option<Self> {
        let (name, value) = line.trim_start().strip_prefix('#')?.split_once('=')?;
        let name = name.trim().to_ascii_lowercase();
        let value = value.trim().to_owned();
        let known = KNOWN.contains(&name.as_str()) && !value.is_empty();
        known.then_some(Self { name, value, span })
    }

    /// The escape character that this directive sets, where it is one that Docker takes.
    pub(super) fn escape(&self) -> Option<char> {
        match self.value.as_str() {
            "`" => Some('`'),
            "\\" => Some('\\'),
            _ => None,
        }
    }
}
