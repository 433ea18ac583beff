//! Why a stage is built, as `plan` and a run tell it of a real engine, and what `--diff` compares.

use std::fs::File;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::BUILDERS;
use crate::support::Fixture;

/// A with a package, and B on it, both built.
fn built(builder: &str) -> Fixture {
    let fixture = Fixture::on_engine();
    fixture.declare("lib", "lib.run", b"one").write("packages/lib.run", "one");
    fixture.stages("[stages.A]\nfrom = \"tiny\"\n[stages.B]\nfrom = \"A\"\n");
    fixture.dockerfile("A", "RUN --package=lib true\n").dockerfile("B", "RUN true\n");
    fixture.build(builder, &["--target", "B"]).exits(0);
    fixture
}

/// What `plan` says of each stage: `A reused: …`.
fn planned(fixture: &Fixture, builder: &str) -> Vec<String> {
    let plan =
        fixture.run(&["plan", "--builder", builder, "--target", "B", "--format", "json"]).exits(0);
    let plan: Value = serde_json::from_str(&plan.stdout).expect("a plan is JSON");
    let told = |one: &Value| {
        let word = if one["reused"] == true { "reused" } else { "built" };
        let reasons = one["reasons"].as_array().expect("a list").iter().filter_map(Value::as_str);
        let reasons: Vec<_> = reasons.collect();
        format!("{} {word}: {}", one["stage"].as_str().unwrap_or("?"), reasons.join("; "))
    };
    plan["outlook"].as_array().expect("an engine was asked").iter().map(told).collect()
}

/// The reasons that a run gives, stage by stage.
fn reasons(events: &[Value]) -> Vec<Value> {
    events.iter().map(|event| event["reasons"][0].clone()).collect()
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_changed_package_is_the_cause_of_all_that_follows() {
    for builder in BUILDERS {
        let fixture = built(builder);
        fixture.declare_nothing().declare("lib", "lib.run", b"two");
        fixture.write("packages/lib.run", "two");
        // An image's time has whole seconds.
        let later = SystemTime::now() + Duration::from_secs(5);
        let file = File::options().write(true).open(fixture.path("packages/lib.run"));
        file.and_then(|file| file.set_modified(later)).expect("the file is ours");
        let package = "package `lib.run` changed: 7692c3ad… → 3fc4ccfe… (file replaced just now)";
        let told = planned(&fixture, builder);
        assert_eq!(
            told,
            [format!("A built: {package}"), "B built: parent A is rebuilt".to_owned()]
        );
        let run = fixture.build(builder, &["--target", "B"]).exits(0);
        assert_eq!(reasons(&run.events_called("stage-decided")), [package, "parent A is rebuilt"]);
    }
}

/// The first run on a machine whose base was removed, or is not there yet.
#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_base_that_is_not_there_is_taken_to_be_what_it_was() {
    for builder in BUILDERS {
        let fixture = built(builder);
        let (base, docker) = (fixture.base(), fixture.docker());
        docker.run(&["tag", &base, &format!("{}/kept:1", fixture.name)]);
        docker.run(&["rmi", &base]);
        let told = planned(&fixture, builder);
        let what = format!("if base {base}, which the engine has not got, is what it was");
        assert!(told[0].starts_with("A reused: ") && told[0].ends_with(&what), "{told:?}");
        assert!(told[1].starts_with("B reused: "), "{told:?}");
        assert!(told[1].ends_with("if A is what it was"), "{told:?}");
        let plan = ["plan", "--builder", builder, "--target", "B", "--diff", "last"];
        let differs = fixture.run(&plan).exits(0).stdout;
        assert!(differs.contains(&format!("none, {what}")), "{differs}");
        fixture.dockerfile("B", "RUN echo b\n");
        let told = planned(&fixture, builder);
        assert_eq!(told[1], "B built: line 1 of stages/B.Dockerfile changed");
        docker.run(&["tag", &format!("{}/kept:1", fixture.name), &base]);
    }
}

