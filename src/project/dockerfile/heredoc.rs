//! Heredocs: `<<EOF`, `<<-EOF`, `<<"EOF"`, several a line, in RUN, COPY and ADD only.
//!
//! First every marker of a logical line is found, then the bodies are read in
//! the same order, each up to its own terminator.

use std::ops::Range;

use super::words::Lexer;

/// A heredoc of an instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heredoc {
    /// The word that ends the body, unquoted.
    pub name: String,
    /// Whether variables in the body are expanded: no part of the marker was quoted.
    pub expand: bool,
    /// Whether tabs at the start of each line are dropped (`<<-`).
    pub strip_tabs: bool,
    /// The body as the command sees it, its last newline included.
    pub body: String,
    /// The bytes of the body in the source, terminator line not included.
    pub span: Range<usize>,
    /// The marker (`<<EOF`) in the instruction's [`arguments`](super::Instruction::arguments).
    pub marker: Range<usize>,
    /// The file descriptor written before `<<`, where there is one.
    pub descriptor: Option<u32>,
    /// How many tabs were dropped from each line.
    stripped: Vec<usize>,
    /// Whether its terminator was found.
    pub(super) ended: bool,
}

impl Heredoc {
    /// The lines of the body with their newlines, and where each starts in the source.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut after = self.span.start;
        self.body.split_inclusive('\n').zip(&self.stripped).map(move |(line, tabs)| {
            let start = after + tabs;
            after = start + line.len();
            (start, line)
        })
    }
}

/// The heredocs that a line of arguments announces, their bodies still empty.
/// A line whose quotes do not match announces none, as with Docker.
pub(super) fn markers(arguments: &str) -> Vec<Heredoc> {
    if !arguments.contains("<<") {
        return Vec::new();
    }
    // Docker reads markers with `\` as the escape character whatever `# escape=` says.
    let lexer = Lexer { raw: true, ..Lexer::new('\\', &|_| None) };
    let words = lexer.expand(arguments).map(|line| line.words).unwrap_or_default();
    words.into_iter().filter_map(|word| marker(&word.text, word.span)).collect()
}

/// Reads `[digits]<<[-]word`.
fn marker(word: &str, span: Range<usize>) -> Option<Heredoc> {
    let (descriptor, rest) = word.split_once("<<")?;
    if !descriptor.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let strip_tabs = rest.starts_with('-');
    let name = rest.strip_prefix('-').unwrap_or(rest).trim_start();
    if name.contains('<') {
        return None;
    }
    let (name, quoted) = unquoted(name);
    let descriptor = descriptor.parse().ok();
    let heredoc = Heredoc {
        name,
        expand: !quoted,
        strip_tabs,
        body: String::new(),
        span: 0..0,
        marker: span,
        descriptor,
        stripped: Vec::new(),
        ended: false,
    };
    (!heredoc.name.is_empty()).then_some(heredoc)
}

/// The marker's word without quotes and escapes, and whether a quote was there.
fn unquoted(word: &str) -> (String, bool) {
    let mut text = String::new();
    let mut quote = None;
    let mut quoted = false;
    let mut characters = word.chars().peekable();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(open), close) if open == close => quote = None,
            (None, '\'' | '"') => (quote, quoted) = (Some(character), true),
            (None, '\\') => text.extend(characters.next()),
            (Some('"'), '\\') if matches!(characters.peek(), Some('"' | '$' | '\\')) => {
                text.extend(characters.next());
            }
            (_, other) => text.push(other),
        }
    }
    (text, quoted)
}

impl Heredoc {
    /// Whether `line` (without its newline) ends this heredoc.
    pub(super) fn ends_at(&self, line: &str) -> bool {
        let line = if self.strip_tabs { line.trim_start_matches('\t') } else { line };
        line == self.name
    }

    /// Takes `source` at `span` as the body.
    pub(super) fn fill(&mut self, source: &str, span: Range<usize>) {
        for line in source[span.clone()].split_inclusive('\n') {
            let kept = if self.strip_tabs { line.trim_start_matches('\t') } else { line };
            self.stripped.push(line.len() - kept.len());
            self.body.push_str(kept);
        }
        self.span = span;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The markers of a line: name, then `!` where the body is not expanded and `-` where tabs go.
    fn check(line: &str, expected: &str) {
        let found: Vec<String> = markers(line)
            .iter()
            .map(|heredoc| {
                let expand = if heredoc.expand { "" } else { "!" };
                let tabs = if heredoc.strip_tabs { "-" } else { "" };
                format!("{}{expand}{tabs}@{}", heredoc.name, &line[heredoc.marker.clone()])
            })
            .collect();
        assert_eq!(found.join(" "), expected);
    }

    #[test]
    fn markers_are_found_as_docker_finds_them() {
        check("<<EOF", "EOF@<<EOF");
        check("<<-EOF cat", "EOF-@<<-EOF");
        check("cat <<'EOF' > /f", "EOF!@<<'EOF'");
        check("<<\"a b\"", "a b!@<<\"a b\"");
        check("<<A <<B /dest/", "A@<<A B@<<B");
        check("3<<EOF", "EOF@3<<EOF");
        check("<<eo'f'", "eof!@<<eo'f'");
        check("<<eo\\'f", "eo'f@<<eo\\'f");
        check("<<'e'o\\'f", "eo'f!@<<'e'o\\'f");
        check("<<$EOF", "$EOF@<<$EOF");
        check("<<  EOF  > foo", "EOF@<<  EOF");
        check("<< -EOF", "-EOF@<< -EOF");
        check("cat <<EOF; echo", "EOF;@<<EOF;");
    }

    #[test]
    fn what_only_looks_like_a_marker_is_none() {
        check("\"<<EOF\"", "");
        check("'<<EOF'", "");
        check("<<<EOF", "");
        check("cat<<EOF", "");
        check("<<", "");
        check("<<''", "");
        check("echo don't <<EOF", "");
        check("echo $((1<<2))", "");
    }
}
