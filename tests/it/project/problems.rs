//! Each kind of problem, with its place and what to do about it.

use crate::support::Fixture;

/// A good stages.toml: two stages and one base.
const STAGES: &str = "[project]\nname = \"it\"\ndefault-target = \"B_stage\"\n\n[bases.tiny]\nimage = \"tiny:1\"\n\n\
    [stages.A_stage]\nfrom = \"tiny\"\nargs = { VERSION = \"1\" }\n\n[stages.B_stage]\nfrom = \"A_stage\"\n";

const DIGEST: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Writes `files` over a good project, runs `arguments`, and holds what is said against the snapshot `name`.
fn check(files: &[(&str, &str)], arguments: &[&str], code: i32, name: &str) {
    let fixture = Fixture::new();
    fixture.write("packages.toml", "").write("stages/stages.toml", STAGES);
    fixture.dockerfile("A_stage", "RUN true\n").dockerfile("B_stage", "RUN true\n");
    for (path, text) in files {
        fixture.write(path, text.replace("DIGEST", DIGEST));
    }
    fixture.run(arguments).exits(code).matches(name);
}

/// The same for `check` of a stages.toml.
fn check_stages(stages: &str, name: &str) {
    check(&[("stages/stages.toml", stages)], &["check"], 3, name);
}

/// The same for `check` of a packages.toml.
fn check_packages(packages: &str, name: &str) {
    check(&[("packages.toml", packages)], &["check"], 3, name);
}

/// The same for `check` of A_stage's instructions.
fn check_dockerfile(text: &str, name: &str) {
    check(&[("stages/A_stage.Dockerfile", text)], &["check"], 3, name);
}

#[test]
fn a_good_project_is_said_to_be_good() {
    check(&[], &["check"], 0, "check-good");
}

#[test]
fn a_folder_without_a_project() {
    Fixture::new().run(&["check"]).exits(3).matches("project-none");
}

#[test]
fn toml_that_is_none() {
    check_stages("[project\nname = \"it\"\n", "toml-stages");
    check_packages("[[package]]\nname = \"a\nfile = 1\n", "toml-packages");
}

#[test]
fn nothing_is_said_that_follows_from_a_half_read_file() {
    let uses = ("stages/A_stage.Dockerfile", "RUN --package=tool true\n");
    let broken = ("packages.toml", "[[package]]\nname = \"tool\nfile = 1\n");
    check(&[broken, uses], &["check"], 3, "cascade-toml");
    let entry = ("packages.toml", "[[package]]\nname = \"tool\"\nfile = \"a.run\"\n");
    check(&[entry, uses], &["check"], 3, "cascade-package");
    check_stages(&STAGES.replace("image =", "imgae ="), "cascade-base");
}

#[test]
fn byte_order_marks_are_left_out() {
    let packages = "\u{feff}root = [\"packages\"]\n";
    check_packages(packages, "unknown-key-packages-file");
    let stages = format!("\u{feff}{STAGES}");
    let files = [
        ("stages/stages.toml", &*stages),
        ("stages/A_stage.Dockerfile", "\u{feff}RUN true\n"),
        ("packages.toml", "\u{feff}"),
    ];
    check(&files, &["check"], 0, "check-good");
    let dockerfiles = ["plan", "--format", "dockerfile"];
    check(&files, &dockerfiles, 0, "plan-after-mark");
}

#[test]
fn an_argument_stays_on_its_line() {
    let two_lines = STAGES.replace("\"1\"", "\"1\\nRUN true\"");
    check_stages(&two_lines, "argument-of-two-lines");
}

#[test]
fn flags_and_frontends_of_a_stage() {
    check_dockerfile("RUN --pakage=x true\n", "run-flag-misspelt");
    check_dockerfile("RUN --quick true\n", "run-flag-unknown");
    let file = ("stages/A_stage.Dockerfile", "# syntax=docker/dockerfile:1\nRUN true\n");
    check(&[file], &["check"], 0, "stage-syntax-directive");
}

#[test]
fn stages_are_warned_of_what_dockerfiles_are_warned_of() {
    let a = "ENV http_proxy=http://proxy:80\nCOPY --from=$A /x /x\nRUN pip install numpy\n\
        RUN bash install_a.sh | tee log\n";
    let b = "RUN wget http://172.17.0.1:3000/a.run && sh a.run --quiet; echo done\n";
    let files = [("stages/A_stage.Dockerfile", a), ("stages/B_stage.Dockerfile", b)];
    check(&files, &["check"], 0, "stage-warnings");
    let denied = ["check", "--deny", "cache-left", "--deny", "exit-code-lost"];
    check(&files, &denied, 3, "stage-warnings-denied");
}

