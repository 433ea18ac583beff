//! File-name grammar, official catalogue, what goes together. Pure.
//!
//! - [`identify`] reads what a file name says: [`Identity`], with its [`Kind`],
//!   [`Version`] and [`Chip`];

mod chip;
mod families;
mod identify;
mod identity;
mod kind;
mod parts;
#[cfg(test)]
mod tests;
mod version;
mod wheel;

pub use chip::{Chip, NotAChip};
pub use identify::identify;
pub use identity::{Container, Identity, NearMiss, normal_arch};
pub use kind::{Kind, UnknownKind};
pub use version::{NotAVersion, Version};
