//! The door: turns the library's answer into an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ascend_build::cli::main()
}
