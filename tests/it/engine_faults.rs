//! What goes wrong in the middle of a build: signals, other runs, strangers,
//! an engine that stops, a disk that is full.

mod engine;
mod interrupts;
mod kills;
mod small_disk;
mod strangers;
mod terminals;
mod turns;

use crate::support::Builders;

/// What `--builder` takes; every test of this folder holds for each.
const BUILDERS: Builders = Builders;
