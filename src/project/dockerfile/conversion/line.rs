//! The tokens of a RUN's text, and which of them each command is made of: its words, and its
//! redirects around them.

use std::ops::Range;

use super::super::Logical;
use super::super::shell_words::{Token, cut};
use super::super::simple::Command;

/// The text of a RUN, cut.
pub(super) struct Line<'a> {
    pub(super) text: &'a Logical,
    tokens: Vec<Token>,
}

/// Words that are no command where one begins.
const RESERVED: [&str; 18] = [
    "if", "then", "elif", "else", "fi", "while", "until", "for", "select", "do", "done", "case",
    "esac", "{", "}", "function", "!", "[[",
];

impl<'a> Line<'a> {
    pub(super) fn read(text: &'a Logical) -> Self {
        Self { text, tokens: cut(&text.text).tokens }
    }

    pub(super) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// The bytes of a token in the text; a redirect's digits belong to it.
    pub(super) fn span(&self, token: usize) -> Range<usize> {
        match &self.tokens[token] {
            Token::Word(word) => word.span.clone(),
            Token::Operator(operator, offset) => {
                let before = &self.text.text[..*offset];
                let digits = if is_redirect(operator) {
                    before.len() - before.trim_end_matches(|c: char| c.is_ascii_digit()).len()
                } else {
                    0
                };
                offset - digits..offset + operator.len()
            }
            Token::Heredoc(_) => 0..0,
        }
    }

    /// The text of a token.
    pub(super) fn token(&self, token: usize) -> &str {
        &self.text.text[self.span(token)]
    }

    pub(super) fn operator(&self, token: usize) -> Option<&'static str> {
        match self.tokens.get(token) {
            Some(Token::Operator(operator, _)) => Some(operator),
            _ => None,
        }
    }

    /// The tokens of a command; `None` for one that has no words.
    pub(super) fn tokens_of(&self, command: &Command) -> Option<Range<usize>> {
        let span = |place: &usize| self.span(*place);
        let is_word = |place: &usize| matches!(self.tokens[*place], Token::Word(_));
        let words = || (0..self.len()).filter(is_word);
        let mut first = words().find(|place| span(place).start == command.span.start)?;
        let mut last = words().find(|place| span(place).end == command.span.end)?;
        while first >= 2 && self.is_redirection(first - 2) {
            first -= 2;
        }
        while self.is_redirection(last + 1) {
            last += 2;
        }
        Some(first..last + 1)
    }

    /// Whether a redirect and its file stand at `place`.
    fn is_redirection(&self, place: usize) -> bool {
        self.operator(place).is_some_and(is_redirect)
            && matches!(self.tokens.get(place + 1), Some(Token::Word(_)))
    }

    /// The tokens of each command, where the text is nothing but commands with `&&`, `||`, `|`
    /// and `;` between them.
    pub(super) fn flat(&self) -> Option<Vec<Range<usize>>> {
        let mut commands = Vec::new();
        let mut start = 0;
        let mut place = 0;
        while place < self.len() {
            match &self.tokens[place] {
                Token::Word(word) => {
                    let begins = place == start;
                    if begins && word.plain().is_some_and(|text| RESERVED.contains(&text)) {
                        return None;
                    }
                }
                Token::Operator("&&" | "||" | "|" | ";", _) if place > start => {
                    commands.push(start..place);
                    start = place + 1;
                }
                Token::Operator(..) if self.is_redirection(place) => {
                    // What stands behind a redirect may be a reserved word, which is rare enough.
                    if place == start {
                        return None;
                    }
                    place += 1;
                }
                _ => return None,
            }
            place += 1;
        }
        if start < self.len() {
            commands.push(start..self.len());
        }
        Some(commands)
    }

    /// The bytes of the source from the first of these tokens to the last.
    pub(super) fn source(&self, tokens: &Range<usize>) -> Range<usize> {
        self.text.source_span(self.span(tokens.start).start..self.span(tokens.end - 1).end)
    }
}

fn is_redirect(operator: &str) -> bool {
    operator.contains(['<', '>'])
}
