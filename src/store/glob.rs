//! Patterns over paths, as Docker reads them.
//!
//! Two dialects share one matcher: Go's `filepath.Match`, which `COPY` and `ADD`
//! use, and that of `.dockerignore`, which adds `**`. Sources: the documentation
//! of Go's `path/filepath`, and of Docker's build context.

use std::collections::HashSet;
use std::fmt;

/// A pattern made ready.
#[derive(Debug, Clone)]
pub(super) struct Glob {
    tokens: Vec<Token>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Literal(char),
    /// `?`: one character other than `/`.
    One,
    /// `*`: any number of characters other than `/`.
    Run,
    /// `**/`: any number of whole folders.
    Folders,
    /// `**` at the end: anything.
    Anything,
    /// `[a-z]`, `[^a-z]`: one character.
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

/// Why a text is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GlobError {
    OpenClass,
    EmptyClass,
    BadRange,
    LoneBackslash,
}

impl fmt::Display for GlobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OpenClass => "`[` without `]`",
            Self::EmptyClass => "`[` and `]` with nothing between them",
            Self::BadRange => "a range without its start or end",
            Self::LoneBackslash => "a backslash with nothing after it",
        })
    }
}

/// Whether Go takes `text` for a pattern rather than a path.
pub(super) fn has_wildcard(text: &str) -> bool {
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => drop(characters.next()),
            '*' | '?' | '[' => return true,
            _ => {}
        }
    }
    false
}

/// The path without `.`, `..` where it can be resolved, doubled and trailing `/`.
pub(super) fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if path.starts_with('/') => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (path.starts_with('/'), joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

impl Glob {
    /// A pattern as Go's `filepath.Match` reads it.
    pub(super) fn plain(pattern: &str) -> Result<Self, GlobError> {
        Parser { rest: pattern, stars: false, tokens: Vec::new() }.parse()
    }

    /// A pattern as `.dockerignore` has it, cleaned.
    pub(super) fn ignore(pattern: &str) -> Result<Self, GlobError> {
        let mut glob = Parser { rest: pattern, stars: true, tokens: Vec::new() }.parse()?;
        // Docker compares only the end of the path where nothing but a leading
        // `**` is special, so that `**.pyc` matches `a.pyc`, which `(.*/)?.pyc` would not.
        if let Some(rest) = pattern.strip_prefix("**")
            && !rest.starts_with('/')
            && !rest.contains(['*', '?', '[', ']', '\\'])
        {
            glob.tokens[0] = Token::Anything;
        }
        Ok(glob)
    }

    /// Whether the whole of `path` matches.
    pub(super) fn matches(&self, path: &str) -> bool {
        let path: Vec<char> = path.chars().collect();
        Run { tokens: &self.tokens, path: &path, failed: HashSet::new() }.from(0, 0)
    }
}

struct Parser<'a> {
    rest: &'a str,
    /// Whether `**` is special.
    stars: bool,
    tokens: Vec<Token>,
}

impl Parser<'_> {
    fn parse(mut self) -> Result<Glob, GlobError> {
        while let Some(character) = self.next() {
            let token = match character {
                '*' if self.stars && self.eat('*') => self.double_star(),
                '*' => Token::Run,
                '?' => Token::One,
                '[' => self.class()?,
                '\\' => Token::Literal(self.next().ok_or(GlobError::LoneBackslash)?),
                other => Token::Literal(other),
            };
            self.tokens.push(token);
        }
        Ok(Glob { tokens: self.tokens })
    }

    fn next(&mut self) -> Option<char> {
        let character = self.rest.chars().next()?;
        self.rest = &self.rest[character.len_utf8()..];
        Some(character)
    }

    fn eat(&mut self, wanted: char) -> bool {
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn double_star(&mut self) -> Token {
        self.eat('/');
        if self.rest.is_empty() { Token::Anything } else { Token::Folders }
    }

    fn class(&mut self) -> Result<Token, GlobError> {
        let negated = self.eat('^');
        let mut ranges = Vec::new();
        while !self.eat(']') {
            let low = self.class_character()?;
            let high = if self.eat('-') { self.class_character()? } else { low };
            ranges.push((low, high));
        }
        if ranges.is_empty() {
            return Err(GlobError::EmptyClass);
        }
        Ok(Token::Class { negated, ranges })
    }

    fn class_character(&mut self) -> Result<char, GlobError> {
        match self.next().ok_or(GlobError::OpenClass)? {
            '-' | ']' => Err(GlobError::BadRange),
            '\\' => self.next().ok_or(GlobError::OpenClass),
            other => Ok(other),
        }
    }
}

/// One attempt to match, which remembers what failed: the work is bounded by
/// the product of both lengths, squared, whatever the pattern.
struct Run<'a> {
    tokens: &'a [Token],
    path: &'a [char],
    failed: HashSet<(usize, usize)>,
}

