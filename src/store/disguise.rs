//! What stands in a package's place when a download went wrong.
//!
//! Servers answer with login pages, error documents and placeholders, and
//! download tools save them under the package's name. The first bytes tell.

use std::fmt;
use std::io::Read;
use std::path::Path;

use super::digest;

/// Enough for the head of a page with its title.
const HEAD: u64 = 16 << 10;

/// Longest text that is quoted from a file, in characters.
const QUOTE: usize = 120;

/// Something that is no package, and what it says about itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Disguise {
    pub(super) kind: DisguiseKind,
    /// Its title or error message, where it has one.
    pub(super) says: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DisguiseKind {
    Html,
    Xml,
    Json,
    GitLfs,
}

impl fmt::Display for DisguiseKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Html => "an HTML page",
            Self::Xml => "an XML document",
            Self::Json => "a JSON document",
            Self::GitLfs => "a Git LFS pointer",
        })
    }
}

impl DisguiseKind {
    /// How it came to be there.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Html => "a login or error page was saved under this name",
            Self::Xml | Self::Json => "a server's error answer was saved under this name",
            Self::GitLfs => "the repository was cloned without its large files",
        }
    }
}

/// Looks at the first bytes of the file at `path`. A file that cannot be read is no disguise.
pub(super) fn look_at(path: &Path) -> Option<Disguise> {
    let (file, _) = digest::open_regular(path).ok()?;
    let mut head = Vec::with_capacity(2 * HEAD as usize);
    file.take(HEAD).read_to_end(&mut head).ok()?;
    recognise(&head)
}

/// What the head of a file is, where it is no package.
pub(super) fn recognise(head: &[u8]) -> Option<Disguise> {
    let text = String::from_utf8_lossy(head);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let kind = kind_of(text)?;
    let says = match kind {
        DisguiseKind::Html => between(text, "<title", "</title"),
        DisguiseKind::Xml => {
            between(text, "<message", "</message").or_else(|| between(text, "<code", "</code"))
        }
        DisguiseKind::Json => json_message(text),
        DisguiseKind::GitLfs => None,
    };
    Some(Disguise { kind, says: says.as_deref().and_then(quotable) })
}

fn kind_of(text: &str) -> Option<DisguiseKind> {
    let start: String = text.chars().take(32).collect::<String>().to_ascii_lowercase();
    if start.starts_with("version https://git-lfs") {
        Some(DisguiseKind::GitLfs)
    } else if is_html(text, &start) {
        Some(DisguiseKind::Html)
    } else if start.starts_with("<?xml") || start.starts_with("<error") {
        Some(DisguiseKind::Xml)
    } else if start.starts_with('{') && !text.contains('\0') {
        Some(DisguiseKind::Json)
    } else {
        None
    }
}

fn is_html(text: &str, start: &str) -> bool {
    let direct = ["<!doctype html", "<html", "<head", "<!--"];
    // XHTML opens with an XML declaration.
    let xhtml = start.starts_with("<?xml") && text.to_ascii_lowercase().contains("<html");
    xhtml || direct.iter().any(|opening| start.starts_with(opening))
}

/// The text of the first element that opens with `open`, whatever its attributes.
fn between(text: &str, open: &str, close: &str) -> Option<String> {
    // ASCII lowering keeps every byte offset.
    let lower = text.to_ascii_lowercase();
    let start = lower.find(open)?;
    let content = start + lower[start..].find('>')? + 1;
    let end = content + lower[content..].find(close)?;
    Some(text[content..end].to_owned())
}

fn json_message(text: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    let keys = ["message", "error_msg", "error_description", "detail", "msg", "error"];
    let objects = [value.get("error"), Some(&value)];
    let mut texts = objects
        .into_iter()
        .flatten()
        .flat_map(|object| keys.iter().filter_map(|key| object.get(key)?.as_str()));
    texts.next().map(str::to_owned)
}

/// One line of printable text of bounded length: it is shown in a terminal.
fn quotable(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line: String = words.join(" ").chars().filter(|c| !c.is_control()).collect();
    let quote: String = line.chars().take(QUOTE).collect();
    let dots = if quote.len() < line.len() { "…" } else { "" };
    (!quote.is_empty()).then(|| format!("{quote}{dots}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(head: &[u8], expected: &str) {
        let actual = match recognise(head) {
            None => "nothing".to_owned(),
            Some(Disguise { kind, says: None }) => kind.to_string(),
            Some(Disguise { kind, says: Some(text) }) => format!("{kind}: {text}"),
        };
        assert_eq!(actual, expected);
    }

    #[test]
    fn pages_are_recognised_with_their_title() {
        check(
            b"<!DOCTYPE html><html><head><TITLE>\n Sign in\t now</TITLE>",
            "an HTML page: Sign in now",
        );
        check(b"\xef\xbb\xbf \n<html lang=en><body>no", "an HTML page");
        check(b"<!-- x --><html><title id=a>404 Not Found</title>", "an HTML page: 404 Not Found");
        check(b"<?xml version='1.0'?><html xmlns='x'><title>T</title>", "an HTML page: T");
        check("<html><title>\u{1b}[31m登录</title>".as_bytes(), "an HTML page: [31m登录");
        let long = format!("<html><title>{}</title>", "é".repeat(200));
        check(long.as_bytes(), &format!("an HTML page: {}…", "é".repeat(120)));
    }

    #[test]
    fn error_documents_are_recognised_with_their_message() {
        check(
            b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Access Denied</Message>",
            "an XML document: Access Denied",
        );
        check(b"<Error><Code>NoSuchKey</Code></Error>", "an XML document: NoSuchKey");
        check(br#"{"error": {"message": "token expired"}}"#, "a JSON document: token expired");
        check(br#"{"error": "gone"}"#, "a JSON document: gone");
        check(b"{not quite json", "a JSON document");
        check(b"version https://git-lfs.github.com/spec/v1\noid", "a Git LFS pointer");
    }

    #[test]
    fn packages_are_left_alone() {
        check(b"#!/bin/sh\n# This script was generated using Makeself\n<html>", "nothing");
        check(b"PK\x03\x04", "nothing");
        check(b"\x1f\x8b\x08\0", "nothing");
        check(b"{\0\0binary", "nothing");
        check(b"", "nothing");
        check(b"\xff\xfe\xfd", "nothing");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_can_be_looked_at(
            start in proptest::sample::select(vec!["<html><title", "<?xml", "{\"message\":", ""]),
            rest in proptest::collection::vec(proptest::num::u8::ANY, 0..64),
        ) {
            let seen = recognise(&[start.as_bytes(), &rest].concat());
            let says = seen.and_then(|disguise| disguise.says).unwrap_or_default();
            assert!(!says.contains(|c: char| c.is_control()));
        }
    }
}
