//! `NAME=VALUE` lists of ARG, ENV and LABEL, still unexpanded.

use std::ops::Range;

/// One assignment as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The name.
    pub name: String,
    /// The value, quotes and variables as written; `None` for a bare `ARG NAME`.
    pub value: Option<String>,
    /// Its bytes in the text that it was read from.
    pub span: Range<usize>,
}

/// The assignments of an `ARG`: each word is `NAME` or `NAME=VALUE`.
pub(super) fn arguments(text: &str, escape: char) -> Vec<Assignment> {
    words(text, escape).into_iter().map(|span| assignment(text, span)).collect()
}

/// The assignments of an `ENV` or `LABEL`: `NAME=VALUE …`, or the old `NAME VALUE`.
pub(super) fn environment(text: &str, escape: char) -> Vec<Assignment> {
    let words = words(text, escape);
    let old = words.first().is_some_and(|first| !text[first.clone()].contains('='));
    if !old {
        return words.into_iter().map(|span| assignment(text, span)).collect();
    }
    let text = text.trim();
    let (name, value) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let value = Some(value.trim_start().to_owned());
    vec![Assignment { name: name.to_owned(), value, span: 0..text.len() }]
}

fn assignment(text: &str, span: Range<usize>) -> Assignment {
    match text[span.clone()].split_once('=') {
        Some((name, value)) => {
            Assignment { name: name.to_owned(), value: Some(value.to_owned()), span }
        }
        None => Assignment { name: text[span.clone()].to_owned(), value: None, span },
    }
}

/// The words of a text, split at white space outside quotes; variables mean nothing yet.
pub(super) fn words(text: &str, escape: char) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut start = None;
    let mut quote = None;
    let mut characters = text.char_indices();
    while let Some((offset, character)) = characters.next() {
        if quote.is_none() && character.is_whitespace() {
            words.extend(start.take().map(|start| start..offset));
            continue;
        }
        start.get_or_insert(offset);
        match quote {
            Some(open) if open == character => quote = None,
            None if matches!(character, '\'' | '"') => quote = Some(character),
            _ if character == escape && quote != Some('\'') => {
                characters.next();
            }
            _ => {}
        }
    }
    words.extend(start.map(|start| start..text.len()));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(read: fn(&str, char) -> Vec<Assignment>, text: &str, expected: &[&str]) {
        let show = |one: Assignment| match one.value {
            Some(value) => format!("{}|{value}", one.name),
            None => one.name,
        };
        assert_eq!(read(text, '\\').into_iter().map(show).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn assignments_are_split_as_docker_splits_them() {
        check(arguments, "A B=1 C=\"x y\" D='z", &["A", "B|1", "C|\"x y\"", "D|'z"]);
        check(arguments, "A=x\\ y", &["A|x\\ y"]);
        check(environment, "A=1 B=$A", &["A|1", "B|$A"]);
        check(environment, "PATH /a b:$PATH", &["PATH|/a b:$PATH"]);
        check(environment, "NAME", &["NAME|"]);
        check(environment, "", &[]);
    }
}
