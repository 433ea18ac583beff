//! `init`: a small project that builds, and a Dockerfile made a project that builds the same image.

use super::ground::Ground;
use super::motor;
use crate::support::{Builders, Fixture};

/// Every file, folder and link of an image with its mode and content, but what the engine itself puts there.
const LISTING: &str = "find / -xdev \\( -path /proc -o -path /sys -o -path /dev -o -path /etc/hosts \
    -o -path /etc/hostname -o -path /etc/resolv.conf \\) -prune -o -exec stat -c '%n %F %a %u:%g' {} \\; \
    | sort; find / -xdev \\( -path /proc -o -path /sys -o -path /dev -o -path /etc/hosts \
    -o -path /etc/hostname -o -path /etc/resolv.conf \\) -prune -o -type f -exec sha256sum {} \\; | sort";

#[test]
#[ignore = "needs an engine"]
fn an_empty_folder_becomes_a_project_that_builds() {
    for builder in Builders {
        let fixture = Fixture::on_engine();
        let name = &fixture.name;
        fixture.run(&["init", "--into", name, "--base", &fixture.base()]).exits(0);
        let outcome = fixture.build(builder, &["-C", name]).exits(0);
        assert_eq!(outcome.stages(), ["base built", "app built"]);
        let said = fixture.docker().in_image(&fixture.image("app"), "/opt/hello");
        assert_eq!(said, "hello from a verified package");
        let changed = fixture.build(builder, &["-C", name, "--set", "GREETING=good day, hello"]);
        assert_eq!(changed.exits(0).stages(), ["base reused", "app built"]);
    }
}

#[test]
#[ignore = "needs an engine"]
fn a_new_project_starts_from_what_the_engine_has() {
    let fixture = Fixture::on_engine();
    let name = &fixture.name;
    let own = format!("{name}/debian:bookworm");
    fixture.docker().run(&["tag", &fixture.base(), &own]);
    let told = fixture.run(&["init", "--into", name]).exits(0).stderr;
    assert!(told.contains("which the engine has already"), "{told}");
    fixture.build("classic", &["-C", name]).exits(0);
}

#[test]
fn a_new_project_without_an_engine_says_how_to_bring_its_base() {
    let fixture = Fixture::new();
    let told = fixture.run(&["init", "--into", "new"]).exits(0).stderr;
    assert!(told.contains("it starts from `ubuntu:22.04`, which the engine will pull"), "{told}");
    let stages = std::fs::read_to_string(fixture.path("new/stages/stages.toml"));
    let stages = stages.expect("it was written");
    assert!(stages.contains("docker save -o base.tar ubuntu:22.04"), "{stages}");
    fixture.run(&["-C", "new", "check"]).exits(0);
}

#[test]
fn nothing_is_overwritten() {
    let fixture = Fixture::new();
    fixture.run(&["init", "--into", "new"]).exits(0);
    fixture.write("new/packages.toml", "# mine\n");
    let told = fixture.run(&["init", "--into", "new"]).exits(2).stderr;
    assert!(told.contains("in the way: `packages.toml`"), "{told}");
    let kept = std::fs::read_to_string(fixture.path("new/packages.toml")).expect("it is there");
    assert_eq!(kept, "# mine\n");
    fixture.write("Dockerfile", "FROM x AS one\n");
    let told = fixture.run(&["init", "--from", "Dockerfile", "--into", "new"]);
    assert!(told.exits(2).stderr.contains("in the way: `stages/stages.toml`"));
}

#[test]
fn what_cannot_be_converted_is_said() {
    let fixture = Fixture::new();
    fixture.write("a.sh", "true\n").write(
        "Dockerfile",
        "FROM x AS one\nRUN for i in $(cat list); do wget http://172.17.0.1:3000/$i.sh; done\n\
         RUN wget -q http://172.17.0.1:3000/a.sh && sh a.sh && rm a.sh\n",
    );
    let told = fixture.run(&["init", "--from", "Dockerfile"]).exits(0).stderr;
    assert!(told.contains("this `RUN` stays as it is") && told.contains("Dockerfile:2:"), "{told}");
    let stage = std::fs::read_to_string(fixture.path("stages/one.Dockerfile")).expect("written");
    let expected = "RUN for i in $(cat list); do wget http://172.17.0.1:3000/$i.sh; done\n\
        RUN --package=a.sh cp \"$PACKAGES\"/* . && sh a.sh && rm a.sh\n";
    assert_eq!(stage, expected);
}

