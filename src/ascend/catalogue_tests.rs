//! The catalogue against a list of digests taken from its source by other means.

use std::path::PathBuf;
use std::sync::Arc;

use super::*;
use crate::error::SourceFile;

/// `<sha256>  <file>` of every official file, as `sha256sum` prints it.
const DIGESTS: &str = include_str!("testdata/official-digests.txt");

fn listed() -> Vec<(&'static str, &'static str)> {
    DIGESTS.lines().filter_map(|line| line.split_once("  ")).collect()
}

fn file(text: &str) -> Arc<SourceFile> {
    Arc::new(SourceFile { path: PathBuf::from("own.toml"), text: text.to_owned() })
}

/// `expected` is `official NAME`, `differs NAME` or `unknown`.
fn check(catalogue: &Catalogue, name: &str, sha256: &str, expected: &str) {
    let actual = match catalogue.official(name, sha256) {
        Verdict::Official(entry) => format!("official {}", entry.file),
        Verdict::Differs { official } => format!("differs {}", official.file),
        Verdict::Unknown => "unknown".to_owned(),
    };
    assert_eq!(actual, expected);
}

#[test]
fn all_files_of_the_source_are_found_with_their_digests() {
    let catalogue = Catalogue::builtin();
    assert_eq!((listed().len(), catalogue.entries().len()), (428, 428));
    for (sha256, name) in listed() {
        check(catalogue, name, sha256, &format!("official {name}"));
        assert_eq!(catalogue.by_sha256(sha256).map(|entry| entry.file.as_str()), Some(name));
        let found = catalogue.search(&Query::of_words(name));
        assert_eq!(found.iter().map(|entry| entry.sha256.as_str()).collect::<Vec<_>>(), [sha256]);
    }
}

#[test]
fn every_entry_says_where_it_comes_from_and_what_it_is() {
    for entry in Catalogue::builtin().entries() {
        assert!(entry.identity.kind.is_some(), "{}", entry.file);
        assert!(entry.identity.version.is_some(), "{}", entry.file);
        assert!(entry.url.as_deref().is_some_and(|url| url.starts_with("https://")));
        assert!(entry.source.contains("ascend-deployer"), "{}", entry.source);
    }
}

#[test]
fn content_decides_what_is_official() {
    let catalogue = Catalogue::builtin();
    let wheel = "torch_npu-2.7.1.post2-cp311-cp311-manylinux_2_28_x86_64.whl";
    let sha256 = "e3a463946b8ae13edb4a2fe035e652602c7c9eff86be8a57772d5e7f35432022";
    check(catalogue, wheel, sha256, &format!("official {wheel}"));
    check(catalogue, wheel, &sha256.to_uppercase(), &format!("official {wheel}"));
    check(catalogue, "renamed.whl", sha256, &format!("official {wheel}"));
    check(catalogue, wheel, &"0".repeat(64), &format!("differs {wheel}"));
    check(catalogue, "own.run", &"0".repeat(64), "unknown");
    let run = "Ascend-cann-toolkit_8.5.0_linux-aarch64.run";
    check(catalogue, run, &"0".repeat(64), "unknown");
    let zip = catalogue.zip_of(run).map(|entry| entry.file.as_str());
    assert_eq!(zip, Some("Ascend-cann-toolkit_8.5.0_linux-aarch64.zip"));
    let encoded = "torch-2.7.1%2Bcpu-cp311-cp311-manylinux_2_28_x86_64.whl";
    check(catalogue, encoded, &"0".repeat(64), &format!("differs {}", encoded.replace("%2B", "+")));
}

#[test]
fn a_projects_own_file_adds_and_overrides() {
    let name = "Ascend-cann-toolkit_8.5.0_linux-aarch64.zip";
    let own = "f".repeat(64);
    let text = format!("product = \"CANN\"\n[[file]]\nname = \"{name}\"\nsha256 = \"{own}\"\n");
    let catalogue = Catalogue::builtin().extended_with(&file(&text)).unwrap();
    check(&catalogue, name, &own, &format!("official {name}"));
    let builtin = Catalogue::builtin().by_file(name).unwrap();
    check(&catalogue, name, &builtin.sha256, &format!("official {name}"));
    let entry = catalogue.by_file(name).unwrap();
    assert_eq!((entry.sha256.as_str(), &*entry.source), (own.as_str(), "`own.toml`"));
}

#[test]
fn a_wrong_file_is_refused_at_its_place() {
    for (text, line, message) in [
        ("product = \"CANN\"\n[[file]]\nname = \"a\"\nsha256 = \"12\"\n", 4, "not a SHA-256"),
        ("product = \"CANN\"\nfiles = []\n", 2, "unknown field `files`"),
        ("product = 5\n", 1, "invalid type"),
    ] {
        let error = Catalogue::builtin().extended_with(&file(text)).unwrap_err();
        let problem = &error.problems[0];
        assert!(problem.message.contains(message), "{}", problem.message);
        assert_eq!(problem.place.as_ref().map(crate::error::Place::line), Some(line));
    }
}
