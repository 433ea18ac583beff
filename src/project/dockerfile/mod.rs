//! Dockerfiles, read without losing a byte.
//!
//! The steps, each of which can be used alone:
//! 1. [`Dockerfile::read`] takes the text apart: directives, instructions with
//!    their flags, arguments and heredocs (`read`, `logical`, `heredoc`);
//! 2. [`Stages::read`] finds the stages, what each needs, and what each name
//!    stands for at each instruction (`stages`, `scope`, `words`);
//! 3. [`fetches()`] and [`copy_sources`] tell what a stage takes from the package
//!    server and from the context (`requests`, `shell`, `evaluate`, `sources`);
//! 4. [`lint()`] tells what a build like this gets wrong.
//!
//! The facts are those of BuildKit's parser (`frontend/dockerfile/parser` and
//! `shell`). What is not understood stays in the text and goes to the engine
//! as it is; what only the build can tell is unknown, with its reason.

mod addresses;
mod assignments;
mod bodies;
mod branches;
mod commands;
mod conversion;
mod directive;
mod downloads;
mod embedded;
mod evaluate;
mod fetches;
mod folders;
mod given;
mod heredoc;
mod hosts;
mod inputs;
mod instruction;
mod lint;
mod lint_baked;
mod lint_cache;
mod lint_copies;
mod lint_exit;
mod lint_failure;
mod lint_layers;
mod logical;
mod options;
mod pattern;
mod plain_options;
mod prefixes;
mod read;
mod reading;
mod requests;
mod requests_download;
mod requests_loops;
mod scope;
mod script;
mod shell;
mod shell_names;
mod shell_words;
mod simple;
mod sources;
mod stage_problems;
mod stages;
mod url;
mod words;

#[cfg(test)]
mod gallery;
#[cfg(test)]
mod shell_tests;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

pub use addresses::{Addresses, Around, USUAL_PORT};
pub use assignments::Assignment;
pub use bodies::{Body, ReadBody};
pub use conversion::{
    Edits, arguments_of_files, edited, installs_its_downloader, run_with_packages,
};
pub use directive::Directive;
pub use fetches::{Fetch, FetchPath, fetches, trigger_fetches};
pub use given::Given;
pub use heredoc::Heredoc;
pub use hosts::host_places;
pub use inputs::{Dialect, Inputs, is_platform_argument, is_predefined, is_proxy};
pub use instruction::{Flag, Form, Instruction};
pub use lint::{lint, lint_body};
pub use lint_copies::{LARGE, LargeFile};
pub use logical::Logical;
pub use pattern::matches as matches_name;
pub use scope::{Lookup, Scope, Value};
pub use sources::{context_words, copy_sources, is_remote, may_be_remote};
pub use stages::{Because, Needed, Origin, Stage, Stages, Step, Use};
pub use words::{ExpandError, Expanded, Lexer, Word};

use crate::error::{Problem, SourceFile};

/// The codes of all warnings that this room gives, in alphabetical order.
pub const WARNING_CODES: [&str; 14] = [
    "address-baked",
    "argument-unused",
    "cache-left",
    "copy-then-remove",
    "duplicate-stage",
    "empty-continuation",
    "exit-code-lost",
    "fetch-elsewhere",
    "fetch-host",
    "from-later-stage",
    "package-not-removed",
    "syntax-directive",
    "unknown-instruction",
    "variable-from",
];

/// A Dockerfile taken apart; put together again it is the same bytes.
#[derive(Debug, Clone)]
pub struct Dockerfile {
    source: Arc<SourceFile>,
    escape: char,
    directives: Vec<Directive>,
    instructions: Vec<Instruction>,
}

impl Dockerfile {
    /// Takes `source` apart. Never fails: what it does not understand stays as
    /// it is, and the problems say what Docker would make of it.
    pub fn read(source: Arc<SourceFile>) -> (Self, Vec<Problem>) {
        let parts = read::read(&source);
        let (escape, directives) = (parts.escape, parts.directives);
        (Self { source, escape, directives, instructions: parts.instructions }, parts.problems)
    }

    /// The text that it was read from.
    pub fn source(&self) -> &Arc<SourceFile> {
        &self.source
    }

    /// The escape and continuation character: `\`, or what `# escape=` says.
    pub fn escape(&self) -> char {
        self.escape
    }

    /// The parser directives at the top, in order.
    pub fn directives(&self) -> &[Directive] {
        &self.directives
    }

    /// The instructions, in order.
    pub fn instructions(
        &self,
    ) -> impl DoubleEndedIterator<Item = &Instruction> + ExactSizeIterator {
        self.instructions.iter()
    }

    /// The source, byte for byte, put together from the parts.
    pub fn text(&self) -> String {
        self.rewrite(|_| None)
    }

    /// The source with some instructions replaced and everything else as it
    /// is. A replacement has no newline at its end.
    pub fn rewrite(&self, edit: impl FnMut(&Instruction) -> Option<String>) -> String {
        self.rewrite_within(0..self.source.text.len(), edit)
    }

    /// The same for the part of the source at `span`, which cuts no instruction.
    pub fn rewrite_within(
        &self,
        span: Range<usize>,
        mut edit: impl FnMut(&Instruction) -> Option<String>,
    ) -> String {
        let text = &self.source.text[..span.end];
        let mut out = String::with_capacity(span.len());
        let mut position = span.start;
        let within = |instruction: &&Instruction| {
            span.start <= instruction.span.start && instruction.span.end <= span.end
        };
        for instruction in self.instructions.iter().filter(within) {
            out.push_str(&text[position..instruction.span.start]);
            match edit(instruction) {
                Some(replacement) => out.push_str(&replacement),
                None => out.push_str(&text[instruction.span.clone()]),
            }
            position = instruction.span.end;
        }
        out.push_str(&text[position..]);
        out
    }
}
