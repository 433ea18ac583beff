//! Addresses inside other texts: programs, options, requirement lines.

use super::evaluate::UNKNOWN;

/// Whether the address is a whole string of a program: nothing is added to it.
pub(super) fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let address = &text[start..end];
    let formatted = address.ends_with('/') || address.contains(['{', '%', '$', UNKNOWN]);
    let prefix = text[..start].trim_end_matches(['\'', '"']);
    let formed = prefix.ends_with(['f', 'F']) && !prefix.ends_with("if");
    let after = text[end..].trim_start_matches(['\'', '"', '\\']).trim_start();
    !formatted
        && !formed
        && (after.is_empty()
            || after.starts_with([')', ',', ';', ']', '}'])
            || text[end..].contains('\n') && after_line(text, end))
}

/// Whether nothing but a quote stands between the address and the end of its line.
fn after_line(text: &str, end: usize) -> bool {
    let line = text[end..].lines().next().unwrap_or_default();
    line.chars().all(|c| matches!(c, '\'' | '"') || c.is_whitespace())
}

/// Where `http://` and `https://` addresses stand in a text.
pub(super) fn addresses(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(offset) = text[from..].find("://") {
        let mark = from + offset;
        let scheme = text[..mark]
            .rfind(|c: char| !c.is_ascii_alphabetic())
            .map_or(0, |before| before + text[before..].chars().next().map_or(1, char::len_utf8));
        let ends = |c: char| c.is_whitespace() || "'\"<>)];|,\\`".contains(c);
        let end = text[mark + 3..].find(ends).map_or(text.len(), |length| mark + 3 + length);
        if matches!(text[scheme..mark].to_ascii_lowercase().as_str(), "http" | "https") {
            found.push((scheme, end));
        }
        from = end.max(mark + 3);
    }
    found
}
