//! What a run will do, decided before the engine is touched. Pure: no file,
//! clock, network, async or engine.

mod package_file;

pub use package_file::{FileIdentity, PlannedPackage, VerifiedPackage};
