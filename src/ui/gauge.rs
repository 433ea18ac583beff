//! One bar for work that is counted in bytes, on a terminal only.

use indicatif::{ProgressBar, ProgressStyle};

use super::screen;

/// A bar that goes away when it is dropped.
#[derive(Debug)]
pub struct Gauge {
    bar: ProgressBar,
}

impl Gauge {
    /// A bar for `what`, such as `hashing`; nothing is drawn where stderr is no terminal.
    pub fn new(what: &str) -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), screen::target());
        let template = "{msg} {bar:20} {bytes}/{total_bytes} {bytes_per_sec}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        Self { bar }
    }

    /// The work is this many bytes.
    pub fn begin(&self, bytes: u64) {
        self.bar.set_length(bytes);
    }

    /// This many more bytes are done. An archive is larger than what is in it, so there may be more
    /// than were expected.
    pub fn add(&self, bytes: u64) {
        self.bar.inc(bytes);
        let expected = self.bar.length().unwrap_or(0);
        self.bar.set_length(expected.max(self.bar.position()));
    }
}

impl Drop for Gauge {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
