//! File-name grammar, official catalogue, what goes together. Pure.
//!
//! - [`identify`] reads what a file name says: [`Identity`], with its [`Kind`],
//!   [`Version`] and [`Chip`];
//! - [`Catalogue`] knows the official files, searched with a [`Query`];

mod catalogue;
#[cfg(test)]
mod catalogue_tests;
mod chip;
mod families;
mod identify;
mod identity;
mod kind;
mod parts;
mod schema;
mod search;
#[cfg(test)]
mod tests;
mod version;
mod wheel;

pub use catalogue::{Catalogue, Entry, Verdict};
pub use chip::{Chip, NotAChip};
pub use identify::identify;
pub use identity::{Container, Identity, NearMiss, normal_arch};
pub use kind::{Kind, UnknownKind};
pub use search::Query;
pub use version::{NotAVersion, Version};