/// Converts a Dockerfile of one stage called `one`; gives what is said, and the stage's file.
fn converted(dockerfile: &str) -> (String, String) {
    let fixture = Fixture::new();
    fixture.write("a.sh", "true\n").write("Dockerfile", dockerfile);
    let told = fixture.run(&["init", "--from", "Dockerfile"]).exits(0).stderr;
    let stage = std::fs::read_to_string(fixture.path("stages/one.Dockerfile")).expect("written");
    (told, stage)
}

/// The stages of a Dockerfile after the conversion: each Dockerfile, then its arguments.
fn check_arguments(dockerfile: &str, given: &[&str], expected: &[&str]) {
    let fixture = Fixture::new();
    fixture.write("Dockerfile", dockerfile);
    let given: Vec<_> = given.iter().flat_map(|one| ["--build-arg", one]).collect();
    fixture.run(&[&["init", "--from", "Dockerfile"], &given[..]].concat()).exits(0);
    let read = |path: &str| std::fs::read_to_string(fixture.path(path)).expect("it is written");
    let manifest = read("stages/stages.toml");
    let stages =
        manifest.lines().filter_map(|line| line.strip_prefix("[stages.")?.strip_suffix(']'));
    let stages: Vec<_> = stages.filter(|stage| !stage.ends_with(".args")).collect();
    let shown = |stage: &&str| {
        let table = manifest.split(&format!("[stages.{stage}.args]\n")).nth(1).unwrap_or_default();
        let table = table.split("\n\n").next().unwrap_or_default().trim();
        format!("{} | {}", read(&format!("stages/{stage}.Dockerfile")).trim(), table)
            .replace('\n', "; ")
    };
    assert_eq!(stages.iter().map(shown).collect::<Vec<_>>(), expected);
}

#[test]
fn arguments_keep_the_values_that_the_whole_file_gave_them() {
    // Built by itself, a stage sees no argument of the one below.
    check_arguments(
        "FROM x AS one\nARG A=1\nENV E=1\nRUN true\nARG B=$A C=3\nARG E=2\nFROM one AS two\n\
         RUN echo $A$B$C$E\nFROM two AS three\nARG A=4\nCMD [\"true\"]\n",
        &["B=given"],
        &[
            "ENV E=1; RUN true; ARG B=\"given\" C=3; ARG E=2 | A = \"1\"",
            "RUN echo $A$B$C$E | A = \"1\"; B = \"given\"; C = \"3\"",
            "CMD [\"true\"] | A = \"4\"",
        ],
    );
    // Neither the `ARG`s before the first FROM nor `--build-arg` are there any more.
    check_arguments(
        "ARG G=global\nFROM x AS one\nRUN true\nARG G\nARG GIVEN=default UNSET\nRUN echo $G\n",
        &["GIVEN=a \"$\" b"],
        &["RUN true; ARG G=\"global\"; ARG GIVEN=\"a \\\"\\$\\\" b\" UNSET; RUN echo $G | "],
    );
}

#[test]
fn the_platform_is_no_value_of_an_argument() {
    check_arguments(
        "FROM x AS one\nARG TARGETARCH\nARG FILE=a-${TARGETARCH}.run\nARG no_proxy=here\nRUN echo $FILE\n\
         FROM one AS two\nRUN echo $TARGETARCH $FILE\n",
        &[],
        &[
            "ARG TARGETARCH; ARG FILE=a-${TARGETARCH}.run; ARG no_proxy=here; RUN echo $FILE | ",
            "ARG TARGETARCH; ARG FILE=a-${TARGETARCH}.run; RUN echo $TARGETARCH $FILE | ",
        ],
    );
}

#[test]
fn arguments_that_no_longer_choose_a_file_are_said() {
    let fetch = "wget -q http://$HOST/$V.sh && sh $V.sh && rm $V.sh";
    let arguments = "ARG V=a\nARG HOST=172.17.0.1:3000\nARG OTHER=a";
    let (told, stage) = converted(&format!(
        "FROM x AS zero\n{arguments}\nRUN {fetch}\nFROM zero AS one\nENV F=$V\n\
         RUN wget -q -O /opt/$V http://$HOST/$F.sh\nRUN {fetch}\n"
    ));
    let expected = "warning: `--set V=…` will not change which packages are taken";
    assert_eq!(told.matches("--set").count(), 1, "{told}");
    assert!(told.contains(expected), "{told}");
    assert!(told.contains("Dockerfile:5:"), "{told}");
    assert!(stage.contains("cp \"$PACKAGES\"/a.sh /opt/$V\n"), "{stage}");
    let (told, _) = converted(&format!(
        "FROM x AS one\nRUN V=a HOST=b; {}\n",
        fetch.replace("$HOST", "172.17.0.1:3000")
    ));
    assert!(!told.contains("--set"), "{told}");
}

