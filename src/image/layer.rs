//! One layer: the names in its tar, without their content.

use std::collections::HashSet;
use std::io::{self, Read};

use tar::{Archive, EntryType};

use super::known::BySize;

/// What marks a name as taken away from the layers below.
const WHITEOUT: &str = ".wh.";
/// What marks a folder as hiding everything of the layers below.
const OPAQUE: &str = ".wh..wh..opq";

/// The names of one layer.
#[derive(Debug, Default)]
pub(super) struct Layer {
    /// In the order of the tar.
    pub(super) entries: Vec<Entry>,
    /// Bytes of all files; a file with several names counts once.
    pub(super) bytes: u64,
    /// The indexes of the files that have several names.
    shared: HashSet<usize>,
}

/// One name in a layer.
#[derive(Debug)]
pub(super) struct Entry {
    /// Without a slash at either end.
    pub(super) path: Box<str>,
    pub(super) kind: EntryKind,
    /// Bytes; 0 for everything but files.
    pub(super) size: u64,
    /// The package that has its content, as an index.
    pub(super) package: Option<u32>,
}

/// What a name in a layer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryKind {
    File,
    /// One more name of the file at this index.
    HardLink(u32),
    Folder,
    /// A symbolic link, a device, a pipe.
    Other,
    /// The name is gone from the layers below.
    Whiteout,
    /// Everything that the layers below have in this folder is gone.
    Opaque,
}

impl Layer {
    /// Reads a layer's tar, which is not compressed.
    pub(super) fn read(tar: impl Read, packages: &BySize<'_>) -> io::Result<Self> {
        let mut layer = Self::default();
        let mut links = Vec::new();
        for entry in Archive::new(tar).entries()? {
            let mut entry = entry?;
            let path = clean(&entry.path_bytes());
            if entry.header().entry_type() == EntryType::Link {
                let target = clean(&entry.link_name_bytes().unwrap_or_default());
                links.push((layer.entries.len(), target));
            }
            layer.entries.push(Entry::of(path, &mut entry, packages)?);
        }
        layer.bytes = layer.entries.iter().map(|entry| entry.size).sum();
        layer.entries.shrink_to_fit();
        layer.resolve(links);
        Ok(layer)
    }

    /// Makes each link point at the entry of its file. A link to nothing in this layer stays what it is.
    fn resolve(&mut self, links: Vec<(usize, String)>) {
        if links.is_empty() {
            return;
        }
        let mut by_path: Vec<usize> = (0..self.entries.len()).collect();
        by_path.sort_by(|a, b| self.entries[*a].path.cmp(&self.entries[*b].path));
        for (link, target) in links {
            let found = by_path.binary_search_by(|index| (*self.entries[*index].path).cmp(&target));
            let Ok(position) = found else { continue };
            let file = self.content(by_path[position]);
            let Ok(index) = u32::try_from(file) else { continue };
            self.entries[link].kind = EntryKind::HardLink(index);
            self.shared.insert(file);
        }
    }

    /// The index of the entry that holds the bytes of the file at `index`.
    pub(super) fn content(&self, index: usize) -> usize {
        match self.entries[index].kind {
            EntryKind::HardLink(first) => first as usize,
            _ => index,
        }
    }

    /// Whether the file at `index` has several names.
    pub(super) fn is_shared(&self, index: usize) -> bool {
        self.shared.contains(&index)
    }
}

impl Entry {
    fn of<R: Read>(
        path: String,
        entry: &mut tar::Entry<'_, R>,
        packages: &BySize<'_>,
    ) -> io::Result<Self> {
        if let Some((path, kind)) = whiteout(&path) {
            return Ok(Self { path, kind, size: 0, package: None });
        }
        let kind = kind(entry.header().entry_type());
        let size = if kind == EntryKind::File { entry.size() } else { 0 };
        let package = if size > 0 { packages.matching(size, entry)? } else { None };
        let package = package.and_then(|index| u32::try_from(index).ok());
        Ok(Self { path: path.into(), kind, size, package })
    }
}

/// What the name of a whiteout takes away; other names that begin so are the file system's own.
fn whiteout(path: &str) -> Option<(Box<str>, EntryKind)> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let hidden = name.strip_prefix(WHITEOUT)?;
    if name == OPAQUE {
        return Some((folder.into(), EntryKind::Opaque));
    }
    let separator = if folder.is_empty() { "" } else { "/" };
    let kind = if hidden.starts_with(WHITEOUT) { EntryKind::Other } else { EntryKind::Whiteout };
    Some((format!("{folder}{separator}{hidden}").into(), kind))
}

fn kind(written: EntryType) -> EntryKind {
    match written {
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => EntryKind::File,
        EntryType::Directory => EntryKind::Folder,
        _ => EntryKind::Other,
    }
}

/// A path without `./` before it and without a slash at either end.
pub(super) fn clean(path: &[u8]) -> String {
    let text = String::from_utf8_lossy(path);
    let parts = text.split('/').filter(|part| !part.is_empty() && *part != ".");
    parts.collect::<Vec<_>>().join("/")
}
