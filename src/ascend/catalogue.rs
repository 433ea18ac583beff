//! The official files: which exist, with which content, at which address.
//!
//! The facts are `catalog/*.toml`, compiled in and read once, when first asked
//! for. A project's own file of the same form adds to them:
//!
//! ```toml
//! product = "CANN"
//! source = "the release notes of our mirror"     # optional
//! date = "2026-05-01"                            # optional
//! [[file]]
//! name = "Ascend-cann-nnal_9.0.0_linux-aarch64.zip"
//! sha256 = "<64 hex digits>"
//! url = "https://…"                              # optional
//! releases = ["9.0.0"]                           # optional
//! requires = ["NPU 26.0.RC1"]                    # optional
//! ```

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use percent_encoding::percent_decode_str;
use serde::Deserialize;

use super::parts::split_container;
use super::schema;
use super::search::Query;
use super::{Container, Identity, identify};
use crate::error::{Result, SourceFile};

/// The product files of the built-in catalogue.
const BUILTIN: [(&str, &str); 6] = [
    ("catalog/cann.toml", include_str!("../../catalog/cann.toml")),
    ("catalog/mindie.toml", include_str!("../../catalog/mindie.toml")),
    ("catalog/mindspore.toml", include_str!("../../catalog/mindspore.toml")),
    ("catalog/npu.toml", include_str!("../../catalog/npu.toml")),
    ("catalog/tensorflow.toml", include_str!("../../catalog/tensorflow.toml")),
    ("catalog/torch-npu.toml", include_str!("../../catalog/torch-npu.toml")),
];

/// Official files, found by name, by content and by what they are.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    entries: Vec<Entry>,
    by_file: HashMap<String, Vec<usize>>,
    by_sha256: HashMap<String, usize>,
}

/// One official file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The vendor's name of the product: `CANN`, `Torch-npu`.
    pub product: Arc<str>,
    /// The file's name.
    pub file: String,
    /// The official SHA-256: 64 hexadecimal digits in lower case.
    pub sha256: String,
    /// Where the vendor offers it.
    pub url: Option<String>,
    /// The product's releases that it belongs to, as the vendor writes them.
    pub releases: Vec<String>,
    /// What it needs, as the vendor writes it: `NPU 25.5.0` is a driver.
    pub requires: Vec<String>,
    /// What its name says.
    pub identity: Identity,
    /// Where the facts come from, with their date.
    pub source: Arc<str>,
}

/// How a file's content compares with the official one of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Verdict<'a> {
    /// The content is official, under this entry's name or, renamed, another.
    Official(&'a Entry),
    /// The name is official and the content is not.
    Differs {
        /// What the content should be.
        official: &'a Entry,
    },
    /// Neither name nor content is known.
    Unknown,
}

/// A catalogue file, as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CatalogueFile {
    product: String,
    source: Option<String>,
    date: Option<String>,
    #[serde(default)]
    file: Vec<FileTable>,
}

/// A `[[file]]` table, as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileTable {
    name: String,
    sha256: Digest,
    url: Option<String>,
    #[serde(default)]
    releases: Vec<String>,
    #[serde(default)]
    requires: Vec<String>,
}

/// A SHA-256 in lower case.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Digest(String);

impl TryFrom<String> for Digest {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Self, String> {
        if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Self(text.to_ascii_lowercase()));
        }
        Err(format!("`{text}` is not a SHA-256: expected 64 hexadecimal digits"))
    }
}

impl Catalogue {
    /// The catalogue that is compiled in, read once.
    pub fn builtin() -> &'static Self {
        static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
            let files = schema::builtin(&BUILTIN);
            files.iter().fold(Catalogue::default(), |catalogue, file| {
                let extended = catalogue.extended_with(file);
                extended.expect("the built-in catalogue is valid: a test reads all of it")
            })
        });
        &CATALOGUE
    }

    /// This catalogue and the entries of `file`, which win over earlier ones of the same name.
    ///
    /// # Errors
    /// When `file` is not of the form above: one problem, at its place.
    pub fn extended_with(&self, file: &Arc<SourceFile>) -> Result<Self> {
        let parsed: CatalogueFile = schema::parse(file)?;
        let source = schema::origin(file, parsed.source.as_deref(), parsed.date.as_deref());
        let product: Arc<str> = parsed.product.into();
        let mut catalogue = self.clone();
        for table in parsed.file {
            catalogue.add(Entry {
                product: Arc::clone(&product),
                identity: identify(&table.name),
                file: table.name,
                sha256: table.sha256.0,
                url: table.url,
                releases: table.releases,
                requires: table.requires,
                source: Arc::clone(&source),
            });
        }
        Ok(catalogue)
    }

    /// Every entry, in the order of the files.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry of a file name, which may be percent-encoded: the last one added.
    pub fn by_file(&self, name: &str) -> Option<&Entry> {
        self.all_of(name).last()
    }

    /// The official zip that holds the file `name`, as `X.zip` holds `X.run`.
    pub fn zip_of(&self, name: &str) -> Option<&Entry> {
        let (stem, container) = split_container(name);
        container.filter(|container| *container != Container::Zip)?;
        self.by_file(&format!("{stem}.zip"))
    }

    /// The entry whose content has this digest, given in either case.
    pub fn by_sha256(&self, sha256: &str) -> Option<&Entry> {
        let position = self.by_sha256.get(&sha256.to_ascii_lowercase())?;
        self.entries.get(*position)
    }

    /// Every entry that fits `query`, by product, then name, then version.
    pub fn search(&self, query: &Query) -> Vec<&Entry> {
        let mut found: Vec<_> = self.entries.iter().filter(|entry| query.fits(entry)).collect();
        found.sort_by(|a, b| {
            let key = |entry: &Entry| (entry.identity.kind, entry.identity.version.clone());
            key(a).cmp(&key(b)).then_with(|| a.file.cmp(&b.file))
        });
        found
    }

    /// Whether a file of this name with this content is the official one.
    pub fn official(&self, name: &str, sha256: &str) -> Verdict<'_> {
        let same = |entry: &&Entry| entry.sha256.eq_ignore_ascii_case(sha256);
        if let Some(entry) = self.all_of(name).find(same).or_else(|| self.by_sha256(sha256)) {
            return Verdict::Official(entry);
        }
        self.by_file(name).map_or(Verdict::Unknown, |official| Verdict::Differs { official })
    }

    fn all_of(&self, name: &str) -> impl Iterator<Item = &Entry> {
        let name = percent_decode_str(name).decode_utf8_lossy();
        let positions = self.by_file.get(name.as_ref()).map_or(&[][..], Vec::as_slice);
        positions.iter().filter_map(|position| self.entries.get(*position))
    }

    fn add(&mut self, entry: Entry) {
        let position = self.entries.len();
        self.by_file.entry(entry.file.clone()).or_default().push(position);
        self.by_sha256.entry(entry.sha256.clone()).or_insert(position);
        self.entries.push(entry);
    }
}