#[test]
fn files_of_one_platform_are_said_to_stay() {
    let run = "RUN case $(uname -m) in x86_64|aarch64) N=a;; esac; wget -q http://172.17.0.1:3000/$N.sh\n";
    let (told, stage) = converted(&format!("FROM x AS one\n{run}"));
    assert!(told.contains("this `RUN` stays as it is"), "{told}");
    assert!(told.contains("what it fetches depends on the platform"), "{told}");
    assert_eq!(stage, run);
}

#[test]
fn a_downloader_that_comes_too_late_is_said() {
    let fetch = "wget -q http://172.17.0.1:3000/a.sh && sh a.sh && rm a.sh";
    let warns = |dockerfile: String, expected: bool| {
        let (told, _) = converted(&dockerfile);
        assert_eq!(told.contains("installs the downloader"), expected, "{dockerfile}{told}");
    };
    let install = "apt-get update && apt-get install -y wget";
    warns(format!("FROM x AS one\nRUN {install} && {fetch}\n"), true);
    warns(format!("FROM x AS one\nRUN {install}\nRUN {install} && {fetch}\n"), false);
    warns(
        format!("FROM x AS zero\nRUN {install}\nFROM zero AS one\nRUN {install} && {fetch}\n"),
        false,
    );
    warns(format!("FROM x AS one\nRUN {fetch}\n"), false);
}

#[test]
fn proxies_of_the_command_line_are_said_to_go() {
    let fixture = Fixture::new();
    fixture.write("Dockerfile", "FROM x\nRUN true\n");
    let from =
        ["init", "--from", "Dockerfile", "--build-arg", "no_proxy=.corp", "--build-arg", "A=1"];
    let told = fixture.run(&from).exits(0).stderr;
    assert!(told.contains("`--build-arg no_proxy` is no part of the project"), "{told}");
}

#[test]
fn a_trigger_that_fetches_is_said_to_stay() {
    let trigger = "ONBUILD RUN wget -q http://172.17.0.1:3000/a.sh && sh a.sh\n";
    let (told, stage) = converted(&format!("FROM x AS one\n{trigger}FROM one AS two\n"));
    assert!(told.contains("this `ONBUILD` stays as it is"), "{told}");
    assert!(told.contains("Dockerfile:2:"), "{told}");
    assert_eq!(stage, trigger);
    let (told, _) = converted("FROM x AS one\nONBUILD RUN echo http://172.17.0.1:3000/a.sh\n");
    assert!(!told.contains("warning"), "{told}");
}

#[test]
fn a_platform_of_one_stage_is_said_to_go() {
    let (told, _) = converted("FROM --platform=linux/arm64 x AS one\nRUN true\n");
    assert!(told.contains("`--platform=linux/arm64` is left out"), "{told}");
    assert!(told.contains("Dockerfile:1:6"), "{told}");
    let (told, _) = converted("FROM --platform=$TARGETPLATFORM x AS one\n");
    assert!(!told.contains("warning"), "{told}");
}

#[test]
fn line_endings_stay_what_they_are() {
    let dockerfile = "# escape=`\n# The stage.\nFROM x AS one\nARG A=1\nRUN wget -q `\n  \
        http://172.17.0.1:3000/a.sh && sh a.sh && rm a.sh\nRUN true\n";
    let (_, stage) = converted(dockerfile);
    let (_, from_windows) = converted(&dockerfile.replace('\n', "\r\n"));
    assert_eq!(from_windows, stage.replace('\n', "\r\n"));
    let expected = "# escape=`\n# The stage.\nRUN --package=a.sh cp \"$PACKAGES\"/* . && sh a.sh && rm a.sh\nRUN true\n";
    assert_eq!(stage, expected);
}

