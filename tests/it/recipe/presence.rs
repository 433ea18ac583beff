//! Which of the files that a recipe fetches are there, without a build.

use crate::support::Fixture;

/// A folder with this Dockerfile and these files.
fn recipe(dockerfile: &str, files: &[&str]) -> Fixture {
    let fixture = Fixture::new();
    fixture.write("Dockerfile", dockerfile.replace("URL", "http://172.17.0.1:3000"));
    files.iter().for_each(|file| _ = fixture.write(file, format!("{file}\n")));
    fixture
}

/// Runs `arguments`, and holds what is said against the snapshot `name`.
fn check(dockerfile: &str, files: &[&str], arguments: &[&str], code: i32, name: &str) {
    recipe(dockerfile, files).run(arguments).exits(code).matches(name);
}

const TWO_STAGES: &str = "FROM x AS one\nRUN wget URL/a.run && sh a.run && rm a.run\n\
    FROM one AS two\nRUN wget -q URL/install_b.sh URL/gone.txt URL/a.run && sh install_b.sh && rm *\n";

#[test]
fn what_is_missing_is_told_for_all_stages_at_once() {
    check(TWO_STAGES, &["install_a.sh"], &["check"], 4, "recipe-check-missing");
    for verb in [&["plan", "--format", "dockerfile"][..], &["stage", "list"]] {
        let told = recipe(TWO_STAGES, &["a.run"]).run(verb).exits(0).stderr;
        let missing = told.matches("warning: package file `").count();
        assert!(missing == 2 && told.contains("`gone.txt` is missing"), "{told}");
    }
}

/// Where it is declared is told, and which line asks for it; the root is told as one writes it.
#[test]
fn a_declared_file_that_is_missing_is_told_with_the_line_that_fetches_it() {
    let fixture = recipe("FROM x\nRUN wget -q URL/a.run && sh a.run && rm a.run\n", &[]);
    fixture.declare("a", "a.run", b"content");
    let declared = std::fs::read_to_string(fixture.path("packages.toml")).expect("declared");
    fixture.write("packages.toml", format!("roots = [\".\"]\n{declared}"));
    let told = fixture.run(&["check"]).exits(4).stderr;
    assert!(told.contains("--> packages.toml:2:1"), "{told}");
    assert!(told.contains("needed by: Dockerfile:2\n"), "{told}");
    assert!(told.contains("project (2 files)"), "{told}");
}

#[test]
fn packages_are_counted() {
    let files = ["a.run", "install_b.sh", "gone.txt"];
    check(TWO_STAGES, &files, &["check"], 0, "recipe-check-good");
}

#[test]
fn what_may_be_fetched_may_be_missing() {
    let dockerfile = "FROM x\nRUN if [ -e /a ]; then wget URL/install_a.sh; fi\n\
        RUN wget URL/b.txt || wget URL/install_b.sh\n";
    check(dockerfile, &["b.txt", "install_b.sh"], &["check"], 0, "recipe-check-doubtful");
    let plan = ["plan", "--format", "json"];
    let outcome = recipe(dockerfile, &["b.txt", "install_b.sh", "c.sh"]).run(&plan).exits(0);
    let plan: serde_json::Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    let packages = plan["packages"].as_array().into_iter().flatten();
    let files: Vec<_> = packages.filter_map(|package| package["file"].as_str()).collect();
    assert_eq!(files, ["b.txt", "install_b.sh"], "nothing else is served");
    let denied = ["check", "--deny", "fetch-missing"];
    let told = recipe(dockerfile, &["b.txt"]).run(&denied).exits(3).stderr;
    assert!(told.contains("error[fetch-missing]: `install_a.sh` may be fetched"), "{told}");
}

#[test]
fn secrets_are_not_served_because_an_address_names_them() {
    let dockerfile =
        "FROM x\nRUN wget -q URL/.env\nRUN if [ -e /a ]; then curl -fO URL/server.key; fi\n";
    check(dockerfile, &[".env", "server.key"], &["check"], 3, "recipe-check-secret");
    let told = recipe(dockerfile, &[".env", "server.key"]).run(&["build"]).exits(3).stderr;
    assert!(told.contains("are not served: `.env`"), "{told}");
    let key = "FROM x\nRUN wget -q URL/server.key\n";
    let told = recipe(key, &["server.key"]).run(&["check"]).exits(4).stderr;
    assert!(told.contains("does not say that it is a public one, and is not served"), "{told}");
}

#[test]
fn what_holds_a_key_is_not_served_whatever_its_name() {
    let key = "#!/bin/sh\n-----BEGIN OPENSSH PRIVATE KEY-----\n";
    let fixture = recipe("FROM x\nRUN wget -q URL/setup.sh && sh setup.sh && rm *\n", &[]);
    fixture.write("setup.sh", key);
    let told = fixture.run(&["check"]).exits(4).stderr;
    assert!(told.contains("`setup.sh` holds a private key, and is not served"), "{told}");
    fixture.declare("setup", "setup.sh", key.as_bytes()).run(&["check"]).exits(0);
    let loops = "FROM x\nRUN for i in $(ls); do wget URL/$i.sh; done; rm *\n";
    let fixture = recipe(loops, &["a.sh", "b.sh", "deploy_key.sh"]);
    fixture.write("setup.sh", key);
    let plan = fixture.run(&["plan"]).exits(0).stdout;
    assert!(plan.contains("a.sh") && plan.contains("b.sh"), "{plan}");
    assert!(!plan.contains("setup.sh") && !plan.contains("deploy_key.sh"), "{plan}");
}

