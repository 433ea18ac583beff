//! Which bytes of an image are of no use, layer by layer.
//!
//! A content is wasted where no name of it is seen any more, or where every
//! name that is seen is that of waste; it counts once, however many names it has.

use std::collections::HashMap;

use super::groups::{self, Finding};
use super::overlay::{Content, Overlay};
use super::saved::SavedImage;
use super::waste::Waste;

/// An image, weighed.
#[derive(Debug)]
pub struct Attribution {
    /// One for each layer, the lowest first.
    pub layers: Vec<LayerReport>,
    /// What is wasted, the largest first.
    pub findings: Vec<Finding>,
}

/// One layer, weighed.
#[derive(Debug)]
pub struct LayerReport {
    /// The digest of its tar: `sha256:…`; empty where the image does not say.
    pub digest: String,
    /// The instruction that made it, as the engine recorded it.
    pub instruction: Option<String>,
    /// Bytes of its files.
    pub bytes: u64,
    /// Number of names in it, folders and whiteouts included.
    pub names: usize,
}

/// One content that is wasted.
#[derive(Debug)]
pub(super) struct Wasted<'a> {
    pub(super) kind: Waste,
    /// The index of the layer that holds it.
    pub(super) layer: usize,
    /// The index of the layer that hides it.
    pub(super) by: Option<usize>,
    /// What a person would remove.
    pub(super) place: &'a str,
    pub(super) bytes: u64,
    /// The package that it is.
    pub(super) package: Option<&'a str>,
}

/// Finds what is wasted in `image`.
pub fn attribute(image: &SavedImage) -> Attribution {
    let mut overlay = Overlay::default();
    for layer in &image.layers {
        overlay.lay(&layer.layer);
    }
    let wasted = hidden(image, &overlay).into_iter().chain(useless(image, &overlay));
    let findings = groups::group(wasted.filter(|wasted| wasted.bytes > 0));
    let layers = image.layers.iter().map(|layer| LayerReport {
        digest: layer.digest.clone(),
        instruction: layer.instruction.clone(),
        bytes: layer.layer.bytes,
        names: layer.layer.entries.len(),
    });
    Attribution { layers: layers.collect(), findings }
}

/// What no name is seen of.
fn hidden<'a>(image: &'a SavedImage, overlay: &Overlay<'a>) -> Vec<Wasted<'a>> {
    let wasted = overlay.hidden().map(|(content, hidden)| Wasted {
        kind: hidden.kind,
        layer: content.0,
        by: Some(hidden.by),
        place: hidden.place,
        bytes: image.bytes(content),
        package: image.package(content),
    });
    wasted.collect()
}

/// What is seen, and of no use.
fn useless<'a>(image: &'a SavedImage, overlay: &Overlay<'a>) -> Vec<Wasted<'a>> {
    let mut useless = Vec::new();
    let mut shared: HashMap<Content, Option<Wasted<'a>>> = HashMap::new();
    for (path, content) in overlay.visible() {
        let found = image.waste_at(path, content);
        if !overlay.is_shared(content) {
            useless.extend(found);
            continue;
        }
        // One name that is of use makes all of them so.
        let of_use = found.is_none();
        let first = shared.entry(content).or_insert(found);
        if of_use {
            *first = None;
        }
    }
    useless.extend(shared.into_values().flatten());
    useless
}

impl SavedImage {
    fn bytes(&self, (layer, entry): Content) -> u64 {
        self.layers[layer].layer.entries[entry].size
    }

    /// The name of the package that the content is: by its sha256, else by its own name.
    fn package(&self, (layer, entry): Content) -> Option<&str> {
        let entry = &self.layers[layer].layer.entries[entry];
        if let Some(index) = entry.package {
            return self.packages.get(index as usize).map(|package| package.file.as_str());
        }
        let name = entry.path.rsplit('/').next().unwrap_or(&entry.path);
        let declared = self.packages.iter().any(|package| package.file == name);
        let known = declared || Waste::is_package(&entry.path);
        known.then_some(name)
    }

    /// What is wrong with a file that is seen at `path`.
    fn waste_at<'a>(&'a self, path: &'a str, content: Content) -> Option<Wasted<'a>> {
        let package = self.package(content);
        let by_path = || Waste::of_path(path);
        let (kind, place) = match package {
            Some(_) => (Waste::Package, path),
            None => by_path()?,
        };
        let bytes = self.bytes(content);
        Some(Wasted { kind, layer: content.0, by: None, place, bytes, package })
    }
}

#[cfg(test)]
#[path = "attribute_tests.rs"]
mod tests;
