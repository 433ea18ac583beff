//! Terminal and JSON output: the only room that prints.
//!
//! stdout is data, stderr is talk. Colour is never the only signal, and
//! `NO_COLOR` holds.

mod diagnostic;
mod display;
mod downloads;
mod fold;
mod gauge;
mod json;
mod live;
mod outlook;
mod plain;
mod printer;
mod quiet;
mod saving;
mod screen;
mod summary;
mod table;
mod terminal;
mod tty;
mod units;
mod visible;

pub use diagnostic::rendered;
pub use display::{Progress, reporter};
pub use downloads::Downloads;
pub use gauge::Gauge;
pub use printer::{ColorChoice, Printer};
pub use saving::Saving;
pub use table::Table;
pub use terminal::{RawTerminal, TerminalBytes};
pub use units::{bytes, counted, seconds};
pub use visible::visible_lines;