#[test]
fn a_build_argument_that_was_forgotten_is_named() {
    let dockerfile = "FROM x\nARG ARCH\nRUN wget URL/a-${ARCH}.run && rm *\n";
    let told = recipe(dockerfile, &[]).run(&["check"]).exits(0).stderr;
    assert!(told.contains("hint: give its value with `--build-arg ARCH=…`"), "{told}");
}

#[test]
fn a_declared_file_is_served_whatever_its_name() {
    let fixture = recipe("FROM x\nRUN wget -q URL/server.key && rm server.key\n", &["server.key"]);
    fixture.write("packages.toml", "");
    fixture.declare("key", "server.key", b"server.key\n").run(&["check"]).exits(0);
}

#[test]
fn a_dockerfile_without_a_stage_is_an_error() {
    check("", &[], &["check"], 3, "recipe-empty");
    check("# nothing\nARG A=1\n", &[], &["plan"], 3, "recipe-without-stage");
}

/// `ENV` wins over every `ARG` with the classic builder; with BuildKit the later line does.
#[test]
fn a_file_is_read_as_the_chosen_builder_reads_it() {
    let dockerfile = "FROM x\nENV V=1\nARG V=2\nRUN wget URL/$V.txt && rm *\n";
    for (builder, missing) in [("classic", "1.txt"), ("buildkit", "2.txt"), ("auto", "2.txt")] {
        let told = recipe(dockerfile, &[]).run(&["check", "--builder", builder]).exits(4).stderr;
        assert!(told.contains(&format!("`{missing}` is missing")), "{builder}: {told}");
    }
}

/// Messages name the file as the command line does; the project is the context.
#[test]
fn a_dockerfile_elsewhere_is_named_as_the_user_names_it() {
    let fixture = Fixture::new();
    fixture.write("docker/X", "FROM x AS one\nRUN pip install a\n").write("here/a.txt", "a\n");
    let whole = fixture.path("docker/X").display().to_string();
    for file in ["docker/X", "./docker/X", whole.as_str()] {
        let outcome = fixture.run(&["check", "-f", file, "--context", "here"]).exits(0);
        assert!(outcome.stderr.contains("--> docker/X:2:5"), "{}", outcome.stderr);
        assert!(outcome.stdout.starts_with("here: 1 stage, "), "{}", outcome.stdout);
    }
    let told = fixture.run(&["check", "-f", "docker"]).exits(2).stderr;
    assert!(told.contains("is a folder, not a Dockerfile"), "{told}");
}

#[test]
fn a_command_behind_its_options_is_told_where_it_belongs() {
    let fixture = recipe("FROM x\n", &[]);
    let told = fixture.run(&["-C", ".", "-f", "Dockerfile", "plan", "--target", "a"]).exits(2);
    let hint = "the command comes first: `ascend-build -C . plan -f Dockerfile --target a`";
    assert!(told.stderr.contains(hint), "{}", told.stderr);
}

/// Whether only the run can tell what this line fetches; nothing is refused, and nothing else is fetched.
fn check_unknown(run: &str, expected: bool) {
    let told = recipe(&format!("FROM x\nRUN {run}\n"), &["a.run"]).run(&["check"]).exits(0).stderr;
    assert_eq!(told.contains("fetch-unknown"), expected, "{run}: {told}");
}

#[test]
fn an_index_under_any_name_is_no_file() {
    for option in ["--extra-index", "--index", "--default-index", "--pypi-url"] {
        check_unknown(&format!("pip install --no-cache-dir {option} URL/simple torch"), true);
        check_unknown(&format!("uv pip install {option}=URL/simple torch"), true);
    }
}

#[test]
fn what_takes_an_address_apart_fetches_nothing() {
    check_unknown("f=$(basename URL/b.run) && wget -q URL/a.run && sh a.run && rm a.run", false);
    check_unknown("dirname URL/b.run | tee /folder", false);
}

#[test]
fn what_xargs_fills_in_only_the_run_knows() {
    check_unknown("echo a | xargs -I{} wget URL/Ascend-cann-{}_8.5.0.run", true);
    check_unknown("echo a | xargs -0I % sh -c 'wget URL/%.run'", true);
    check_unknown("echo a | xargs -n1 wget -q URL/a.run && sh a.run && rm a.run", false);
}

#[test]
fn a_file_without_a_latin_letter_is_served_or_missing() {
    for run in ["wget -q URL/安装 && sh 安装 && rm 安装", "[ -e /a ] || wget -q URL/安装"] {
        let dockerfile = format!("FROM x\nRUN {run}\n");
        let missing = recipe(&dockerfile, &[]).run(&["check"]).stderr;
        assert!(missing.contains("`安装`"), "{missing}");
        let plan =
            recipe(&dockerfile, &["安装"]).run(&["plan", "--format", "json"]).exits(0).stdout;
        assert!(plan.contains("\"file\": \"安装\""), "{plan}");
    }
}

#[test]
fn what_a_list_holds_only_the_run_knows() {
    for options in ["-i list.txt", "-q --input-file=list.txt", "-B URL/ -i list.txt", "-i -"] {
        check_unknown(&format!("wget {options}"), true);
    }
    check_unknown("wget -i https://elsewhere.example/list.txt", false);
    let dockerfile = "FROM x\nRUN wget -i URL/list.txt\n";
    let told = recipe(dockerfile, &[]).run(&["check"]).exits(4).stderr;
    assert!(told.contains("`list.txt` is missing"), "{told}");
    let told = recipe(dockerfile, &["list.txt"]).run(&["check"]).exits(0).stderr;
    assert!(told.contains("fetch-unknown"), "{told}");
}
