//! What verifying says of every state that a package file can be in.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;

use sha2::Digest;

use super::*;
use crate::error::{Place, SourceFile};
use crate::project::Sha256;

const FILE: &str = "Ascend-cann-toolkit_8.5.0_linux-aarch64.run";
const GOOD: &[u8] = b"#!/bin/sh\ngood\n";

/// Two roots, `packages` and `data`, in a folder of their own.
struct Ground {
    folder: tempfile::TempDir,
}

impl Ground {
    fn new() -> Self {
        let ground = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(ground.path("packages")).unwrap();
        ground
    }

    fn path(&self, name: &str) -> PathBuf {
        fs::canonicalize(self.folder.path()).unwrap().join(name)
    }

    fn write(&self, name: &str, content: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn options(&self) -> VerifyOptions {
        let roots = vec![self.path("packages"), self.path("data")];
        VerifyOptions { roots, jobs: 2, rehash: false, memory: None }
    }

    fn verify(&self, planned: &[PlannedPackage]) -> Result<Vec<VerifiedPackage>, Error> {
        verify(planned, &self.options(), &|_| (), &AtomicBool::new(false))
    }

    /// The result as text, with folders relative to this ground.
    fn text(&self, planned: &[PlannedPackage]) -> String {
        let text = match self.verify(planned) {
            Ok(packages) => packages.iter().map(describe).collect(),
            Err(error) => error.problems.iter().map(render).collect::<String>(),
        };
        text.replace(&format!("{}/", self.path("").display()).replace("//", "/"), "")
    }
}

fn describe(package: &VerifiedPackage) -> String {
    let vouched = if package.declared { "declared" } else { "not verified" };
    format!("{} {} bytes, {vouched}\n", package.path.display(), package.size)
}

fn render(problem: &Problem) -> String {
    let mut text = format!("{}\n", problem.message);
    if let (Some(place), Some(label)) = (&problem.place, &problem.label) {
        text += &format!("  at {place}: {label}\n");
    }
    text.extend(problem.notes.iter().map(|note| format!("  {note}\n")));
    text.extend(problem.source.iter().map(|cause| format!("  cause: {cause}\n")));
    text.extend(problem.hints.iter().map(|hint| format!("  hint: {hint}\n")));
    text
}

fn sha256(content: &[u8]) -> Sha256 {
    Sha256::from_bytes(sha2::Sha256::digest(content).into())
}

fn planned(content: Option<&[u8]>, size: Option<u64>) -> PlannedPackage {
    let text = format!("[[package]]\nfile = \"{FILE}\"\n");
    let source = Arc::new(SourceFile { path: "packages.toml".into(), text });
    PlannedPackage {
        name: "cann-toolkit".parse().unwrap(),
        file: FILE.to_owned(),
        sha256: content.map(sha256),
        size,
        url: None,
        place: Some(Place::new(&source, 19..20)),
    }
}

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
  hint: download it from https://example.com/a.run into `packages`",
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

#[test]
fn events_add_up_and_a_shared_file_is_read_once() {
    let ground = Ground::new();
    let content = vec![3; (2 << 20) + 5];
    ground.write(&format!("packages/{FILE}"), &content);
    let package = planned(Some(&content), None);
    let events = Mutex::new(Vec::new());
    let observer = |event| events.lock().unwrap().push(event);
    let planned = [package.clone(), package];
    let verified = verify(&planned, &ground.options(), &observer, &AtomicBool::new(false)).unwrap();
    assert_eq!(verified.len(), 2);
    let events = events.into_inner().unwrap();
    let read: u64 = events
        .iter()
        .map(|event| if let VerifyEvent::Read { bytes } = event { *bytes } else { 0 })
        .sum();
    assert_eq!(read, content.len() as u64);
    assert_eq!(events[0], VerifyEvent::Started { files: 1, bytes: read });
    let last = VerifyEvent::Finished { file: FILE.to_owned(), remembered: false };
    assert_eq!(events.last(), Some(&last));
}

/// How one file is finished in each of two runs, `between` them something happens.
fn remembered(rehash: bool, between: impl Fn(&Path)) -> Vec<bool> {
    let ground = Ground::new();
    let path = ground.path("packages").join(FILE);
    ground.write(&format!("packages/{FILE}"), GOOD);
    let memory = Some(ground.path("cache"));
    let options = VerifyOptions { rehash, memory, ..ground.options() };
    let finished = Mutex::new(Vec::new());
    let observer = |event| {
        if let VerifyEvent::Finished { remembered, .. } = event {
            finished.lock().unwrap().push(remembered);
        }
    };
    let cancelled = AtomicBool::new(false);
    let planned = [planned(None, None)];
    let run = || verify_by(in_an_hour, &planned, &options, &observer, &cancelled);
    let first = run().unwrap();
    between(&path);
    assert_eq!(first[0].sha256, run().unwrap()[0].sha256);
    finished.into_inner().unwrap()
}

/// A clock by which every file has been at rest for an hour.
fn in_an_hour() -> SystemTime {
    SystemTime::now() + std::time::Duration::from_secs(3600)
}

#[test]
fn an_unchanged_file_is_not_read_again() {
    let touch = |path: &Path| {
        let file = fs::File::open(path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1)).unwrap();
    };
    assert_eq!(remembered(false, |_| ()), [false, true]);
    assert_eq!(remembered(true, |_| ()), [false, false]);
    assert_eq!(remembered(false, touch), [false, false]);
}

#[test]
fn a_cancelled_run_ends_as_interrupted() {
    let ground = Ground::new();
    ground.write(&format!("packages/{FILE}"), &vec![3; 3 << 20]);
    let cancelled = AtomicBool::new(false);
    let observer = |event| {
        if matches!(event, VerifyEvent::Read { .. }) {
            cancelled.store(true, Ordering::Relaxed);
        }
    };
    let planned = [planned(None, None)];
    let error = verify(&planned, &ground.options(), &observer, &cancelled).unwrap_err();
    assert_eq!(error.exit, Exit::Interrupted);
}
