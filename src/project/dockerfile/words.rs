//! Docker's words: quotes, escapes and `$NAME` as its builders expand them.
//!
//! The rules are those of BuildKit's `frontend/dockerfile/shell`: `$X`, `${X}`,
//! and `${X…}` with `:-` `-` `:+` `+` `:?` `?` `#` `##` `%` `%%` `/` `//`.

use std::ops::Range;

use super::pattern;

/// How deep `${…${…}…}` may nest: more is no Dockerfile, and would eat the stack.
const DEEPEST: usize = 32;

/// Splits and expands text by Docker's rules.
pub struct Lexer<'a> {
    /// The Dockerfile's escape character.
    pub escape: char,
    /// Leaves quotes, escapes and variables as they are written; words only.
    pub raw: bool,
    /// The value of a variable, where it is set.
    pub lookup: &'a dyn Fn(&str) -> Option<String>,
}

/// What a [`Lexer`] made of a text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expanded {
    /// The text with everything expanded and quotes removed.
    pub text: String,
    /// The same, split at white space outside quotes, after expansion.
    pub words: Vec<Word>,
    /// Every variable that was asked for, in order.
    pub names: Vec<String>,
}

/// One word and where it stands in the text that it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The word, expanded.
    pub text: String,
    /// Its bytes in the unexpanded text.
    pub span: Range<usize>,
}

/// Why a text cannot be expanded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExpandError {
    message: String,
    /// The byte of the text where it went wrong.
    pub offset: usize,
}

impl<'a> Lexer<'a> {
    /// A lexer that expands variables through `lookup`.
    pub fn new(escape: char, lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { escape, raw: false, lookup }
    }

    /// Expands `text` and splits it into words.
    ///
    /// # Errors
    /// A quote or brace without its partner, a substitution that Docker does
    /// not know, or `${X:?…}` of an unset variable.
    pub fn expand(&self, text: &str) -> Result<Expanded, ExpandError> {
        let mut cursor = Cursor { lexer: self, text, position: 0, depth: 0, names: Vec::new() };
        let collected = cursor.until(None, self.raw)?;
        Ok(Expanded { text: collected.text, words: collected.words, names: cursor.names })
    }
}

struct Cursor<'a> {
    lexer: &'a Lexer<'a>,
    text: &'a str,
    position: usize,
    depth: usize,
    names: Vec<String>,
}

/// Text under way, and the words in it.
#[derive(Default)]
struct Collected {
    text: String,
    words: Vec<Word>,
    word: String,
    start: Option<usize>,
}

impl Collected {
    /// Adds what white space may split: plain characters and expanded values.
    fn add_split(&mut self, text: &str, span: &Range<usize>) {
        self.text.push_str(text);
        for character in text.chars() {
            if character.is_whitespace() {
                self.end_word(span.start.max(self.start.unwrap_or(0)));
            } else {
                self.start.get_or_insert(span.start);
                self.word.push(character);
            }
        }
    }

    /// Adds what stays one word: quoted and escaped text.
    fn add_whole(&mut self, text: &str, span: &Range<usize>) {
        self.text.push_str(text);
        self.start.get_or_insert(span.start);
        self.word.push_str(text);
    }

    /// Docker drops empty words, quoted ones too.
    fn end_word(&mut self, end: usize) {
        if !self.word.is_empty() {
            let start = self.start.take().unwrap_or(end);
            self.words.push(Word { text: std::mem::take(&mut self.word), span: start..end });
        }
    }
}

