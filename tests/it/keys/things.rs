//! Packages, arguments, instructions and copied files.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::world::{C, World, check, check_from, check_same};

#[test]
fn packages() {
    check(
        |world| {
            world.fixture.declare_nothing().declare("tool", "tool_910b.run", b"tool");
            world.fixture.declare("lib", "lib.run", b"another");
        },
        "BC",
        "package `lib.run` changed: 76b5a357… → ae448ac8…",
    );
    check(
        |world| world.edit("packages.toml", "lib.run", "lib2.run"),
        "BC",
        "package `lib.run` is called `lib2.run` now",
    );
    check(
        |world| world.edit("stages/B.Dockerfile", "tool,lib", "tool,lib,unused"),
        "BC",
        "package `unused.run` is new; line 4 of stages/B.Dockerfile changed",
    );
    check_same(|world| {
        world.edit(
            "packages.toml",
            "name = \"lib\"",
            "url = \"https://x.test/lib.run\"\nname = \"lib\"",
        );
    });
    check_same(|world| world.edit("packages.toml", "name = \"lib\"", "size = 3\nname = \"lib\""));
    check_same(|world| {
        world.edit("packages.toml", "name = \"lib\"", "version = \"9\"\nname = \"lib\"");
    });
    check_same(|world| {
        world.edit("packages.toml", "[[package]]", "roots = [\"elsewhere\"]\n\n[[package]]");
        world.fixture.write("elsewhere/lib.run", "lib");
    });
    check_same(|world| _ = world.fixture.declare("more", "more.run", b"more"));
    check_same(|world| {
        world.edit("packages.toml", "name = \"lib\"", "name = \"library\"");
        world.edit("stages/B.Dockerfile", "tool,lib", "tool,library");
    });
    check_same(|world| {
        world.fixture.declare_nothing().declare("lib", "lib.run", b"lib");
        world.fixture.declare("tool", "tool_910b.run", b"tool");
    });
    check_same(|world| {
        world.fixture.write("packages/lib.run", "lib");
        world.age("packages/lib.run");
    });
}

#[test]
fn arguments() {
    check(
        |world| world.edit("stages/stages.toml", "910b", "310p"),
        "BC",
        "argument CHIP 910b → 310p",
    );
    check(
        |world| world.wishes.settings.push(("CHIP".to_owned(), "310p".to_owned())),
        "BC",
        "argument CHIP 910b → 310p",
    );
    check(
        |world| world.edit("stages/stages.toml", "{ CHIP", "{ MORE = \"1\", CHIP"),
        "BC",
        "argument MORE is new",
    );
    check(
        |world| world.edit("stages/stages.toml", "CHIP = \"910b\", ", ""),
        "BC",
        "argument CHIP is gone",
    );
    check(
        |world| world.edit("stages/stages.toml", "secret-1", "secret-2"),
        "BC",
        "argument PIP_TOKEN changed (its values are not shown)",
    );
    check_same(|world| {
        world.edit(
            "stages/stages.toml",
            "CHIP = \"910b\", PIP_TOKEN = \"secret-1\"",
            "PIP_TOKEN = \"secret-1\", CHIP = \"910b\"",
        );
    });
    check_same(|world| world.wishes.settings.push(("CHIP".to_owned(), "910b".to_owned())));
}

