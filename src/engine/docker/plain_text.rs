//! A line of output as text: what a terminal would obey is left out.
//!
//! Escape sequences (ECMA-48) and control characters go, tabs stay, and of a
//! line with carriage returns only what follows the last one.

use std::iter::Peekable;
use std::str::Chars;

/// The text of one line, given without its end.
pub(super) fn plain(line: &str) -> String {
    let text = without_controls(line);
    let text = text.trim_end_matches('\r');
    text.rsplit('\r').next().unwrap_or(text).to_owned()
}

fn without_controls(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line.chars().peekable();
    while let Some(next) = rest.next() {
        match next {
            '\u{1b}' => skip_escape(&mut rest),
            '\u{9b}' => skip_control(&mut rest),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => skip_string(&mut rest),
            '\t' | '\r' => text.push(next),
            _ if next.is_control() => {}
            _ => text.push(next),
        }
    }
    text
}

/// Skips what follows an escape character.
fn skip_escape(rest: &mut Peekable<Chars<'_>>) {
    match rest.peek() {
        Some('[') => {
            rest.next();
            skip_control(rest);
        }
        Some(']' | 'P' | 'X' | '^' | '_') => skip_string(rest),
        _ => {
            while rest.next_if(|next| matches!(next, ' '..='/')).is_some() {}
            rest.next_if(|next| matches!(next, '0'..='~'));
        }
    }
}

/// Skips the parameters of a control sequence and its last character.
fn skip_control(rest: &mut Peekable<Chars<'_>>) {
    while rest.next_if(|next| matches!(next, ' '..='?')).is_some() {}
    rest.next_if(|next| matches!(next, '@'..='~'));
}

/// Skips a control string, such as a window's title, to the BEL or ST that ends it.
fn skip_string(rest: &mut Peekable<Chars<'_>>) {
    while let Some(next) = rest.next() {
        let ends = match next {
            '\u{7}' | '\u{9c}' => true,
            '\u{1b}' => rest.next_if_eq(&'\\').is_some(),
            _ => false,
        };
        if ends {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        assert_eq!(plain(line), expected, "{line:?}");
    }

    #[test]
    fn text_and_tabs_stay() {
        check("a\tb [0m ü 你", "a\tb [0m ü 你");
        check("", "");
    }

    #[test]
    fn sequences_go() {
        check("\u{1b}[1;31merror\u{1b}[0m: x", "error: x");
        check("\u{1b}[?25l\u{1b}[2K50%\u{9b}K", "50%");
        check("\u{1b}]0;title\u{7}a\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\", "alink");
        check("\u{1b}(Ba\u{1b}7b\u{1b}Pq#0\u{1b}\\c\u{7}\u{8}", "abc");
        check("cut \u{1b}[3", "cut ");
        check("cut \u{1b}", "cut ");
    }

    #[test]
    fn what_follows_the_last_carriage_return_is_seen() {
        check("10%\r100%\r", "100%");
        check("10%\r100%\r\u{1b}[K", "100%");
    }
}
