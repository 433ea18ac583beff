//! Where a base comes from: the engine, an archive, a root file system, a registry.

use std::fs;

use super::BUILDERS;
use crate::support::{Fixture, Outcome, Running, sha256};

/// A project whose base is gone from the engine and comes from the file that `make` gives, under `key`.
fn without_base(key: &str, make: impl Fn(&Fixture) -> Vec<u8>) -> Fixture {
    let fixture = Fixture::on_engine();
    let content = make(&fixture);
    fixture.write("packages/base.tar", &content).write("packages.toml", "");
    fixture.docker().run(&["rmi", &fixture.base()]);
    declare(&fixture, key, &sha256(&content));
    fixture.dockerfile("S", "RUN echo built > /built\n");
    fixture
}

fn declare(fixture: &Fixture, key: &str, digest: &str) {
    let (name, base) = (&fixture.name, fixture.base());
    let text = format!(
        "[project]\nname = \"{name}\"\n[bases.tiny]\nimage = \"{base}\"\n{key} = \"base.tar\"\nsha256 = \"{digest}\"\n[stages.S]\nfrom = \"tiny\"\n"
    );
    fixture.write("stages/stages.toml", text);
}

fn how(outcome: &Outcome) -> Vec<String> {
    outcome
        .events_called("base-ready")
        .iter()
        .map(|event| event["how"].as_str().unwrap_or("?").to_owned())
        .collect()
}

/// The base comes as `expected`, the second time from the engine; with a wrong checksum it does not come at all.
fn check(key: &str, make: impl Fn(&Fixture) -> Vec<u8>, expected: &str) {
    for builder in BUILDERS {
        let fixture = without_base(key, &make);
        assert_eq!(how(&fixture.build(builder, &[]).exits(0)), [expected]);
        assert_eq!(fixture.docker().in_image(&fixture.image("S"), "cat /built"), "built");
        assert_eq!(how(&fixture.build(builder, &[]).exits(0)), ["present"]);
    }
    let fixture = without_base(key, &make);
    declare(&fixture, key, &sha256(b"another file"));
    fixture
        .run(&["build", "--progress", "quiet"])
        .exits(4)
        .matches(&format!("base-{key}-mismatch"));
    assert_eq!(
        fixture.docker().image_id(&fixture.base()),
        None,
        "nothing unverified reaches the engine"
    );
    fs::remove_file(fixture.path("packages/base.tar")).expect("the file is there");
    fixture.run(&["build", "--progress", "quiet"]).exits(4).matches(&format!("base-{key}-missing"));
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn an_archive_is_loaded() {
    check("archive", |fixture| fixture.docker().save(&fixture.base()), "load");
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_root_file_system_is_imported() {
    check("rootfs", Fixture::base_tar, "import");
}

/// An import makes another image each time, so that of two the stages on them would be built twice.
#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn two_projects_import_a_base_once() {
    let (one, other) = (Fixture::on_engine(), Fixture::on_engine());
    let content = one.base_tar();
    one.docker().run(&["rmi", &one.base()]);
    let cache = one.path("cache").display().to_string();
    let runs = [&one, &other].map(|fixture| {
        fixture.write("packages/base.tar", &content).write("packages.toml", "");
        let (name, base, digest) = (&fixture.name, one.base(), sha256(&content));
        let text = format!(
            "[project]\nname = \"{name}\"\n[bases.tiny]\nimage = \"{base}\"\nrootfs = \"base.tar\"\n\
             sha256 = \"{digest}\"\n[stages.S]\nfrom = \"tiny\"\n"
        );
        fixture.write("stages/stages.toml", text).dockerfile("S", "RUN echo built > /built\n");
        let mut command = fixture.command(&["build", "--progress", "json"]);
        command.env("XDG_CACHE_HOME", &cache);
        Running::start(command)
    });
    let bases = runs.map(|run| run.end().exits(0).events_called("base-ready"));
    assert_eq!(bases[0][0]["id"], bases[1][0]["id"], "{bases:?}");
    let hows = bases.each_ref().map(|base| base[0]["how"].clone());
    assert_eq!(hows.iter().filter(|how| **how == "import").count(), 1, "{hows:?}");
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn an_archive_of_another_image_is_refused() {
    let fixture = without_base("archive", |fixture| {
        let other = format!("{}-other", fixture.base());
        fixture.docker().run(&["tag", &fixture.base(), &other]);
        let archive = fixture.docker().save(&other);
        fixture.docker().run(&["rmi", &other]);
        archive
    });
    let outcome = fixture.run(&["build", "--progress", "quiet"]).exits(5);
    assert!(outcome.stderr.contains("holds no image of this name"), "{}", outcome.stderr);
    fixture.docker().run(&["rmi", &format!("{}-other", fixture.base())]);
}

/// Nothing listens on the port of this registry.
#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_registry_that_does_not_answer() {
    let fixture = Fixture::on_engine();
    fixture.write("stages/stages.toml", format!("[project]\nname = \"{}\"\n[bases.tiny]\nimage = \"127.0.0.1:1/none:1\"\n[stages.S]\nfrom = \"tiny\"\n", fixture.name));
    fixture.dockerfile("S", "RUN true\n");
    let outcome = fixture.run(&["build", "--progress", "quiet"]).exits(5);
    assert!(
        outcome.stderr.contains("127.0.0.1:1/none:1") && outcome.stderr.contains("hint"),
        "{}",
        outcome.stderr
    );
    let again = fixture.run(&["build", "--progress", "json", "--retries", "2"]).exits(5);
    let told = again.events_called("warning");
    let tried = told.iter().filter(|event| event["message"].to_string().contains("trying again"));
    assert_eq!(tried.count(), 2, "{told:?}");
}