/// A stage that only the engine can tell is what it was as long as nothing else of it changed.
#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn what_only_the_engine_can_tell_is_taken_to_be_what_it_was() {
    for builder in BUILDERS {
        let fixture = Fixture::on_engine();
        fixture.stages(
            "[stages.Y]\nfrom = \"tiny\"\n[stages.A]\nfrom = \"Y\"\n[stages.B]\nfrom = \"A\"\n",
        );
        fixture.dockerfile("Y", "ENV FILE=one.txt\n").write("stages/one.txt", "1");
        fixture.dockerfile("A", "ADD $FILE /one.txt\nRUN echo a\n").dockerfile("B", "RUN true\n");
        fixture.build(builder, &["--target", "B"]).exits(0);
        let unknown = "A built: line 1 of stages/A.Dockerfile may add from an address: only the engine can tell whether that changed";
        let told = planned(&fixture, builder);
        assert_eq!(told[1], unknown);
        assert!(told[2].starts_with("B reused: "), "{told:?}");
        assert!(told[2].ends_with("if A is what it was"), "{told:?}");
        fixture.dockerfile("A", "ADD $FILE /one.txt\nRUN echo changed\n");
        let told = planned(&fixture, builder);
        let changed = format!("{unknown}; line 2 of stages/A.Dockerfile changed");
        assert!(told[1].starts_with(&changed), "{told:?}");
        assert_eq!(told[2], "B built: parent A is rebuilt");
    }
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn what_a_trigger_is_given_decides_its_stage() {
    for builder in BUILDERS {
        let fixture = Fixture::on_engine();
        let text = "ONBUILD ARG V=0\nONBUILD RUN echo $V > /v\nFROM p AS c\nRUN true\n";
        fixture.write("Dockerfile", format!("FROM {} AS p\n{text}", fixture.base()));
        for value in ["1", "2"] {
            let given = format!("V={value}");
            let arguments = ["-f", "Dockerfile", "--build-arg", &given, "--tag"];
            let image = format!("{}/c:{value}", fixture.name);
            fixture.build(builder, &[&arguments[..], &[&image]].concat()).exits(0);
            assert_eq!(fixture.docker().in_image(&image, "cat /v"), value, "{builder}");
        }
    }
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_file_that_a_variable_names_is_no_address() {
    for builder in BUILDERS {
        let fixture = Fixture::on_engine();
        fixture.stages("[stages.S]\nfrom = \"tiny\"\nargs = { FILE = \"one.txt\" }\n");
        fixture.dockerfile("S", "ADD $FILE /one.txt\n").write("stages/one.txt", "1");
        fixture.build(builder, &[]).exits(0);
        assert_eq!(fixture.build(builder, &[]).exits(0).stages(), ["S reused"], "{builder}");
    }
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn an_image_that_the_engine_has_not_got_is_not_known() {
    let fixture = Fixture::on_engine();
    fixture.stages("[stages.B]\nfrom = \"tiny\"\n");
    fixture.dockerfile("B", "COPY --from=registry.invalid/uv:1 /uv /bin/\n");
    let told = planned(&fixture, "auto");
    let expected = "B built: registry.invalid/uv:1, which it copies from, is not in the engine: whether it changed is known once it is pulled";
    assert_eq!(told, [expected]);
}

/// What `plan --diff WANTED` says after B changed.
fn check_difference(fixture: &Fixture, wanted: &str, expected: &str) {
    let told = fixture.run(&["plan", "--target", "B", "--diff", wanted]).exits(0);
    let lines: Vec<_> =
        told.stdout.lines().skip(1).map(|line| line.trim_end().to_owned()).collect();
    assert_eq!(lines.join("\n"), expected, "{wanted}");
}

/// What is said of a name that cannot be compared with.
fn check_refused(fixture: &Fixture, arguments: &[&str], expected: &str) {
    let all = [&["plan", "--target", "B", "--diff"], arguments].concat();
    let told = fixture.run(&all).exits(2).stderr;
    assert!(told.contains(expected), "{told}");
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_plan_is_compared_with_a_run_or_an_image() {
    let fixture = built("auto");
    fixture.stages("[stages.Z]\nfrom = \"tiny\"\n[stages.B]\nfrom = \"Z\"\n");
    fixture.dockerfile("Z", "RUN true\n").dockerfile("B", "RUN echo b\n");
    let changed = "it starts from Z, before from A\n       line 1 of stages/B.Dockerfile changed";
    let whole =
        format!("Z      that run did not build it\nB      {changed}\nA      the stage is gone");
    check_difference(&fixture, "last", &whole);
    let id = fixture.image_id("B").expect("B is built");
    let port = format!("registry.local:5000/{}/b", fixture.name);
    fixture.docker().run(&["tag", &id, &port]);
    let image = fixture.image("B");
    for name in [image.trim_end_matches(":latest"), &image, &id, &id[7..19], &port] {
        check_difference(&fixture, name, &format!("B      {changed}"));
    }
    let json = fixture.run(&["plan", "--target", "B", "--diff", &id, "--format", "json"]).exits(0);
    let json: Value = serde_json::from_str(&json.stdout).expect("it is JSON");
    assert_eq!(json[0]["differences"][0], "it starts from Z, before from A");

    check_refused(&fixture, &["nothing-of-that-name"], "there is no run and no image");
    check_refused(&fixture, &[&fixture.base()], "does not say what it was made from");
    check_refused(&fixture, &[&fixture.image("A")], "none is in both");
    check_refused(&fixture, &["last", "--format", "dockerfile"], "does not go with");
    fixture.build("auto", &["--target", "Z"]).exits(0);
    check_refused(&fixture, &["2"], "begins the ids of 2 runs");
    fixture.docker().run(&["rmi", &port]);
}
