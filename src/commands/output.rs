//! How verbs print an answer: a table for people, JSON for programs.

use serde::Serialize;

use crate::error::{Exit, Problem, Result};
use crate::ui::Printer;

/// The option of verbs that print a table or JSON.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct Output {
    /// How to print it
    #[arg(
        long,
        value_enum,
        default_value_t,
        hide_possible_values = true,
        value_name = "table|json"
    )]
    format: Format,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    #[default]
    Table,
    /// For programs
    Json,
}

impl Output {
    /// Whether it is for people.
    pub(super) fn is_table(self) -> bool {
        self.format == Format::Table
    }

    /// Prints `table` folded to the terminal's width, or `value` as JSON.
    ///
    /// # Errors
    /// [`Exit::Bug`] where `value` cannot be JSON.
    pub(super) fn print<T: Serialize>(
        self,
        printer: Printer,
        table: impl FnOnce() -> String,
        value: impl FnOnce() -> T,
    ) -> Result<()> {
        match self.format {
            Format::Table => printer.page(&table()),
            Format::Json => printer.data(&json(&value())?),
        }
        Ok(())
    }

    /// What to print: `table`, or `value` as JSON.
    ///
    /// # Errors
    /// [`Exit::Bug`] where `value` cannot be JSON.
    pub(super) fn text<T: Serialize>(
        self,
        table: impl FnOnce() -> String,
        value: impl FnOnce() -> T,
    ) -> Result<String> {
        match self.format {
            Format::Table => Ok(table()),
            Format::Json => json(&value()),
        }
    }
}

/// `value` as JSON, with a newline at its end.
///
/// # Errors
/// [`Exit::Bug`] where `value` cannot be JSON.
pub(super) fn json(value: &impl Serialize) -> Result<String> {
    let text = serde_json::to_string_pretty(value);
    text.map(|text| text + "\n").map_err(|error| {
        Problem::error("the answer cannot be written").cause(error).exit(Exit::Bug)
    })
}
