//! What an image is made of: its layers, the instruction of each, and the bytes
//! that nobody needs. Knows no engine, file or clock: it is handed a reader.
//!
//! 1. [`read()`] takes a saved image apart as it streams by, without keeping the
//!    content of any file: what is kept is about 200 bytes for each name in it.
//! 2. [`attribute()`] lays the layers upon each other and finds what is hidden,
//!    and what of the rest is a cache, a log, a temporary file or a package.
//! 3. Findings are grouped by the place that a person would remove.

mod attribute;
mod groups;
mod instruction;
mod known;
mod layer;
mod manifest;
mod overlay;
mod saved;
#[cfg(test)]
mod test_ground;
mod waste;

pub use attribute::{Attribution, LayerReport, attribute};
pub use groups::Finding;
pub use instruction::plain as plain_instruction;
pub use known::KnownPackage;
pub use saved::{SavedImage, SavedLayer, read};
pub use waste::{UnknownWaste, Waste};
