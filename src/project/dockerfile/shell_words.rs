//! Shell text cut into words and operators, as `/bin/sh` cuts it.
//!
//! Words keep what they are made of (literals, variables, substitutions), so
//! that what only the shell can know is never taken for text.

use std::ops::Range;

/// A piece of shell text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Word(Word),
    /// `&&`, `;`, `(`, `>` and the like; a newline is `"\n"`.
    Operator(&'static str, usize),
    /// A heredoc, by its number in [`Tokens::bodies`].
    Heredoc(usize),
}

/// One word of shell text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Word {
    pub(super) parts: Vec<Part>,
    pub(super) span: Range<usize>,
}

/// What a word is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) kind: Kind,
    pub(super) quoted: bool,
    /// The bytes that the part's text was read from, quotes not included.
    pub(super) span: Range<usize>,
}

/// A kind of part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Literal(String),
    /// `$X` or `${X…}`, as written.
    Variable(String),
    /// What only the running shell knows, with its name for messages.
    Running(&'static str),
    /// A substitution that asks for nothing but the platform: `$(uname -m)`.
    Platform(PlatformName),
}

/// Who names the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PlatformName {
    /// The kernel: `x86_64`, `aarch64`.
    Kernel,
    /// Debian, as Docker does: `amd64`, `arm64`.
    Debian,
}

/// The body of a heredoc.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Body {
    pub(super) span: Range<usize>,
    pub(super) expand: bool,
}

/// A whole text, cut.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    pub(super) tokens: Vec<Token>,
    pub(super) bodies: Vec<Body>,
}

/// The operators, longer ones before their beginnings.
const OPERATORS: [&str; 24] = [
    "&>>", ";;&", "<<<", "<<-", "&&", "||", ";;", ";&", "|&", "&>", ">>", ">&", ">|", "<&", "<>",
    "<<", "&", "|", ";", "<", ">", "(", ")", "\n",
];

/// What [`Kind::Running`] says of `$(…)`.
const SUBSTITUTION: &str = "a command substitution";

/// What it says of `` `…` ``.
const BACKQUOTED: &str = "a command substitution in backquotes";

impl Part {
    /// The bytes of the script between the brackets of a command substitution.
    pub(super) fn substitution(&self) -> Option<Range<usize>> {
        let length = self.span.len();
        let (start, end) = match &self.kind {
            Kind::Running(BACKQUOTED) => (1, 1),
            Kind::Running(SUBSTITUTION) => (2, 1),
            _ => return None,
        };
        (length >= start + end).then(|| self.span.start + start..self.span.end - end)
    }
}

impl Word {
    /// The word's text, where it is one literal without quotes: a keyword looks so.
    pub(super) fn plain(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part { kind: Kind::Literal(text), quoted: false, .. }] => Some(text),
            _ => None,
        }
    }
}

/// Cuts `text`. A quote without its partner ends with the text.
pub(super) fn cut(text: &str) -> Tokens {
    let mut cutter = Cutter { text, position: 0, out: Tokens::default(), waiting: Vec::new() };
    while cutter.token() {}
    cutter.out
}

struct Cutter<'a> {
    text: &'a str,
    position: usize,
    out: Tokens,
    /// Heredocs whose bodies start after the next newline: number, name, tabs dropped.
    waiting: Vec<(usize, String, bool)>,
}

