//! What a user looks for in the catalogue.

use super::catalogue::Entry;
use super::{Chip, Kind, Version, normal_arch};

/// What an entry must be; whatever is left open fits everything.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Texts that the product, the kind or the file name must all contain, in any case.
    pub words: Vec<String>,
    /// What it must be.
    pub kind: Option<Kind>,
    /// How its version, or a release that it belongs to, must begin.
    pub version: Option<String>,
    /// Its own version, not only the beginning; `2.7.1` is also `2.7.1+cpu`.
    pub exact_version: Option<Version>,
    /// Its architecture, in any spelling; files without one fit.
    pub arch: Option<String>,
    /// Its chip; files for no chip in particular fit.
    pub chip: Option<Chip>,
    /// Its Python, as `311` or `3.11`; files for no Python in particular fit.
    pub python: Option<String>,
}

impl Query {
    /// The query of the words of `text`.
    pub fn of_words(text: &str) -> Self {
        let words = text.split_whitespace().map(str::to_owned).collect();
        Self { words, ..Self::default() }
    }

    /// The query of `name` or `name@version`.
    ///
    /// A name that is a kind looks for that kind alone: `cann-toolkit@8.5.0`.
    pub fn named(text: &str) -> Self {
        let (name, version) = text.split_once('@').unwrap_or((text, ""));
        let kind = name.replace('_', "-").parse().ok();
        let open = if kind.is_some() { Self::default() } else { Self::of_words(name) };
        Self { kind, exact_version: version.parse().ok(), ..open }
    }

    /// Whether `entry` is what is looked for.
    pub fn fits(&self, entry: &Entry) -> bool {
        self.words.iter().all(|word| contains(entry, &word.to_lowercase()))
            && open_or(self.kind, entry.identity.kind)
            && self.version.as_deref().is_none_or(|prefix| is_release(entry, prefix))
            && self.exact_version.as_ref().is_none_or(|version| is_version(entry, version))
            && self.fits_target(entry)
    }

    fn fits_target(&self, entry: &Entry) -> bool {
        let arch = self.arch.as_deref().and_then(normal_arch);
        let chip = self.chip.as_ref().zip(entry.identity.chip.as_ref());
        let python = self.python.as_deref().zip(entry.identity.python.as_deref());
        arch.zip(entry.identity.platform_arch()).is_none_or(|(wanted, actual)| wanted == actual)
            && chip.is_none_or(|(wanted, actual)| wanted == actual)
            && python.is_none_or(|(wanted, actual)| wanted.replace('.', "") == actual)
    }
}

fn contains(entry: &Entry, word: &str) -> bool {
    let kind = entry.identity.kind.map_or("", Kind::as_str);
    let texts = [&*entry.product, kind, &entry.file];
    texts.iter().any(|text| text.to_lowercase().contains(word))
}

fn open_or(wanted: Option<Kind>, actual: Option<Kind>) -> bool {
    wanted.is_none() || wanted == actual
}

fn is_release(entry: &Entry, prefix: &str) -> bool {
    let releases = entry.releases.iter().filter_map(|release| release.parse::<Version>().ok());
    entry
        .identity
        .version
        .iter()
        .cloned()
        .chain(releases)
        .any(|version| version.starts_with(prefix))
}

fn is_version(entry: &Entry, wanted: &Version) -> bool {
    entry.identity.version.as_ref().is_some_and(|version| version.same_public(wanted))
}

#[cfg(test)]
mod tests {
    use super::super::Catalogue;
    use super::*;

    /// `expected` is the number of files found and a part that each name has.
    fn check(query: &Query, expected: (usize, &str)) {
        let found = Catalogue::builtin().search(query);
        assert_eq!(found.len(), expected.0, "{query:?}");
        assert!(found.iter().all(|entry| entry.file.contains(expected.1)), "{query:?}");
    }

    fn words(text: &str) -> Query {
        Query::of_words(text)
    }

    #[test]
    fn words_version_arch_chip_and_python_narrow_a_search() {
        check(&words("cann toolkit"), (10, "Ascend-cann-toolkit"));
        check(&words("CANN"), (66, "Ascend-"));
        check(&Query { version: Some("8.5".into()), ..words("cann toolkit") }, (2, "8.5.0"));
        let arch = Query { arch: Some("arm64".into()), ..words("cann toolkit") };
        check(&arch, (5, "aarch64"));
        let chip = Query { chip: "A3".parse().ok(), ..words("ops") };
        check(&chip, (4, "A3-ops"));
        let python = Query { python: Some("3.12".into()), ..Query::named("torch-npu@2.9.0") };
        check(&python, (2, "torch_npu-2.9.0-cp312"));
        check(&words("gpu"), (0, ""));
    }

    #[test]
    fn a_name_with_a_version_finds_that_version_alone() {
        check(&Query::named("cann-toolkit@8.5.0"), (2, "toolkit_8.5.0"));
        check(&Query::named("torch_npu@2.7.1"), (6, "torch_npu-2.7.1-"));
        check(&Query::named("torch@2.8.0"), (8, "torch-2.8.0+cpu"));
        check(&Query::named("mindspore@2.6.0-rc1"), (6, "2.6.0rc1"));
        check(&Query::named("cann-toolkit@8.5.9"), (0, ""));
    }

    #[test]
    fn a_release_finds_what_belongs_to_it() {
        let torch = Query { version: Some("2.1.0.post17".into()), ..Query::named("torch") };
        check(&torch, (8, "torch-2.1.0"));
    }
}
