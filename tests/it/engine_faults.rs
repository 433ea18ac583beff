//! What goes wrong in the middle of a build: signals, other runs, strangers,
//! an engine that stops, a disk that is full.

mod engine;
mod interrupts;
mod kills;
mod small_disk;
mod strangers;
mod turns;

/// What `--builder` takes; every test of this folder holds for both.
const BUILDERS: [&str; 2] = ["classic", "buildkit"];