impl Cutter<'_> {
    fn rest(&self) -> &str {
        &self.text[self.position..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.position += character.len_utf8();
        Some(character)
    }

    fn token(&mut self) -> bool {
        self.blanks();
        let start = self.position;
        if self.rest().starts_with('#') {
            self.position += self.rest().find('\n').unwrap_or(self.rest().len());
        }
        if self.rest().is_empty() {
            return false;
        }
        let digits =
            self.rest().len() - self.rest().trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if self.rest()[digits..].starts_with(['<', '>']) {
            self.position += digits;
        }
        match OPERATORS.iter().find(|operator| self.rest().starts_with(**operator)) {
            Some(operator) => self.operator(operator),
            None => {
                let word = self.word();
                if !word.parts.is_empty() || self.position > start {
                    self.out.tokens.push(Token::Word(word));
                }
            }
        }
        self.position > start
    }

    /// White space, and a newline that `\` hides.
    fn blanks(&mut self) {
        loop {
            let rest = self.rest();
            let length = match rest.chars().next() {
                Some(' ' | '\t' | '\r') => 1,
                Some('\\') if rest[1..].starts_with('\n') => 2,
                _ => return,
            };
            self.position += length;
        }
    }

    fn operator(&mut self, operator: &'static str) {
        let start = self.position;
        self.position += operator.len();
        match operator {
            "<<" | "<<-" => self.heredoc(operator == "<<-"),
            "\n" => {
                self.out.tokens.push(Token::Operator("\n", start));
                self.bodies();
            }
            _ => self.out.tokens.push(Token::Operator(operator, start)),
        }
    }

    fn heredoc(&mut self, tabs: bool) {
        self.blanks();
        let word = self.word();
        let expand = word.parts.iter().all(|part| !part.quoted);
        let name = word.parts.iter().map(|part| &self.text[part.span.clone()]).collect();
        let number = self.out.bodies.len();
        self.out.bodies.push(Body { span: word.span.end..word.span.end, expand });
        self.out.tokens.push(Token::Heredoc(number));
        self.waiting.push((number, name, tabs));
    }

    /// Reads the bodies that were announced on the line that ends here.
    fn bodies(&mut self) {
        for (number, name, tabs) in std::mem::take(&mut self.waiting) {
            let start = self.position;
            let mut end = start;
            while let Some(line) = self.rest().split_inclusive('\n').next() {
                let length = line.len();
                let content = line.trim_end_matches(['\r', '\n']);
                let content = if tabs { content.trim_start_matches('\t') } else { content };
                let over = content == name;
                self.position += length;
                if over {
                    break;
                }
                end = self.position;
            }
            self.out.bodies[number].span = start..end;
        }
    }

    fn word(&mut self) -> Word {
        let start = self.position;
        let mut parts = Vec::new();
        while let Some(character) = self.peek() {
            match character {
                ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')' => break,
                '\'' => parts.push(self.single_quoted()),
                '"' => self.double_quoted(&mut parts),
                '$' | '`' => parts.push(self.substitution(false)),
                '\\' => self.escaped(&mut parts),
                _ => self.literal(&mut parts),
            }
        }
        Word { parts, span: start..self.position }
    }

    fn literal(&mut self, parts: &mut Vec<Part>) {
        let start = self.position;
        let special = |c: char| " \t\r\n;&|<>()'\"$`\\".contains(c);
        self.position += self.rest().find(special).unwrap_or(self.rest().len());
        let text = self.text[start..self.position].to_owned();
        parts.push(Part { kind: Kind::Literal(text), quoted: false, span: start..self.position });
    }

    /// `\` makes the next character plain; a newline after it is no character at all.
    fn escaped(&mut self, parts: &mut Vec<Part>) {
        self.next();
        let start = self.position;
        if let Some(character) = self.next()
            && character != '\n'
        {
            let kind = Kind::Literal(character.to_string());
            parts.push(Part { kind, quoted: true, span: start..self.position });
        }
    }

    fn single_quoted(&mut self) -> Part {
        self.next();
        let start = self.position;
        let end = start + self.rest().find('\'').unwrap_or(self.rest().len());
        self.position = (end + 1).min(self.text.len());
        let kind = Kind::Literal(self.text[start..end].to_owned());
        Part { kind, quoted: true, span: start..end }
    }

    fn double_quoted(&mut self, parts: &mut Vec<Part>) {
        self.next();
        let before = parts.len();
        let opened = self.position;
        loop {
            match self.peek() {
                None => break,
                Some('"') => {
                    self.next();
                    break;
                }
                Some('$' | '`') => parts.push(self.substitution(true)),
                Some('\\') if self.rest()[1..].starts_with(['$', '`', '"', '\\', '\n']) => {
                    self.escaped(parts);
                }
                Some(_) => self.quoted_literal(parts),
            }
        }
        if parts.len() == before {
            let kind = Kind::Literal(String::new());
            parts.push(Part { kind, quoted: true, span: opened..opened });
        }
    }

    fn quoted_literal(&mut self, parts: &mut Vec<Part>) {
        let start = self.position;
        self.next();
        let length = self.rest().find(['$', '`', '"', '\\']).unwrap_or(self.rest().len());
        self.position += length;
        let kind = Kind::Literal(self.text[start..self.position].to_owned());
        parts.push(Part { kind, quoted: true, span: start..self.position });
    }

    /// Everything that starts with `$` or a backquote.
    fn substitution(&mut self, quoted: bool) -> Part {
        let start = self.position;
        let rest = self.rest();
        let (length, kind) = if rest.starts_with('`') {
            (backquoted(rest), Kind::Running(BACKQUOTED))
        } else if rest.starts_with("$((") {
            (balanced(rest, '(', ')'), Kind::Running("an arithmetic expansion"))
        } else if rest.starts_with("$(") {
            (balanced(rest, '(', ')'), Kind::Running(SUBSTITUTION))
        } else if rest.starts_with("${") {
            let length = balanced(rest, '{', '}');
            (length, Kind::Variable(rest[..length].to_owned()))
        } else {
            let length = 1 + name_length(&rest[1..]);
            let text = rest[..length].to_owned();
            (length, if length == 1 { Kind::Literal(text) } else { Kind::Variable(text) })
        };
        let kind = platform_name(&rest[..length]).map_or(kind, Kind::Platform);
        self.position += length;
        Part { kind, quoted, span: start..self.position }
    }
}

