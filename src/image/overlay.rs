//! Layers laid upon each other: which name is still seen, and what hid the others.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;

use super::layer::{EntryKind, Layer};
use super::waste::Waste;

/// A file's content: its layer, and the entry that holds it there.
pub(super) type Content = (usize, usize);

/// What hid a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hidden<'a> {
    /// The index of the layer that did.
    pub(super) by: usize,
    /// Removed or overwritten.
    pub(super) kind: Waste,
    /// What was removed or overwritten: the file, or a folder above it.
    pub(super) place: &'a str,
}

/// What a container sees of some layers.
#[derive(Debug, Default)]
pub(super) struct Overlay<'a> {
    layers: Vec<&'a Layer>,
    visible: BTreeMap<&'a str, Content>,
    hidden: HashMap<Content, Hidden<'a>>,
}

impl<'a> Overlay<'a> {
    /// Puts one more layer on top.
    pub(super) fn lay(&mut self, layer: &'a Layer) {
        let by = self.layers.len();
        self.layers.push(layer);
        // Whatever its place in the tar, a whiteout is about the layers below.
        for entry in &layer.entries {
            match entry.kind {
                EntryKind::Whiteout => {
                    self.hide(&entry.path, by, Waste::Removed);
                    self.hide_below(&entry.path, by, Waste::Removed);
                }
                EntryKind::Opaque => self.hide_below(&entry.path, by, Waste::Removed),
                _ => {}
            }
        }
        for (index, entry) in layer.entries.iter().enumerate() {
            match entry.kind {
                EntryKind::Whiteout | EntryKind::Opaque => {}
                EntryKind::Folder => self.hide(&entry.path, by, Waste::Overwritten),
                EntryKind::File | EntryKind::HardLink(_) | EntryKind::Other => {
                    self.hide(&entry.path, by, Waste::Overwritten);
                    self.hide_below(&entry.path, by, Waste::Overwritten);
                    self.visible.insert(&entry.path, (by, layer.content(index)));
                }
            }
        }
    }

    fn hide(&mut self, place: &'a str, by: usize, kind: Waste) {
        if let Some(content) = self.visible.remove(place) {
            self.hidden.insert(content, Hidden { by, kind, place });
        }
    }

    /// Hides what is in a folder.
    fn hide_below(&mut self, place: &'a str, by: usize, kind: Waste) {
        let first = format!("{place}/");
        let from = if place.is_empty() { Bound::Unbounded } else { Bound::Included(&*first) };
        let below = self.visible.range::<str, _>((from, Bound::Unbounded));
        let below = below.take_while(|(path, _)| place.is_empty() || path.starts_with(&first));
        let paths: Vec<&'a str> = below.map(|(path, _)| *path).collect();
        for path in paths {
            if let Some(content) = self.visible.remove(path) {
                self.hidden.insert(content, Hidden { by, kind, place });
            }
        }
    }

    /// Every name that is seen, with its content.
    pub(super) fn visible(&self) -> impl Iterator<Item = (&'a str, Content)> {
        self.visible.iter().map(|(path, content)| (*path, *content))
    }

    /// Every content that no name is seen of; a hard link that is left keeps it in use.
    pub(super) fn hidden(&self) -> impl Iterator<Item = (Content, Hidden<'a>)> {
        let shared = self.visible.values().filter(|content| self.is_shared(**content));
        let seen: HashSet<Content> = shared.copied().collect();
        let hidden = self.hidden.iter().map(|(content, hidden)| (*content, *hidden));
        hidden.filter(move |(content, _)| !seen.contains(content))
    }

    /// Whether a content has several names.
    pub(super) fn is_shared(&self, (layer, entry): Content) -> bool {
        self.layers[layer].is_shared(entry)
    }
}
