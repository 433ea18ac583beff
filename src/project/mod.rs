//! Reading the project: `packages.toml`, `stages/stages.toml`, Dockerfiles;
//! every problem with its place.

pub mod dockerfile;

mod names;

pub use names::{NameError, PackageName, Platform, Sha256, StageName};
