//! Dockerfiles: arguments from the command line, triggers, and what only the engine can tell.

use ascend_build::plan::{Canonical, make};

use super::world::{World, compare};

/// Changes the build arguments, or the text, of a Dockerfile with the stage C.
fn check(
    (text, given): (&str, &[(&str, &str)]),
    (new_text, new_given): (&str, &[(&str, &str)]),
    stages: &str,
    reason: &str,
) {
    let world = World::new();
    let inputs = |text: &str, given: &[(&str, &str)]| world.inputs_of(&world.recipe(text, given));
    let old = inputs(text, given);
    compare(&old, &inputs(new_text, new_given), stages, reason);
}

/// The same where the build arguments alone change.
fn check_given(text: &str, old: &[(&str, &str)], new: &[(&str, &str)], stages: &str, reason: &str) {
    check((text, old), (text, new), stages, reason);
}

#[test]
fn arguments_from_before_from() {
    let text = |more: &str| {
        format!("ARG V=1\nARG W=x$V\nARG OTHER=1\nFROM tiny AS C\nARG W\n{more}RUN echo $W > /w\n")
    };
    let check = |new: &[(&str, &str)], stages: &str, reason: &str| {
        check_given(&text(""), &[], new, stages, reason);
    };
    check(&[("OTHER", "2")], "", "");
    check(&[("V", "2")], "C", "argument V before FROM 1 → 2");
    check(&[("W", "y")], "C", "argument W x$V → y");
    let declared = text("ARG OTHER\n");
    check_given(&declared, &[], &[("OTHER", "2")], "C", "argument OTHER 1 → 2");
    // One whose name begins another's is not meant.
    let longer = "ARG V=1\nARG VERSION=2\nARG W=x$VERSION\nFROM tiny AS C\nARG W\nRUN true\n";
    check_given(longer, &[], &[("V", "9")], "", "");
    check_given(longer, &[], &[("VERSION", "9")], "C", "argument VERSION before FROM 2 → 9");
    // A default of the stage's own is what counts.
    let shadowed = |value: &str| format!("ARG V={value}\nFROM tiny AS C\nARG V=2\nRUN echo $V\n");
    self::check((&shadowed("1"), &[]), (&shadowed("9"), &[]), "", "");
}

#[test]
fn secrets_that_others_are_made_of() {
    let text =
        "ARG GH_PAT\nARG REPO=https://${GH_PAT}@x.test/r.git\nFROM tiny AS C\nARG REPO\nRUN true\n";
    let reason = "argument GH_PAT before FROM changed (its values are not shown)";
    check_given(text, &[("GH_PAT", "secret-1")], &[("GH_PAT", "secret-2")], "C", reason);
}

#[test]
fn what_builders_know_without_an_argument() {
    let text = "FROM tiny AS C\nARG http_proxy\nRUN true\n";
    check_given(text, &[], &[("http_proxy", "http://p:1")], "", "");
    check_given(text, &[], &[("HTTPS_PROXY", "http://p:1")], "", "");
    let reason = "argument BUILDKIT_SANDBOX_HOSTNAME is new";
    check_given(text, &[], &[("BUILDKIT_SANDBOX_HOSTNAME", "h")], "C", reason);
}

#[test]
fn arguments_of_triggers() {
    let text = "FROM tiny AS P\nONBUILD ARG V=1\nONBUILD RUN echo $V > /v\nFROM P AS C\nRUN true\n";
    check_given(text, &[], &[("V", "2")], "C", "argument V is new");
    check_given(text, &[("V", "1")], &[("V", "2")], "C", "argument V 1 → 2");
}

/// Where the engine alone can tell what a stage is: its line, and whether that is certain.
fn check_remote(text: &str, given: &[(&str, &str)], expected: &[(&str, usize, bool)]) {
    let world = World::new();
    let plan = make(&world.recipe(text, given), &world.wishes).expect("a good plan");
    let remote = plan.stages.iter().filter_map(|stage| {
        let canonical = Canonical::of(&plan, stage);
        let remote = canonical.remote()?;
        Some((stage.name.to_string(), remote.instruction.line, remote.certain))
    });
    let expected: Vec<_> =
        expected.iter().map(|(name, l, c)| ((*name).to_owned(), *l, *c)).collect();
    assert_eq!(remote.collect::<Vec<_>>(), expected, "{text}");
}

#[test]
fn what_only_the_engine_can_tell() {
    let add = |source: &str| format!("FROM tiny AS C\nARG F=stages/other.txt\nADD {source} /x\n");
    check_remote(&add("https://x.test/a"), &[], &[("C", 3, true)]);
    check_remote(&add("stages/other.txt"), &[], &[]);
    check_remote(&add("$F"), &[], &[]);
    check_remote(&add("\"${F}\""), &[], &[]);
    check_remote(&add("$F"), &[("F", "https://x.test/a")], &[("C", 3, true)]);
    // Perhaps the base has it in its environment.
    check_remote(&add("$UNKNOWN"), &[], &[("C", 3, false)]);
    check_remote(&add("stages/$UNKNOWN"), &[], &[]);
    check_remote(&add("https://$UNKNOWN/a"), &[], &[("C", 3, true)]);
}

#[test]
fn a_trigger_adds_in_the_stages_built_on_its_own() {
    let text = "FROM tiny AS P\nONBUILD ADD https://x.test/a /a\nFROM P AS C\nRUN true\n";
    check_remote(text, &[], &[("C", 2, true)]);
}
