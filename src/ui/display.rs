//! Choosing how a run is shown.

use std::io::IsTerminal;

use super::Printer;
use super::json::Json;
use super::plain::Plain;
use super::quiet::Quiet;
use super::tty::Tty;
use crate::run::Reporter;

/// How a run is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Progress {
    /// Live lines on a terminal, else plain
    #[default]
    Auto,
    /// One live line a stage
    Tty,
    /// Every line of output with its stage
    Plain,
    /// One JSON object a line on stdout (docs/events.md)
    Json,
    /// Nothing but errors, and the image's id on stdout
    Quiet,
}

/// What shows a run as asked.
pub fn reporter(progress: Progress, printer: Printer) -> Box<dyn Reporter> {
    let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    match progress {
        Progress::Auto if std::io::stderr().is_terminal() && !dumb => Box::new(Tty::new(printer)),
        Progress::Tty => Box::new(Tty::new(printer)),
        Progress::Auto | Progress::Plain => Box::new(Plain::new(printer)),
        Progress::Json => Box::new(Json::new(printer)),
        Progress::Quiet => Box::new(Quiet::new(printer)),
    }
}
