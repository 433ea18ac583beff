//! Findings as people would mend them: by place, not by file.

use std::collections::BTreeMap;

use super::attribute::Wasted;
use super::waste::Waste;

/// So many hidden things in one folder are told as that folder.
const MOST_SIBLINGS: usize = 3;

/// Bytes that are wasted at one place, by one layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Why.
    pub kind: Waste,
    /// The index of the layer that holds the bytes.
    pub layer: usize,
    /// The index of the layer that removes or overwrites what is there.
    pub by: Option<usize>,
    /// The file or folder, from `/` on.
    pub path: String,
    /// Bytes of all files.
    pub bytes: u64,
    /// Number of files.
    pub files: usize,
    /// The package that the file is.
    pub package: Option<String>,
}

/// What findings of one place have in common.
type Origin<'a> = (usize, Option<usize>, Waste, Option<&'a str>);

/// Bytes and number of files at each place.
type Places<'a> = BTreeMap<&'a str, (u64, usize)>;

/// The findings, the largest first.
pub(super) fn group<'a>(wasted: impl Iterator<Item = Wasted<'a>>) -> Vec<Finding> {
    let mut origins: BTreeMap<Origin<'a>, Places<'a>> = BTreeMap::new();
    for file in wasted {
        let places = origins.entry((file.layer, file.by, file.kind, file.package)).or_default();
        add(places, file.place, (file.bytes, 1));
    }
    let mut findings = Vec::new();
    for ((layer, by, kind, package), places) in origins {
        let package = package.map(str::to_owned);
        let places = if package.is_none() && by.is_some() { gathered(places) } else { places };
        findings.extend(places.into_iter().map(|(place, (bytes, files))| {
            let (path, package) = (format!("/{place}"), package.clone());
            Finding { kind, layer, by, path, bytes, files, package }
        }));
    }
    findings.sort_by(|a, b| (b.bytes, a.layer, &a.path).cmp(&(a.bytes, b.layer, &b.path)));
    findings
}

fn add<'a>(places: &mut Places<'a>, place: &'a str, (bytes, files): (u64, usize)) {
    let sum = places.entry(place).or_default();
    *sum = (sum.0 + bytes, sum.1 + files);
}

/// Puts siblings together in their folder where there are many, and so on upwards, but never all
/// of the image: `chown -R` is one finding then.
fn gathered(mut places: Places<'_>) -> Places<'_> {
    loop {
        let mut siblings: BTreeMap<&str, usize> = BTreeMap::new();
        for folder in places.keys().filter_map(|place| folder(place)) {
            *siblings.entry(folder).or_default() += 1;
        }
        if siblings.values().all(|count| *count <= MOST_SIBLINGS) {
            return places;
        }
        let mut merged = Places::new();
        for (place, sum) in &places {
            let crowded = folder(place).filter(|folder| siblings[folder] > MOST_SIBLINGS);
            add(&mut merged, crowded.unwrap_or(place), *sum);
        }
        places = merged;
    }
}

fn folder(place: &str) -> Option<&str> {
    place.rsplit_once('/').map(|(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(places: &[&str], expected: &[(&str, u64, usize)]) {
        let places = places.iter().map(|place| (*place, (1, 1))).collect();
        let actual: Vec<_> = gathered(places)
            .into_iter()
            .map(|(place, (bytes, files))| (place, bytes, files))
            .collect();
        assert_eq!(actual, expected);
    }

    #[test]
    fn many_siblings_are_told_as_their_folder() {
        check(&["a/1", "a/2", "a/3"], &[("a/1", 1, 1), ("a/2", 1, 1), ("a/3", 1, 1)]);
        check(&["a/1", "a/2", "a/3", "a/4", "b"], &[("a", 4, 4), ("b", 1, 1)]);
        check(&["1", "2", "3", "4"], &[("1", 1, 1), ("2", 1, 1), ("3", 1, 1), ("4", 1, 1)]);
        let deep: Vec<String> = (0..16).map(|n| format!("x/{}/{}", n / 4, n % 4)).collect();
        check(&deep.iter().map(String::as_str).collect::<Vec<_>>(), &[("x", 16, 16)]);
    }
}