#[test]
fn a_stage_has_the_shell_and_the_environment_of_its_parent() {
    let a = "ENV PIP_NO_CACHE_DIR=1\nSHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\n";
    let b = "RUN pip install numpy && bash install_b.sh | tee log\n";
    let files = [("stages/A_stage.Dockerfile", a), ("stages/B_stage.Dockerfile", b)];
    check(&files, &["check"], 0, "check-good");
}

#[test]
fn skipping_and_tagging_what_cannot_be() {
    check(&[], &["plan", "--skip", "B_stage"], 2, "skip-target");
    check(&[], &["plan", "--skip", "nope"], 2, "skip-unknown");
    check(&[], &["plan", "--tag", "1", "--tag", "2"], 2, "tag-twice");
}

#[test]
fn unknown_keys_in_each_table() {
    check_stages(
        &STAGES.replace("[project]", "[projects]\nx = 1\n[project]"),
        "unknown-key-stages-file",
    );
    check_stages(&STAGES.replace("default-target", "default_target"), "unknown-key-project");
    check_stages(&STAGES.replace("image =", "imgae = \"\"\nimage ="), "unknown-key-base");
    check_stages(&STAGES.replace("args =", "argz ="), "unknown-key-stage");
    check_packages("root = [\"packages\"]\n", "unknown-key-packages-file");
    check_packages(
        "[[package]]\nname = \"a\"\nfile = \"a.run\"\nsha256 = \"DIGEST\"\nsha265 = \"\"\n",
        "unknown-key-package",
    );
}

#[test]
fn values_of_a_wrong_type() {
    check_stages(&STAGES.replace("{ VERSION = \"1\" }", "{ VERSION = 1 }"), "wrong-type-argument");
    check_stages(
        &STAGES.replace("from = \"A_stage\"", "from = [\"A_stage\"]\ncheck-timeout = -1"),
        "wrong-type-stage",
    );
    check_packages(
        "roots = \"packages\"\n[[package]]\nname = \"a\"\nfile = \"a.run\"\nsha256 = \"DIGEST\"\nsize = \"12\"\n",
        "wrong-type-package",
    );
}

#[test]
fn values_that_make_no_sense() {
    check_packages(
        "[[package]]\nname = \"A B\"\nfile = \"../a.run\"\nsha256 = \"12\"\n",
        "bad-values-package",
    );
    check_packages("[[package]]\nname = \"a\"\n", "missing-keys-package");
    let entry = "[[package]]\nname = \"a\"\nfile = \"a.run\"\nsha256 = \"DIGEST\"\n";
    check_packages(&entry.repeat(2), "declared-twice");
    check_stages(&STAGES.replace("name = \"it\"", "name = \"It Is\""), "bad-repository");
    check_stages(&STAGES.replace("VERSION =", "\"VER-SION\" ="), "bad-argument-name");
    check_stages("[bases.tiny]\nimage = \"tiny:1\"\n", "no-project-table");
    check_stages("[project]\nname = \"it\"\n", "no-stage");
}

#[test]
fn every_problem_of_every_file_in_one_run() {
    let packages = "[[package]]\nname = \"a\"\nfile = \"a.run\"\nsha256 = \"short\"\n";
    let stages = STAGES.replace("\"tiny\"", "\"tinny\"").replace("\"A_stage\"", "\"A_stagee\"");
    let files = [
        ("packages.toml", packages),
        ("stages/stages.toml", &stages),
        ("stages/B_stage.Dockerfile", "FROM x\nRUN --package=b true\n"),
    ];
    check(&files, &["check"], 3, "several-problems");
}

#[test]
fn stages_and_their_dockerfiles() {
    check_stages(
        &STAGES.replace("B_stage]", "D_stage]").replace("\"B_stage\"", "\"D_stage\""),
        "dockerfile-missing",
    );
    check_stages(
        &STAGES.replace("from = \"A_stage\"", "from = \"A_stage\"\ndockerfile = \"other\""),
        "dockerfile-named-missing",
    );
    check_dockerfile("# comment\nFROM ubuntu\nRUN true\n", "dockerfile-from");
    check_dockerfile("COPY --package=a x /x\n", "package-on-copy");
    check_dockerfile("RUN <<EOF\ntrue\n", "dockerfile-heredoc-without-end");
    check_dockerfile("RUN --package true\n", "package-without-name");
    check_dockerfile("RUN true\nCOPY scripts/gone.sh /opt/\n", "copy-source-missing");
}

