//! What the user wrote is told from what the tool writes around it.

use super::world::{World, check, check_from};

const LIB: &str = "76b5a3575d3c2c4b5be9e5de2ee2a5aeae9a1b4b7f0b6d3e1d5d0a9b2ad0c0de";

fn line(file: &'static str, from: &'static str, to: &'static str) -> impl FnOnce(&mut World) {
    move |world| world.edit(file, from, to)
}

/// A user may check a package's SHA-256: it is in the text, as the package's own is not.
#[test]
fn digests_that_the_user_writes() {
    let own = crate::support::sha256(b"lib");
    let other = crate::support::sha256(b"other");
    let written = |digest: &str| {
        let digest = digest.to_owned();
        move |world: &mut World| {
            world.edit("stages/B.Dockerfile", "again", &format!("again {digest}"));
        }
    };
    let to = |from: &str, to: &str| {
        let (from, to) = (from.to_owned(), to.to_owned());
        move |world: &mut World| world.edit("stages/B.Dockerfile", &from, &to)
    };
    let changed = "line 2 of stages/B.Dockerfile changed";
    check_from(written(&own), to(&own, &other), "BC", changed);
    check_from(written(LIB), to(LIB, &own), "BC", changed);
    check_from(
        line("stages/B.Dockerfile", "sh \"$PACKAGES\"/tool*.run", "sha256sum -c SUM"),
        to("SUM", &own),
        "BC",
        "line 4 of stages/B.Dockerfile changed",
    );
}

#[test]
fn packages_in_their_instructions() {
    let file = "stages/B.Dockerfile";
    check(line(file, "tool,lib", "lib,tool"), "", "");
    check(
        line(file, "tool,lib", "tool"),
        "BC",
        "package `lib.run` is gone; line 4 of stages/B.Dockerfile changed",
    );
    check(
        line(file, "sh \"$PACKAGES\"", "bash \"$PACKAGES\""),
        "BC",
        "line 4 of stages/B.Dockerfile changed",
    );
    check(
        line(file, "sh \"$PACKAGES\"/tool*.run", "[\"sh\", \"-c\", \"true\"]"),
        "BC",
        "line 4 of stages/B.Dockerfile changed",
    );
    // The same file in another instruction.
    check_from(
        line(file, "RUN --package=tool,lib", "RUN --package=tool true\nRUN --package=lib"),
        |world| {
            world.edit(file, "--package=tool", "--package=x");
            world.edit(file, "--package=lib", "--package=tool");
            world.edit(file, "--package=x", "--package=lib");
        },
        "BC",
        "line 4 of stages/B.Dockerfile, the first of 2 instructions, changed",
    );
    // Another version of a package has another name and another content.
    check(
        |world| {
            world.fixture.declare_nothing().declare("tool", "tool_910b.run", b"tool");
            world.fixture.declare("lib", "lib_2.run", b"lib 2");
        },
        "BC",
        "package `lib_2.run` is new; package `lib.run` is gone",
    );
}

/// An `ONBUILD` is its stage's own instruction, and what it brings stands in no line of the next one.
#[test]
fn triggers() {
    let onbuild = |text: &'static str| line("stages/A.Dockerfile", "RUN echo a", text);
    check(
        onbuild("RUN echo a\nONBUILD RUN echo b"),
        "ABC",
        "line 3 of stages/A.Dockerfile was added",
    );
    check_from(
        onbuild("RUN echo a\nONBUILD RUN echo b"),
        line("stages/A.Dockerfile", "echo b", "echo c"),
        "ABC",
        "line 3 of stages/A.Dockerfile changed",
    );
    check_from(
        onbuild("RUN echo a\nONBUILD RUN echo b\nONBUILD RUN echo c"),
        line("stages/B.Dockerfile", "again", "and again"),
        "BC",
        "line 2 of stages/B.Dockerfile changed",
    );
    check_from(
        onbuild("ONBUILD COPY files /onbuild"),
        |world| _ = world.fixture.write("stages/files/one.txt", "1"),
        "BC",
        "`files/one.txt`, which it copies, changed",
    );
}

#[test]
fn stages_and_images_that_are_copied_from() {
    let from = |image: &'static str| line("stages/C.Dockerfile", "--from=A /etc/hosts /a", image);
    check(from("--from=B /etc/hosts /a"), "C", "line 2 of stages/C.Dockerfile changed");
    check_from(
        from("--from=busybox:1 /bin/sh /a"),
        |world| world.image = "sha256:9876543210".to_owned(),
        "C",
        "busybox:1, which it copies from, changed: abcdef01… → 98765432…",
    );
    check_from(
        |world| {
            world.edit(
                "stages/C.Dockerfile",
                "RUN <<EOF",
                "RUN --mount=from=busybox:1,target=/b <<EOF",
            );
        },
        |world| world.image = "sha256:9876543210".to_owned(),
        "C",
        "busybox:1, which it copies from, changed: abcdef01… → 98765432…",
    );
    // B is rebuilt, and so is what C starts from.
    check(
        line("stages/A.Dockerfile", "A=1", "A=3"),
        "ABC",
        "line 1 of stages/A.Dockerfile changed",
    );
}

/// A stage that copies everything finds its context in a folder: the others' paths are what they were.
#[test]
fn everything_is_copied() {
    check(
        line("stages/C.Dockerfile", "RUN <<EOF", "COPY . /all\nRUN <<EOF"),
        "C",
        "line 3 of stages/C.Dockerfile was added; `A.Dockerfile`, which it copies, is new; `B.Dockerfile`, which it copies, is new; `C.Dockerfile`, which it copies, is new; 2 more copied files",
    );
}

#[test]
fn where_a_base_comes_from_is_not_what_it_is() {
    let archive = format!("image = \"other:1\"\narchive = \"other.tar\"\nsha256 = \"{LIB}\"");
    check(|world| world.edit("stages/stages.toml", "image = \"other:1\"", &archive), "", "");
}
