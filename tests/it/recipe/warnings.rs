//! Warnings of `check` and `plan`, and what `--deny` makes of them.

use crate::support::{Fixture, Outcome};

fn run(dockerfile: &str, arguments: &[&str]) -> Outcome {
    let fixture = Fixture::new();
    fixture.write("Dockerfile", dockerfile).write("a.run", "a package\n");
    fixture.run(arguments)
}

/// A warning is told with exit code 0, and is an error under `--deny` with its code or `all`.
fn check(dockerfile: &str, code: &str) {
    for verb in ["check", "plan"] {
        let told = run(dockerfile, &[verb]).exits(0).stderr;
        assert!(told.contains(&format!("warning[{code}]: ")), "{told}");
        for denied in [code, "all"] {
            let told = run(dockerfile, &[verb, "--deny", denied]).exits(3).stderr;
            assert!(told.contains(&format!("error[{code}]: ")), "{told}");
        }
    }
}

#[test]
fn denied_warnings_are_errors() {
    check("FROM x\nENV no_proxy=172.17.0.1\n", "address-baked");
    check("FROM x\nRUN pip install numpy\n", "cache-left");
    check("FROM x AS a\nFROM x AS A\n", "duplicate-stage");
    check("FROM x\nRUN sh a.run || true\n", "exit-code-lost");
    check("FROM x\nRUN [ -e /b ] || wget http://172.17.0.1:3000/b.run\n", "fetch-missing");
    check("FROM x\nRUN wget http://172.17.0.1:3000/$(uname).run\n", "fetch-unknown");
    check("FROM x\nRUN wget http://172.17.0.1:3000/a.run\n", "package-not-removed");
    check("# syntax=docker/dockerfile:1\nFROM x\n", "syntax-directive");
}

#[test]
fn an_exit_code_that_a_condition_asks_for_is_not_lost() {
    let check = |script: &str, expected: bool| {
        let told = run(&format!("FROM x\nRUN {script}\n"), &["check"]).exits(0).stderr;
        assert_eq!(told.contains("exit-code-lost"), expected, "{script}: {told}");
    };
    check("if ! bash install.sh; then exit 1; fi", false);
    check("if bash install.sh; then echo done; else exit 1; fi", false);
    check("until bash install.sh; do sleep 1; done", false);
    check("bash install.sh; echo done", true);
    check("if true; then bash install.sh; echo done; fi", true);
}

#[test]
fn check_says_where_to_read_more() {
    let told = run("FROM x\nRUN pip install numpy\n", &["check"]).exits(0).stderr;
    assert!(told.contains("docs/warnings.md"), "{told}");
}

/// Stages that need each other are told, and not followed for ever.
#[test]
fn a_circle_of_copies_is_an_error() {
    let told = run("FROM x AS one\nCOPY --from=one /a /\n", &["plan"]).exits(3).stderr;
    assert!(told.contains("in a cycle: `one`"), "{told}");
    let two = "FROM x AS one\nCOPY --from=two /a /\nFROM one AS two\n";
    let told = run(two, &["plan"]).exits(3).stderr;
    assert!(told.contains("in a cycle: "), "{told}");
}

#[test]
fn a_stage_that_is_copied_from_cannot_be_skipped() {
    let file = "FROM x AS one\nFROM one AS two\nFROM one AS three\nCOPY --from=two /a /\n";
    let told = run(file, &["plan", "--skip", "TWO"]).exits(2).stderr;
    assert!(told.contains("stage `two` cannot be skipped"), "{told}");
    assert!(told.contains("`three` copies files from it"), "{told}");
    let told = run(file, &["plan", "--skip", "twoo"]).exits(2).stderr;
    assert!(told.contains("did you mean `two`?"), "{told}");
    let plan = run(file, &["plan", "--target", "one", "--skip", "two", "--skip", "three"]);
    assert!(plan.exits(0).stdout.contains("the target"));
}
