//! Shell patterns (`*`, `?`, `\` before either) for `${X#…}`, `${X%…}`, `${X/…/…}` and `rm`.

/// `value` without the part at its start that matches `glob`.
pub(super) fn trim_start<'a>(value: &'a str, glob: &str, longest: bool) -> &'a str {
    let matching = |end: &usize| matches(&value[..*end], glob);
    let end = if longest {
        boundaries(value).rev().find(matching)
    } else {
        boundaries(value).find(matching)
    };
    end.map_or(value, |end| &value[end..])
}

/// `value` without the part at its end that matches `glob`.
pub(super) fn trim_end<'a>(value: &'a str, glob: &str, longest: bool) -> &'a str {
    let matching = |start: &usize| matches(&value[*start..], glob);
    let start = if longest {
        boundaries(value).find(matching)
    } else {
        boundaries(value).rev().find(matching)
    };
    start.map_or(value, |start| &value[..start])
}

/// `value` with the first, or every, longest match of `glob` replaced.
pub(super) fn replace(value: &str, glob: &str, replacement: &str, all: bool) -> String {
    let mut out = String::new();
    let mut position = 0;
    while let Some((start, end)) = find(value, glob, position) {
        out.push_str(&value[position..start]);
        out.push_str(replacement);
        position = end;
        if !all {
            break;
        }
    }
    out.push_str(&value[position..]);
    out
}

/// The first match that is not empty from `from` on, as long as it can be.
fn find(value: &str, glob: &str, from: usize) -> Option<(usize, usize)> {
    let starts = boundaries(value).filter(|start| *start >= from);
    starts.into_iter().find_map(|start| {
        let mut ends = boundaries(value).rev().filter(|end| *end > start);
        ends.find(|end| matches(&value[start..*end], glob)).map(|end| (start, end))
    })
}

fn boundaries(text: &str) -> impl DoubleEndedIterator<Item = usize> + '_ {
    text.char_indices().map(|(offset, _)| offset).chain([text.len()])
}

/// Whether all of `text` matches `glob`; at most as many steps as the product of both lengths.
pub fn matches(text: &str, glob: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let glob = tokens(glob);
    let (mut at, mut token, mut star) = (0, 0, None);
    while at < text.len() {
        match glob.get(token) {
            Some(Token::Any) => {
                star = Some((token, at));
                token += 1;
            }
            Some(Token::One) => (at, token) = (at + 1, token + 1),
            Some(Token::Char(c)) if *c == text[at] => (at, token) = (at + 1, token + 1),
            _ => match star {
                Some((star_token, star_at)) => {
                    star = Some((star_token, star_at + 1));
                    (at, token) = (star_at + 1, star_token + 1);
                }
                None => return false,
            },
        }
    }
    glob[token..].iter().all(|token| matches!(token, Token::Any))
}

enum Token {
    Any,
    One,
    Char(char),
}

fn tokens(glob: &str) -> Vec<Token> {
    let mut characters = glob.chars();
    let mut tokens = Vec::new();
    while let Some(character) = characters.next() {
        tokens.push(match character {
            '*' => Token::Any,
            '?' => Token::One,
            '\\' => Token::Char(characters.next().unwrap_or('\\')),
            other => Token::Char(other),
        });
    }
    tokens
}
