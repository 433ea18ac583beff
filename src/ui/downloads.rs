//! Files on their way in: a bar each on a terminal, else a line at their begin and end.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::{Printer, bytes, screen};

/// What is shown of several downloads at once.
#[derive(Debug)]
pub struct Downloads {
    printer: Printer,
    live: bool,
    lines: MultiProgress,
    bars: Mutex<HashMap<String, ProgressBar>>,
}

impl Downloads {
    /// Shows downloads on stderr.
    pub fn new(printer: Printer) -> Self {
        let lines = MultiProgress::with_draw_target(screen::target());
        let live = std::io::stderr().is_terminal();
        Self { printer, live, lines, bars: Mutex::default() }
    }

    /// A file begins, or goes on at byte `from`; `size` is its whole size in bytes where known.
    pub fn started(&self, file: &str, from: u64, size: Option<u64>) {
        let mut bars = self.bars();
        let bar = bars.entry(file.to_owned()).or_insert_with(|| {
            if !self.live {
                self.printer.talk(&begun(file, from, size));
            }
            self.lines.add(ProgressBar::no_length())
        });
        if let Some(size) = size {
            bar.set_length(size);
        }
        let template = "{wide_msg} {bytes}/{total_bytes} {bytes_per_sec}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(file.to_owned());
        bar.set_position(from);
    }

    /// More bytes of a file have come.
    pub fn read(&self, file: &str, bytes: u64) {
        if let Some(bar) = self.bars().get(file) {
            bar.inc(bytes);
        }
    }

    /// Something to know in the middle.
    pub fn say(&self, line: &str) {
        self.lines.suspend(|| self.printer.talk(line));
    }

    /// A file is there.
    pub fn finished(&self, file: &str) {
        if let Some(bar) = self.bars().remove(file) {
            bar.finish_and_clear();
            self.say(&format!("fetched {file}"));
        }
    }

    fn bars(&self) -> MutexGuard<'_, HashMap<String, ProgressBar>> {
        self.bars.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn begun(file: &str, from: u64, size: Option<u64>) -> String {
    let size = size.map(|size| format!(", {}", bytes(size))).unwrap_or_default();
    let from = if from > 0 { format!(", {} here already", bytes(from)) } else { String::new() };
    format!("fetching {file}{size}{from}")
}
