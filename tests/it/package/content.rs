//! Verifying, importing and fetching: what is on the disk then.

use std::collections::HashMap;
use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::web::serve;
use crate::support::{Fixture, pattern, sha256};

const TOOLKIT: &str = "Ascend-cann-toolkit_9.9.9_linux-aarch64";

fn check(fixture: &Fixture, arguments: &[&str], code: i32, name: &str) {
    fixture.run(&[&["package"], arguments].concat()).exits(code).matches(name);
}

/// A zip as the vendor's are: a package and its signature.
fn vendor_zip() -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (file, content) in [(".run", pattern("run", 5000)), (".run.p7s", b"signed".to_vec())] {
        let name = format!("{TOOLKIT}{file}");
        zip.start_file(name, SimpleFileOptions::default()).expect("a file in memory");
        zip.write_all(&content).expect("a file in memory");
    }
    zip.finish().expect("a file in memory").into_inner()
}

#[test]
fn declared_files_are_verified() {
    let fixture = Fixture::new();
    fixture.package("torch", "torch-9.9.9-cp311-cp311-linux_aarch64.whl", 3000);
    fixture.package("cann-toolkit", &format!("{TOOLKIT}.run"), 2000);
    check(&fixture, &["verify"], 0, "verify");
    check(&fixture, &["verify", "torch", "--rehash"], 0, "verify-one");
    check(&fixture, &["verify", "troch"], 2, "verify-unknown");
    check(&fixture, &["verify", "--all", "torch"], 2, "verify-both");
    fixture.write(&format!("packages/{TOOLKIT}.run"), pattern("other", 2000));
    fs::remove_file(fixture.path("packages/torch-9.9.9-cp311-cp311-linux_aarch64.whl"))
        .expect("it was just written");
    check(&fixture, &["verify", "--all"], 4, "verify-wrong");
}

#[test]
fn a_digest_that_is_not_the_official_one_is_told() {
    let fixture = Fixture::new();
    let file = "Ascend-mindie_2.3.0_linux-aarch64_abi0.run";
    let content = fixture.package("mindie", file, 100);
    let outcome = fixture.run(&["package", "verify"]).exits(3);
    let official = "60cfc928955c284cb05c565cf88d14e0f469962f4767d835d84b9625ecbfe5d7";
    for digest in [official, &sha256(&content)] {
        assert!(outcome.stderr.contains(digest), "{}", outcome.stderr);
    }
    outcome.matches("verify-unofficial");
    let declared = fs::read_to_string(fixture.path("packages.toml")).expect("it is declared");
    fixture
        .write("packages.toml", declared.trim_end().to_owned() + "\nunofficial = \"our build\"\n");
    check(&fixture, &["verify"], 0, "verify-unofficial-said");
}

#[test]
fn a_zip_whose_digest_is_not_the_official_one_is_told() {
    let fixture = Fixture::new();
    let file = "Ascend-cann-toolkit_8.5.0_linux-aarch64";
    fixture.package("toolkit", &format!("{file}.run"), 100);
    let declared = fs::read_to_string(fixture.path("packages.toml")).expect("it is declared");
    let archive =
        format!("archive = \"{file}.zip\"\narchive-sha256 = \"{}\"\n", sha256(b"another"));
    fixture.write("packages.toml", declared.trim_end().to_owned() + "\n" + &archive);
    check(&fixture, &["verify"], 3, "verify-unofficial-zip");
}

#[test]
fn a_file_that_comes_out_of_a_zip_is_got_by_the_verb_that_unpacks_it() {
    let fixture = Fixture::new();
    let content = pattern("run", 5000);
    fixture.write(&format!("packages/{TOOLKIT}.run"), &content[..400]);
    fixture.write(
        "packages.toml",
        format!(
            "[[package]]\nname = \"toolkit\"\nfile = \"{TOOLKIT}.run\"\nsha256 = \"{}\"\nurl = \"http://localhost/{TOOLKIT}.zip\"\narchive = \"{TOOLKIT}.zip\"\narchive-sha256 = \"{}\"\n",
            sha256(&content),
            sha256(&vendor_zip())
        ),
    );
    check(&fixture, &["verify"], 4, "verify-out-of-zip");
}

#[test]
fn a_zip_is_unpacked_and_its_entry_becomes_that_of_its_package() {
    let fixture = Fixture::new();
    let zip = vendor_zip();
    fixture.write(&format!("packages/{TOOLKIT}.zip"), &zip);
    fixture.declare("toolkit-999", &format!("{TOOLKIT}.zip"), &zip);
    check(&fixture, &["import", &format!("{TOOLKIT}.zip")], 0, "import");
    let run = fs::read(fixture.path(format!("packages/{TOOLKIT}.run"))).expect("it was unpacked");
    assert_eq!(run, pattern("run", 5000));
    check(&fixture, &["verify"], 0, "import-verified");
    check(&fixture, &["import", &format!("packages/{TOOLKIT}.zip")], 0, "import-again");
    let declared = fs::read_to_string(fixture.path("packages.toml")).expect("it is declared");
    insta_file("import-packages-toml", &declared);
    check(&fixture, &["import", "nowhere.zip"], 4, "import-nowhere");
    let both = fixture.run(&["package", "import", &format!("{TOOLKIT}.zip"), "nowhere.zip"]);
    assert!(both.exits(4).stdout.contains("unchanged"), "what came before is told");
}

