//! Whole builds on a real engine, with both builders.

mod bases;
mod failures;
mod leaks;
mod output;
mod package_runs;
mod stages;
mod waste;

/// What `--builder` takes; every test of this folder holds for both.
const BUILDERS: [&str; 2] = ["classic", "buildkit"];
