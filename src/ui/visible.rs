//! Text of others on a terminal: a name or a copied record may hold what moves the cursor or colours
//! the screen.

/// One line, with control characters written out.
pub(super) fn visible(line: &str) -> String {
    escaped(line, char::is_control)
}

/// The same of several lines.
pub fn visible_lines(text: &str) -> String {
    escaped(text, |c| c.is_control() && c != '\n')
}

fn escaped(text: &str, hides: impl Fn(char) -> bool) -> String {
    let shown = |c: char| if hides(c) { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, line: &str, lines: &str) {
        assert_eq!((visible(text).as_str(), visible_lines(text).as_str()), (line, lines));
    }

    #[test]
    fn nothing_moves_the_cursor() {
        check("a\n\x1b[2Jb\r", "a\\n\\u{1b}[2Jb\\r", "a\n\\u{1b}[2Jb\\r");
        check("包 é", "包 é", "包 é");
    }
}
