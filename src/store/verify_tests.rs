//! What verifying says of every state that a package file can be in.

use std::os::unix::fs::symlink;

use super::super::test_ground::{FILE, GOOD, Ground, planned, render};
use super::*;

/// Verifies one package whose declaration is of [`GOOD`], on the ground that `prepare` lays.
fn check(prepare: impl Fn(&Ground), expected: &str) {
    check_package(&planned(Some(GOOD), Some(GOOD.len() as u64)), prepare, expected);
}

fn check_package(package: &PlannedPackage, prepare: impl Fn(&Ground), expected: &str) {
    let ground = Ground::new();
    prepare(&ground);
    let actual = ground.text(std::slice::from_ref(package));
    assert_eq!(actual.trim_end(), expected.trim());
}

fn here(content: &'static [u8]) -> impl Fn(&Ground) {
    move |ground| ground.write(&format!("packages/{FILE}"), content)
}

#[test]
fn a_good_file_is_verified_wherever_it_is() {
    check(here(GOOD), &format!("packages/{FILE} 15 bytes, declared"));
    let deep = |ground: &Ground| ground.write(&format!("data/cann/8.5/{FILE}"), GOOD);
    check(deep, &format!("data/cann/8.5/{FILE} 15 bytes, declared"));
    let both = |ground: &Ground| {
        ground.write(&format!("data/{FILE}"), b"other");
        ground.write(&format!("packages/{FILE}"), GOOD);
    };
    check(both, &format!("packages/{FILE} 15 bytes, declared"));
    let linked = |ground: &Ground| {
        ground.write("packages/deep/real.run", GOOD);
        symlink("deep/real.run", ground.path(&format!("packages/{FILE}"))).unwrap();
    };
    check(linked, "packages/deep/real.run 15 bytes, declared");
    let undeclared = planned(None, None);
    check_package(&undeclared, here(GOOD), &format!("packages/{FILE} 15 bytes, not verified"));
}

#[test]
fn a_missing_file_says_where_it_was_looked_for() {
    let near = |ground: &Ground| {
        ground.write("packages/Ascend-cann-toolkit_8.5.0_linux-x86_64.run", b"x");
        ground.write("packages/readme.txt", b"x");
    };
    check(
        near,
        "package file `Ascend-cann-toolkit_8.5.0_linux-aarch64.run` is missing
  at packages.toml:2: declared here
  looked in: packages (2 files)
  looked in: data, which does not exist
  nearest names found: `Ascend-cann-toolkit_8.5.0_linux-x86_64.run`
  hint: put it into `packages`, or correct `file` in `packages.toml`",
    );
    let mut package = planned(Some(GOOD), None);
    package.url = Some("https://example.com/a.run".to_owned());
    check_package(
        &package,
        |ground| ground.write("data", b"no folder"),
        "package file `Ascend-cann-toolkit_8.5.0_linux-aarch64.run` is missing
  at packages.toml:2: declared here
  looked in: packages (0 files)
  looked in: data, which is not a folder
  hint: `ascend-build package fetch cann-toolkit` gets it from https://example.com/a.run",
    );
}

#[test]
fn a_link_out_of_its_root_is_not_followed() {
    let link = |ground: &Ground| {
        ground.write(&format!("elsewhere/{FILE}"), GOOD);
        let target = ground.path(&format!("elsewhere/{FILE}"));
        symlink(target, ground.path(&format!("packages/{FILE}"))).unwrap();
    };
    check(
        link,
        "package file `Ascend-cann-toolkit_8.5.0_linux-aarch64.run` is only found outside of its root
  at packages.toml:2: declared here
  link: packages/Ascend-cann-toolkit_8.5.0_linux-aarch64.run
  leads to: elsewhere/Ascend-cann-toolkit_8.5.0_linux-aarch64.run
  hint: add `elsewhere` to `roots`, or copy the file into its root",
    );
    let broken = |ground: &Ground| {
        symlink("nowhere", ground.path(&format!("packages/{FILE}"))).unwrap();
    };
    check(
        broken,
        "package file `Ascend-cann-toolkit_8.5.0_linux-aarch64.run` is a link to nothing
  at packages.toml:2: declared here
  link: packages/Ascend-cann-toolkit_8.5.0_linux-aarch64.run
  hint: put the file where the link points",
    );
}

#[test]
fn a_flipped_byte_shows_both_digests() {
    check(
        here(b"#!/bin/sh\nGood\n"),
        "`Ascend-cann-toolkit_8.5.0_linux-aarch64.run` does not match its sha256
  at packages.toml:2: declared here
  file: packages/Ascend-cann-toolkit_8.5.0_linux-aarch64.run
  expected sha256: 0c7e561612024851310775e5adf44943e835409b6c4da01f797583fc7626a590
    actual sha256: 4a834f67761f632bb6ecf206ca5aafea1194e93f25ff96310f6d378560778755
  size: 15 bytes, as declared
  hint: download it again; if it was meant to change, put the actual sha256 into `packages.toml`",
    );
    let two = |ground: &Ground| {
        here(b"#!/bin/sh\nlonger than good\n")(ground);
        ground.write(&format!("data/{FILE}"), GOOD);
    };
    check(
        two,
        "`Ascend-cann-toolkit_8.5.0_linux-aarch64.run` does not match its sha256
  at packages.toml:2: declared here
  file: packages/Ascend-cann-toolkit_8.5.0_linux-aarch64.run
  expected sha256: 0c7e561612024851310775e5adf44943e835409b6c4da01f797583fc7626a590
    actual sha256: 20bccca4bea66567d6fbe1baaa587690aca1de215f35318d11c6498f9803a57e
  expected size: 15 bytes
    actual size: 27 bytes
  another file of this name: data/Ascend-cann-toolkit_8.5.0_linux-aarch64.run
  hint: download it again; if it was meant to change, put the actual sha256 into `packages.toml`",
    );
}

