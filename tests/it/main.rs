//! The integration tests, one binary: whole command lines of the real program.
//!
//! Everything that needs an engine is ignored, with the reason; scripts/test
//! runs it. Every test makes its own project and takes away what it made.

#[cfg(test)]
mod architecture;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod engine_build;
#[cfg(test)]
mod engine_faults;
#[cfg(test)]
mod keys;
mod ledger;
#[cfg(test)]
mod package;
#[cfg(test)]
mod packages;
#[cfg(test)]
mod project;
#[cfg(test)]
mod recipe;
#[cfg(test)]
mod runs;
#[cfg(test)]
mod serve;
#[cfg(test)]
mod support;