/// What a substitution asks of the platform, where it asks for nothing else.
fn platform_name(written: &str) -> Option<PlatformName> {
    let inner = written.strip_prefix("$(").and_then(|rest| rest.strip_suffix(')'));
    let inner = inner.or_else(|| written.strip_prefix('`')?.strip_suffix('`'))?;
    let words: Vec<&str> = inner.split_whitespace().collect();
    match words.as_slice() {
        ["uname", "-m" | "--machine"] | ["arch"] => Some(PlatformName::Kernel),
        ["dpkg", "--print-architecture"] => Some(PlatformName::Debian),
        _ => None,
    }
}

/// The length of a variable's name after `$`: letters, one digit, or one special character.
fn name_length(text: &str) -> usize {
    match text.chars().next() {
        Some('@' | '*' | '#' | '?' | '-' | '$' | '!' | '0'..='9') => 1,
        Some('A'..='Z' | 'a'..='z' | '_') => {
            text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len())
        }
        _ => 0,
    }
}

fn backquoted(text: &str) -> usize {
    let mut hidden = false;
    for (offset, character) in text.char_indices().skip(1) {
        match character {
            '`' if !hidden => return offset + 1,
            '\\' => hidden = !hidden,
            _ => hidden = false,
        }
    }
    text.len()
}

/// The length of `$(…)` or `${…}` up to the partner of its first bracket, quotes minded.
fn balanced(text: &str, open: char, close: char) -> usize {
    let mut depth = 0;
    let mut quote = None;
    let mut characters = text.char_indices();
    while let Some((offset, character)) = characters.next() {
        match (quote, character) {
            (Some('\''), '\'') | (Some('"'), '"') => quote = None,
            (Some('\''), _) => {}
            (_, '\\') => {
                characters.next();
            }
            (None, '\'' | '"') => quote = Some(character),
            (_, character) if character == open => depth += 1,
            (_, character) if character == close => {
                depth -= 1;
                if depth == 0 {
                    return offset + character.len_utf8();
                }
            }
            _ => {}
        }
    }
    text.len()
}