#[test]
fn wrong_sizes_are_said() {
    check(
        here(b"#!/bin/sh\n"),
        "`Ascend-cann-toolkit_8.5.0_linux-aarch64.run` is truncated
  at packages.toml:2: declared here
  file: packages/Ascend-cann-toolkit_8.5.0_linux-aarch64.run
  expected size: 15 bytes
    actual size: 10 bytes, 5 missing
  hint: download it again, or correct `size` in `packages.toml`",
    );
    check(
        here(b""),
        "`Ascend-cann-toolkit_8.5.0_linux-aarch64.run` is empty
  at packages.toml:2: declared here
  file: packages/Ascend-cann-toolkit_8.5.0_linux-aarch64.run
  hint: download it again",
    );
    check_package(
        &planned(Some(GOOD), Some(7)),
        here(GOOD),
        "`Ascend-cann-toolkit_8.5.0_linux-aarch64.run` is larger than declared
  at packages.toml:2: declared here
  file: packages/Ascend-cann-toolkit_8.5.0_linux-aarch64.run
  expected size: 7 bytes
    actual size: 15 bytes
  hint: its sha256 is right: correct `size` in `packages.toml`",
    );
    check_package(
        &planned(None, Some(7)),
        here(GOOD),
        "`Ascend-cann-toolkit_8.5.0_linux-aarch64.run` is larger than declared
  at packages.toml:2: declared here
  file: packages/Ascend-cann-toolkit_8.5.0_linux-aarch64.run
  expected size: 7 bytes
    actual size: 15 bytes
  hint: download it again, or correct `size` in `packages.toml`",
    );
}

const PAGE: &[u8] = b"<!DOCTYPE html><html><head><title>Sign in</title></head></html>";
const PAGE_TEXT: &str =
    "`Ascend-cann-toolkit_8.5.0_linux-aarch64.run` is an HTML page, not a package
  at packages.toml:2: declared here
  file: packages/Ascend-cann-toolkit_8.5.0_linux-aarch64.run
  a login or error page was saved under this name
  it says: Sign in
  hint: download it again";

#[test]
fn a_page_in_a_packages_place_is_called_what_it_is() {
    check(here(PAGE), PAGE_TEXT);
    check_package(&planned(Some(GOOD), Some(1 << 30)), here(PAGE), PAGE_TEXT);
    check_package(&planned(Some(GOOD), None), here(PAGE), PAGE_TEXT);
    check_package(&planned(None, None), here(PAGE), PAGE_TEXT);
    // A declared digest is believed, whatever the content looks like.
    let declared = planned(Some(PAGE), None);
    check_package(&declared, here(PAGE), &format!("packages/{FILE} 63 bytes, declared"));
    let mut page = planned(None, None);
    page.file = "index.html".to_owned();
    let write = |ground: &Ground| ground.write("packages/index.html", PAGE);
    check_package(&page, write, "packages/index.html 63 bytes, not verified");
}

#[test]
fn what_is_no_file_is_called_what_it_is() {
    let folder = |ground: &Ground| ground.write(&format!("packages/{FILE}/x"), b"");
    check(
        folder,
        "`packages/Ascend-cann-toolkit_8.5.0_linux-aarch64.run` is a folder, not a package file
  at packages.toml:2: declared here
  expected: a regular file, actual: a folder
  hint: put the file `Ascend-cann-toolkit_8.5.0_linux-aarch64.run` there instead",
    );
}

#[test]
fn a_file_that_cannot_be_read_keeps_its_cause() {
    let package = planned(Some(GOOD), None);
    let denied = || HashError::Io(std::io::Error::from_raw_os_error(libc::EACCES));
    let say = |error: &HashError| render(&problems::not_hashed(&package, Path::new("a"), error));
    assert_eq!(
        say(&denied()),
        "`a` cannot be read
  at packages.toml:2: declared here
  cause: Permission denied (os error 13)
  hint: make it readable for the user who runs ascend-build\n"
    );
    assert_eq!(
        say(&HashError::Changed),
        "`a` changed while it was being read
  at packages.toml:2: declared here
  hint: wait until whatever writes it has finished, then run again\n"
    );
}

#[test]
fn all_problems_come_at_once_in_the_order_of_the_plan() {
    let ground = Ground::new();
    let names = ["gone.run", "bad.run", "good.run", "also-gone.whl"];
    ground.write("packages/bad.run", b"bad");
    ground.write("packages/good.run", GOOD);
    let planned = names.map(|file| PlannedPackage {
        file: file.to_owned(),
        place: None,
        ..planned(Some(GOOD), None)
    });
    let error = ground.verify(&planned).unwrap_err();
    assert_eq!(error.exit, Exit::Package);
    let messages: Vec<&str> = error.problems.iter().map(|p| &*p.message).collect();
    assert_eq!(
        messages,
        [
            "package file `gone.run` is missing",
            "`bad.run` does not match its sha256",
            "package file `also-gone.whl` is missing",
        ]
    );
}
