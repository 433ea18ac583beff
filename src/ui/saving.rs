//! How far it is with an image that the engine saves and this program reads: the engine writes
//! the whole archive to its own disk before its first byte comes.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::units::{about, share};
use super::{Printer, bytes, screen, seconds};

/// How often the live line is drawn while nothing comes.
const TICK: Duration = Duration::from_millis(200);

/// What is shown while an image is saved; a live line goes away when this is dropped.
#[derive(Debug)]
pub struct Saving {
    image: String,
    /// Bytes of the image, which the archive has a little more of.
    size: u64,
    since: Instant,
    bar: ProgressBar,
    printer: Printer,
}

impl Saving {
    /// The engine is asked for `image`, of `size` bytes.
    pub fn begin(image: &str, size: u64, printer: Printer) -> Self {
        let bar = ProgressBar::with_draw_target(Some(size), screen::target());
        bar.set_style(style("{spinner} {msg}, {elapsed}"));
        bar.set_message(format!("the engine saves {image}, {}", bytes(size)));
        bar.enable_steady_tick(TICK);
        Self { image: image.to_owned(), size, since: Instant::now(), bar, printer }
    }

    /// This many more bytes were read.
    pub fn add(&self, count: u64) {
        if self.bar.position() == 0 {
            self.bar.disable_steady_tick();
            self.bar.set_message(format!("reading {}", self.image));
            self.bar.set_style(style("{msg} {bar:20} {bytes}/{total_bytes} {bytes_per_sec}"));
            self.bar.reset_eta();
        }
        self.bar.inc(count);
        self.bar.set_length(self.size.max(self.bar.position()));
    }

    /// Says in a line how far it is, where there is no live one.
    pub fn tell(&self) {
        if !std::io::stderr().is_terminal() {
            let taken = self.since.elapsed().as_secs_f64();
            self.printer.talk(&line(&self.image, self.size, self.bar.position(), taken));
        }
    }
}

impl Drop for Saving {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// How far it is with `image` after `taken` seconds, of whose `size` bytes `read` have come.
fn line(image: &str, size: u64, read: u64, taken: f64) -> String {
    match read {
        0 => format!("the engine saves {image}, {}: {} so far", bytes(size), about(taken)),
        _ => format!("reading {image}: {} after {}", share(read, size.max(read)), seconds(taken)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    fn check(read: u64, taken: f64, expected: &str) {
        assert_eq!(line("demo/c:1", 12 * GIB, read, taken), expected);
    }

    #[test]
    fn the_engine_saves_first_and_is_read_then() {
        check(0, 2.0, "the engine saves demo/c:1, 12.00 GiB: 2 s so far");
        check(3 * GIB, 75.0, "reading demo/c:1: 3/12 GiB after 1 min 15 s");
        check(13 * GIB, 100.0, "reading demo/c:1: 13 GiB after 1 min 40 s");
    }
}
