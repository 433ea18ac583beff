//! Warnings of `check` and `plan`, and what `--deny` makes of them.

use ascend_build::project::dockerfile::LARGE;

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
fn an_exit_code_is_lost_where_a_failure_goes_on() {
    let check = |script: &str, expected: bool| {
        let told = run(&format!("FROM x\nRUN {script}\n"), &["check"]).exits(0).stderr;
        assert_eq!(told.contains("exit-code-lost"), expected, "{script}: {told}");
    };
    check("bash install.sh && echo installed || echo failed", true);
    check("bash install.sh && test -f /x || exit 1", false);
    check("bash install.sh || (cat log && false)", false);
    check("bash install.sh || (cat log && false); echo done", true);
    check("set -e; bash install.sh || (cat log && false); echo done", false);
    check("bash install.sh || { cat log; exit 1; }; echo done", false);
    check("nohup bash install.sh &", true);
    check("nohup bash install.sh", false);
    check("timeout 600 bash install.sh; echo done", true);
    check("bash a.run || (echo failed; exit 1); echo next", true);
    check("bash a.run || (echo failed; exit 1)", false);
    check("set -e; bash a.run || (echo failed; exit 1); echo next", false);
    check("(bash a.run || exit 1; ls); echo next", true);
    check("(bash a.run || exit 1; ls) && echo next", false);
    check("(cd /w && bash a.run); echo next", true);
    check("(cd /w && bash a.run) > log; echo next", true);
    check("(cd /w && bash a.run) && echo next", false);
    check("(cd /w && bash a.run); r=$?; rm a.run; exit $r", false);
    check("set -e; (cd /w && bash a.run); echo next", false);
    check("(set -e; ls); bash a.run; ls", true);
    check("{ bash a.run; } || true", true);
    check("{ bash a.run; } || exit 1", false);
    check("{ bash a.run && rm a.run; } || true", true);
    check("(cd /w && bash a.run) | tee log", true);
    check("set -o pipefail; (cd /w && bash a.run) | tee log", false);
    check("set -e; set +e; bash a.run; ls", true);
    check("set -o errexit; set +o errexit; bash a.run; ls", true);
    check("set +e; set -e; bash a.run; ls", false);
    check("bash a.run & wait $!", false);
    check("bash a.run & P=$!; ls; wait $P", false);
    check("bash a.run & wait", true);
    check("(cd /w && bash a.run) &", true);
    check("if [ $X = 1 ]; then bash a.run; else bash b.run; fi", false);
    check("if [ $X = 1 ]; then bash a.run; else bash b.run; fi; ls", true);
    check("case $(id) in a) bash a.run; ;; *) bash b.run; ;; esac", false);
    check("if ls && bash a.run; then echo yes; else exit 1; fi", false);
    check("f() { bash a.run; }; f && ls", false);
    let heredoc = |first: &str| format!("<<EOF\n{first}bash install.sh\necho done\nEOF");
    check(&heredoc(""), true);
    check(&heredoc("#!/bin/bash\n"), true);
    check(&heredoc("#!/bin/bash -e\n"), false);
    check(&heredoc("#!/usr/bin/env -S bash -e\n"), false);
}

