//! The one way to stdout and stderr.

use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::sync::OnceLock;

use super::visible::visible_lines;
use super::{diagnostic, fold};
use crate::error::{Error, Problem};

/// Why something did not reach stdout, the first time.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Prints.
#[derive(Debug, Clone, Copy)]
pub struct Printer {
    color: bool,
}

impl Printer {
    /// A printer that colours as asked.
    pub fn new(choice: ColorChoice) -> Self {
        let wanted = || {
            std::io::stderr().is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        };
        let color = match choice {
            ColorChoice::Auto => wanted(),
            ColorChoice::Always => true,
            ColorChoice::Never => false,
        };
        Self { color }
    }

    /// Whether it colours.
    pub fn colors(self) -> bool {
        self.color
    }

    /// Writes data to stdout. What does not arrive is remembered for [`Self::lost`].
    pub fn data(self, text: &str) {
        noted(std::io::stdout().lock().write_all(text.as_bytes()));
    }

    /// Why something did not reach stdout. A reader that has gone away (`… | head`) is no error.
    pub fn lost(self) -> Option<&'static io::Error> {
        noted(std::io::stdout().lock().flush());
        LOST.get()
    }

    /// Writes a page for people to stdout, folded to the terminal's width where it is one.
    pub fn page(self, text: &str) {
        let text = visible_lines(text);
        match width(std::io::stdout()) {
            Some(width) => self.data(&fold::folded(&text, width)),
            None => self.data(&text),
        }
    }

    /// Copies a file to stdout, byte by byte.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn stream(self, file: &mut impl Read) -> io::Result<()> {
        let mut stdout = std::io::stdout().lock();
        let mut buffer = vec![0; 1 << 16];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(()),
                count if !noted(stdout.write_all(&buffer[..count])) => return Ok(()),
                _ => {}
            }
        }
    }

    /// Writes a line for people to stderr.
    pub fn talk(self, line: &str) {
        _ = writeln!(std::io::stderr().lock(), "{line}");
    }

    /// Writes lines for people to stderr, folded as [`Self::page`] does. Commands to be copied are not
    /// for it: a terminal gives back in one piece only what it has broken itself.
    pub(super) fn talk_folded(self, text: &str) {
        match width(std::io::stderr()) {
            Some(width) => self.talk(&fold::folded(text, width)),
            None => self.talk(text),
        }
    }

    /// Shows every problem of an error.
    pub fn error(self, error: &Error) {
        self.problems(&error.problems);
    }

    /// Shows problems, an empty line between them.
    pub fn problems(self, problems: &[Problem]) {
        let shown: Vec<_> =
            problems.iter().map(|problem| diagnostic::render(problem, self.color)).collect();
        if !shown.is_empty() {
            self.talk(&shown.join("\n\n"));
        }
    }
}

/// Whether something was written; why not is kept.
fn noted(written: io::Result<()>) -> bool {
    let lost = written.err();
    let is_written = lost.is_none();
    if let Some(error) = lost.filter(|error| error.kind() != io::ErrorKind::BrokenPipe) {
        _ = LOST.set(error);
    }
    is_written
}

/// The width of the terminal that a stream goes to, in columns; `None` where it goes elsewhere.
pub(super) fn width(stream: impl AsFd) -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(stream).ok()?;
    Some(usize::from(size.ws_col)).filter(|width| *width > 0)
}
