//! Whole, broken and hostile archives.

use super::super::test_ground::{Layout, add, digest, layer, saved};
use super::*;

const LAYOUTS: [Layout; 2] = [Layout::Old, Layout::Oci];

/// What was read: each layer's digest, instruction and names, or the problem.
fn read_back(bytes: &[u8]) -> std::result::Result<Vec<(String, String, String)>, String> {
    let image = read(bytes, Vec::new()).map_err(|error| {
        let problem = &error.problems[0];
        let more = problem.source.as_ref().map(ToString::to_string);
        format!("{} {} {}", problem.message, problem.notes.join(" "), more.unwrap_or_default())
    })?;
    let told = |saved: &SavedLayer| {
        let names: Vec<_> = saved.layer.entries.iter().map(|entry| &*entry.path).collect();
        let instruction = saved.instruction.clone().unwrap_or_default();
        (saved.digest.clone(), instruction, names.join(" "))
    };
    Ok(image.layers.iter().map(told).collect())
}

fn check(bytes: &[u8], expected: &[&str]) {
    let layers = read_back(bytes).unwrap();
    let names: Vec<_> = layers.iter().map(|(_, _, names)| names.as_str()).collect();
    assert_eq!(names, expected);
    for (number, (own, instruction, _)) in layers.iter().enumerate() {
        assert_eq!((own, instruction), (&digest(number), &format!("/bin/sh -c {number}")));
    }
}

fn check_refused(bytes: &[u8], expected: &str) {
    let problem = read_back(bytes).unwrap_err();
    assert!(problem.contains(expected), "{problem}");
}

#[test]
fn layers_are_read_in_the_order_of_the_manifest() {
    let layers = [layer(&["a 3", "./b/", "b/c 4"]), layer(&["d 1"]), layer(&[]), layer(&["d 1"])];
    for layout in LAYOUTS {
        check(&saved(layout, &layers), &["a b b/c", "d", "", "d"]);
    }
}

#[test]
fn whiteouts_are_no_files() {
    let bytes = saved(Layout::Old, &[layer(&["x/.wh.a 0", "x/.wh..wh..opq 0", ".wh..wh.plnk 0"])]);
    let image = read(&bytes[..], Vec::new()).unwrap();
    let kinds: Vec<_> =
        image.layers[0].layer.entries.iter().map(|entry| (&*entry.path, entry.kind)).collect();
    use super::super::layer::EntryKind::{Opaque, Other, Whiteout};
    assert_eq!(kinds, [("x/a", Whiteout), ("x", Opaque), (".wh.plnk", Other)]);
}

#[test]
fn what_is_not_whole_is_refused() {
    let whole = saved(Layout::Old, &[layer(&["a 30000"])]);
    check_refused(&whole[..9000], "cannot be read");
    check_refused(b"", "no `manifest.json`");
    let alone = |name: &str, content: &[u8]| {
        let mut tar = tar::Builder::new(Vec::new());
        add(&mut tar, name, content);
        tar.into_inner().unwrap()
    };
    check_refused(&alone("manifest.json", b"[]"), "no `manifest.json`");
    check_refused(&alone("manifest.json", b"{}"), "`manifest.json` of the saved image is not");
    let lost = br#"[{"Config": "c", "Layers": ["l"]}]"#;
    check_refused(&alone("manifest.json", lost), "no `c`");
    check_refused(&alone("layer", &[0x28, 0xb5, 0x2f, 0xfd, 0]), "compressed with zstd");
}

proptest::proptest! {
    #[test]
    fn any_bytes_can_be_read(
        place in 0_usize..20_000,
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..600),
    ) {
        let mut image = saved(Layout::Old, &[layer(&["a 3000", "b -> a"]), layer(&[".wh.a 0"])]);
        let end = image.len().min(place + bytes.len());
        let start = place.min(end);
        image[start..end].copy_from_slice(&bytes[..end - start]);
        if let Ok(image) = read(&image[..], Vec::new()) {
            let found = super::super::attribute(&image);
            proptest::prop_assert!(found.layers.len() == image.layers.len());
        }
    }
}
