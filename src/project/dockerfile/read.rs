//! Takes a Dockerfile apart, line by line, as BuildKit's parser does.
//!
//! The steps: directives at the top; then, for each instruction, the lines
//! that continue it, its keyword, flags and arguments, and its heredocs.
//! Nothing here fails: a line that Docker would refuse becomes an instruction
//! all the same, with a problem beside it.

use std::ops::Range;
use std::sync::Arc;

use super::assignments;
use super::directive::Directive;
use super::instruction::Instruction;
use super::logical::Logical;
use crate::error::{Place, Problem, SourceFile, did_you_mean};

/// The instructions that Docker knows.
const KEYWORDS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// Stands at the start of some files from Windows; Docker drops it.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Everything that was read out of a source.
pub(super) struct Parts {
    pub(super) escape: char,
    pub(super) directives: Vec<Directive>,
    pub(super) instructions: Vec<Instruction>,
    pub(super) problems: Vec<Problem>,
}

/// Reads the whole of `source`.
pub(super) fn read(source: &Arc<SourceFile>) -> Parts {
    let text = source.text.as_str();
    let parts = Parts {
        escape: '\\',
        directives: Vec::new(),
        instructions: Vec::new(),
        problems: Vec::new(),
    };
    let position = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len_utf8() } else { 0 };
    let mut reader = Reader { source, text, position, parts };
    reader.directives();
    while reader.instruction() {}
    reader.parts
}

struct Reader<'a> {
    source: &'a Arc<SourceFile>,
    text: &'a str,
    position: usize,
    parts: Parts,
}

/// One physical line; `text` has no newline, `span` covers `text`.
struct Line<'a> {
    text: &'a str,
    span: Range<usize>,
}

