//! Somebody else changes the engine's images while a run needs them.

use super::BUILDERS;
use crate::support::{Fixture, Gate};

/// A, then B for a while, then C of both; `meddle` happens while B is built. The run ends with
/// exit code 1 and says `expected`, and `reference` has no image.
fn check(b: &str, meddle: impl Fn(&Fixture), expected: &str, untagged: &str) {
    for builder in BUILDERS {
        let (fixture, gate) = (Fixture::on_engine(), Gate::new());
        fixture.stages(&format!(
            "[stages.A]\nfrom = \"tiny\"\n[stages.B]\nfrom = \"tiny\"\n[stages.C]\nfrom = \"{b}\"\n"
        ));
        fixture.dockerfile("A", "RUN echo a > /a\n");
        fixture.dockerfile("B", &format!("RUN echo begun; {}\n", gate.command()));
        fixture.dockerfile("C", "COPY --from=A /a /a2\nCOPY --from=B /etc/group /b\n");
        let mut run = fixture.start(builder, &["--target", "C", "--jobs", "1"]);
        run.wait_for_output("begun");
        meddle(&fixture);
        gate.open();
        let outcome = run.end().exits(1);
        assert!(outcome.stderr.contains(expected), "{builder}: {}", outcome.stderr);
        assert_eq!(fixture.image_id(untagged), None, "{builder}");
    }
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_parent_that_was_removed_is_named() {
    let remove = |fixture: &Fixture| {
        let id = fixture.image_id("A").expect("A is built");
        fixture.docker().run(&["rmi", "--force", &id]);
    };
    check("A", remove, "somebody removed the image of `A` while this run needed it", "C");
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_stage_on_another_base_than_its_key_says_is_not_tagged() {
    let move_base = |fixture: &Fixture| {
        fixture.docker().import(&fixture.base_tar(), &fixture.base());
    };
    check("tiny", move_base, "became another image while stage `C` was built on it", "C");
}
