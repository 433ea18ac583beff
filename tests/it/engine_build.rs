//! Whole builds on a real engine, with both builders.

mod bases;
mod failures;
mod leaks;
mod output;
mod package_runs;
mod pretended;
mod reasons;
mod shells;
mod silence;
mod stages;
mod strange_hands;
mod verifying;
mod waste;

use crate::support::Builders;

/// What `--builder` takes; every test of this folder holds for each.
const BUILDERS: Builders = Builders;