impl<'a> Reader<'a> {
    fn next_line(&mut self) -> Option<Line<'a>> {
        let rest = &self.text[self.position..];
        let whole = rest.split_inclusive('\n').next()?;
        let text = whole.trim_end_matches(['\r', '\n']);
        let start = self.position;
        self.position += whole.len();
        Some(Line { text, span: start..start + text.len() })
    }

    fn problem(&mut self, problem: Problem, span: Range<usize>, label: &str) {
        self.parts.problems.push(problem.at(Place::new(self.source, span), label));
    }

    /// Directives stand before anything else, an empty line included.
    fn directives(&mut self) {
        loop {
            let start = self.position;
            let found = self.next_line().and_then(|line| Directive::read(line.text, line.span));
            let Some(directive) = found else {
                self.position = start;
                return;
            };
            self.directive(directive);
        }
    }

    fn directive(&mut self, directive: Directive) {
        if self.parts.directives.iter().any(|known| known.name == directive.name) {
            let problem =
                Problem::error(format!("the directive `{}` is given twice", directive.name));
            self.problem(problem, directive.span.clone(), "the second one");
        } else if directive.name == "escape" {
            match directive.escape() {
                Some(escape) => self.parts.escape = escape,
                None => {
                    let message = format!(
                        "expected `\\` or `` ` `` as the escape character, actual `{}`",
                        directive.value
                    );
                    self.problem(Problem::error(message), directive.span.clone(), "this directive");
                }
            }
        }
        self.parts.directives.push(directive);
    }

    /// Reads the next instruction; `false` at the end of the file.
    fn instruction(&mut self) -> bool {
        let Some(line) = self.next_line() else { return false };
        let content = line.text.trim_start();
        if content.is_empty() || content.starts_with('#') {
            return true;
        }
        let start = line.span.end - content.len();
        let (logical, end) = self.logical_line(content, start);
        let mut instruction = Instruction::read(&logical, start..end);
        self.heredocs(&mut instruction);
        self.judge(&instruction);
        self.parts.instructions.push(instruction);
        true
    }

    /// Joins the lines that continue `content`; the end is that of the last line taken.
    fn logical_line(&mut self, content: &str, start: usize) -> (Logical, usize) {
        let mut logical = Logical::default();
        let mut end = start + content.len();
        let mut continues = self.take(content, start, &mut logical);
        let mut empty = None;
        while continues {
            let Some(line) = self.next_line() else { break };
            let trimmed = line.text.trim_start();
            if trimmed.is_empty() {
                empty.get_or_insert(line.span);
            } else if !trimmed.starts_with('#') {
                continues = self.take(line.text, line.span.start, &mut logical);
                end = line.span.end;
            }
        }
        if let Some(span) = empty {
            self.empty_continuation(span);
        }
        (logical, end)
    }

    /// Adds a line without its continuation character; whether another line follows.
    fn take(&self, line: &str, start: usize, logical: &mut Logical) -> bool {
        match continued(line, self.parts.escape) {
            Some(text) => {
                logical.push(text, start);
                true
            }
            None => {
                logical.push(line, start);
                false
            }
        }
    }

    fn empty_continuation(&mut self, span: Range<usize>) {
        let problem = Problem::warning("an empty line inside an instruction")
            .code("empty-continuation")
            .note("Docker drops such a line and says that it will refuse it one day")
            .hint("remove the line, or end the instruction before it");
        self.problem(problem, span, "nothing on this line");
    }

    fn heredocs(&mut self, instruction: &mut Instruction) {
        let mut heredocs = instruction.innermost().announced_heredocs();
        let line_end = instruction.span.end;
        for heredoc in &mut heredocs {
            let start = self.position;
            let terminator = loop {
                let Some(line) = self.next_line() else { break None };
                if heredoc.ends_at(line.text) {
                    break Some(line.span);
                }
            };
            let end = terminator.as_ref().map_or(self.text.len(), |span| span.start);
            heredoc.fill(self.text, start..end);
            heredoc.ended = terminator.is_some();
            instruction.span.end = match terminator {
                Some(span) => span.end,
                None => self.unterminated(&heredoc.name, instruction.span.start..line_end),
            };
        }
        instruction.innermost_mut().heredocs = heredocs;
        let span = instruction.span.clone();
        instruction.innermost_mut().span = span;
    }

    /// Tells of a heredoc without an end; it takes the rest of the file, whose end is returned.
    fn unterminated(&mut self, name: &str, span: Range<usize>) -> usize {
        let problem = Problem::error(format!("the heredoc `{name}` has no end"))
            .hint(format!("end it with a line that holds only `{name}`"));
        self.problem(problem, span.clone(), "announced here");
        self.text.trim_end_matches(['\r', '\n']).len().max(span.end)
    }

    /// What Docker would refuse or the next reader should know.
    fn judge(&mut self, instruction: &Instruction) {
        let inner = instruction.innermost();
        if !KEYWORDS.contains(&inner.keyword.as_str()) {
            let message = format!("`{}` is not an instruction that Docker knows", inner.keyword);
            let hint = did_you_mean(&inner.keyword, KEYWORDS);
            let problem = Problem::warning(message).code("unknown-instruction").maybe_hint(hint);
            self.problem(problem, inner.keyword_span.clone(), "passed on as it is");
        }
        self.judge_assignments(inner);
        let json = serde_json::from_str::<Vec<serde_json::Value>>(&inner.arguments.text);
        if takes_json(&inner.keyword) && json.is_ok() && inner.json().is_none() {
            let problem = Problem::error("expected only strings in the JSON array");
            let span = inner.arguments.source_span(0..inner.arguments.text.len());
            self.problem(problem, span, "holds something else");
        }
    }
}

impl Reader<'_> {
    /// Every word of an ENV or LABEL needs a `=`, unless the first has none.
    fn judge_assignments(&mut self, instruction: &Instruction) {
        if !matches!(instruction.keyword.as_str(), "ENV" | "LABEL") {
            return;
        }
        let text = &instruction.arguments.text;
        for one in assignments::environment(text, self.parts.escape) {
            if one.value.is_none() {
                let message = format!("expected `NAME=VALUE`, actual `{}`", one.name);
                let hint = "put quotes around a value with spaces in it";
                let span = instruction.arguments.source_span(one.span);
                self.problem(Problem::error(message).hint(hint), span, "holds no `=`");
            }
        }
    }
}

fn takes_json(keyword: &str) -> bool {
    matches!(keyword, "RUN" | "CMD" | "ENTRYPOINT" | "SHELL" | "COPY" | "ADD" | "VOLUME")
}

/// The line without its continuation character, where it ends with one: the
/// escape character, not itself escaped, and perhaps blanks after it.
fn continued(line: &str, escape: char) -> Option<&str> {
    let text = line.trim_end_matches([' ', '\t']).strip_suffix(escape)?;
    (!text.ends_with(escape)).then_some(text)
}
