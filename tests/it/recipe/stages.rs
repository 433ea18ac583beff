//! `stage list` and `stage graph`, on Dockerfiles and on projects.

use crate::support::Fixture;

const DOCKERFILE: &str = "FROM ubuntu:22.04 AS A_stage\nRUN wget -q http://172.17.0.1:3000/a.run\n\
    FROM A_stage AS B_stage\nRUN --package=tool true\nCOPY --from=busybox /bin/busybox /bin/\n\
    FROM ubuntu:22.04\nCOPY --from=b_STAGE /x /x\nCOPY --from=0 /y /y\n";

fn check(fixture: &Fixture, arguments: &str, expected: &str) {
    let words: Vec<&str> = arguments.split_whitespace().collect();
    let outcome = fixture.run(&words).exits(0);
    assert_eq!(outcome.stdout, expected);
}

fn dockerfile() -> Fixture {
    let fixture = Fixture::new();
    fixture.write("Dockerfile", DOCKERFILE);
    fixture.declare("tool", "tool.run", b"tool");
    fixture
}

#[test]
fn a_dockerfile_is_listed_for_programs() {
    let outcome = dockerfile().run(&["stage", "list", "--format", "json"]).exits(0);
    let listed: serde_json::Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    let expected = serde_json::json!([
        { "name": "A_stage", "from": "ubuntu:22.04", "packages": ["a.run"] },
        { "name": "B_stage", "from": "A_stage", "packages": ["tool"] },
        { "name": "stage-2", "from": "ubuntu:22.04", "packages": [], "copies": ["A_stage", "B_stage"] },
    ]);
    assert_eq!(listed, expected);
}

#[test]
fn a_dockerfile_is_listed_for_people() {
    let expected = "STAGE    FROM          PACKAGES  DESCRIPTION\n\
        A_stage  ubuntu:22.04  1\n\
        B_stage  A_stage       1\n\
        stage-2  ubuntu:22.04  0\n";
    check(&dockerfile(), "stage list -f Dockerfile", expected);
}

#[test]
fn a_graph_is_drawn_in_three_ways() {
    let fixture = dockerfile();
    let text = "ubuntu:22.04\n|-- A_stage\n|   `-- B_stage\n`-- stage-2 <- A_stage, B_stage\n";
    check(&fixture, "stage graph", text);
    let dot = "digraph \"project\" {\n  rankdir=LR;\n  \"ubuntu:22.04\" -> \"A_stage\";\n  \
        \"A_stage\" -> \"B_stage\";\n  \"ubuntu:22.04\" -> \"stage-2\";\n  \
        \"A_stage\" -> \"stage-2\" [style=dashed];\n  \"B_stage\" -> \"stage-2\" [style=dashed];\n}\n";
    check(&fixture, "stage graph --format dot", dot);
    let mermaid = "flowchart LR\n  n0[\"ubuntu:22.04\"]\n  n1[\"A_stage\"]\n  n2[\"B_stage\"]\n  \
        n3[\"stage-2\"]\n  n0 --> n1\n  n1 --> n2\n  n0 --> n3\n  n1 -.-> n3\n  n2 -.-> n3\n";
    check(&fixture, "stage graph --format mermaid", mermaid);
}

#[test]
fn a_skipped_stage_is_in_no_graph() {
    let fixture = Fixture::new();
    fixture.write("Dockerfile", "FROM b AS A\nFROM A AS B\nFROM B AS C\n");
    check(&fixture, "stage graph --skip b", "b\n`-- A\n    `-- C\n");
}

#[test]
fn a_project_is_drawn_as_well() {
    let fixture = Fixture::new();
    fixture.stages("[stages.A]\nfrom = \"tiny\"\n[stages.B]\nfrom = \"A\"\n");
    fixture.dockerfile("A", "").dockerfile("B", "");
    check(&fixture, "stage graph", &format!("{}\n`-- A\n    `-- B\n", fixture.base()));
}
