//! What Dockerfiles are written with besides: it must mean what it means to Docker.

use std::fs::File;

use super::ground::Ground;
use crate::support::{Builders, Fixture};

const BOTH: [&str; 2] = ["classic", "buildkit"];
const BUILDKIT: [&str; 1] = ["buildkit"];

/// Builds on each builder and holds what `/result` has in the last stage, called `last`, against `expected`.
fn check(builders: &[&'static str], dockerfile: &str, expected: &str) {
    check_with(builders, dockerfile, |_| (), expected);
}

fn check_with(
    builders: &[&'static str],
    dockerfile: &str,
    furnish: impl Fn(&Ground),
    expected: &str,
) {
    for builder in Builders.among(builders) {
        let ground = Ground::with(dockerfile, builder);
        furnish(&ground);
        ground.build(&[]).exits(0);
        assert_eq!(ground.in_image("last", "cat /result"), expected, "{builder}");
    }
}

#[test]
#[ignore = "needs an engine"]
fn stages_are_copied_from_by_name_and_by_number() {
    let dockerfile = "FROM BASE\nRUN echo zero > /zero\n\
        FROM BASE AS Named\nRUN echo named > /named\n\
        FROM scratch AS unused\nCOPY nothing /\n\
        FROM BASE AS last\nCOPY --from=0 /zero /result\nCOPY --from=nAmEd /named /named\n\
        COPY --from=1 --chown=1000:1000 /named /again\n\
        RUN cat /named /again >> /result && stat -c %u /again >> /result\n";
    check(&BOTH, dockerfile, "zero\nnamed\nnamed\n1000");
}

#[test]
#[ignore = "needs an engine"]
fn a_stage_may_start_from_nothing() {
    let dockerfile = "FROM BASE\nRUN echo all of it > /result\n\
        FROM scratch AS last\nCOPY --from=0 / /\n";
    check(&BOTH, dockerfile, "all of it");
}

#[test]
#[ignore = "needs an engine"]
fn triggers_run_in_the_child_and_their_files_are_served() {
    let dockerfile = "FROM BASE AS first\n\
        ONBUILD RUN wget -q -O /result http://172.17.0.1:3000/onbuild.sh\n\
        ONBUILD COPY requirements.txt /copied\n\
        FROM first AS last\nRUN cat /copied >> /result\n";
    let furnish = |ground: &Ground| {
        ground.stand_in("onbuild.sh", "served");
        ground.write("requirements.txt", "copied\n");
    };
    check_with(&BOTH, dockerfile, furnish, "onbuild.sh: a stand-in, served\ncopied");
}

/// Triggers of every kind, the one on line 5 with an address that is no engine's gateway.
const TRIGGERS: &str = "FROM BASE AS first\nONBUILD RUN echo one > /result\n\
    ONBUILD COPY requirements.txt /copied\nONBUILD WORKDIR /there\n\
    ONBUILD RUN wget -q http://10.99.0.1:3000/a.sh && sh a.sh\nONBUILD RUN echo last\n\
    FROM first AS last\nRUN cat /there/a.sh > /result\n";

fn trigger_ground(builder: &'static str) -> Ground {
    let ground = Ground::with(TRIGGERS, builder);
    ground.write("requirements.txt", "copied\n");
    ground.write("a.sh", "true # first\n");
    ground
}

/// What a project's `last` stage has, whose parent's triggers copy from the context and from another stage.
fn check_triggers_that_copy(builder: &str) {
    let fixture = Fixture::on_engine();
    let stages = "[stages.tools]\nfrom = \"tiny\"\n[stages.first]\nfrom = \"tiny\"\n\
        [stages.last]\nfrom = \"first\"\n";
    fixture.stages(stages).write("stages/sub/copied.txt", "copied\n");
    fixture.dockerfile("tools", "RUN echo tool > /tool\n").dockerfile("last", "");
    let triggers = "ONBUILD COPY sub /sub\nONBUILD COPY --from=tools /tool /tool\n\
        ONBUILD RUN cat /sub/copied.txt /tool > /result\n";
    fixture.dockerfile("first", triggers);
    let outcome = fixture.build(builder, &["--target", "last"]).exits(0);
    assert!(outcome.stages().contains(&"last built".to_owned()), "{:?}", outcome.stages());
    let result = fixture.docker().in_image(&fixture.image("last"), "cat /result");
    assert_eq!(result, "copied\ntool", "{builder}");
    fixture.write("stages/sub/copied.txt", "changed\n");
    fixture.build(builder, &["--target", "last"]).exits(0);
    let result = fixture.docker().in_image(&fixture.image("last"), "cat /result");
    assert_eq!(result, "changed\ntool", "{builder}");
}

/// In a project of its own files too, what a trigger copies goes with the stage that runs it; a
/// stage of which only triggers ran was built.
#[test]
#[ignore = "needs an engine"]
fn triggers_of_a_projects_stages_find_what_they_copy_on_the_classic_builder() {
    check_triggers_that_copy("classic");
}

#[test]
#[ignore = "needs an engine"]
fn triggers_of_a_projects_stages_find_what_they_copy_on_buildkit() {
    check_triggers_that_copy("buildkit");
}

#[test]
fn a_trigger_takes_no_packages() {
    let fixture = Fixture::new();
    fixture.package("tool", "tool.run", 10);
    fixture.one_stage("ONBUILD RUN --package=tool sh \"$PACKAGES\"/tool.run\n");
    let told = fixture.run(&["check"]).exits(3).stderr;
    assert!(told.contains("`--package` does not go with `ONBUILD`"), "{told}");
    assert!(told.contains("S.Dockerfile:1:13"), "{told}");
}

#[test]
fn a_heredoc_that_names_its_program_takes_no_packages() {
    let fixture = Fixture::new();
    fixture.package("tool", "tool.run", 10);
    fixture.one_stage("RUN --package=tool <<EOF\n#!/usr/bin/python3 -u\nprint(1)\nEOF\n");
    let told = fixture.run(&["check"]).exits(3).stderr;
    assert!(told.contains("a heredoc with a `#!` line does not go with `--package`"), "{told}");
    assert!(told.contains("`/usr/bin/python3 -u <<EOF`"), "{told}");
}

#[test]
#[ignore = "needs an engine"]
fn a_changed_file_of_a_trigger_is_fetched_anew() {
    for builder in Builders {
        let ground = trigger_ground(builder);
        ground.build(&[]).exits(0);
        assert_eq!(ground.build(&[]).exits(0).stages(), ["first reused", "last reused"]);
        ground.write("a.sh", "true # second\n");
        ground.build(&[]).exits(0);
        assert_eq!(ground.in_image("last", "cat /result"), "true # second", "{builder}");
    }
}

#[test]
#[ignore = "needs an engine"]
fn a_failing_trigger_is_told_with_its_line() {
    for builder in Builders {
        let ground = trigger_ground(builder);
        ground.build(&[]).exits(0);
        ground.write("a.sh", "exit 7\n");
        let told = ground.build(&[]).exits(1).stderr;
        assert!(told.contains("--> Dockerfile:5:1") && told.contains("exit code 7"), "{told}");
    }
}

#[test]
#[ignore = "needs an engine"]
fn arguments_before_the_first_stage_name_its_base() {
    let dockerfile = "ARG REGISTRY\nARG IMAGE=BASE\nARG WHAT=outer\n\
        FROM --platform=linux/amd64 ${REGISTRY:-}${IMAGE} AS first\n\
        ARG WHAT\nARG OTHER=${WHAT}-other\nENV KEPT=${OTHER}\n\
        FROM first AS last\nARG WHAT=inner\nRUN echo $WHAT $KEPT > /result\n";
    check(&BOTH, dockerfile, "inner outer-other");
}

#[test]
#[ignore = "needs an engine"]
fn the_escape_directive_holds_for_every_stage() {
    let dockerfile = "# escape=`\nFROM BASE AS first\nRUN echo one `\n  two > /first\n\
        FROM first AS last\nRUN cp /first /result && `\n  # a comment inside\n  echo 'a\\b' >> /result\n";
    check(&BOTH, dockerfile, "one two\na\\b");
}

#[test]
#[ignore = "needs an engine"]
fn the_later_of_two_stages_of_one_name_counts() {
    let dockerfile = "FROM BASE AS same\nRUN echo first > /result\n\
        FROM BASE AS same\nRUN echo second > /result\n\
        FROM same AS last\n";
    check(&BOTH, dockerfile, "second");
}

#[test]
#[ignore = "needs an engine"]
fn packages_by_name_go_beside_plain_addresses() {
    let dockerfile = "FROM BASE AS first\n\
        RUN --package=tool,table cat \"$PACKAGES\"/tool.sh \"$PACKAGES\"/table.txt > /result\n\
        FROM first AS last\n\
        RUN wget -q http://172.17.0.1:3000/plain.sh && cat plain.sh >> /result && rm plain.sh\n";
    let furnish = |ground: &Ground| {
        let mut declared = String::new();
        for (name, file) in [("tool", "tool.sh"), ("table", "table.txt")] {
            ground.stand_in(file, "by name");
            let content = std::fs::read(ground.path(file)).expect("the package is there");
            let digest = crate::support::sha256(&content);
            declared +=
                &format!("[[package]]\nname = {name:?}\nfile = {file:?}\nsha256 = \"{digest}\"\n");
        }
        ground.write("packages.toml", declared);
        ground.stand_in("plain.sh", "plainly");
    };
    let result = "tool.sh: a stand-in, by name\ntable.txt: a stand-in, by name\nplain.sh: a stand-in, plainly";
    check_with(&BOTH, dockerfile, furnish, result);
}

#[test]
#[ignore = "needs an engine"]
fn what_nothing_copies_costs_nothing() {
    let dockerfile = "FROM BASE AS last\nCOPY sub /all\nCOPY requirements*.txt /some/\n\
        RUN find /all /some -type f | sort > /result\n";
    let furnish = |ground: &Ground| {
        for file in ["requirements.txt", "requirements-2.txt", "sub/kept.py", "sub/left.log"] {
            ground.stand_in(file, "content");
        }
        ground.write(".dockerignore", "# packages\n*.run\n**/*.log\n");
        sparse(ground, "Ascend-cann-toolkit_8.5.0_linux-x86_64.run");
    };
    let result = "/all/kept.py\n/some/requirements-2.txt\n/some/requirements.txt";
    check_with(&BOTH, dockerfile, furnish, result);
}

#[test]
#[ignore = "needs an engine"]
fn the_whole_context_is_what_the_user_has_there() {
    for builder in Builders {
        let ground = Ground::with(
            "FROM BASE AS first\nRUN wget -q http://172.17.0.1:3000/a.sh\n\
             FROM first AS last\nCOPY . /all\nCOPY sub* [s]ub/deeper /some/\nADD ./sub /added\n\
             RUN find /all /some /added -type f | sort > /result\n",
            builder,
        );
        ground.stand_in("a.sh", "content");
        ground.write("sub/one.py", "1");
        ground.write("sub/deeper/two.py", "2");
        ground.build(&[]).exits(0);
        let expected = "/added/deeper/two.py\n/added/one.py\n/all/Dockerfile\n/all/a.sh\n\
            /all/sub/deeper/two.py\n/all/sub/one.py\n/some/deeper/two.py\n/some/one.py\n/some/two.py";
        assert_eq!(ground.in_image("last", "cat /result"), expected, "{builder}");
        let again = ground.build(&[]).exits(0);
        assert_eq!(again.stages(), ["first reused", "last reused"], "{builder}");
    }
}

/// 20 GB that are not there: reading or sending them would fill the disk and outlast the test.
fn sparse(ground: &Ground, file: &str) {
    let file = File::create(ground.path(file)).expect("the fixture's folder is writable");
    file.set_len(20_000_000_000).expect("the file system knows sparse files");
}

#[test]
#[ignore = "needs an engine"]
fn packages_beside_the_dockerfile_are_not_sent() {
    let dockerfile = "FROM BASE AS last\nCOPY requirements.txt /result\n";
    let furnish = |ground: &Ground| {
        ground.write("requirements.txt", "numpy\n");
        sparse(ground, "torch-2.9.0-cp311-cp311-manylinux_2_28_x86_64.whl");
    };
    check_with(&BOTH, dockerfile, furnish, "numpy");
}

#[test]
#[ignore = "needs an engine"]
fn mounts_show_stages_and_the_context() {
    let dockerfile = "FROM BASE AS tools\nRUN echo from a stage > /tool\n\
        FROM BASE AS last\n\
        RUN --mount=type=bind,from=tools,target=/mnt cat /mnt/tool > /result\n\
        RUN --mount=from=0,target=/mnt cat /mnt/tool >> /result\n\
        RUN --mount=target=/mnt,type=bind,from=Tools cat /mnt/tool >> /result\n\
        RUN --mount=type=bind,source=sub,target=/mnt cat /mnt/file.txt >> /result\n\
        RUN --mount=type=tmpfs,target=/scratch wget -q -P /scratch http://172.17.0.1:3000/x.sh && cat /scratch/x.sh >> /result\n";
    let furnish = |ground: &Ground| {
        ground.write("sub/file.txt", "from the context\n");
        ground.stand_in("x.sh", "served");
    };
    check_with(
        &BUILDKIT,
        dockerfile,
        furnish,
        "from a stage\nfrom a stage\nfrom a stage\nfrom the context\nx.sh: a stand-in, served",
    );
}

#[test]
#[ignore = "needs an engine"]
fn what_a_script_fetches_that_its_stage_does_not_name_is_told() {
    let dockerfile = "FROM BASE AS named\nRUN wget -q http://172.17.0.1:3000/data.sh\n\
        FROM named AS last\nRUN wget -q http://172.17.0.1:3000/inst.sh && sh inst.sh\n";
    for builder in Builders {
        let ground = Ground::with(dockerfile, builder);
        ground.write("data.sh", "some data\n");
        // Where podman builds, the package server is on loopback.
        let fetch = |host| format!("wget -q -O /got http://{host}:3000/data.sh");
        ground.write("inst.sh", format!("{} || {}\n", fetch("172.17.0.1"), fetch("127.0.0.1")));
        let outcome = ground.build(&[]).exits(0);
        let told = outcome.stdout + &outcome.stderr;
        let warning = "stage `last` fetched `data.sh`, which none of its instructions names";
        assert_eq!(told.matches(warning).count(), 1, "{told}");
        assert!(!told.contains("stage `named` fetched"), "{told}");
    }
}

#[test]
#[ignore = "needs an engine"]
fn a_builder_that_knows_no_heredocs_is_not_given_any() {
    for builder in Builders {
        let dockerfile = "FROM BASE AS first\nRUN true\nFROM first AS last\nRUN <<END\necho here > /result\nEND\n";
        let ground = Ground::with(dockerfile, builder);
        let version = ground.fixture.docker().run(&["version", "--format", "{{.Server.Version}}"]);
        let major: u32 =
            version.split('.').next().and_then(|major| major.parse().ok()).expect("a version");
        if builder == "buildkit" && major >= 23 {
            ground.build(&[]).exits(0);
            continue;
        }
        let outcome = ground.build(&[]).exits(3);
        let told = &outcome.stderr;
        assert!(
            told.contains("does not understand heredocs") && told.contains("Dockerfile:"),
            "{told}"
        );
        assert!(!outcome.stdout.contains("stage-started"), "{}", outcome.stdout);
    }
}