#[test]
fn instructions() {
    let line = |from: &'static str, to: &'static str| {
        move |world: &mut World| world.edit("stages/B.Dockerfile", from, to)
    };
    check(line("again", "and again"), "BC", "line 2 of stages/B.Dockerfile changed");
    check(line("RUN --", "RUN echo new\nRUN --"), "BC", "line 4 of stages/B.Dockerfile was added");
    check(
        line("RUN echo $CHIP \\\n    again\n", ""),
        "BC",
        "line 2 of stages/B.Dockerfile was removed",
    );
    check(line("RUN --", "RUN --network=none --"), "BC", "line 4 of stages/B.Dockerfile changed");
    check(
        line("# what", "SHELL [\"/bin/bash\", \"-c\"]\n# what"),
        "BC",
        "line 1 of stages/B.Dockerfile was added",
    );
    check(
        line("# what", "# syntax=docker/dockerfile:1\n# what"),
        "BC",
        "the line `# syntax=` was added",
    );
    check(
        |world| world.edit("stages/A.Dockerfile", "ENV A=1\nRUN echo a", "RUN echo a\nENV A=1"),
        "ABC",
        "line 1 of stages/A.Dockerfile, the first of 2 instructions, changed",
    );
    check(
        |world| world.edit("stages/A.Dockerfile", "A=1", "A=2"),
        "ABC",
        "line 1 of stages/A.Dockerfile changed",
    );
    check(
        |world| world.edit("stages/C.Dockerfile", "echo heredoc", "echo other"),
        "C",
        "line 3 of stages/C.Dockerfile changed",
    );
    check(
        |world| world.edit("stages/C.Dockerfile", "<<EOF", "<<-EOF"),
        "C",
        "line 3 of stages/C.Dockerfile changed",
    );
    check(
        |world| world.edit("stages/C.Dockerfile", "0:0", "1:1"),
        "C",
        "line 1 of stages/C.Dockerfile changed",
    );
    check_same(line("# what B does", "# another comment\n\n# and more"));
    check_same(line("RUN echo $CHIP \\\n    again", "run echo $CHIP \\\n# inside\n    again"));
    check_same(line("RUN --", "\n\n   RUN --"));
    check_same(|world| _ = world.fixture.dockerfile("C", C.trim_end()));
}

/// The folders above a file count where they come along: by `--parents`, or because a folder that
/// holds them is copied, also where `.dockerignore` leaves out the rest of it.
#[test]
fn modes_of_folders() {
    let copies = |copy: &'static str| {
        move |world: &mut World| {
            world.fixture.dockerfile("C", &format!("{copy}\n"));
            world.fixture.write("stages/.dockerignore", "*\n!files/one.txt\n");
        }
    };
    let closed = |world: &mut World| {
        let mode = fs::Permissions::from_mode(0o700);
        fs::set_permissions(world.fixture.path("stages/files"), mode).expect("it is ours");
    };
    let changed = "`files`, which it copies, changed";
    check_from(copies("COPY files/one.txt /x"), closed, "", "");
    check_from(copies("COPY --parents files/one.txt /x"), closed, "C", changed);
    check_from(copies("COPY . /x"), closed, "C", changed);
}

#[test]
fn copied_files() {
    let changed = "`files/one.txt`, which it copies, changed";
    check(|world| _ = world.fixture.write("stages/files/one.txt", "1"), "C", changed);
    check(
        |world| {
            let path = world.fixture.path("stages/files/one.txt");
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it is ours");
        },
        "C",
        changed,
    );
    check(
        |world| {
            world.remove("stages/files/one.txt");
            symlink("two.txt", world.fixture.path("stages/files/one.txt")).expect("a new link");
        },
        "C",
        changed,
    );
    check(
        |world| {
            world.remove("stages/files/link");
            symlink("two.txt", world.fixture.path("stages/files/link")).expect("a new link");
        },
        "C",
        "`files/link`, which it copies, changed",
    );
    check(
        |world| _ = world.fixture.write("stages/files/new.txt", ""),
        "C",
        "`files/new.txt`, which it copies, is new",
    );
    check(
        |world| world.remove("stages/files/two.txt"),
        "C",
        "`files/two.txt`, which it copied, is gone",
    );
    check(
        |world| _ = world.fixture.write("stages/.dockerignore", "files/two.txt\n"),
        "C",
        "`files/two.txt`, which it copied, is gone",
    );
    check_same(|world| world.age("stages/files/one.txt"));
    check_same(|world| _ = world.fixture.write("stages/other.txt", "changed"));
    check_same(|world| _ = world.fixture.write("stages/.dockerignore", "other.txt\n"));
}
