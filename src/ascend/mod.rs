//! File-name grammar, official catalogue, what goes together. Pure.
//!
//! - [`identify`] reads what a file name says: [`Identity`], with its [`Kind`],
//!   [`Version`] and [`Chip`];
//! - [`Catalogue`] knows the official files, searched with a [`Query`];
//! - [`judge`] says which packages of a target do not go together, by the tables
//!   of [`Compatibility`].

mod catalogue;
#[cfg(test)]
mod catalogue_tests;
mod chip;
mod compatibility;
mod families;
mod identify;
mod identity;
mod judge;
#[cfg(test)]
mod judge_tests;
mod kind;
mod parts;
mod rules;
mod schema;
mod search;
#[cfg(test)]
mod table_tests;
#[cfg(test)]
mod tests;
mod version;
mod wheel;

pub use catalogue::{Catalogue, Entry, Verdict};
pub use chip::{Chip, NotAChip};
pub use compatibility::{Compatibility, Driver, Floor, Match, Pair, PythonRange};
pub use identify::identify;
pub use identity::{Container, Identity, NearMiss, normal_arch};
pub use judge::{Allowance, Conflict, Context, Level, Rule, UnknownRule, judge};
pub use kind::{Kind, UnknownKind};
pub use search::Query;
pub use version::{NotAVersion, Version};
