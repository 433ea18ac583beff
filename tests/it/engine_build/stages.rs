//! Stages that build on each other: built, reused, rebuilt, left out.

use std::fs;
use std::net::TcpListener;

use super::BUILDERS;
use crate::support::{Fixture, Outcome, pattern};

/// Three stages; B needs the package `first`, C the package `second`.
fn three_stages() -> Fixture {
    let fixture = Fixture::on_engine();
    fixture.package("first", "first.run", 200_000);
    fixture.package("second", "second.run", 100_000);
    fixture.stages(
        "[stages.A_stage]\nfrom = \"tiny\"\n[stages.A_stage.checks]\na = \"test -f /a\"\n\n\
         [stages.B_stage]\nfrom = \"A_stage\"\n\n[stages.C_stage]\nfrom = \"B_stage\"\n",
    );
    fixture.dockerfile("A_stage", "RUN echo a > /a\n");
    fixture.dockerfile(
        "B_stage",
        "ENV B=b\nRUN --package=first wc -c < \"$PACKAGES\"/first.run > /b\n",
    );
    fixture.dockerfile("C_stage", "RUN --package=second wc -c < \"$PACKAGES\"/second.run > /c\n");
    fixture
}

fn build(fixture: &Fixture, builder: &str, target: &str) -> Outcome {
    fixture.build(builder, &["--target", target]).exits(0)
}

fn check_stages(outcome: &Outcome, expected: &[&str]) {
    assert_eq!(outcome.stages(), expected, "{}", outcome.stdout);
}

/// Where the package server was, such as `172.17.0.1:40123`.
fn server(outcome: &Outcome) -> String {
    let ready = outcome.events_called("engine-ready");
    ready[0]["server"]
        .as_str()
        .expect("the address is a text")
        .trim_start_matches("http://")
        .to_owned()
}