fn insta_file(name: &str, text: &str) {
    let outcome =
        crate::support::Outcome { code: Some(0), stdout: text.to_owned(), stderr: String::new() };
    outcome.matches(name);
}

#[test]
fn a_zip_that_is_not_the_declared_one_is_refused() {
    let fixture = Fixture::new();
    fixture.declare("toolkit", &format!("{TOOLKIT}.zip"), b"another");
    fixture.write(&format!("{TOOLKIT}.zip"), vendor_zip());
    check(&fixture, &["import", &format!("{TOOLKIT}.zip")], 4, "import-other");
    assert!(!fixture.path(format!("packages/{TOOLKIT}.run")).exists());
    let undeclared = Fixture::new();
    undeclared.write(&format!("{TOOLKIT}.zip"), vendor_zip());
    check(
        &undeclared,
        &["import", &format!("{TOOLKIT}.zip"), "--into", "there"],
        0,
        "import-unknown",
    );
    assert!(undeclared.path(format!("there/{TOOLKIT}.run")).exists());
}

#[test]
fn what_is_missing_is_fetched_once() {
    let fixture = Fixture::new();
    let wheel = "torch-9.9.9-cp311-cp311-linux_aarch64.whl";
    let content = pattern(wheel, 300_000);
    let address = serve(HashMap::from([("/files/it.whl".to_owned(), content.clone())]));
    fixture.write(
        "packages.toml",
        format!(
            "[[package]]\nname = \"torch\"\nfile = \"{wheel}\"\nsha256 = \"{}\"\nurl = \"http://{address}/files/it.whl\"\n",
            sha256(&content)
        ),
    );
    let other = fixture.run(&["package", "fetch", "--platform", "linux/amd64"]).exits(0);
    assert_eq!(other.stderr, "nothing is missing\n", "the wheel is for another platform");
    let named = ["package", "fetch", "torch", "--platform", "linux/amd64"];
    let told = fixture.run(&named).exits(2).stderr;
    assert!(told.contains("no file of package `torch` fits") && told.contains(wheel), "{told}");
    let told = fixture.run(&["package", "fetch", "--skip", "S"]).exits(2).stderr;
    assert!(told.contains("`--skip` means nothing without `--target`"), "{told}");
    check(&fixture, &["fetch"], 0, "fetch");
    assert_eq!(fs::read(fixture.path(format!("packages/{wheel}"))).expect("fetched"), content);
    check(&fixture, &["fetch"], 0, "fetch-nothing");
    fixture.write(&format!("packages/{wheel}"), "wrong");
    check(&fixture, &["fetch", "torch"], 0, "fetch-wrong");
    check(&fixture, &["verify"], 0, "fetch-verified");
}

#[test]
fn a_package_that_comes_in_a_zip_is_fetched_and_unpacked() {
    let fixture = Fixture::new();
    let zip = vendor_zip();
    let address = serve(HashMap::from([("/it.zip".to_owned(), zip.clone())]));
    fixture.write(
        "packages.toml",
        format!(
            "[[package]]\nname = \"toolkit\"\nfile = \"{TOOLKIT}.run\"\nsha256 = \"{}\"\nurl = \"http://{address}/it.zip\"\narchive = \"{TOOLKIT}.zip\"\narchive-sha256 = \"{}\"\n",
            sha256(&pattern("run", 5000)),
            sha256(&zip)
        ),
    );
    fixture.stages("[stages.S]\nfrom = \"tiny\"\n").dockerfile("S", "RUN --package=toolkit true\n");
    let target = ["fetch", "--target", "S", "--platform", "linux/arm64"];
    check(&fixture, &target, 0, "fetch-zip");
    check(&fixture, &["verify"], 0, "fetch-zip-verified");
}

#[test]
fn what_cannot_be_fetched_is_told_and_the_rest_is_fetched() {
    let fixture = Fixture::new();
    let address = serve(HashMap::from([("/b.whl".to_owned(), b"b".to_vec())]));
    let entry = |name: &str, url: &str| {
        format!(
            "[[package]]\nname = \"{name}\"\nfile = \"{name}-1.0-py3-none-any.whl\"\nsha256 = \"{}\"\n{url}\n",
            sha256(name.as_bytes())
        )
    };
    let url = |path: &str| format!("url = \"http://{address}/{path}\"\n");
    let manifest = [entry("a", ""), entry("b", &url("b.whl")), entry("c", &url("c.whl"))];
    fixture.write("packages.toml", manifest.concat());
    let outcome = fixture.run(&["package", "fetch"]).exits(4);
    let stderr = outcome.stderr.replace(&address.port().to_string(), "[port]");
    crate::support::Outcome { stderr, ..outcome }.matches("fetch-partly");
    assert!(fixture.path("packages/b-1.0-py3-none-any.whl").exists());
    assert!(!fixture.path("packages/c-1.0-py3-none-any.whl").exists());
}

#[test]
#[ignore = "needs the wheels that scripts/fetch-wheels fetches"]
fn the_real_wheel_of_torch_npu_is_official() {
    let file = "torch_npu-2.7.1.post2-cp311-cp311-manylinux_2_28_x86_64.whl";
    let real = Path::new(env!("CARGO_MANIFEST_DIR")).join("packages").join(file);
    let fixture = Fixture::new();
    fs::copy(real, fixture.path(format!("packages/{file}"))).expect("the wheel was fetched");
    check(&fixture, &["scan"], 0, "real-wheel-scanned");
    check(&fixture, &["verify"], 0, "real-wheel-verified");
}
