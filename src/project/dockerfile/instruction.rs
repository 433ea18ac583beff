//! One instruction: keyword, flags, arguments, heredocs.
//!
//! The steps: the keyword ends at the first white space, then come words that
//! start with `--`, then the arguments. `ONBUILD` holds an instruction of its own.

use std::ops::Range;
use std::sync::Arc;

use super::assignments::Assignment;
use super::heredoc::{self, Heredoc};
use super::logical::Logical;
use crate::error::{Place, SourceFile};

/// One instruction of a Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// Its bytes in the source, continuations and heredoc bodies included, the last newline not.
    pub span: Range<usize>,
    /// The bytes of the keyword in the source.
    pub keyword_span: Range<usize>,
    /// The keyword in upper case; one that Docker does not know is kept as well.
    pub keyword: String,
    /// The words that start with `--`, in order.
    pub flags: Vec<Flag>,
    /// Everything after the flags, without white space around it.
    pub arguments: Logical,
    /// The heredocs whose markers stand in the arguments, in order.
    pub heredocs: Vec<Heredoc>,
    /// What an `ONBUILD` holds; the heredocs are the inner instruction's then.
    pub inner: Option<Box<Instruction>>,
}

/// A flag of an instruction: `--mount=type=cache,target=/x`, `--link`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// The name without the dashes.
    pub name: String,
    /// What stands after the first `=`, without quotes.
    pub value: Option<String>,
    /// The bytes of the whole flag in the source.
    pub span: Range<usize>,
}

/// How the arguments of RUN, CMD, ENTRYPOINT and SHELL are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// A JSON array of strings.
    Exec(Vec<String>),
    /// Text for the shell; heredocs follow the line that names them, as a shell reads them.
    Shell(String),
}

impl Instruction {
    /// Reads a logical line that takes `span` of the source.
    pub(super) fn read(line: &Logical, span: Range<usize>) -> Self {
        let line = line.trimmed();
        let end = line.text.find(is_separator).unwrap_or(line.text.len());
        let keyword = line.text[..end].to_uppercase();
        let rest = line.slice(end..line.text.len());
        let (flags, flags_end) = flags(&rest);
        let arguments = rest.slice(flags_end..rest.text.len()).trimmed();
        let inner = (keyword == "ONBUILD" && !arguments.text.is_empty())
            .then(|| Box::new(Self::read(&arguments, span.clone())));
        let keyword_span = line.source_span(0..end);
        Self { span, keyword_span, keyword, flags, arguments, heredocs: Vec::new(), inner }
    }

    /// The instruction that carries out the work: what an `ONBUILD` holds, else this one.
    pub fn innermost(&self) -> &Self {
        self.inner.as_deref().map_or(self, Self::innermost)
    }

    pub(super) fn innermost_mut(&mut self) -> &mut Self {
        match self.inner {
            Some(ref mut inner) => inner.innermost_mut(),
            None => self,
        }
    }

    /// The first flag of that name.
    pub fn flag(&self, name: &str) -> Option<&Flag> {
        self.flags.iter().find(|flag| flag.name == name)
    }

    /// Every flag of that name, in order.
    pub fn flags_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Flag> {
        self.flags.iter().filter(move |flag| flag.name == name)
    }

    /// The assignments of an `ARG`, as they are written.
    pub fn argument_assignments(&self, escape: char) -> Vec<Assignment> {
        super::assignments::arguments(&self.arguments.text, escape)
    }

    /// Whether the arguments are a JSON array of strings or text for the shell.
    ///
    /// A RUN whose text is only one heredoc gives that heredoc's body.
    pub fn form(&self) -> Form {
        if let Some(words) = self.json() {
            return Form::Exec(words);
        }
        let text = &self.arguments.text;
        match self.heredocs.as_slice() {
            [only] if only.marker == (0..text.len()) => Form::Shell(only.body.clone()),
            heredocs => Form::Shell(heredocs.iter().fold(text.clone(), |mut script, heredoc| {
                script.push('\n');
                script.push_str(&heredoc.body);
                script.push_str(&heredoc.name);
                script
            })),
        }
    }

    /// The arguments as a JSON array of strings, where they are one.
    pub fn json(&self) -> Option<Vec<String>> {
        let text = &self.arguments.text;
        text.starts_with('[').then(|| serde_json::from_str(text).ok()).flatten()
    }

    /// The place of the whole instruction in `file`.
    pub fn place(&self, file: &Arc<SourceFile>) -> Place {
        Place::new(file, self.span.clone())
    }

    /// The line of the instruction's first byte in `file`, counted from 1.
    pub fn line(&self, file: &Arc<SourceFile>) -> usize {
        self.place(file).line()
    }

    /// The heredocs that the line announces.
    pub(super) fn announced_heredocs(&self) -> Vec<Heredoc> {
        let takes_them = matches!(self.keyword.as_str(), "RUN" | "COPY" | "ADD");
        if takes_them && self.json().is_none() {
            return heredoc::markers(&self.arguments.text);
        }
        Vec::new()
    }
}

/// What Docker splits keywords from arguments at.
fn is_separator(character: char) -> bool {
    matches!(character, '\t' | '\x0b' | '\x0c' | '\r' | ' ')
}

/// The flags at the start of `line`, and where they end: at `--` or at the
/// first word without dashes.
fn flags(line: &Logical) -> (Vec<Flag>, usize) {
    let mut flags = Vec::new();
    let mut position = 0;
    loop {
        let rest = &line.text[position..];
        let start = position + rest.len() - rest.trim_start().len();
        if !line.text[start..].starts_with("--") {
            return (flags, start);
        }
        let (word, length) = flag_word(&line.text[start..]);
        position = start + length;
        if word == "--" {
            return (flags, position);
        }
        let span = line.source_span(start..position);
        flags.push(Flag::new(word.strip_prefix("--").unwrap_or(&word), span));
    }
}

/// One word without its quotes, and how many bytes it takes. Docker's flags
/// know `\` as the escape character, whatever `# escape=` says.
fn flag_word(text: &str) -> (String, usize) {
    let mut word = String::new();
    let mut quote = None;
    let mut characters = text.char_indices();
    while let Some((offset, character)) = characters.next() {
        match (quote, character) {
            (_, '\\') => word.extend(characters.next().map(|(_, escaped)| escaped)),
            (Some(open), close) if open == close => quote = None,
            (None, '\'' | '"') => quote = Some(character),
            (None, space) if space.is_whitespace() => return (word, offset),
            (_, other) => word.push(other),
        }
    }
    (word, text.len())
}

impl Flag {
    fn new(text: &str, span: Range<usize>) -> Self {
        match text.split_once('=') {
            Some((name, value)) => {
                Self { name: name.to_owned(), value: Some(value.to_owned()), span }
            }
            None => Self { name: text.to_owned(), value: None, span },
        }
    }
}
