//! `--shell-on-failure`: a shell in the state before the failure, and what is left of it.

use rustix::process::{Pid, Signal, kill_process};

use super::BUILDERS;
use crate::support::{Fixture, Session, eventually};

/// The last line before a shell opens.
const READY: &str = "`exit` leaves";

const ARGUMENTS: [&str; 6] =
    ["build", "--shell-on-failure", "--progress", "plain", "--color", "never"];

/// Two stages, of which the second is `dockerfile`, with an argument and a secret one.
fn project(dockerfile: &str) -> Fixture {
    let fixture = Fixture::on_engine();
    fixture.package("tool", "tool one.run", 3000);
    fixture.stages("[stages.A]\nfrom = \"tiny\"\n[stages.B]\nfrom = \"A\"\n[stages.B.args]\nWORDS = \"two words\"\nTOKEN = \"geheim\"\n");
    fixture.dockerfile("A", "RUN echo a > /a\n").dockerfile("B", dockerfile);
    fixture
}

fn open(fixture: &Fixture, builder: &str, more: &[&str]) -> Session {
    let arguments = [&ARGUMENTS[..], &["--target", "B", "--builder", builder], more].concat();
    let session = Session::start(&fixture.command(&arguments));
    session.wait_for(READY);
    session
}

/// Nothing of a shell is in the engine, and no tag has moved to what it stood in.
fn check_nothing_left(fixture: &Fixture) {
    let containers = fixture.docker().containers(&fixture.name, &fixture.base());
    assert_eq!(containers, Vec::<String>::new(), "no container is left");
    assert_eq!(fixture.docker().references(&fixture.name), [fixture.image("A")]);
}

