//! Where live lines are drawn: a terminal whose window may change its size meanwhile.
//!
//! indicatif fills each line with blanks up to the margin, so that the terminal
//! itself begins the next one. A terminal that becomes narrower breaks such
//! lines in two, one that becomes wider joins them, and indicatif, which goes up
//! by the rows that it has drawn, leaves copies. Here a line ends with its text,
//! and the rows are counted as the terminal breaks the lines now. A terminal
//! that cuts lines off in place of breaking them loses a few rows above.
//!
//! What a terminal that has gone away does not take is dropped: indicatif panics
//! where a line cannot be written, and the build is worth more than its lines.

use std::fmt::Debug;
use std::io::{self, IsTerminal, Stderr, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::{ProgressDrawTarget, TermLike};
use rustix::termios::tcgetwinsize;
use unicode_width::UnicodeWidthChar;

/// How often lines are drawn anew at most, a second.
const RATE: u8 = 20;

/// A terminal's columns and rows where it does not tell.
const SIZE: (u16, u16) = (80, 24);

/// The terminal at stderr; nothing is drawn where there is none, or one that knows no cursor.
pub(super) fn target() -> ProgressDrawTarget {
    let is_dumb = std::env::var_os("TERM").is_none_or(|name| name.is_empty() || name == "dumb");
    if is_dumb || !io::stderr().is_terminal() {
        return ProgressDrawTarget::hidden();
    }
    ProgressDrawTarget::term_like_with_hz(Box::new(Screen::on(io::stderr())), RATE)
}

#[derive(Debug)]
struct Screen<W = Stderr> {
    drawing: Mutex<Drawing>,
    terminal: Mutex<W>,
}

/// What was drawn, and what is about to be.
#[derive(Debug, Default)]
struct Drawing {
    /// What the next flush writes.
    waiting: String,
    /// The columns that each of the lines takes.
    lines: Vec<usize>,
    /// The terminal's columns when they were drawn.
    width: usize,
    /// Whether a line was given, of which the blanks are still to come.
    before_blanks: bool,
}

impl<W: Write> Screen<W> {
    fn on(terminal: W) -> Self {
        Self { drawing: Mutex::default(), terminal: Mutex::new(terminal) }
    }

    /// A panic elsewhere leaves nothing half-done here, so a poisoned lock is as good as any.
    fn drawing(&self) -> MutexGuard<'_, Drawing> {
        self.drawing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: Write + Debug + Send> TermLike for Screen<W> {
    fn width(&self) -> u16 {
        size().0
    }

    fn height(&self) -> u16 {
        size().1
    }

    fn move_cursor_up(&self, rows: usize) -> io::Result<()> {
        self.drawing().up(rows, usize::from(size().0));
        Ok(())
    }

    fn move_cursor_down(&self, rows: usize) -> io::Result<()> {
        self.drawing().turn(rows, 'B');
        Ok(())
    }

    fn move_cursor_right(&self, columns: usize) -> io::Result<()> {
        self.drawing().turn(columns, 'C');
        Ok(())
    }

    fn move_cursor_left(&self, columns: usize) -> io::Result<()> {
        self.drawing().turn(columns, 'D');
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.drawing().waiting.push_str(&format!("{text}\r\n"));
        Ok(())
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.drawing().write(text);
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.drawing().waiting.push_str("\r\x1b[2K");
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        let mut drawing = self.drawing();
        drawing.width = usize::from(size().0);
        let text = std::mem::take(&mut drawing.waiting);
        let mut terminal = self.terminal.lock().unwrap_or_else(PoisonError::into_inner);
        _ = terminal.write_all(text.as_bytes()).and_then(|()| terminal.flush());
        Ok(())
    }
}

impl Drawing {
    /// Goes up to the first line, of which indicatif thinks that it is `rows` higher, and clears the
    /// rows that it does not know of: those that the terminal has broken off since then. Each by
    /// itself, because some terminals keep a copy of what is cleared from their top to their end.
    fn up(&mut self, rows: usize, width: usize) {
        let more = self.rows(width).saturating_sub(self.rows(self.width));
        self.waiting.push_str(&"\r\x1b[2K\x1b[1A".repeat(more));
        self.turn(rows, 'A');
        self.lines.clear();
        self.before_blanks = false;
    }

    fn turn(&mut self, count: usize, direction: char) {
        if count > 0 {
            self.waiting.push_str(&format!("\x1b[{count}{direction}"));
        }
    }

    /// indicatif gives each line, and then the blanks behind it.
    fn write(&mut self, text: &str) {
        self.before_blanks = !self.before_blanks;
        if !self.before_blanks {
            return;
        }
        if !self.lines.is_empty() {
            self.waiting.push_str("\r\n");
        }
        self.waiting.push_str(text.trim_end());
        self.lines.push(columns(text.trim_end()));
    }

    /// The rows that the lines take in a terminal of so many columns.
    fn rows(&self, width: usize) -> usize {
        self.lines.iter().map(|line| line.div_ceil(width.max(1)).max(1)).sum()
    }
}

fn size() -> (u16, u16) {
    let told = tcgetwinsize(io::stderr()).map(|size| (size.ws_col, size.ws_row));
    told.ok().filter(|(columns, rows)| *columns > 0 && *rows > 0).unwrap_or(SIZE)
}

/// The columns of a text, without its colours.
fn columns(text: &str) -> usize {
    let (mut columns, mut in_escape) = (0, false);
    for next in text.chars() {
        if in_escape {
            in_escape = !next.is_ascii_alphabetic();
        } else if next == '\u{1b}' {
            in_escape = true;
        } else {
            columns += next.width().unwrap_or(0);
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use indicatif::{MultiProgress, ProgressBar};

    use super::*;

    /// A terminal that has gone away, as the kernel tells it.
    #[derive(Debug)]
    struct Gone;

    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(rustix::io::Errno::IO.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(rustix::io::Errno::IO.into())
        }
    }

    #[test]
    fn what_a_terminal_that_has_gone_does_not_take_is_dropped() {
        let target = ProgressDrawTarget::term_like(Box::new(Screen::on(Gone)));
        let lines = MultiProgress::with_draw_target(target);
        let bar = lines.add(ProgressBar::new_spinner());
        bar.tick();
        assert_eq!(lines.suspend(|| "said"), "said");
        bar.set_tab_width(4);
        bar.finish_with_message("done");
    }

    /// What is written when these lines were drawn in a window of `before` columns, and are cleared
    /// and drawn again in one of `now`.
    fn check(lines: &[&str], before: usize, now: usize, expected: &str) {
        let mut drawing = Drawing::default();
        for line in lines {
            drawing.write(line);
            drawing.write("    ");
        }
        drawing.width = before;
        drawing.waiting.clear();
        drawing.up(lines.len() - 1, now);
        drawing.write("next");
        assert_eq!(drawing.waiting, expected, "{lines:?}");
    }

    #[test]
    fn rows_are_counted_as_the_terminal_breaks_lines_now() {
        check(&["one", "two", "three"], 80, 80, "\x1b[2Anext");
        check(&["one", "\x1b[1mtwo\x1b[0m"], 80, 3, "\x1b[1Anext");
        check(&["one", "fourteen chars"], 14, 10, "\r\x1b[2K\x1b[1A\x1b[1Anext");
        check(&["包包包包包"], 10, 9, "\r\x1b[2K\x1b[1Anext");
        check(&["fourteen chars"], 7, 14, "next");
    }

    #[test]
    fn lines_end_with_their_text() {
        let mut drawing = Drawing::default();
        for text in ["one  ", "     ", "", "   ", "three", ""] {
            drawing.write(text);
        }
        assert_eq!(drawing.waiting, "one\r\n\r\nthree");
    }
}
