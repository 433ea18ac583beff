//! The help of every verb, the version, and wrong usage.

use crate::support::Fixture;

fn check(arguments: &[&str], code: i32, name: &str) {
    Fixture::new().run(arguments).exits(code).matches(name);
}

/// The verbs, as the program's own help lists them: `Commands:`, then one a line until an empty one.
fn verbs() -> Vec<String> {
    let help = Fixture::new().run(&["--help"]).exits(0).stdout;
    let commands = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty());
    let verbs = commands.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    verbs.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn the_program_tells_what_it_does() {
    check(&["--help"], 0, "help");
    check(&["-h"], 0, "help-short");
    check(&["--version"], 0, "version");
}

/// A script that takes the half for the whole would go on with it.
#[test]
fn what_does_not_reach_stdout_is_an_error() {
    let fixture = Fixture::new();
    fixture.one_stage("RUN true\n");
    let full = || std::fs::File::create("/dev/full").expect("Linux has it");
    let output = fixture.command(&["stage", "list"]).stdout(full()).output().expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("could not be written to stdout"), "{told}");
    let (reader, gone) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = fixture.command(&["stage", "list"]).stdout(gone).output().expect("it runs");
    assert_eq!(output.status.code(), Some(0), "a reader may leave when it has enough");
}

#[test]
fn every_verb_has_help() {
    let verbs = verbs();
    assert!(
        ["build", "plan", "check"].iter().all(|verb| verbs.iter().any(|known| known == verb)),
        "{verbs:?}"
    );
    for verb in verbs {
        check(&[&verb, "--help"], 0, &format!("help-{verb}"));
    }
    check(&["image", "layers", "--help"], 0, "help-image-layers");
    check(&["stage", "list", "--help"], 0, "help-stage-list");
    check(&["stage", "graph", "--help"], 0, "help-stage-graph");
}

#[test]
fn wrong_usage_says_what_was_expected() {
    check(&["biuld"], 2, "usage-unknown-verb");
    check(&["--traget", "C_stage"], 2, "usage-unknown-option");
    check(&["build", "--builder", "buildx"], 2, "usage-unknown-builder");
    check(&["plan", "--format", "yaml"], 2, "usage-unknown-format");
    check(&["build", "--set", "NAME"], 2, "usage-setting-without-value");
    check(&["build", "--platform", "windows/amd64"], 2, "usage-unknown-platform");
    check(&["build", "--set", "NAME=1\nRUN true"], 2, "usage-setting-of-two-lines");
    check(&["build", "--tag", "foo bar"], 2, "usage-bad-tag");
    check(&["-v", "B_stage"], 2, "usage-stage-for-verb");
    check(&["package", "B_stage"], 2, "usage-unknown-package-verb");
    check(&["build", "--target"], 2, "usage-target-without-value");
    check(&["-C", "nowhere", "check"], 2, "usage-no-such-folder");
}
