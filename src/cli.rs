//! The command line: options, verbs, dispatch.

use std::process::ExitCode;

/// Runs the command line and says how the process ends.
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
