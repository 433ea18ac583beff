//! `--skip` and `ONBUILD`: what a stage's triggers fetch and copy goes with the stage that runs them.

use super::ground::Ground;
use crate::support::{Builders, Fixture};

/// The packages and contexts of each stage of the plan for `last`, as `stage packages | context | copies`.
fn check(dockerfile: &str, skipped: &[&str], expected: &[&str]) {
    let fixture = Fixture::new();
    fixture.write("Dockerfile", dockerfile);
    let skip = skipped.iter().flat_map(|stage| ["--skip", stage]);
    let arguments: Vec<&str> =
        ["plan", "--format", "json", "--target", "last"].into_iter().chain(skip).collect();
    let plan: serde_json::Value =
        serde_json::from_str(&fixture.run(&arguments).exits(0).stdout).expect("JSON");
    let words = |value: &serde_json::Value| {
        let words = value.as_array().into_iter().flatten().filter_map(|word| word.as_str());
        words.collect::<Vec<_>>().join(" ")
    };
    let stages = plan["stages"].as_array().into_iter().flatten();
    let shown = stages.map(|stage| {
        let name = stage["name"].as_str().unwrap_or("?");
        let parts = ["packages", "context", "copies"].map(|key| words(&stage[key]));
        format!("{name}: {}", parts.join(" | "))
    });
    assert_eq!(shown.collect::<Vec<_>>(), expected);
}

const TRIGGERS: &str = "FROM x AS other\nFROM x AS first\nENV NAME=first\n\
    ONBUILD RUN wget http://172.17.0.1:3000/$NAME.sh\nONBUILD COPY first.txt /\n\
    ONBUILD COPY --from=other /a /b\n\
    FROM first AS second\nENV NAME=second\nONBUILD RUN wget http://172.17.0.1:3000/$NAME.run\n\
    FROM second AS last\nRUN wget http://172.17.0.1:3000/$NAME-last.run\n";

#[test]
fn triggers_belong_to_the_stage_that_runs_them() {
    let expected = [
        "first:  |  | ",
        "other:  |  | ",
        "second: first.sh | first.txt | other",
        "last: second.run second-last.run |  | ",
    ];
    check(TRIGGERS, &[], &expected);
}

#[test]
fn a_skipped_stage_takes_its_triggers_with_it() {
    let expected =
        ["first:  |  | ", "other:  |  | ", "last: first.sh first-last.run | first.txt | other"];
    check(TRIGGERS, &["Second"], &expected);
    check(TRIGGERS, &["second", "first"], &["last:  |  | "]);
}

#[test]
fn the_warnings_of_a_skipped_stage_are_not_told() {
    let fixture = Fixture::new();
    fixture
        .write("Dockerfile", "FROM x AS a\nRUN pip install b\nFROM a AS c\nRUN sh d.run || true\n");
    let told = fixture.run(&["plan", "--skip", "a"]).exits(0).stderr;
    assert!(told.contains("exit-code-lost") && !told.contains("cache-left"), "{told}");
}

/// What a skipped stage brought along is no reason of its own.
#[test]
#[ignore = "needs an engine"]
fn that_a_stage_is_skipped_is_why_its_children_are_built() {
    let file = "FROM BASE AS A\nRUN echo a > /a\nFROM A AS B\nARG X=1\nWORKDIR /b\n\
        RUN echo b > /b/b\nFROM B AS C\nARG X\nRUN echo c > /c\n";
    for builder in Builders {
        let ground = Ground::with(file, builder);
        ground.build(&[]).exits(0);
        let outcome = ground.run(&["plan", "--skip", "B", "--builder", builder]).exits(0);
        let lines: Vec<&str> = outcome.stdout.lines().collect();
        let because = lines.iter().find(|line| line.starts_with("C      builds it")).copied();
        let because = because.and_then(|line| line.split_once("builds it")).map(|(_, why)| why);
        let expected = "it starts from A, before from B (B is skipped)";
        assert_eq!(because.map(str::trim), Some(expected), "{lines:?}");
        assert!(outcome.stdout.contains("the target; `B` is skipped"), "{}", outcome.stdout);
        ground.build(&["--skip", "B"]).exits(0);
        assert_eq!(ground.in_image("c", "ls / | grep -c '^b$' || true"), "0");
    }
}
