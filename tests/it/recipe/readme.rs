//! What both READMEs open with: five lines from a working folder to a verified build.

use super::ground::{Ground, port};
use super::motor;

/// The lines of the first block of commands, without their comments.
fn lines(readme: &str) -> Vec<String> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(readme);
    let text = std::fs::read_to_string(path).expect("the page is there");
    let block = text.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next());
    let lines = block.expect("it opens with a block of commands").lines();
    lines.map(|line| line.split(" #").next().unwrap_or(line).trim().to_owned()).collect()
}

#[test]
fn both_languages_open_with_the_same_five_lines() {
    let lines_of_both = lines("README.md");
    assert_eq!(lines("README.zh-CN.md"), lines_of_both);
    let (folder, commands) = lines_of_both.split_first().expect("the block has lines");
    assert_eq!((folder.as_str(), commands.len()), ("cd workingdir", 4));
    let foreign = commands.iter().find(|line| !line.starts_with("ascend-build "));
    assert_eq!(foreign, None, "a line that the test below cannot run");
}

/// The recipe in a folder of its own, as somebody has it whose Dockerfile needs no build argument.
fn working_folder() -> Ground {
    let ground = Ground::of("motor", &motor::PACKAGES, "auto");
    let dockerfile = std::fs::read_to_string(ground.path("Dockerfile")).expect("it is there");
    let base = format!("ARG BASE_IMAGE={}", ground.base());
    let dockerfile = dockerfile.replace("ARG BASE_IMAGE=ubuntu:22.04", &base);
    ground.write("Dockerfile", dockerfile.replace("ARG ARCH=aarch64", "ARG ARCH=x86_64"));
    ground
}

/// Stand-ins have the names of official files, and another content: their entries must say so.
fn say_that_they_are_stand_ins(ground: &Ground) {
    let declared = std::fs::read_to_string(ground.path("packages.toml")).expect("scan wrote it");
    ground.write(
        "packages.toml",
        declared.replace("\nsize =", "\nunofficial = \"a stand-in\"\nsize ="),
    );
}

#[test]
#[ignore = "needs an engine"]
fn the_five_lines_take_a_working_folder_to_a_verified_build() {
    let ground = working_folder();
    let _alone = port();
    let run = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().skip(1).collect();
        let outcome = ground.run(&words);
        if words.starts_with(&["package", "scan"]) {
            say_that_they_are_stand_ins(&ground);
        }
        outcome
    };
    let lines = lines("README.md");
    for line in &lines[1..] {
        run(line).exits(0);
    }
    let installed = ground.in_image("mindie", "ls /usr/local/Ascend");
    assert!(installed.contains("Ascend-mindie_2.3.0_linux-x86_64_abi0"), "{installed}");

    // The last line builds nothing of a file with one byte wrong.
    ground.stand_in(motor::PACKAGES[0], "tampered");
    let told = run(&lines[4]).exits(4).stderr;
    assert!(told.contains(motor::PACKAGES[0]), "{told}");
}