/// Builds a recipe, converts it, builds the project, and compares the images of `stage` file by file.
fn check(ground: &Ground, stage: &str, arguments: &[&str], values: &[&str]) {
    ground.build(&[arguments, values].concat()).exits(0);
    let image = ground.fixture.image(stage);
    let before = ground.fixture.docker().in_image(&image, LISTING);
    assert!(before.lines().count() > 100, "{before}");
    // What has the name afterwards is the project's; a cache may give it the same id.
    ground.fixture.docker().run(&["rmi", "--no-prune", &image]);

    let base = format!("BASE_IMAGE={}", ground.base());
    let from =
        [&["init", "--from", "Dockerfile", "--into", "../new", "--build-arg", &base], values];
    let told = ground.run(&from.concat()).exits(0);
    let mut warnings = told.stderr.lines().filter(|line| line.starts_with("warning"));
    assert!(warnings.all(|line| line.contains("`--set ")), "{}", told.stderr);
    let declared = ground.fixture.path("new/packages.toml");
    let text = std::fs::read_to_string(&declared).expect("packages.toml is written");
    let official = text.replace("\nsize =", "\nunofficial = \"a stand-in\"\nsize =");
    std::fs::write(declared, official).expect("the fixture's folder is writable");

    ground.fixture.build(ground.builder, &[&["-C", "new"], arguments].concat()).exits(0);
    let after = ground.fixture.docker().in_image(&image, LISTING);
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(&after), lines(&before));
}

fn converts_the_recipe(builder: &'static str) {
    let ground = Ground::of("motor", &motor::PACKAGES, builder);
    check(&ground, "mindie", &["--target", "mindie"], &["--build-arg", "ARCH=x86_64"]);
}

#[test]
#[ignore = "needs an engine"]
fn the_recipe_becomes_a_project_of_equal_images_on_the_classic_builder() {
    converts_the_recipe("classic");
}

#[test]
#[ignore = "needs an engine"]
fn the_recipe_becomes_a_project_of_equal_images_on_buildkit() {
    converts_the_recipe("buildkit");
}

/// Stages by number, files of the context, packages that stay, that are piped, that are put elsewhere.
const MANY_WAYS: &str = "# One of every kind.\nARG LATE=early\nFROM BASE\nARG WHERE=/opt\n\
    RUN wget -q -O /first.txt http://172.17.0.1:3000/kept.txt\n\
    # The second stage.\nFROM BASE AS Second\nCOPY --from=0 /first.txt /\nCOPY sub script.sh /copied/\n\
    ARG NAME=tool\nWORKDIR /opt\nWORKDIR /work\n\
    RUN wget -q -O- http://172.17.0.1:3000/archive.tar.gz | tar xz -C /opt && \\\n    # a comment\n    \
    wget -q http://172.17.0.1:3000/${NAME}.sh && chmod +x ${NAME}.sh && ./tool.sh /made && rm ${NAME}.sh\n\
    RUN wget -q -P /opt http://172.17.0.1:3000/kept.txt\n\
    RUN wget -q http://172.17.0.1:3000/tool.sh && mv tool.sh /moved\n\
    RUN wget -q http://172.17.0.1:3000/tool.sh && chmod +x tool.sh && mv tool.sh /opt/tool\n\
    RUN wget -q http://172.17.0.1:3000/tool.sh && cp -r tool.sh /recursive && rm tool.sh\n\
    RUN wget -q http://172.17.0.1:3000/tool.sh && cp -a tool.sh /archived && rm tool.sh\n\
    RUN wget -q http://172.17.0.1:3000/tool.sh && ln tool.sh /hard && rm tool.sh\n\
    RUN wget -q http://172.17.0.1:3000/tool.sh && dd if=tool.sh of=/written 2> /dev/null && rm tool.sh\n\
    RUN wget -q http://172.17.0.1:3000/tool.sh http://172.17.0.1:3000/kept.txt \\\n    \
    && tar cf /both.tar tool.sh kept.txt && rm tool.sh kept.txt && tar tvf /both.tar | cut -c 1-20 > /modes \\\n    \
    && tar tf /both.tar > /members && rm /both.tar\n\
    RUN wget -q http://172.17.0.1:3000/tool.sh http://172.17.0.1:3000/mover.sh && sh mover.sh && rm -f *.sh\n\
    RUN wget -q http://172.17.0.1:3000/tool.sh; wget -q http://172.17.0.1:3000/mover.sh; sh mover.sh; rm -rf *\n\
    RUN wget -q -O /opt/p.run http://172.17.0.1:3000/tool.sh; sh /opt/p.run /one; \
    wget -q -O /opt/p.run http://172.17.0.1:3000/other.sh; sh /opt/p.run /two; rm /opt/p.run\n\
    RUN wget -q http://172.17.0.1:3000/agreed.run && yes | sh ./agreed.run && rm *.run\n\
    FROM second AS last\nRUN cat /copied/script.sh > /result\nARG LATE\nRUN echo $NAME $LATE > /inherited\n";

