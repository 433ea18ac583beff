//! Words that give a variable a value: `NAME=VALUE`, `export NAME`, `for NAME in VALUE…`.

use super::shell_words::{Kind, Part, Token, Word};
use super::simple::Loop;

/// Whether a variable can be called so.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// `NAME=VALUE` as a name and the word after `=`; `+=` adds to what only the run knows.
pub(super) fn assignment(word: &Word) -> Option<(String, Word)> {
    let [Part { kind: Kind::Literal(text), quoted: false, span }, rest @ ..] =
        word.parts.as_slice()
    else {
        return None;
    };
    let (name, value) = text.split_once('=')?;
    let adds = name.ends_with('+');
    let name = name.strip_suffix('+').unwrap_or(name);
    if !is_name(name) {
        return None;
    }
    let start = span.end - value.len();
    let first = Part { kind: Kind::Literal(value.to_owned()), quoted: true, span: start..span.end };
    let added =
        Part { kind: Kind::Running("an appended value"), quoted: false, span: start..start };
    let parts = adds.then_some(added).into_iter().chain([first]).chain(rest.iter().cloned());
    Some((name.to_owned(), Word { parts: parts.collect(), span: start..word.span.end }))
}

/// The name in `NAME` or `NAME=…`, as `export`, `read` and `local` take it.
pub(super) fn named(word: &Word) -> Option<String> {
    assignment(word)
        .map(|(name, _)| name)
        .or_else(|| word.plain().filter(|text| is_name(text)).map(str::to_owned))
}

/// The name and the value of `${NAME:=value}` or `${NAME=value}`.
pub(super) fn default_of(raw: &str) -> Option<(&str, &str)> {
    let (name, value) = raw.strip_prefix("${")?.strip_suffix('}')?.split_once('=')?;
    let name = name.strip_suffix(':').unwrap_or(name);
    is_name(name).then_some((name, value))
}

/// The name in `${NAME:-value}` or `${NAME-value}`.
pub(super) fn fallback_of(raw: &str) -> Option<&str> {
    let (name, _) = raw.strip_prefix("${")?.split_once('-')?;
    Some(name.strip_suffix(':').unwrap_or(name)).filter(|name| is_name(name))
}

/// The name that a word of arithmetic changes: `N++`, `--N`, `N=8`, `N+=1`.
pub(super) fn counted(word: &Word) -> Option<&str> {
    let Kind::Literal(text) = &word.parts.first()?.kind else { return None };
    let bare = text.trim_start_matches("++").trim_start_matches("--");
    let end = bare.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(bare.len());
    let (name, rest) = bare.split_at(end);
    let changes = bare.len() < text.len() || rest.starts_with("++") || rest.starts_with("--");
    let assigns = rest.trim_start_matches(['+', '-', '*', '/', '%']).starts_with('=');
    (is_name(name) && (changes || assigns && !rest.starts_with("=="))).then_some(name)
}

/// The name and the values in `NAME in VALUE…` of a `for`, as `text` writes them.
pub(super) fn values(
    mut rest: impl Iterator<Item = Token>,
    text: &str,
) -> Option<(String, Vec<String>)> {
    let Some(Token::Word(name)) = rest.next() else { return None };
    let name = name.plain().filter(|name| is_name(name))?.to_owned();
    let word = |token| match token {
        Token::Word(word) => Some(text.get(word.span)?.to_owned()),
        _ => None,
    };
    rest.next().and_then(word).filter(|word| word == "in")?;
    Some((name, rest.map_while(word).collect()))
}

/// `NAME in VALUE…` of a `for`, where all values are literal and nothing ends the loop early.
pub(super) fn rounds(mut rest: impl Iterator<Item = Token>) -> Option<Loop> {
    let Some(Token::Word(name)) = rest.next() else { return None };
    let name = name.plain().filter(|name| is_name(name))?.to_owned();
    let is_in = |token: Token| matches!(token, Token::Word(word) if word.plain() == Some("in"));
    rest.next().filter(|token| is_in(token.clone()))?;
    let mut values = Vec::new();
    for token in rest.by_ref() {
        match token {
            Token::Word(word) => values.push(literal(&word)?),
            _ => break,
        }
    }
    let is_done =
        |token: &Token| matches!(token, Token::Word(word) if word.plain() == Some("done"));
    let body: Vec<Token> = rest.take_while(|token| !is_done(token)).collect();
    let ends = body.iter().enumerate().any(|(place, token)| ends_early(token, body.get(place + 1)));
    (!values.is_empty() && !ends).then_some(Loop { name, values })
}

/// Whether a word ends a loop early, and the build may go on: an `exit` with another code than 0
/// fails it, so that nobody asks for the rest.
fn ends_early(token: &Token, next: Option<&Token>) -> bool {
    let plain = |token: &Token| match token {
        Token::Word(word) => word.plain().map(str::to_owned),
        Token::Operator(..) | Token::Heredoc(_) => None,
    };
    let code = next.and_then(plain).and_then(|code| code.parse::<u8>().ok());
    match plain(token).as_deref() {
        Some("exit") => code.is_none_or(|code| code == 0),
        Some("break" | "continue" | "return") => true,
        _ => false,
    }
}

/// The text of a word that no shell changes.
fn literal(word: &Word) -> Option<String> {
    let text = |part: &Part| match &part.kind {
        Kind::Literal(text) if part.quoted || !text.contains(['*', '?', '[', '{', '~']) => {
            Some(text.clone())
        }
        _ => None,
    };
    word.parts.iter().map(text).collect()
}
