//! Reading what `docker save` writes, as it streams by.
//!
//! Both layouts are one tar: the older has `<id>/layer.tar` for each layer, the
//! newer `blobs/sha256/<digest>`. Layers may come before `manifest.json`, which
//! puts them in order, so every member is looked at: one that begins like a tar
//! is a layer, one that begins like JSON a document, the rest is passed over.

use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::Arc;

use flate2::read::MultiGzDecoder;
use serde::de::DeserializeOwned;
use tar::{Archive, EntryType};

use super::known::{BySize, KnownPackage};
use super::layer::{Layer, clean};
use super::manifest::{Configuration, Documents, Manifest};
use crate::error::{Exit, Problem, Result};

/// Documents larger than this, in bytes, are not those of an image.
const LARGEST_DOCUMENT: u64 = 32 << 20;
/// How much of a member tells what it is: a block of a tar.
const HEAD: usize = 512;

/// An image, taken apart.
#[derive(Debug)]
pub struct SavedImage {
    /// The layers, the lowest first.
    pub layers: Vec<SavedLayer>,
    /// The packages that were looked for; layers name them by their index.
    pub(super) packages: Vec<KnownPackage>,
}

/// A layer and what made it.
#[derive(Debug)]
pub struct SavedLayer {
    /// The digest of its tar without compression: `sha256:…`; empty where the image does not say.
    pub digest: String,
    /// The instruction, as the engine recorded it.
    pub instruction: Option<String>,
    /// The same tar may be several layers of an image.
    pub(super) layer: Arc<Layer>,
}

/// Reads a saved image, and compares files that have the size of one of `packages` with it.
///
/// Blocking; keeps about 200 bytes for each name in the image, and no file.
///
/// # Errors
/// [`Exit::Engine`]: the stream ends early, or is not an image.
pub fn read(saved: impl Read, packages: Vec<KnownPackage>) -> Result<SavedImage> {
    let members = Members::read(saved, &BySize::new(&packages));
    let members = members.map_err(|error| {
        Problem::error("the image cannot be read from the engine").cause(error).exit(Exit::Engine)
    })?;
    Ok(SavedImage { layers: members.in_order()?, packages })
}

/// What the archive holds, by the names in it.
#[derive(Default)]
struct Members {
    layers: HashMap<String, Arc<Layer>>,
    documents: Documents,
    /// Where a layer stands that has the same content as another.
    links: HashMap<String, String>,
}

impl Members {
    fn read(saved: impl Read, packages: &BySize<'_>) -> io::Result<Self> {
        let mut members = Self::default();
        for entry in Archive::new(saved).entries()? {
            let entry = entry?;
            let name = clean(&entry.path_bytes());
            match entry.header().entry_type() {
                EntryType::Regular => members.take(name, entry, packages)?,
                EntryType::Symlink | EntryType::Link => {
                    let target = entry.link_name_bytes().unwrap_or_default();
                    members.links.insert(name.clone(), beside(&name, &target));
                }
                _ => {}
            }
        }
        Ok(members)
    }

    fn take(
        &mut self,
        name: String,
        mut member: impl Read,
        packages: &BySize<'_>,
    ) -> io::Result<()> {
        let mut head = Vec::new();
        (&mut member).take(HEAD as u64).read_to_end(&mut head)?;
        let start = io::Cursor::new(head.clone());
        match Form::of(&head) {
            Form::Tar => {
                let layer = Layer::read(start.chain(member), packages)?;
                self.layers.insert(name, Arc::new(layer));
            }
            Form::Gzip => {
                let tar = MultiGzDecoder::new(start.chain(member));
                self.layers.insert(name, Arc::new(Layer::read(tar, packages)?));
            }
            Form::Json => {
                let mut text = Vec::new();
                start.chain(member).take(LARGEST_DOCUMENT).read_to_end(&mut text)?;
                self.documents.insert(name, text);
            }
            Form::Zstandard => {
                let reason = "a layer is compressed with zstd, which is not understood";
                return Err(io::Error::new(io::ErrorKind::Unsupported, reason));
            }
            Form::Unknown => {}
        }
        Ok(())
    }

    fn in_order(&self) -> Result<Vec<SavedLayer>> {
        let manifests: Vec<Manifest> = self.document("manifest.json")?;
        let Some(manifest) = manifests.first() else { return Err(no_image("manifest.json")) };
        let configuration: Configuration = self.document(&manifest.config)?;
        let instructions = configuration.instructions(manifest.layers.len());
        let digests = configuration.rootfs.diff_ids.into_iter().map(Some);
        let digests = digests.chain(std::iter::repeat(None));
        let layers = manifest.layers.iter().zip(instructions).zip(digests);
        let layers = layers.map(|((name, instruction), digest)| {
            let layer = self.layer(name).ok_or_else(|| no_image(name))?;
            Ok(SavedLayer { digest: digest.unwrap_or_default(), instruction, layer })
        });
        layers.collect()
    }

    fn layer(&self, name: &str) -> Option<Arc<Layer>> {
        let target = self.links.get(name).map_or(name, String::as_str);
        self.layers.get(target).cloned()
    }

    fn document<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        let text = self.documents.get(name).ok_or_else(|| no_image(name))?;
        serde_json::from_slice(text).map_err(|error| {
            Problem::error(format!("`{name}` of the saved image is not understood"))
                .cause(error)
                .exit(Exit::Engine)
        })
    }
}

fn no_image(missing: &str) -> crate::error::Error {
    Problem::error("what the engine saved is not a whole image")
        .note(format!("it has no `{missing}`"))
        .exit(Exit::Engine)
}

/// What a link in the archive points at: its target is relative to its own folder.
fn beside(link: &str, target: &[u8]) -> String {
    let folder = link.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    let target = String::from_utf8_lossy(target);
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => _ = parts.pop(),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// What a member of the archive is, by its first bytes.
#[derive(Debug, PartialEq, Eq)]
enum Form {
    Tar,
    Gzip,
    Zstandard,
    Json,
    Unknown,
}

impl Form {
    fn of(head: &[u8]) -> Self {
        let first = head.iter().find(|byte| !byte.is_ascii_whitespace());
        let empty_tar = head.len() == HEAD && head.iter().all(|byte| *byte == 0);
        match first {
            _ if empty_tar || head.get(257..262) == Some(b"ustar") => Self::Tar,
            _ if head.starts_with(&[0x1f, 0x8b]) => Self::Gzip,
            _ if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) => Self::Zstandard,
            Some(b'{' | b'[') => Self::Json,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
#[path = "saved_tests.rs"]
mod tests;
