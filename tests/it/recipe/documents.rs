//! docs/warnings.md has a section for every warning, and no other.

use ascend_build::project::dockerfile::WARNING_CODES;

/// The parts of a section beside its heading.
const PARTS: [&str; 3] = ["\nWhy: ", "\n```dockerfile\n", "\nMend: "];

fn page() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/warnings.md");
    std::fs::read_to_string(path).expect("the page is there")
}

#[test]
fn every_code_has_its_section() {
    let text = page();
    let headings = text.lines().filter_map(|line| line.strip_prefix("## `")?.strip_suffix('`'));
    let mut codes: Vec<&str> =
        WARNING_CODES.into_iter().chain(["fetch-missing", "fetch-unknown"]).collect();
    codes.sort_unstable();
    assert_eq!(headings.collect::<Vec<_>>(), codes);
}

#[test]
fn every_section_says_why_shows_an_example_and_how_to_mend_it() {
    let text = page();
    for section in text.split("\n## ").skip(1) {
        for part in PARTS {
            assert!(section.contains(part), "{part:?} is missing in:\n{section}");
        }
    }
}