#[test]
fn an_exit_code_of_a_round_is_lost_where_the_next_one_follows() {
    let check = |script: &str, expected: bool| {
        let told = run(&format!("FROM x\nRUN {script}\n"), &["check"]).exits(0).stderr;
        assert_eq!(told.contains("exit-code-lost"), expected, "{script}: {told}");
        assert!(!expected || told.contains("last round's exit code"), "{script}: {told}");
    };
    check("for f in *.run; do bash $f; done", true);
    check("for f in *.run; do bash \"./${f}\" --install; done; rm -f *.run", true);
    check("for f in a.run b.run; do chmod +x $f; ./$f; done", true);
    check("for f in $(ls *.run); do nohup bash $f && rm $f; done", true);
    check("for f in a b; do bash $f.run; done || exit 1", true);
    check("for f in *.run; do if [ -x $f ]; then ./$f; fi; done", true);
    check("ls *.run | while read f; do bash $f.run; done", true);
    check("bash -c 'for f in *.run; do bash $f; done'", true);
    check("for f in *.run; do bash $f || exit 1; done", false);
    check("for f in *.run; do bash $f || { cat log; exit 1; }; done", false);
    check("for f in *.run; do bash $f || failed=1; done; exit $failed", false);
    check("set -e; for f in *.run; do bash $f; done; rm -f *.run", false);
    check("for f in a.run; do bash $f; done", false);
    check("for f in *.run; do chmod +x $f; done", false);
    check("for f in *.txt; do bash $f; done", false);
    check("for i in 1 2 3; do bash a.run && break; sleep 5; done", false);
    check("for i in 1 2 3; do bash a.run && break || sleep 5; done", false);
    check("for i in 1 2 3; do if bash a.run; then break; fi; done", false);
    check("for i in 1 2 3; do bash a.run && ok=1; done; [ $ok ]", false);
    check("until bash a.run; do sleep 1; done", false);
    check("while [ ! -e /ok ]; do bash a.run; done", false);
}

#[test]
fn what_is_copied_in_vain_is_told() {
    let check = |instructions: &str, expected: bool| {
        let fixture = Fixture::new();
        fixture
            .write("Dockerfile", format!("FROM x AS a\n{instructions}\n"))
            .write("pkgs/b.txt", "small");
        large(&fixture, "pkgs/a.run");
        let told = fixture.run(&["check"]).exits(0).stderr;
        assert_eq!(told.contains("copy-then-remove"), expected, "{instructions}: {told}");
        assert!(!expected || told.contains("`pkgs/a.run` is copied and removed again"), "{told}");
    };
    check("COPY pkgs /tmp/pkgs/\nRUN rm -rf /tmp/pkgs", true);
    check("COPY pkgs/*.run /tmp/\nRUN rm -f /tmp/*.run", true);
    check("COPY pkgs/a.run /tmp/b.run\nRUN rm /tmp/b.run", true);
    check("COPY pkgs/a.run /tmp/\nFROM a AS b\nFROM b\nRUN find /tmp -name '*.run' -delete", true);
    check("WORKDIR /w\nCOPY . .\nRUN rm -rf *", true);
    check("WORKDIR /w\nCOPY . .\nRUN cd /x && rm -rf *", false);
    check("COPY pkgs /opt/\nRUN rm -rf /var/lib/apt/lists/* $CACHE /opt/b.txt", false);
    check("COPY pkgs /opt/\nRUN find / -name '*.pyc' -delete", false);
    check("COPY pkgs /opt/\nRUN find /opt -type f -name '*.run' -exec rm -f {} +", true);
    check("COPY pkgs /opt/\nRUN find /opt -xdev -name a.run -exec rm -f {} \\;", true);
    for tests in [
        "-iname '*.pyc'",
        "-type d -empty",
        "-not -name a.run",
        "! -name a.run",
        "-mindepth 3",
        "-name '*.run' -size -1k",
        "-name '*.run' -o -name '*.pyc'",
    ] {
        check(&format!("COPY pkgs /opt/\nRUN find /opt {tests} -delete"), false);
    }
    check("COPY pkgs /opt/\nRUN if [ \"$(id -u)\" = 1 ]; then rm -rf /opt; fi", false);
    check("COPY pkgs /opt/\nRUN [ -e /x ] && rm -rf /opt", false);
    check("COPY pkgs /opt/\nRUN mv -t /opt /x", false);
    check("COPY pkgs /opt/\nFROM x AS b\nRUN rm -rf /opt", false);
    let builder = "COPY pkgs /opt/\nRUN rm -rf /opt\n";
    check(&format!("{builder}FROM x\nCOPY --from=a /y /"), false);
    check(&format!("{builder}FROM x\nRUN --mount=from=a,target=/m ls"), false);
    check(&format!("{builder}FROM a AS b\nFROM x\nCOPY --from=b /y /"), false);
    check(&format!("{builder}FROM a\nCOPY --from=a /y /"), true);
    check(&format!("{builder}FROM x"), true);
    check("RUN rm -rf /opt/*\nCOPY pkgs /opt/", false);
}

