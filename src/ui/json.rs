//! One JSON object a line on stdout; docs/events.md describes them.

use super::Printer;
use crate::run::{Event, Reporter};

pub(super) struct Json {
    printer: Printer,
}

impl Json {
    pub(super) fn new(printer: Printer) -> Self {
        Self { printer }
    }
}

impl Reporter for Json {
    fn report(&self, event: &Event) {
        match serde_json::to_string(event) {
            Ok(line) => self.printer.data(&format!("{line}\n")),
            Err(error) => tracing::warn!(%error, "an event could not be written"),
        }
    }
}