impl Cursor<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.position..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.position += character.len_utf8();
        Some(character)
    }

    fn error<T>(&self, message: impl Into<String>) -> Result<T, ExpandError> {
        Err(ExpandError { message: message.into(), offset: self.position })
    }

    /// Reads up to `stop`, which is consumed, or to the end of the text.
    fn until(&mut self, stop: Option<char>, raw: bool) -> Result<Collected, ExpandError> {
        let mut collected = Collected::default();
        while let Some(character) = self.peek() {
            let start = self.position;
            if Some(character) == stop {
                self.next();
                collected.end_word(start);
                return Ok(collected);
            }
            self.step(character, raw, &mut collected)?;
        }
        collected.end_word(self.position);
        match stop {
            Some(stop) => self.error(format!("expected `{stop}`, actual end of the text")),
            None => Ok(collected),
        }
    }

    fn step(&mut self, character: char, raw: bool, out: &mut Collected) -> Result<(), ExpandError> {
        let start = self.position;
        match character {
            '\'' => {
                let text = self.single_quoted()?;
                out.add_whole(&text, &(start..self.position));
            }
            '"' => {
                let text = self.double_quoted(raw)?;
                out.add_whole(&text, &(start..self.position));
            }
            '$' => {
                let value = self.dollar()?;
                out.add_split(&value, &(start..self.position));
            }
            '<' if self.lexer.raw => {
                self.heredoc_start();
                out.add_whole(&self.text[start..self.position], &(start..self.position));
            }
            _ => self.plain(raw, out),
        }
        Ok(())
    }

    /// `<<` and the white space after it belong to one word: `<< EOF`.
    fn heredoc_start(&mut self) {
        self.next();
        if self.peek() == Some('<') {
            self.next();
            while self.peek().is_some_and(|c| c == ' ' || c == '\t') {
                self.next();
            }
        }
    }

    fn plain(&mut self, raw: bool, out: &mut Collected) {
        let start = self.position;
        if self.next() == Some(self.lexer.escape) {
            let kept = if raw { start } else { self.position };
            self.next();
            out.add_whole(&self.text[kept..self.position], &(start..self.position));
        } else {
            out.add_split(&self.text[start..self.position], &(start..self.position));
        }
    }

    fn single_quoted(&mut self) -> Result<String, ExpandError> {
        let start = self.position;
        let Some(length) = self.text[start + 1..].find('\'') else {
            return self.error("a single quote has no partner");
        };
        self.position = start + length + 2;
        let inner = &self.text[start + 1..self.position - 1];
        Ok(if self.lexer.raw { &self.text[start..self.position] } else { inner }.to_owned())
    }

    fn double_quoted(&mut self, raw: bool) -> Result<String, ExpandError> {
        let start = self.position;
        self.next();
        let mut text = String::new();
        loop {
            match self.peek() {
                None => {
                    self.position = start;
                    return self.error("a double quote has no partner");
                }
                Some('"') => break,
                Some('$') => text.push_str(&self.dollar()?),
                Some(_) => self.quoted_character(raw, &mut text),
            }
        }
        self.next();
        Ok(if self.lexer.raw { self.text[start..self.position].to_owned() } else { text })
    }

    /// Inside double quotes the escape character hides only `"`, `$` and itself.
    fn quoted_character(&mut self, raw: bool, text: &mut String) {
        let Some(first) = self.next() else { return };
        let hides = |c: char| c == '"' || c == '$' || c == self.lexer.escape;
        if first != self.lexer.escape {
            text.push(first);
        } else if self.peek().is_some_and(hides) {
            text.extend(raw.then_some(first));
            text.extend(self.next());
        } else if self.peek().is_some() {
            text.push(first);
        }
    }

    /// `$NAME` or `${…}`; a `$` before anything else is itself.
    fn dollar(&mut self) -> Result<String, ExpandError> {
        let start = self.position;
        self.next();
        let value = if self.peek() == Some('{') { self.braces()? } else { self.bare_name() };
        Ok(if self.lexer.raw { self.text[start..self.position].to_owned() } else { value })
    }

    fn bare_name(&mut self) -> String {
        let name = self.name();
        if name.is_empty() { "$".to_owned() } else { self.value(&name).unwrap_or_default() }
    }

    fn braces(&mut self) -> Result<String, ExpandError> {
        self.next();
        if matches!(self.peek(), None | Some('{' | '}' | ':')) {
            return self.error("bad substitution: expected a name after `${`");
        }
        self.depth += 1;
        if self.depth > DEEPEST {
            return self.error(format!("substitutions nest deeper than {DEEPEST}"));
        }
        let name = self.name();
        let value = self.substitution(&name)?;
        self.depth -= 1;
        Ok(value)
    }

    fn substitution(&mut self, name: &str) -> Result<String, ExpandError> {
        let offset = self.position;
        let (null_is_unset, operator) = match self.next() {
            Some(':') => (true, self.next()),
            other => (false, other),
        };
        match operator {
            Some('}') if !null_is_unset => Ok(self.value(name).unwrap_or_default()),
            Some('/') if !null_is_unset => self.replacement(name),
            Some(operator @ ('#' | '%')) => self.trimming(name, operator),
            Some(operator @ ('-' | '+' | '?')) => self.fallback(name, operator, null_is_unset),
            _ => {
                Err(ExpandError { message: "unknown substitution in `${…}`".to_owned(), offset })
            }
        }
    }

    fn fallback(
        &mut self,
        name: &str,
        operator: char,
        null_is_unset: bool,
    ) -> Result<String, ExpandError> {
        let word = self.until(Some('}'), self.lexer.raw)?.text;
        let value = self.value(name).filter(|value| !(null_is_unset && value.is_empty()));
        match (operator, value) {
            ('+', Some(_)) => Ok(word),
            ('+', None) => Ok(String::new()),
            (_, Some(value)) => Ok(value),
            ('-', None) => Ok(word),
            _ if self.lexer.raw => Ok(String::new()),
            _ if word.is_empty() => self.error(format!("`{name}` must be set")),
            _ => self.error(format!("`{name}`: {word}")),
        }
    }

    fn trimming(&mut self, name: &str, operator: char) -> Result<String, ExpandError> {
        let word = self.until(Some('}'), true)?.text;
        let value = self.value(name).unwrap_or_default();
        let (longest, glob) = match word.strip_prefix(operator) {
            Some(rest) => (true, rest),
            None => (false, word.as_str()),
        };
        let trim = if operator == '#' { pattern::trim_start } else { pattern::trim_end };
        Ok(trim(&value, glob, longest).to_owned())
    }

    fn replacement(&mut self, name: &str) -> Result<String, ExpandError> {
        let all = self.peek() == Some('/');
        if all {
            self.next();
        }
        let glob = self.until(Some('/'), true)?.text;
        let replacement = self.until(Some('}'), true)?.text;
        let value = self.value(name).unwrap_or_default();
        Ok(pattern::replace(&value, &glob, &replacement, all))
    }

    /// A name: digits only, one special parameter, or letters, digits and `_`.
    fn name(&mut self) -> String {
        let rest = &self.text[self.position..];
        let length = match rest.chars().next() {
            Some(first) if first.is_numeric() => prefix_length(rest, char::is_numeric),
            Some('@' | '*' | '#' | '?' | '-' | '$' | '!') => 1,
            _ => prefix_length(rest, |c| c.is_alphanumeric() || c == '_'),
        };
        self.position += length;
        rest[..length].to_owned()
    }

    fn value(&mut self, name: &str) -> Option<String> {
        self.names.push(name.to_owned());
        (self.lexer.lookup)(name)
    }
}

fn prefix_length(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}
