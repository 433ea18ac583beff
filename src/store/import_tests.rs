//! Zips as the vendor makes them, and zips as nobody should.

use std::fs;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;

const RUN: &str = "Ascend-cann-toolkit_8.5.0_linux-aarch64.run";

/// Bytes that do not pack well.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    (0..len).map(|_| next()).collect()
}

fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, content) in entries {
        writer.start_file(*name, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn sha256(bytes: &[u8]) -> Sha256 {
    Sha256::from_bytes(sha2::Sha256::digest(bytes).into())
}

/// A zip beside the folder that it is imported into.
struct Ground {
    folder: tempfile::TempDir,
}

impl Ground {
    fn new(zip: &[u8]) -> Self {
        let ground = Self { folder: tempfile::tempdir().unwrap() };
        fs::write(ground.path("x.zip"), zip).unwrap();
        fs::create_dir(ground.path("into")).unwrap();
        ground
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn import(&self, change: impl Fn(&mut ImportOptions)) -> Result<Imported, Error> {
        let mut options = ImportOptions { into: self.path("into"), sha256: None, replace: false };
        change(&mut options);
        import(&self.path("x.zip"), &options, &|_| (), &AtomicBool::new(false))
    }

    /// Every file below the ground, so that nothing outside of the folder is overlooked.
    fn files(&self) -> Vec<String> {
        let walk = walkdir::WalkDir::new(self.folder.path()).sort_by_file_name();
        let files =
            walk.into_iter().map(Result::unwrap).filter(|entry| !entry.file_type().is_dir());
        files
            .map(|file| file.path().strip_prefix(self.folder.path()).unwrap().display().to_string())
            .collect()
    }
}

/// Imports `zip`; a refusal must leave nothing but the zip.
fn check(zip: &[u8], expected: &str) {
    let ground = Ground::new(zip);
    let actual = match ground.import(|_| ()) {
        Ok(imported) => {
            imported.packages.iter().map(|p| format!("{} {}\n", p.file, p.size)).collect()
        }
        Err(error) => {
            assert_eq!(ground.files(), ["x.zip"]);
            render(&error)
        }
    };
    assert_eq!(actual.replace(&format!("{}/", ground.folder.path().display()), ""), expected);
}

fn render(error: &Error) -> String {
    let problem = &error.problems[0];
    let notes = problem.notes.iter().map(|note| format!("\n  {note}"));
    let cause = problem.source.iter().map(|cause| format!("\n  cause: {cause}"));
    let hints = problem.hints.iter().map(|hint| format!("\n  hint: {hint}"));
    format!("{}{}", problem.message, notes.chain(cause).chain(hints).collect::<String>())
}

/// Checks that a zip is refused for `reason`.
fn check_refused(zip: &[u8], reason: &str) {
    let expected = format!(
        "`x.zip` is refused\n  {reason}\n  nothing was taken out of it\n  \
         hint: this is no package as its vendor makes it: get it from there"
    );
    check(zip, &expected);
}

#[test]
fn a_package_is_taken_out_with_both_digests() {
    let run = noise(3 << 20);
    let signature = format!("{RUN}.cms");
    let zip = zip_of(&[(RUN, &run), (&signature, b"signed"), ("readme.txt", b"read me")]);
    let ground = Ground::new(&zip);
    let imported = ground.import(|options| options.sha256 = Some(sha256(&zip))).unwrap();
    assert_eq!(imported.sha256, sha256(&zip));
    assert_eq!(imported.packages[0].sha256, sha256(&run));
    assert_eq!(imported.skipped, [signature.as_str(), "readme.txt"]);
    assert_eq!(fs::read(ground.path("into").join(RUN)).unwrap(), run);
    assert_eq!(ground.files(), [format!("into/{RUN}").as_str(), "x.zip"]);
    assert!(ground.import(|_| ()).unwrap().packages[0].already);
}

#[test]
fn folders_in_the_zip_are_left_behind() {
    check(&zip_of(&[("a/b.run", b"b"), ("c/", b""), ("c/d.whl", b"ddd")]), "b.run 1\nd.whl 3\n");
    check_refused(
        &zip_of(&[("a/b.run", b"1"), ("c/b.run", b"2")]),
        "it holds `b.run` in two folders",
    );
}

#[test]
fn a_name_that_leaves_the_folder_refuses_the_zip() {
    for name in [
        "../out.run",
        "a/../../out.run",
        "/tmp/out.run",
        "a//b.run",
        "./b.run",
        "..\\b.run",
        "C:b.run",
    ] {
        // The writer mends some names, so the bytes are put in afterwards.
        let placeholder = "x".repeat(name.len());
        let zip = zip_of(&[("good.run", b"good"), (&placeholder, b"bad")]);
        let zip = replace(&zip, placeholder.as_bytes(), name.as_bytes());
        check_refused(&zip, &format!("its entry `{}` would leave the folder", name.escape_debug()));
    }
}

fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut at = 0;
    while let Some(found) = bytes[at..].windows(from.len()).position(|part| part == from) {
        bytes[at + found..at + found + from.len()].copy_from_slice(to);
        at += found + from.len();
    }
    bytes
}

#[test]
fn links_refuse_the_zip() {
    let mut writer = ZipWriter::new(io::Cursor::new(Vec::new()));
    writer.add_symlink("link.run", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    let zip = writer.finish().unwrap().into_inner();
    check_refused(&zip, "its entry `link.run` is neither a file nor a folder");
}

#[test]
fn bombs_refuse_the_zip() {
    let zip = zip_of(&[("bomb.run", &vec![0; 16 << 20])]);
    let packed =
        ZipArchive::new(io::Cursor::new(&zip)).unwrap().by_index(0).unwrap().compressed_size();
    check_refused(&zip, &format!("its entry `bomb.run` grows from {packed} to 16777216 bytes"));
    check(&zip_of(&[("small.run", &vec![0; 1000])]), "small.run 1000\n");
}

#[test]
fn a_million_entries_refuse_the_zip_before_they_are_read() {
    let zip = many_entries(1_000_000);
    check_refused(&zip, "it has 1000000 entries, expected at most 10000");
}

/// A zip64 whose list has `count` entries, all of the same name and bytes.
fn many_entries(count: u64) -> Vec<u8> {
    let one = zip_of(&[("a.run", b"a")]);
    let list = one.windows(4).position(|part| part == b"PK\x01\x02").unwrap();
    let end = one.windows(4).position(|part| part == b"PK\x05\x06").unwrap();
    let mut zip = one[..list].to_vec();
    (0..count).for_each(|_| zip.extend_from_slice(&one[list..end]));
    let size = count * (end - list) as u64;
    let record = zip.len() as u64;
    zip.extend_from_slice(b"PK\x06\x06");
    zip.extend_from_slice(&44_u64.to_le_bytes());
    zip.extend_from_slice(&[45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    for value in [count, count, size, list as u64] {
        zip.extend_from_slice(&value.to_le_bytes());
    }
    zip.extend_from_slice(b"PK\x06\x07\0\0\0\0");
    zip.extend_from_slice(&record.to_le_bytes());
    zip.extend_from_slice(&[1, 0, 0, 0]);
    zip.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    zip.extend_from_slice(&[0xff; 12]);
    zip.extend_from_slice(&[0, 0]);
    zip
}

#[test]
fn entries_that_share_bytes_refuse_the_zip() {
    let zip = zip_of(&[("a.run", b"same"), ("b.run", b"same")]);
    // The second entry of the list points at the first one's bytes.
    let lists: Vec<usize> =
        (0..zip.len() - 4).filter(|at| zip[*at..].starts_with(b"PK\x01\x02")).collect();
    let mut shared = zip.clone();
    shared[lists[1] + 42..lists[1] + 46].copy_from_slice(&[0; 4]);
    check_refused(&shared, "its entries share their bytes");
}

#[test]
fn a_lie_about_the_content_leaves_nothing() {
    let content = noise(100_000);
    let honest = zip_of(&[("a.run", &content)]);
    let list = honest.windows(4).position(|part| part == b"PK\x01\x02").unwrap();
    let mut flipped = honest.clone();
    flipped[list / 2] ^= 1;
    let ground = Ground::new(&flipped);
    let text = render(&ground.import(|_| ()).unwrap_err());
    assert!(text.starts_with("`a.run` cannot be taken out of"), "{text}");
    assert_eq!(ground.files(), ["x.zip"]);
    // Both headers declare less than what the bytes unpack to.
    let mut short = honest;
    for at in [22, list + 24] {
        short[at..at + 4].copy_from_slice(&50_000_u32.to_le_bytes());
    }
    let ground = Ground::new(&short);
    let text = render(&ground.import(|_| ()).unwrap_err());
    assert!(text.starts_with("`a.run` cannot be taken out of"), "{text}");
    assert_eq!(ground.files(), ["x.zip"]);
}

#[test]
fn what_is_no_zip_is_called_what_it_is() {
    check(
        b"<!DOCTYPE html><title>Sign in</title>",
        "`x.zip` is an HTML page, not a zip
  a login or error page was saved under this name
  it says: Sign in
  hint: download it again",
    );
    check(&zip_of(&[("readme.txt", b"x")]), "`x.zip` holds no package\n  it holds: readme.txt");
    let whole = zip_of(&[(RUN, &noise(10_000))]);
    let ground = Ground::new(&whole[..5000]);
    let text = render(&ground.import(|_| ()).unwrap_err());
    assert!(text.contains("x.zip` is not a whole zip"), "{text}");
}

#[test]
fn another_zip_than_expected_is_not_opened() {
    let zip = zip_of(&[(RUN, b"run")]);
    let ground = Ground::new(&zip);
    let error = ground.import(|options| options.sha256 = Some(sha256(b"other"))).unwrap_err();
    assert_eq!(error.exit, Exit::Package);
    assert!(error.problems[0].message.ends_with("does not match its sha256"));
    assert_eq!(ground.files(), ["x.zip"]);
}

#[test]
fn a_users_file_is_not_replaced_unasked() {
    let ground = Ground::new(&zip_of(&[(RUN, b"new")]));
    let place = ground.path("into").join(RUN);
    fs::write(&place, "mine").unwrap();
    let text = render(&ground.import(|_| ()).unwrap_err());
    assert!(text.contains("is there already, with other content"), "{text}");
    assert_eq!(fs::read(&place).unwrap(), b"mine");
    ground.import(|options| options.replace = true).unwrap();
    assert_eq!(fs::read(&place).unwrap(), b"new");
}

#[test]
fn a_cancelled_import_leaves_nothing() {
    let ground = Ground::new(&zip_of(&[(RUN, &noise(3 << 20))]));
    let options = ImportOptions { into: ground.path("into"), sha256: None, replace: false };
    let cancelled = AtomicBool::new(false);
    let done = std::cell::Cell::new(0);
    let observer = |event| {
        if let ImportEvent::Done { bytes } = event {
            done.set(done.get() + bytes);
            // After the zip was hashed, in the middle of the package.
            cancelled.store(done.get() > 4 << 20, Ordering::Relaxed);
        }
    };
    let error = import(&ground.path("x.zip"), &options, &observer, &cancelled).unwrap_err();
    assert_eq!(error.exit, Exit::Interrupted);
    assert_eq!(ground.files(), ["x.zip"]);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(300))]
    #[test]
    fn a_damaged_zip_never_leaves_a_wrong_file(
        changes in proptest::collection::vec((0_usize..2000, proptest::num::u8::ANY), 1..4),
    ) {
        let content = noise(900);
        let mut zip = zip_of(&[("a.run", &content), ("dir/b.whl", &content[..500])]);
        for (at, byte) in changes {
            let at = at % zip.len();
            zip[at] = byte;
        }
        let ground = Ground::new(&zip);
        let imported = ground.import(|_| ());
        let files = ground.files();
        // Whatever the bytes are, nothing is outside of the folder or half-written.
        assert!(files.iter().all(|file| file == "x.zip" || file.starts_with("into/")));
        assert!(!files.iter().any(|file| file.contains(".import-")));
        for package in imported.iter().flat_map(|imported| &imported.packages) {
            assert_eq!(sha256(&fs::read(&package.path).unwrap()), package.sha256);
        }
    }
}
