//! Packages that are verified while earlier stages build.

use super::BUILDERS;
use super::failures::check_no_container;
use crate::support::{Fixture, sha256};

/// More bytes than are verified before the first stage.
const SIZE: usize = 300 << 20;

/// Stage B needs a large file of nothing but zeros, stage A none.
fn project(first: &str, declared: &[u8]) -> Fixture {
    let fixture = Fixture::on_engine();
    std::fs::write(fixture.path("packages/large.run"), "").expect("the folder is writable");
    let file = std::fs::OpenOptions::new().write(true).open(fixture.path("packages/large.run"));
    file.and_then(|file| file.set_len(SIZE as u64)).expect("the file can be stretched");
    fixture.declare("large", "large.run", declared);
    fixture.stages("[stages.A]\nfrom = \"tiny\"\n[stages.B]\nfrom = \"A\"\n");
    fixture.dockerfile("A", first);
    fixture.dockerfile("B", "RUN --package=large wc -c < \"$PACKAGES\"/large.run > /size\n");
    fixture
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_stage_begins_when_its_own_packages_are_verified() {
    let zeros = vec![0; SIZE];
    for builder in BUILDERS {
        let fixture = project("RUN echo a > /a\n", &zeros);
        let outcome = fixture.build(builder, &["--target", "B"]).exits(0);
        let verified = outcome.events_called("verify-finished");
        let files: Vec<_> = verified.iter().map(|event| event["files"].clone()).collect();
        assert_eq!(files, [0, 1], "{builder}");
        assert_eq!(fixture.docker().in_image(&fixture.image("B"), "cat /size"), SIZE.to_string());
    }
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_wrong_package_of_a_later_stage_ends_the_run() {
    for builder in BUILDERS {
        let fixture = project("RUN sleep 1000\n", b"something else");
        let outcome = fixture.build(builder, &["--target", "B"]).exits(4);
        let actual = sha256(&vec![0; SIZE]);
        assert!(outcome.stderr.contains(&actual), "{builder}: {}", outcome.stderr);
        assert_eq!(fixture.docker().references(&fixture.name), Vec::<String>::new());
        check_no_container(&fixture);
    }
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_missing_package_of_a_later_stage_ends_the_run_before_it_begins() {
    let fixture = project("RUN sleep 1000\n", &[]);
    fixture.declare("lost", "lost.run", b"lost");
    fixture.dockerfile("B", "RUN --package=large,lost true\n");
    let outcome = fixture.build("auto", &["--target", "B"]).exits(4);
    assert_eq!(outcome.events_called("engine-ready").len(), 0, "{}", outcome.stdout);
}