impl Run<'_> {
    /// Whether the tokens from `token` match the path from `at`.
    fn from(&mut self, token: usize, at: usize) -> bool {
        if self.failed.contains(&(token, at)) {
            return false;
        }
        let matched = match self.tokens.get(token) {
            None => at == self.path.len(),
            Some(Token::Run) => self.any_end(token, at, |path, end| path[end - 1] != '/'),
            Some(Token::Anything) => self.any_end(token, at, |_, _| true),
            Some(Token::Folders) => self.after_folders(token, at),
            Some(one) => {
                self.path.get(at).is_some_and(|c| one.takes(*c)) && self.from(token + 1, at + 1)
            }
        };
        if !matched {
            self.failed.insert((token, at));
        }
        matched
    }

    /// Tries every end that can be reached by characters that `allowed` accepts.
    fn any_end(&mut self, token: usize, at: usize, allowed: fn(&[char], usize) -> bool) -> bool {
        for end in at..=self.path.len() {
            if end > at && !allowed(self.path, end) {
                return false;
            }
            if self.from(token + 1, end) {
                return true;
            }
        }
        false
    }

    fn after_folders(&mut self, token: usize, at: usize) -> bool {
        let slashes = (at..self.path.len()).filter(|index| self.path[*index] == '/');
        let starts: Vec<usize> = slashes.map(|slash| slash + 1).collect();
        self.from(token + 1, at) || starts.into_iter().any(|start| self.from(token + 1, start))
    }
}

impl Token {
    /// Whether a token that stands for exactly one character takes this one.
    fn takes(&self, character: char) -> bool {
        match self {
            Self::Literal(literal) => *literal == character,
            Self::One => character != '/',
            Self::Class { negated, ranges } => {
                let inside = ranges.iter().any(|(low, high)| (*low..=*high).contains(&character));
                inside != *negated
            }
            Self::Run | Self::Folders | Self::Anything => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of `paths` (parted by spaces) the pattern matches.
    fn check(glob: Result<Glob, GlobError>, paths: &str, expected: Result<&str, GlobError>) {
        let matched = glob.map(|glob| {
            paths.split(' ').filter(|path| glob.matches(path)).collect::<Vec<_>>().join(" ")
        });
        assert_eq!(matched.as_deref().map_err(|error| *error), expected);
    }

    #[test]
    fn patterns_of_go() {
        let plain = |pattern: &str| Glob::plain(pattern);
        check(plain("*.whl"), "a.whl .whl a/b.whl a.whl.x", Ok("a.whl .whl"));
        check(plain("a?c"), "abc a/c ac aéc", Ok("abc aéc"));
        check(plain("[a-c]x"), "ax dx -x", Ok("ax"));
        check(plain("[^a-c]x"), "ax dx -x", Ok("dx -x"));
        check(plain("[!a]x"), "ax !x bx", Ok("ax !x"));
        check(plain(r"\*"), "* a", Ok("*"));
        check(plain(r"[\]]"), "] a", Ok("]"));
        check(plain("a**b"), "axb a/b", Ok("axb"));
        check(plain("*a*a*a*a*b"), &"a".repeat(200), Ok(""));
        check(plain("[a"), "a", Err(GlobError::OpenClass));
        check(plain("[]a]"), "a", Err(GlobError::EmptyClass));
        check(plain("[-a]"), "a", Err(GlobError::BadRange));
        check(plain(r"a\"), "a", Err(GlobError::LoneBackslash));
    }

    #[test]
    fn patterns_of_dockerignore() {
        let ignore = |pattern: &str| Glob::ignore(pattern);
        check(ignore("**"), "a a/b .x/y", Ok("a a/b .x/y"));
        check(ignore("**/foo"), "foo a/foo a/b/foo afoo foo/a", Ok("foo a/foo a/b/foo"));
        check(ignore("**foo"), "foo a/foo afoo foo/a", Ok("foo a/foo afoo"));
        check(ignore("**/*.go"), "a.go b/a.go a.gox", Ok("a.go b/a.go"));
        check(ignore("a/**"), "a a/b a/b/c ab", Ok("a/b a/b/c"));
        check(ignore("a**"), "a a/b abc b", Ok("a a/b abc"));
        check(ignore("a/**/b"), "a/b a/x/b a/x/y/b a/xb", Ok("a/b a/x/b a/x/y/b"));
        check(ignore("a**b"), "ab axb a/b axx/b", Ok("ab a/b axx/b"));
        check(ignore("*/tmp*"), "a/tmp a/tmpx tmp a/b/tmp", Ok("a/tmp a/tmpx"));
        check(ignore("a.b"), "a.b axb", Ok("a.b"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_asked(pattern in "[a*?/\\[\\]^\\\\.-]{0,12}", path in "[a/.]{0,20}") {
            for glob in [Glob::plain(&pattern), Glob::ignore(&pattern)].into_iter().flatten() {
                // A pattern without anything special matches itself and nothing else.
                if !pattern.contains(['*', '?', '[', ']', '\\']) {
                    assert_eq!(glob.matches(&path), pattern == path);
                }
                glob.matches(&path);
            }
            assert_eq!(clean(&clean(&path)), clean(&path));
        }
    }

    #[test]
    fn paths_are_cleaned_as_go_does() {
        let all = ["a//b/", "./a", "/../a", "../a", "a/..", "", "/", "a/./b/../c"].map(clean);
        assert_eq!(all, ["a/b", "a", "/a", "../a", ".", ".", "/", "a/c"]);
    }
}