#[test]
#[ignore = "needs an engine"]
fn every_way_to_fetch_gives_the_same_image() {
    let ground = Ground::with(MANY_WAYS, "buildkit");
    for file in ["kept.txt", "archive.tar.gz", "sub/kept.txt", "script.sh"] {
        ground.stand_in(file, "content");
    }
    ground.write("tool.sh", "#!/bin/sh\necho made > $1\n");
    ground.write("mover.sh", "mv tool.sh /by-a-script\n");
    ground.write("other.sh", "echo other > $1\n");
    ground.write("agreed.run", "head -n 1 > /agreed\n");
    check(&ground, "last", &[], &[]);
    let stage = std::fs::read_to_string(ground.fixture.path("new/stages/Second.Dockerfile"));
    let expected = "# The second stage.\nCOPY --from=stage-0 /first.txt /\nCOPY sub script.sh /copied/\n\
        ARG NAME=tool\nWORKDIR /opt\nWORKDIR /work\n\
        RUN --package=archive.tar.gz,tool.sh cat \"$PACKAGES\"/archive.tar.gz | tar xz -C /opt && \\\n    # a comment\n    \
        cp \"$PACKAGES\"/tool.sh . && chmod +x ${NAME}.sh && ./tool.sh /made && rm ${NAME}.sh\n\
        RUN --package=kept.txt mkdir -p /opt && cp \"$PACKAGES\"/kept.txt /opt/\n";
    let stage = stage.expect("it is written");
    assert!(stage.starts_with(expected), "{stage}");
}

#[test]
#[ignore = "needs an engine"]
fn files_of_one_name_in_two_folders_give_the_same_image() {
    let dockerfile = "FROM BASE AS One\n\
        RUN wget -q http://172.17.0.1:3000/910b/kernels.sh && sh kernels.sh && rm kernels.sh\n\
        RUN wget -q http://172.17.0.1:3000/310p/kernels.sh && sh kernels.sh && rm kernels.sh\n\
        RUN wget -q -O /kept http://172.17.0.1:3000/packages/310p/kernels.sh\n";
    for builder in Builders {
        let ground = Ground::with(dockerfile, builder);
        ground.write("910b/kernels.sh", "echo for 910b > /910b\n");
        ground.write("310p/kernels.sh", "echo for 310p > /310p\n");
        check(&ground, "one", &[], &[]);
        let stage = std::fs::read_to_string(ground.fixture.path("new/stages/One.Dockerfile"));
        let expected = "RUN --package=kernels.sh cp \"$PACKAGES\"/* . && sh kernels.sh && rm kernels.sh\n\
        RUN --package=310p-kernels.sh cp \"$PACKAGES\"/* . && sh kernels.sh && rm kernels.sh\n\
        RUN --package=packages-310p-kernels.sh cp \"$PACKAGES\"/kernels.sh /kept\n";
        assert_eq!(stage.expect("it is written"), expected);
    }
}

#[test]
#[ignore = "needs an engine"]
fn what_copies_everything_copies_no_file_of_the_project() {
    for builder in Builders {
        let dockerfile = "FROM BASE AS One\nCOPY . /all/\nFROM one AS Two\nCOPY T* /t/\n";
        let ground = Ground::with(dockerfile, builder);
        ground.write("Three.txt", "3");
        ground.write(".dockerignore", "secret\n");
        ground.write("secret", "not copied");
        check(&ground, "two", &[], &[]);
    }
}

#[test]
fn a_file_that_would_stand_in_the_place_of_the_manifest_is_refused() {
    let fixture = Fixture::new();
    fixture.write("stages.toml", "mine").write("Dockerfile", "FROM x\nCOPY stages.toml /t/\n");
    let told = fixture.run(&["init", "--from", "Dockerfile", "--into", "new"]).exits(3).stderr;
    let expected = "copies `stages.toml`, and the project has a `stages/stages.toml` of its own";
    assert!(told.contains(expected), "{told}");
    assert!(!fixture.path("new/stages").exists());
}
