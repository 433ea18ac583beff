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

/// A stage that was there when the run began, and is not when its turn comes.
#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_finished_stage_that_was_removed_meanwhile_is_made_again() {
    for builder in BUILDERS {
        let (fixture, gate) = (Fixture::on_engine(), Gate::new());
        let stages =
            "[stages.A]\nfrom = \"tiny\"\n[stages.Y]\nfrom = \"tiny\"\n[stages.T]\nfrom = \"A\"\n";
        fixture.stages(stages).dockerfile("A", "RUN true\n");
        fixture.dockerfile("Y", "RUN echo y > /y\n").dockerfile("T", "COPY --from=Y /y /copy\n");
        fixture.build(builder, &["--target", "T"]).exits(0);
        fixture.dockerfile("A", &format!("RUN echo begun; {}\n", gate.command()));
        let mut run = fixture.start(builder, &["--target", "T", "--jobs", "1"]);
        run.wait_for_output("begun");
        fixture.docker().run(&["rmi", &fixture.image("Y")]);
        gate.open();
        let outcome = run.end().exits(0);
        let decided = outcome.events_called("stage-decided");
        let decided: Vec<_> = decided.iter().filter_map(|event| event["stage"].as_str()).collect();
        assert_eq!(decided, ["A", "Y", "T"], "Y has its turn after it was removed");
        assert!(fixture.image_id("Y").is_some(), "{builder}");
        assert_eq!(fixture.docker().in_image(&fixture.image("T"), "cat /copy"), "y", "{builder}");
    }
}

/// A base that moves while a run builds on it moves for the next run: `meddle` gives its reference to
/// another image, which has a file `/moved` or says so in its environment.
fn check_moved(meddle: impl Fn(&Fixture, &str)) {
    for builder in BUILDERS {
        let fixture = Fixture::on_engine();
        fixture.stages("[stages.A]\nfrom = \"tiny\"\n[stages.B]\nfrom = \"tiny\"\n");
        fixture.dockerfile("A", "RUN echo begun && sleep 5\n");
        fixture
            .dockerfile("B", "COPY --from=A /etc/group /a\nRUN ls -d /moved || echo ${MOVED-no}\n");
        let old = fixture.docker().image_id(&fixture.base()).expect("the base is there");
        let mut run = fixture.start(builder, &["--target", "B", "--jobs", "1"]);
        run.wait_for_output("begun");
        meddle(&fixture, &old);
        let seen = "ls -d /moved 2>/dev/null || echo ${MOVED-no}";
        run.end().exits(0);
        assert_eq!(fixture.docker().in_image(&fixture.image("B"), seen), "no", "{builder}");
        let again = fixture.build(builder, &["--target", "B"]).exits(0);
        assert_eq!(again.stages(), ["A built", "B built"], "{builder}");
        assert_ne!(fixture.docker().in_image(&fixture.image("B"), seen), "no", "{builder}");
        assert_eq!(
            fixture.build(builder, &["--target", "B"]).exits(0).stages(),
            ["A reused", "B reused"]
        );
        // The old base has a name of its own, so the runs' are gone.
        let left = fixture.docker().references(&fixture.name);
        assert!(left.iter().all(|reference| !reference.contains(":run-")), "{left:?}");
    }
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_base_that_moves_to_an_image_built_on_it_moves_for_the_next_run() {
    check_moved(|fixture, old| on_base(fixture, old, "RUN touch /moved"));
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_base_whose_configuration_alone_changes_moves_for_the_next_run() {
    check_moved(|fixture, old| on_base(fixture, old, "ENV MOVED=yes"));
}

/// The base's reference becomes that of an image with one more instruction.
fn on_base(fixture: &Fixture, old: &str, instruction: &str) {
    let (base, docker) = (fixture.base(), fixture.docker());
    docker.run(&["tag", old, &format!("{}/old:1", fixture.name)]);
    fixture.write("moved/Dockerfile", format!("FROM {base}\n{instruction}\n"));
    let folder = fixture.path("moved").display().to_string();
    docker.run(&["build", "-q", "-t", &base, &folder]);
}

/// What is built on a stage inherits its labels; under the stage's name it is still not the stage.
#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn an_image_of_somebody_under_a_stages_name_is_not_the_stage() {
    for builder in BUILDERS {
        let fixture = Fixture::on_engine();
        fixture.one_stage("RUN echo own > /alpha\n");
        fixture.build(builder, &[]).exits(0);
        let (own, image) = (fixture.image_id("S"), fixture.image("S"));
        for instruction in ["RUN echo other > /alpha", "ENV OTHER=1", "LABEL other=1"] {
            fixture.write("other/Dockerfile", format!("FROM {image}\n{instruction}\n"));
            let folder = fixture.path("other").display().to_string();
            fixture.docker().run(&["build", "-q", "-t", &image, &folder]);
            assert_ne!(fixture.image_id("S"), own, "{instruction}");
            assert_eq!(fixture.build(builder, &[]).exits(0).stages(), ["S reused"]);
            let found = fixture.docker().in_image(&image, "cat /alpha; echo ${OTHER-no}");
            assert_eq!(found, "own\nno", "{builder} {instruction}");
        }
    }
}

/// As in a fresh checkout on the next machine of a pool: another tag, and nothing remembered.
#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_stage_of_another_tag_is_used_again_where_nothing_is_remembered() {
    for builder in BUILDERS {
        let fixture = Fixture::on_engine();
        fixture.one_stage("RUN echo own > /alpha\n");
        fixture.build(builder, &["--tag", "first"]).exits(0);
        std::fs::remove_dir_all(fixture.path(".ascend-build")).expect("a run leaves its folder");
        let again = fixture.build(builder, &["--tag", "second"]).exits(0);
        assert_eq!(again.stages(), ["S reused"], "{builder}");
        assert!(again.events_called("stage-step").is_empty(), "no builder is asked");
    }
}