/// Types `typed` into the shell of a build that fails, and looks for each line of `expected`,
/// before the shell or in it.
fn check(dockerfile: &str, more: &[&str], typed: &[&str], expected: &[&str]) {
    for builder in BUILDERS {
        let fixture = project(dockerfile);
        let mut session = open(&fixture, builder, more);
        typed.iter().for_each(|line| _ = session.types(line));
        session.types("exit 3");
        let shown = session.end().exits(1).stdout.replace('\r', "");
        for line in expected {
            assert!(
                shown.lines().any(|shown| shown == *line),
                "{builder}: no `{line}` in\n{shown}"
            );
        }
        check_nothing_left(&fixture);
    }
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_shell_has_what_the_instruction_had() {
    let dockerfile = "WORKDIR /work\nENV KEPT=1\nUSER builder\nRUN echo before > /tmp/here\n\
        RUN --package=tool test \"$WORDS\" = other \\\n  && sh \"$PACKAGES\"/tool\nRUN echo never\n";
    let typed = [
        "cat /a /tmp/here; pwd; id -un; echo \"$KEPT $WORDS-$TOKEN-\"; stty size",
        "wc -c < \"$PACKAGES/tool one.run\"; echo ${FTP_PROXY-no server}",
        "test \"$WORDS\" = other && sh \"$PACKAGES\"/tool; echo \"again: $?\"",
    ];
    let expected = [
        "stage `B` failed at line 5 of stages/B.Dockerfile; this shell is in the state before it",
        "    test \"$WORDS\" = other   && sh \"$PACKAGES\"/tool",
        "arguments that may be secrets are not set: TOKEN",
        "a",
        "before",
        "/work",
        "builder",
        "1 two words--",
        "33 111",
        "3000",
        "no server",
        "again: 1",
    ];
    check(dockerfile, &[], &typed, &expected);
    check(dockerfile, &["--no-cache"], &typed, &expected);
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_shell_opens_before_the_first_instruction_and_before_a_copy() {
    let never =
        "stage `B` failed at line 1 of stages/B.Dockerfile; this shell is in the state before it";
    check("RUN cat /nowhere\n", &[], &["ls /a"], &[never, "    cat /nowhere", "/a"]);
    let copy = "RUN echo x > /x\nCOPY --from=A /nowhere /b\n";
    check(copy, &[], &["ls /a"], &["the instruction was `COPY --from=A /nowhere /b`", "/a"]);
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_shell_opens_in_the_image_that_failed_its_check() {
    for builder in BUILDERS {
        let fixture = project("RUN echo built > /state\n");
        let stages = std::fs::read_to_string(fixture.path("stages/stages.toml")).expect("is there");
        fixture.write(
            "stages/stages.toml",
            stages + "[stages.B.checks]\nbad = \"test -f /nowhere\"\n",
        );
        let mut session = open(&fixture, builder, &[]);
        session.types("cat /state; ls /sys/class/net").types("exit");
        let shown = session.end().exits(1).stdout;
        for expected in ["    test -f /nowhere", "built\r\n", "lo\r\n"] {
            assert!(shown.contains(expected), "{builder}: no `{expected}` in\n{shown}");
        }
        check_nothing_left(&fixture);
    }
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn without_a_terminal_no_shell_opens() {
    for builder in BUILDERS {
        let fixture = project("RUN exit 4\n");
        let arguments = [&ARGUMENTS[..], &["--target", "B", "--builder", builder]].concat();
        let outcome = fixture.run(&arguments).exits(1);
        let warned = outcome.stderr.matches("warning: `--shell-on-failure` opens no shell").count();
        assert_eq!(warned, 1, "{}", outcome.stderr);
        check_nothing_left(&fixture);
    }
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn why_no_shell_opens_is_told() {
    for builder in BUILDERS {
        let fixture = project("RUN rm /bin/sh\nRUN echo never\n");
        let shown = open(&fixture, builder, &[]).end().exits(1).stdout;
        assert!(shown.contains("warning: no shell: "), "{builder}: {shown}");
        check_nothing_left(&fixture);
    }
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn the_end_of_a_shell_is_told_when_a_signal_ends_it() {
    for builder in BUILDERS {
        let fixture = project("RUN exit 4\n");
        let arguments = ["build", "--shell-on-failure", "--progress", "json", "--target", "B"];
        let command = fixture.command(&[&arguments[..], &["--builder", builder]].concat());
        let mut session = Session::start(&command);
        session.wait_for(READY);
        session.types("echo op\"\"en").wait_for("open\r\n");
        kill_process(process_of(&fixture), Signal::TERM).expect("the program is still there");
        let shown = session.end().exits(1).stdout;
        assert!(shown.contains(r#""event":"shell-finished""#), "{builder}: {shown}");
        check_nothing_left(&fixture);
    }
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn the_next_run_clears_away_what_a_killed_one_left_of_its_shell() {
    for builder in BUILDERS {
        let fixture = project("RUN --package=tool exit 4\n");
        let mut session = open(&fixture, builder, &[]);
        session.types("echo op\"\"en").wait_for("open\r\n");
        let process = process_of(&fixture);
        kill_process(process, Signal::KILL).expect("the program is still there");
        let gone =
            eventually(|| rustix::process::test_kill_process(process).is_err().then_some(()));
        assert!(gone.is_some(), "the program ends");
        assert_ne!(fixture.docker().references(&fixture.name), [fixture.image("A")]);
        fixture.run(&["build", "--target", "B", "--builder", builder]).exits(1);
        check_nothing_left(&fixture);
    }
}

/// The process of the project's run, by what it has written of itself.
fn process_of(fixture: &Fixture) -> Pid {
    let locks = std::fs::read_dir(fixture.path(".ascend-build/locks")).expect("a run has a lock");
    let lock = locks.map(|entry| entry.expect("a readable folder").path()).next();
    let text = std::fs::read_to_string(lock.expect("one lock")).expect("a readable lock");
    let holder: serde_json::Value = serde_json::from_str(&text).expect("the holder is JSON");
    let process = holder["process"].as_i64().expect("the holder names its process");
    Pid::from_raw(i32::try_from(process).expect("a process id")).expect("a process id")
}
