//! The plan in each of its forms.

use serde_json::Value;

use crate::support::Fixture;

/// Three stages, a package each for the later two, and a fourth that nothing here needs.
fn project() -> Fixture {
    let fixture = Fixture::new();
    fixture.package("cann-toolkit", "Ascend-cann-toolkit_8.5.0_linux-x86_64.run", 3000);
    fixture.package("torch", "torch-2.7.1+cpu-cp311-cp311-linux_x86_64.whl", 500);
    fixture.declare("never-used", "gone.run", b"");
    fixture.stages(
        "[stages.A_stage]\nfrom = \"tiny\"\nargs = { GREETING = 'say \"hi\" for $5', SECOND = 'a\\b' }\n\n\
         [stages.B_stage]\ndescription = \"CANN\"\nfrom = \"A_stage\"\n[stages.B_stage.checks]\ntoolkit = \"test -d /opt\"\n\n\
         [stages.C_stage]\nfrom = \"B_stage\"\n\n[stages.other]\nfrom = \"tiny\"\n",
    );
    fixture.dockerfile("A_stage", "# escape=\\\nRUN echo \"$GREETING\"\nENV A=1\n");
    fixture.dockerfile("B_stage", "SHELL [\"/bin/ash\", \"-exc\"]\nRUN --package=cann-toolkit \\\n    sh \"$PACKAGES\"/*.run # \"quoted\"\n");
    fixture.dockerfile("C_stage", "COPY --from=other /etc/passwd /tmp/\nRUN --package=torch [\"/bin/sh\", \"-c\", \"true\"]\n");
    fixture.dockerfile("other", "RUN --package=never-used true\n");
    fixture
}

const PLATFORM: [&str; 2] = ["--platform", "linux/amd64"];

fn check(arguments: &[&str], name: &str) {
    project().run(&[&["plan"], &PLATFORM[..], arguments].concat()).exits(0).matches(name);
}

#[test]
fn the_plan_as_a_table() {
    check(&["--target", "C_stage"], "plan-table");
    check(
        &[
            "--target",
            "b_STAGE",
            "--tag",
            "1.0",
            "--tag",
            "registry.local/b:2",
            "--set",
            "GREETING=x",
        ],
        "plan-table-b",
    );
    let build = project()
        .run(&[&["build", "--dry-run", "--target", "C_stage"], &PLATFORM[..]].concat())
        .exits(0);
    assert_eq!(
        build.stdout,
        project().run(&[&["plan", "--target", "C_stage"], &PLATFORM[..]].concat()).stdout
    );
}

#[test]
fn the_plan_as_dockerfiles() {
    check(&["--target", "C_stage", "--format", "dockerfile"], "plan-dockerfile");
}

#[test]
fn the_plan_as_json() {
    check(&["--target", "B_stage", "--format", "json"], "plan-json");
    let json = || {
        project()
            .run(&[&["plan", "--target", "C_stage", "--format", "json"], &PLATFORM[..]].concat())
            .exits(0)
            .stdout
    };
    let plan: Value = serde_json::from_str(&json()).expect("the plan is JSON");
    assert_eq!(plan["schema"], 1);
    assert_eq!(json(), json(), "the same project gives the same bytes");
}

#[test]
fn only_ancestors_and_their_packages_are_planned() {
    let json = project()
        .run(&[&["plan", "--target", "B_stage", "--format", "json"], &PLATFORM[..]].concat())
        .exits(0)
        .stdout;
    let plan: Value = serde_json::from_str(&json).expect("the plan is JSON");
    let names = |key: &str| {
        plan[key]
            .as_array()
            .into_iter()
            .flatten()
            .map(|item| item["name"].to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(names("stages"), ["\"A_stage\"", "\"B_stage\""]);
    assert_eq!(names("packages"), ["\"cann-toolkit\""]);
}

#[test]
fn a_project_is_found_from_a_folder_below_it() {
    let fixture = project();
    let below = fixture.path("stages").display().to_string();
    let wanted = fixture.run(&[&["plan", "--target", "B_stage"], &PLATFORM[..]].concat()).exits(0);
    assert_eq!(
        fixture
            .run(&[&["-C", &below, "plan", "--target", "B_stage"], &PLATFORM[..]].concat())
            .exits(0)
            .stdout,
        wanted.stdout
    );
}
