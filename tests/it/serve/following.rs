//! Changes of packages.toml and of the folders, followed while it serves.

use serde_json::{Value, json};

use super::guest::Server;
use crate::support::{Fixture, eventually, sha256};

#[test]
fn declarations_come_and_go() {
    let fixture = Fixture::new();
    let one = fixture.package("one", "one.run", 5000);
    let server = Server::start(&fixture, &[], &[]);
    let two = fixture.package("two", "two.run", 6000);
    server.becomes("/two.run", 200);
    assert_eq!(server.get("/two.run").1, two);
    fixture.declare_nothing().declare("two", "two.run", &two);
    server.becomes("/one.run", 404);
    assert_eq!(server.get("/two.run").1, two);
    fixture.declare("one", "one.run", &one);
    server.becomes("/one.run", 200);
    server.end();
}

#[test]
fn the_projects_own_catalogue_and_words_count_on_the_page() {
    let fixture = Fixture::new();
    let file = "Ascend-cann-toolkit_8.5.0_linux-x86_64.run";
    let content = fixture.package("cann-toolkit", file, 5000);
    let server = Server::start(&fixture, &[], &[]);
    let facts = || {
        let listing: Value = serde_json::from_slice(&server.get("/api/packages").1).ok()?;
        let fact = |name: &str| listing["packages"][0][name].clone();
        Some(json!([fact("official"), fact("version"), fact("chip")]))
    };
    assert_eq!(facts(), Some(json!([false, "8.5.0", null])));
    let digest = sha256(&content);
    let entry = format!("product = \"Ours\"\n[[file]]\nname = {file:?}\nsha256 = \"{digest}\"\n");
    let declared = format!(
        "catalogue = [\"ours.toml\"]\n[[package]]\nname = \"cann-toolkit\"\nfile = {file:?}\nchip = \"910b\"\nsha256 = \"{digest}\"\n"
    );
    fixture.write("ours.toml", entry).write("packages.toml", declared);
    let told = eventually(|| (facts()? == json!([true, "8.5.0", "910b"])).then_some(()));
    assert!(told.is_some(), "{:?}", facts());
    server.end();
}

#[test]
fn a_file_that_changes_is_served_when_it_is_right_again() {
    let fixture = Fixture::new();
    let right = fixture.package("one", "one.run", 5000);
    let server = Server::start(&fixture, &[], &[]);
    assert_eq!(server.get("/one.run"), (200, right.clone()));
    fixture.write("packages/one.run", b"wrong");
    server.becomes("/one.run", 404);
    fixture.write("packages/one.run", &right);
    server.becomes("/one.run", 200);
    assert_eq!(server.get("/one.run").1, right);
    // Whether the wrong content was seen before it was right again, and so told, is chance.
    server.end();
}

#[test]
fn a_broken_packages_file_is_said_once_and_the_last_good_one_holds() {
    let fixture = Fixture::new();
    let one = fixture.package("one", "one.run", 5000);
    let server = Server::start(&fixture, &[], &[]);
    fixture.write("packages.toml", "[[package]]\nnmae = 1\n");
    // Two looks later a folder's change is seen, and the broken file was looked at as often.
    fixture.write("packages/one.run", b"wrong");
    server.becomes("/one.run", 404);
    fixture.write("packages/one.run", &one);
    server.becomes("/one.run", 200);
    let outcome = server.end();
    assert_eq!(outcome.stderr.matches("unknown key `nmae`").count(), 1, "{}", outcome.stderr);
}

#[test]
fn files_come_and_go_in_folders() {
    let fixture = Fixture::new();
    fixture.write("folder/a.run", b"first");
    let server = Server::start(&fixture, &["--root", "folder"], &[]);
    server.becomes("/a.run", 200);
    fixture.write("folder/new.run", b"new");
    server.becomes("/new.run", 200);
    std::fs::remove_file(fixture.path("folder/a.run")).expect("the file is there");
    server.becomes("/a.run", 404);
    std::fs::write(fixture.path("folder/new.run"), b"newer").expect("the folder is writable");
    let newer = || (server.get("/new.run") == (200, b"newer".to_vec())).then_some(());
    assert!(eventually(newer).is_some(), "the new content never came");
    server.end();
}

#[test]
fn a_file_that_is_still_being_written_is_to_be_asked_for_again() {
    let fixture = Fixture::new();
    let server = Server::start(&fixture, &["--root", "."], &[]);
    let told_to_wait = || {
        fixture.write("folder/a.run", b"more");
        (server.status("/a.run") == 503).then_some(())
    };
    assert!(eventually(told_to_wait).is_some(), "it was never 503");
    server.becomes("/a.run", 200);
    server.end();
}

#[test]
fn a_packages_file_that_is_gone_or_emptied_is_said_once() {
    let fixture = Fixture::new();
    let one = fixture.package("one", "one.run", 5000);
    let server = Server::start(&fixture, &[], &[]);
    std::fs::remove_file(fixture.path("packages.toml")).expect("the file is there");
    // Each change that is seen is a look at the declarations, too.
    for _ in 0..2 {
        fixture.write("packages/one.run", b"wrong");
        server.becomes("/one.run", 404);
        fixture.write("packages/one.run", &one);
        server.becomes("/one.run", 200);
    }
    fixture.write("packages.toml", "");
    server.becomes("/one.run", 404);
    let said = server.end().stderr;
    for text in ["is gone, and what it declared last is served on", "declares nothing any more"] {
        assert_eq!(said.matches(text).count(), 1, "{said}");
    }
}

#[test]
fn a_root_that_goes_and_comes_is_said_once() {
    let fixture = Fixture::new();
    fixture.write("folder/a.run", b"first");
    std::os::unix::fs::symlink("/etc/hostname", fixture.path("folder/out.run")).expect("a link");
    let server = Server::start(&fixture, &["--root", "folder"], &[]);
    server.becomes("/a.run", 200);
    let rename = |from, to| {
        std::fs::rename(fixture.path(from), fixture.path(to)).expect("the folder is there");
    };
    rename("folder", "away");
    server.becomes("/a.run", 404);
    rename("away", "folder");
    server.becomes("/a.run", 200);
    let said = server.end().stderr;
    for text in [
        "roots that cannot be read are left out: 1",
        "is there again",
        "links that lead out of their root, or to nothing, are not followed: 1",
    ] {
        assert_eq!(said.matches(text).count(), 1, "{text}: {said}");
    }
}
