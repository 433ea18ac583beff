//! Made-up layers, and what of them is wasted.

use sha2::{Digest, Sha256};

use super::super::test_ground::{Layout, content, layer, saved};
use super::super::{KnownPackage, read};
use super::*;

/// `KIND BYTES PATH LAYER[<BY] [PACKAGE]` of each finding.
fn found(layers: &[&[&str]], packages: &[KnownPackage], layout: Layout) -> Vec<String> {
    let layers: Vec<_> = layers.iter().map(|lines| layer(lines)).collect();
    let image = read(&saved(layout, &layers)[..], packages.to_vec()).unwrap();
    let line = |finding: &Finding| {
        let by = finding.by.map(|by| format!("<{by}")).unwrap_or_default();
        let package = finding.package.as_ref().map(|file| format!(" {file}")).unwrap_or_default();
        let Finding { kind, bytes, path, layer, .. } = finding;
        format!("{kind} {bytes} {path} {layer}{by}{package}")
    };
    attribute(&image).findings.iter().map(line).collect()
}

fn check(layers: &[&[&str]], expected: &[&str]) {
    for layout in [Layout::Old, Layout::Oci] {
        assert_eq!(found(layers, &[], layout), expected, "{layout:?}");
    }
}

#[test]
fn an_image_without_waste_has_none() {
    check(&[&["bin/sh 100", "opt/", "opt/a 5"], &["opt/b 7"], &[]], &[]);
}

#[test]
fn what_a_later_layer_hides_is_wasted() {
    check(&[&["a 10"], &[".wh.a 0"]], &["removed 10 /a 0<1"]);
    check(&[&["a 10"], &["a 20"]], &["overwritten 10 /a 0<1"]);
    check(&[&["a 10"], &["a 20"], &["a 30"]], &["overwritten 20 /a 1<2", "overwritten 10 /a 0<1"]);
    check(&[&["a 10"], &["a 20"], &[".wh.a 0"]], &["removed 20 /a 1<2", "overwritten 10 /a 0<1"]);
    check(&[&["a 10"], &["b 1"], &[".wh.a 0"], &["a 3"]], &["removed 10 /a 0<2"]);
}

#[test]
fn a_folder_hides_all_that_was_in_it() {
    let lower: &[&str] = &["d/", "d/a 10", "d/e/b 5", "d.x 1", "da 1"];
    check(&[lower, &[".wh.d 0"]], &["removed 15 /d 0<1"]);
    check(&[lower, &["d/", "d/.wh..wh..opq 0", "d/c 2"]], &["removed 15 /d 0<1"]);
    check(&[lower, &["d/c 2", "d/.wh..wh..opq 0"]], &["removed 15 /d 0<1"]);
    check(&[lower, &["d 3"]], &["overwritten 15 /d 0<1"]);
    check(&[&["d 3"], &["d/", "d/a 1"]], &["overwritten 3 /d 0<1"]);
    check(&[lower, &["d/"]], &[]);
}

#[test]
fn a_content_with_several_names_counts_once() {
    check(&[&["a 10", "b -> a"], &[".wh.a 0"]], &[]);
    check(
        &[&["a 10", "b -> a", "c -> b"], &[".wh.a 0", ".wh.b 0", ".wh.c 0"]],
        &["removed 10 /c 0<1"],
    );
    check(&[&["tmp/a 10", "opt/b -> tmp/a"]], &[]);
    check(&[&["opt/b 10", "tmp/a -> opt/b"]], &[]);
    check(&[&["tmp/a 10", "var/tmp/b -> tmp/a"]], &["temporary 10 /tmp/a 0"]);
}

#[test]
fn caches_are_told_by_their_folder() {
    check(
        &[
            &["var/lib/apt/lists/a 10", "var/lib/apt/lists/b 10"],
            &["root/.cache/pip/a 5", "opt/x/__pycache__/m.pyc 3", "opt/y/__pycache__/m.pyc 4"],
        ],
        &[
            "apt-lists 20 /var/lib/apt/lists 0",
            "pip-cache 5 /root/.cache/pip 1",
            "bytecode 4 /opt/y 1",
            "bytecode 3 /opt/x 1",
        ],
    );
    // What is hidden is no cache any more.
    check(&[&["var/log/a 10"], &["var/log/.wh.a 0"]], &["removed 10 /var/log/a 0<1"]);
}

#[test]
fn packages_are_known_by_their_content_and_by_their_names() {
    let package = |file: &str, path: &str, size: usize| KnownPackage {
        file: file.to_owned(),
        size: Some(size as u64),
        sha256: hex::encode(Sha256::digest(content(path, size))),
    };
    let packages = [
        package("right.run", "renamed", 50),
        package("other.run", "something else", 40),
        KnownPackage { file: "unknown-size.bin".to_owned(), size: None, sha256: String::new() },
    ];
    let layers: [&[&str]; 2] = [
        &["opt/renamed 50", "opt/same-size 40", "opt/unknown-size.bin 30", "opt/copied 20"],
        &["opt/torch-1.0-cp311-cp311-linux_x86_64.whl 9"],
    ];
    let expected = [
        "package 50 /opt/renamed 0 right.run",
        "package 30 /opt/unknown-size.bin 0 unknown-size.bin",
        "package 9 /opt/torch-1.0-cp311-cp311-linux_x86_64.whl 1 torch-1.0-cp311-cp311-linux_x86_64.whl",
    ];
    assert_eq!(found(&layers, &packages, Layout::Old), expected);
    let removed: [&[&str]; 2] = [&["tmp/renamed 50"], &["tmp/.wh.renamed 0"]];
    let expected = ["removed 50 /tmp/renamed 0<1 right.run"];
    assert_eq!(found(&removed, &packages, Layout::Oci), expected);
}