#[test]
fn a_package_that_a_stage_only_for_copies_keeps_is_in_no_image() {
    let check = |following: &str, expected: bool| {
        let fetches = "FROM x AS a\nRUN wget http://172.17.0.1:3000/a.run\n";
        let told = run(&format!("{fetches}{following}\n"), &["check"]).exits(0).stderr;
        assert_eq!(told.contains("package-not-removed"), expected, "{following}: {told}");
    };
    check("FROM x\nCOPY --from=a /y /", false);
    check("FROM a\nCOPY --from=a /y /", true);
    check("FROM x", true);
}

fn large(fixture: &Fixture, file: &str) {
    let file = std::fs::File::create(fixture.path(file)).expect("the fixture's folder is writable");
    file.set_len(LARGE).expect("a sparse file can be long");
}

#[test]
fn what_a_stage_below_copied_in_vain_is_told_in_a_project() {
    let fixture = Fixture::new();
    fixture.stages("[stages.A]\nfrom = \"tiny\"\n[stages.B]\nfrom = \"A\"\n");
    fixture.dockerfile("A", "COPY pkgs /tmp/\n").dockerfile("B", "RUN rm /tmp/a.run\n");
    fixture.write("stages/pkgs/b.txt", "small");
    large(&fixture, "stages/pkgs/a.run");
    let told = fixture.run(&["check"]).exits(0).stderr;
    assert!(told.contains("warning[copy-then-remove]: `pkgs/a.run`"), "{told}");
    assert!(told.contains("A.Dockerfile:1:1"), "{told}");
    assert!(told.contains("`rm /tmp/a.run` in stages/B.Dockerfile:1 gives nothing back"), "{told}");
}

#[test]
fn an_address_that_a_run_writes_down_is_told() {
    let check = |script: &str, expected: bool| {
        let script = script.replace("URL", "http://172.17.0.1:3000");
        let told = run(&format!("FROM x\nRUN {script}\n"), &["check"]).exits(0).stderr;
        assert_eq!(told.contains("address-baked"), expected, "{script}: {told}");
    };
    check("pip config set global.find-links URL/", true);
    check(
        "pip config set global.find-links URL/ && pip install x && pip config unset global.find-links",
        false,
    );
    check("echo export SRV=URL >> /etc/profile", true);
    check("echo export SRV=URL | tee -a /etc/profile.d/server.sh", true);
    check("echo SRV=URL > /etc/server && cat /etc/server && rm /etc/server", false);
    check("echo SRV=URL > /tmp/server", false);
    check("echo fetching from URL/", false);
}

#[test]
fn a_line_of_a_loop_is_told_once() {
    let lines = "FROM x\nRUN for f in a b c; do wget http://172.17.0.1:3000/$f-$(date).run; done\n";
    let told = run(lines, &["check"]).exits(0).stderr;
    assert_eq!(told.matches("fetch-unknown").count(), 1, "{told}");
}

#[test]
fn the_platform_tells_what_the_machine_is_called() {
    let check = |script: &str, platform: &str, expected: &str| {
        let text = format!("FROM x\nRUN {}\n", script.replace("URL", "http://172.17.0.1:3000"));
        let told = run(&text, &["check", "--platform", platform]).exits(4).stderr;
        assert!(told.contains(&format!("package file `{expected}`")), "{script}: {told}");
    };
    check("wget URL/b-$(uname -m).run", "linux/arm64", "b-aarch64.run");
    check("A=`arch`; wget URL/b-$A.run", "linux/amd64", "b-x86_64.run");
    check("wget \"URL/b-$(dpkg --print-architecture).run\"", "linux/amd64", "b-amd64.run");
    check(
        "case $(uname -m) in aarch64) N=arm;; *) N=intel;; esac; wget URL/b-$N.run",
        "linux/arm64",
        "b-arm.run",
    );
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