#[test]
fn what_only_the_engine_can_judge_is_a_warning() {
    check(
        &[("stages/A_stage.Dockerfile", "RUN true\nRUNN true\n")],
        &["check"],
        0,
        "dockerfile-unknown-instruction",
    );
}

#[test]
fn names_that_lead_nowhere() {
    let entry = "[[package]]\nname = \"cann-toolkit\"\nfile = \"a.run\"\nsha256 = \"DIGEST\"\n";
    let files = [
        ("packages.toml", entry),
        ("stages/A_stage.Dockerfile", "RUN --package=cann-tolkit true\n"),
    ];
    check(&files, &["check"], 3, "unknown-package");
    check_dockerfile("RUN --package=anything true\n", "unknown-package-nothing-alike");
    check_stages(&STAGES.replace("from = \"A_stage\"", "from = \"A_staeg\""), "unknown-stage");
    check_stages(&STAGES.replace("from = \"tiny\"", "from = \"tyni\""), "unknown-base");
    check_stages(
        &STAGES.replace("from = \"tiny\"", "from = \"ubuntu:22.04\""),
        "unknown-base-nothing-alike",
    );
    check_stages(
        &STAGES.replace("default-target = \"B_stage\"", "default-target = \"B_stag\""),
        "unknown-default-target",
    );
    check(&[], &["plan", "--target", "C_stage"], 2, "unknown-target");
    check(&[], &["plan", "--set", "VERSIN=2"], 2, "unknown-setting");
    check(
        &[("stages/stages.toml", &STAGES.replace("default-target = \"B_stage\"", ""))],
        &["plan"],
        2,
        "no-target",
    );
}

/// A project of stages that start from each other, as `name from`.
fn check_cycle(stages: &[(&str, &str)], name: &str) {
    let fixture = Fixture::new();
    let entry = |(stage, from): &(&str, &str)| format!("[stages.{stage}]\nfrom = \"{from}\"\n");
    fixture.stages(&stages.iter().map(entry).collect::<String>());
    stages.iter().for_each(|(stage, _)| _ = fixture.dockerfile(stage, "RUN true\n"));
    fixture.run(&["check"]).exits(3).matches(name);
}

#[test]
fn cycles_are_shown_as_the_path_they_take() {
    check_cycle(&[("A", "A")], "cycle-of-one");
    check_cycle(&[("A", "B"), ("B", "A")], "cycle-of-two");
    check_cycle(&[("A", "C"), ("B", "A"), ("C", "B"), ("D", "C")], "cycle-of-three");
}

#[test]
fn names_that_differ_only_in_case() {
    check_cycle(&[("A", "tiny"), ("a", "tiny")], "names-alike");
}

#[test]
fn a_base_file_needs_a_checksum() {
    check_stages(
        &STAGES.replace("image =", "archive = \"tiny.tar\"\nimage ="),
        "base-archive-without-sha256",
    );
    check_stages(
        &STAGES.replace("image =", "rootfs = \"tiny.tar\"\nrootfs-sha256 = \"12\"\nimage ="),
        "base-rootfs-bad-sha256",
    );
}

/// Two platforms and two chips of one package, used by A_stage.
fn check_selection(arguments: &[&str], code: i32, name: &str) {
    let file = |file: &str| {
        format!("[[package]]\nname = \"cann-ops\"\nfile = \"{file}\"\nsha256 = \"DIGEST\"\n\n")
    };
    let packages = [
        file("Ascend-cann-910b-ops_8.5.0_linux-x86_64.run"),
        file("Ascend-cann-310p-ops_8.5.0_linux-x86_64.run"),
        file("Ascend-cann-910b-ops_8.5.0_linux-aarch64.run"),
    ];
    let files = [
        ("packages.toml", &*packages.concat()),
        ("stages/A_stage.Dockerfile", "RUN --package=cann-ops true\n"),
    ];
    check(&files, arguments, code, name);
}

#[test]
fn a_package_must_mean_exactly_one_file() {
    check_selection(&["plan", "--platform", "linux/amd64"], 3, "selection-ambiguous");
    check_selection(
        &["plan", "--platform", "linux/amd64", "--chip", "A3"],
        3,
        "selection-empty-chip",
    );
    check_selection(
        &["plan", "--platform", "linux/arm64", "--chip", "310p"],
        3,
        "selection-empty-platform",
    );
    check_selection(&["plan", "--platform", "linux/amd64", "--chip", "310P"], 0, "selection-chip");
    check_selection(&["plan", "--platform", "linux/arm64"], 0, "selection-platform");
}
