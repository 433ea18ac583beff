//! Saved images made up for tests, in both layouts.

use std::fmt::Write;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use tar::{Builder, EntryType, Header};

/// A layer's tar; each line is `PATH SIZE`, `PATH -> TARGET` (a hard link) or `PATH/`.
pub(super) fn layer(lines: &[&str]) -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    for line in lines {
        let mut header = Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(0);
        if let Some((path, target)) = line.split_once(" -> ") {
            header.set_entry_type(EntryType::Link);
            tar.append_link(&mut header, path, target).unwrap();
        } else if let Some((path, size)) = line.split_once(' ') {
            let content = content(path, size.parse().unwrap());
            header.set_size(content.len() as u64);
            tar.append_data(&mut header, path, &content[..]).unwrap();
        } else {
            header.set_entry_type(EntryType::Directory);
            tar.append_data(&mut header, line.trim_end_matches('/'), std::io::empty()).unwrap();
        }
    }
    tar.into_inner().unwrap()
}

/// What a file of [`layer`] holds: its name again and again.
pub(super) fn content(path: &str, size: usize) -> Vec<u8> {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.bytes().cycle().take(size).collect()
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// How an engine lays an archive out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// `<id>/layer.tar`, the manifest last; a layer that is there already is a link.
    Old,
    /// `blobs/sha256/<digest>`, the manifest last, layers compressed.
    Oci,
}

/// What an engine saves of an image of these layers; the instruction of each is `RUN <number>`.
pub(super) fn saved(layout: Layout, layers: &[Vec<u8>]) -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    let mut names = Vec::new();
    let mut seen: Vec<&[u8]> = Vec::new();
    for (number, layer) in layers.iter().enumerate() {
        let first = seen.iter().position(|other| *other == layer);
        seen.push(layer);
        let name = |number: usize| match layout {
            Layout::Old => format!("{number}/layer.tar"),
            Layout::Oci => format!("blobs/sha256/{number}"),
        };
        match (first, layout) {
            (Some(first), Layout::Old) => {
                let mut header = Header::new_gnu();
                header.set_entry_type(EntryType::Symlink);
                header.set_size(0);
                tar.append_link(&mut header, name(number), format!("../{}", name(first))).unwrap();
                names.push(name(number));
            }
            (Some(first), Layout::Oci) => names.push(name(first)),
            (None, Layout::Old) => {
                add(&mut tar, &format!("{number}/VERSION"), b"1.0");
                add(&mut tar, &name(number), layer);
                names.push(name(number));
            }
            (None, Layout::Oci) => {
                add(&mut tar, &name(number), &gzip(layer));
                names.push(name(number));
            }
        }
    }
    let steps = (0..layers.len()).map(|n| json!({ "created_by": format!("/bin/sh -c {n}") }));
    let empty = std::iter::once(json!({ "created_by": "ENV A=1", "empty_layer": true }));
    let digests: Vec<_> = (0..layers.len()).map(digest).collect();
    let config = json!({ "rootfs": { "diff_ids": digests }, "history": empty.chain(steps).collect::<Vec<_>>() });
    add(&mut tar, "config.json", config.to_string().as_bytes());
    let manifest = json!([{ "Config": "config.json", "RepoTags": null, "Layers": names }]);
    add(&mut tar, "manifest.json", manifest.to_string().as_bytes());
    tar.into_inner().unwrap()
}

/// The digest that [`saved`] gives to a layer.
pub(super) fn digest(number: usize) -> String {
    let mut text = "sha256:".to_owned();
    write!(text, "{number:064}").unwrap();
    text
}

pub(super) fn add(tar: &mut Builder<Vec<u8>>, name: &str, content: &[u8]) {
    let mut header = Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(content.len() as u64);
    tar.append_data(&mut header, name, content).unwrap();
}