/// Makes the package `name` another file, and declares it so.
fn change_package(fixture: &Fixture, name: &str) {
    fixture.declare_nothing();
    for package in ["first", "second"] {
        let path = fixture.path(format!("packages/{package}.run"));
        if package == name {
            fs::write(&path, pattern(&format!("changed {path:?}"), 150_000))
                .expect("the folder is writable");
        }
        fixture.declare(
            package,
            &format!("{package}.run"),
            &fs::read(&path).expect("the package is there"),
        );
    }
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn three_stages_build_and_a_second_run_reuses_all_of_them() {
    for builder in BUILDERS {
        let fixture = three_stages();
        let first = build(&fixture, builder, "C_stage");
        check_stages(&first, &["A_stage built", "B_stage built", "C_stage built"]);
        assert_eq!(
            fixture.docker().in_image(&fixture.image("C_stage"), "cat /a /b /c; echo $B"),
            "a\n200000\n100000\nb"
        );
        let tagged = ["A_stage", "B_stage", "C_stage"]
            .map(|stage| fixture.image_id(stage).expect("a built stage is tagged"));

        // The first run's port is taken now, so the second must have another.
        let address = server(&first);
        let _taken = TcpListener::bind(&address).expect("the first run has closed its port");
        let second = build(&fixture, builder, "C_stage");
        assert_ne!(server(&second), address);
        check_stages(&second, &["A_stage reused", "B_stage reused", "C_stage reused"]);
        let steps = second.events_called("stage-step");
        assert!(steps.iter().all(|step| step["cached"] == true), "{steps:?}");
        assert!(second.events_called("transfer").is_empty(), "{}", second.stdout);
        let again = ["A_stage", "B_stage", "C_stage"]
            .map(|stage| fixture.image_id(stage).expect("a reused stage stays tagged"));
        assert_eq!(again, tagged);
    }
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_changed_package_rebuilds_its_stage_and_what_follows() {
    for builder in BUILDERS {
        let fixture = three_stages();
        build(&fixture, builder, "C_stage");
        change_package(&fixture, "second");
        check_stages(
            &build(&fixture, builder, "C_stage"),
            &["A_stage reused", "B_stage reused", "C_stage built"],
        );
        change_package(&fixture, "first");
        check_stages(
            &build(&fixture, builder, "C_stage"),
            &["A_stage reused", "B_stage built", "C_stage built"],
        );
        assert_eq!(
            fixture.docker().in_image(&fixture.image("C_stage"), "cat /b /c"),
            "150000\n150000"
        );
    }
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_target_needs_only_its_ancestors_and_their_packages() {
    for builder in BUILDERS {
        let fixture = three_stages();
        fs::remove_file(fixture.path("packages/second.run")).expect("the package is there");
        check_stages(&build(&fixture, builder, "B_stage"), &["A_stage built", "B_stage built"]);
        assert_eq!(fixture.image_id("C_stage"), None);
        fixture.build(builder, &["--target", "C_stage"]).exits(4);
    }
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_wrong_package_leaves_the_old_tag() {
    let fixture = three_stages();
    build(&fixture, "auto", "C_stage");
    let before = fixture.image_id("C_stage").expect("the stage is tagged");
    fixture.write("packages/second.run", pattern("flipped", 100_000));
    fixture.build("auto", &["--target", "C_stage"]).exits(4);
    assert_eq!(fixture.image_id("C_stage"), Some(before));
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn no_cache_builds_everything_anew() {
    let fixture = three_stages();
    build(&fixture, "auto", "B_stage");
    let anew = fixture.build("auto", &["--target", "B_stage", "--no-cache"]).exits(0);
    check_stages(&anew, &["A_stage built", "B_stage built"]);
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn files_come_from_the_stages_folder_and_from_other_stages() {
    for builder in BUILDERS {
        let fixture = Fixture::on_engine();
        fixture.stages("[stages.Tools]\nfrom = \"tiny\"\n\n[stages.Final]\nfrom = \"tiny\"\n");
        fixture
            .write("stages/files/run.sh", "echo copied\n")
            .write("stages/files/secret.log", "not this\n");
        fixture.dockerfile("Tools", "RUN echo tool > /tool\n");
        fixture.dockerfile("Final", "COPY --from=Tools /tool /opt/tool\nCOPY files/*.sh /opt/\n");
        check_stages(&build(&fixture, builder, "Final"), &["Tools built", "Final built"]);
        assert_eq!(
            fixture
                .docker()
                .in_image(&fixture.image("Final"), "sh /opt/run.sh; cat /opt/tool; ls /opt"),
            "copied\ntool\nrun.sh\ntool"
        );

        fixture.write("stages/files/run.sh", "echo changed\n");
        check_stages(&build(&fixture, builder, "Final"), &["Tools reused", "Final built"]);
        assert_eq!(fixture.docker().in_image(&fixture.image("Final"), "sh /opt/run.sh"), "changed");
    }
}

/// What is built on an image inherits its labels, so a half-built stage is never taken for its parent.
#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_half_built_stage_is_not_taken_for_its_parent() {
    for builder in BUILDERS {
        let fixture = Fixture::on_engine();
        fixture.stages("[stages.A]\nfrom = \"tiny\"\n[stages.B]\nfrom = \"A\"\n");
        fixture.dockerfile("A", "RUN echo a > /a\n");
        fixture.dockerfile("B", "RUN echo half > /half\nRUN false\n");
        for _ in 0..3 {
            fixture.build(builder, &["--target", "B"]).exits(1);
            let found =
                fixture.docker().in_image(&fixture.image("A"), "ls /half 2>/dev/null; cat /a");
            assert_eq!(found, "a", "{builder}");
        }
    }
}

/// What was built anew is what later runs use.
#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn what_was_built_without_a_cache_stays() {
    for builder in BUILDERS {
        let fixture = Fixture::on_engine();
        fixture.one_stage("RUN cat /proc/sys/kernel/random/uuid > /stamp\n");
        fixture.build(builder, &[]).exits(0);
        fixture.build(builder, &["--no-cache"]).exits(0);
        let anew = fixture.image_id("S");
        assert_eq!(fixture.build(builder, &[]).exits(0).stages(), ["S reused"]);
        assert_eq!(fixture.image_id("S"), anew, "{builder}");
    }
}
