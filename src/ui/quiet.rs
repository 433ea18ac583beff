//! Nothing but errors, and at the end the image's id on stdout, as `docker build --quiet` has it.

use std::sync::{Mutex, PoisonError};

use super::Printer;
use crate::run::{Event, Reporter};

pub(super) struct Quiet {
    printer: Printer,
    image: Mutex<Option<String>>,
}

impl Quiet {
    pub(super) fn new(printer: Printer) -> Self {
        Self { printer, image: Mutex::default() }
    }
}

impl Reporter for Quiet {
    fn report(&self, event: &Event) {
        let mut image = self.image.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::StageFinished(result) => image.clone_from(&result.image),
            Event::RunFinished { exit_code: 0, .. } => {
                self.printer.data(&image.take().map(|id| format!("{id}\n")).unwrap_or_default());
            }
            _ => {}
        }
    }
}
