//! `--build-arg` that nothing consumes, and `check --target`, which sees what a build of it sees.

use crate::support::Fixture;

const FILE: &str = "ARG TAG=1\nARG BASE=x:${TAG}\nARG UNSEEN\nFROM ${BASE} AS one\nARG ARCH\n\
    RUN wget -q http://172.17.0.1:3000/a-$ARCH.sh && sh a-$ARCH.sh && rm *\n\
    FROM one AS two\nARG DEVICE\nARG ALONE=1\nRUN pip install x\n\
    RUN wget -q http://172.17.0.1:3000/b-$DEVICE.sh && sh b-$DEVICE.sh && rm *\n";

fn recipe() -> Fixture {
    let fixture = Fixture::new();
    fixture.write("Dockerfile", FILE).write("a-arm.sh", "a\n").write("b-310p.sh", "b\n");
    fixture
}

/// What is said of `arguments` by `verb`; `None` where nothing is said of build arguments.
fn check(verb: &[&str], arguments: &[&str], expected: Option<&[&str]>) {
    let given = ["ARCH=arm", "DEVICE=310p"].iter().chain(arguments);
    let given: Vec<&str> = given.flat_map(|argument| ["--build-arg", argument]).collect();
    let told = recipe().run(&[verb, &given].concat()).exits(0).stderr;
    assert_eq!(told.contains("warning[argument-unused]: "), expected.is_some(), "{told}");
    for text in expected.unwrap_or_default() {
        assert!(told.contains(text), "expected {text:?} in\n{told}");
    }
}

#[test]
fn an_argument_that_nothing_consumes_is_told() {
    for verb in ["check", "plan"] {
        check(&[verb], &["ALONE=2", "TAG=2", "BASE=y", "http_proxy=", "no_proxy=a"], None);
        let slip = ["build argument `ARHC` is not consumed", "did you mean `ARCH`?"];
        check(&[verb], &["ARHC=arm"], Some(&slip));
        let unseen = ["`UNSEEN` is not consumed", "Dockerfile:3:5", "only a `FROM` sees"];
        check(&[verb], &["UNSEEN=1"], Some(&unseen));
    }
}

#[test]
fn an_argument_of_a_stage_that_is_not_built_is_told() {
    let label = ["`DEVICE` is not consumed", "declared by `two`, which is not built"];
    check(&["plan", "--target", "one"], &[], Some(&label));
    check(&["check", "--target", "one"], &[], Some(&label));
    let skipped = ["`DEVICE` is not consumed", "declared by a stage that is skipped"];
    check(&["check", "--skip", "two"], &[], Some(&skipped));
}

#[test]
fn an_unused_argument_can_be_denied() {
    let arguments = ["plan", "--build-arg", "NONE=1", "--deny", "argument-unused"];
    let told = recipe().run(&arguments).exits(3).stderr;
    assert!(told.contains("error[argument-unused]: "), "{told}");
}

#[test]
fn check_sees_what_a_build_of_the_target_sees() {
    let fixture = recipe();
    std::fs::remove_file(fixture.path("b-310p.sh")).expect("it was there");
    let given = ["--build-arg", "ARCH=arm", "--build-arg", "DEVICE=310p"];
    let run = |own: &[&str]| fixture.run(&[own, &given].concat());
    let told = run(&["check"]).exits(4).stderr;
    assert!(told.contains("`b-310p.sh` is missing") && told.contains("cache-left"), "{told}");
    let outcome = run(&["check", "--target", "ONE"]).exits(0);
    assert_eq!(outcome.stdout, "project: 1 stage, 1 package, 1 warning\n");
    assert!(!outcome.stderr.contains("cache-left"), "{}", outcome.stderr);
    let told = run(&["check", "--target", "tow"]).exits(2).stderr;
    assert!(told.contains("there is no stage `tow`"), "{told}");
    let told = run(&["check", "--target", "two", "--skip", "two"]).exits(2).stderr;
    assert!(told.contains("the target `two` cannot be skipped"), "{told}");
}

#[test]
fn a_list_of_stages_is_no_list_of_warnings() {
    for verb in ["list", "graph"] {
        let told = recipe().run(&["stage", verb, "--build-arg", "ARCH=arm"]).exits(0).stderr;
        assert!(!told.contains("warning["), "{told}");
    }
}

#[test]
fn an_argument_that_nothing_gives_a_value_is_left_unset() {
    let run = |arguments: &[&str]| {
        let given = ["plan", "--build-arg", "ARCH=arm", "--build-arg", "DEVICE=310p"];
        recipe().run(&[&given, arguments].concat())
    };
    let told = run(&["--build-arg", "ALONE"]).exits(0).stderr;
    assert!(told.contains("note: build argument `ALONE` is left as it is"), "{told}");
    assert!(told.contains("the environment has no `ALONE`") && told.contains(":9:5"), "{told}");
    let told = run(&["--build-arg", "NOBODYS"]).exits(0).stderr;
    assert!(!told.contains("NOBODYS"), "{told}");
    let told = run(&["--build-arg", "=x"]).exits(2).stderr;
    assert!(told.contains("nothing stands before the `=`"), "{told}");
}

#[test]
fn a_root_that_is_not_there_is_said_first() {
    let told = recipe().run(&["plan", "--root", "nope"]).exits(2).stderr;
    assert!(told.starts_with("error: `--root nope` is no folder that is there"), "{told}");
}

/// What a line that `docker build` would take gives with `plan` or `build --dry-run`.
fn of_docker(arguments: &[&str], code: i32, expected: &str) {
    let own = ["--build-arg", "ARCH=arm", "--build-arg", "DEVICE=310p"];
    let outcome = recipe().run(&[&["-v"], arguments, &own].concat()).exits(code);
    let told = outcome.stdout + &outcome.stderr;
    assert!(told.contains(expected), "expected {expected:?} in\n{told}");
}

#[test]
fn lines_of_docker_build_are_understood_or_answered() {
    let planned = "project two for linux/";
    of_docker(&["--dry-run", "-f", "Dockerfile", "."], 0, planned);
    of_docker(&["build", "--dry-run", "-t", "x:1", "-f", "Dockerfile", "."], 0, planned);
    of_docker(&["build", "--dry-run", ".", "-f", "Dockerfile"], 0, planned);
    of_docker(&["build", "--dry-run", "."], 0, planned);
    of_docker(&["plan", "-f", "Dockerfile", "nope/"], 2, "the context `");
    of_docker(&["build", "--dry-run", "--rm", "--force-rm=false", "--load", "."], 0, planned);
    of_docker(&["build", "x/"], 2, "a Dockerfile's folder is named with `--context x/`");
    of_docker(&["."], 2, "to work in the folder `.`, write `-C .`");
    of_docker(&["build", "--network", "host"], 2, "builds use the engine's own network");
    of_docker(&["build", "--pull"], 2, "`docker pull` it before");
    of_docker(&["build", "--label=a=b"], 2, "write `LABEL NAME=VALUE`");
    of_docker(&["build", "-q"], 2, "write `--progress quiet`");
}
