//! The documents of a saved image: which layers it has, in which order, made by what.

use std::collections::HashMap;

use serde::Deserialize;

/// `manifest.json`: the images of the archive.
#[derive(Debug, Deserialize)]
pub(super) struct Manifest {
    /// The name of the configuration in the archive.
    #[serde(rename = "Config")]
    pub(super) config: String,
    /// The names of the layers in the archive, the lowest first.
    #[serde(rename = "Layers")]
    pub(super) layers: Vec<String>,
}

/// The configuration of an image, as far as it tells of layers.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Configuration {
    #[serde(default)]
    pub(super) rootfs: RootFs,
    #[serde(default)]
    history: Vec<Step>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct RootFs {
    #[serde(default)]
    pub(super) diff_ids: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Step {
    #[serde(default)]
    created_by: String,
    #[serde(default)]
    comment: String,
    #[serde(default)]
    empty_layer: bool,
}

impl Configuration {
    /// What made each of `count` layers; nothing where the history does not tell layers apart.
    pub(super) fn instructions(&self, count: usize) -> Vec<Option<String>> {
        let made = self.history.iter().filter(|step| !step.empty_layer);
        let made: Vec<_> = made.map(Step::text).collect();
        if made.len() == count { made } else { vec![None; count] }
    }
}

impl Step {
    /// An import says in its comment what it was.
    fn text(&self) -> Option<String> {
        let texts = [&self.created_by, &self.comment];
        texts.into_iter().find(|text| !text.trim().is_empty()).cloned()
    }
}

/// The small files of an archive, by their names.
pub(super) type Documents = HashMap<String, Vec<u8>>;
