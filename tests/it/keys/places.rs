//! Where stages start, what people read, and where everything stands.

use super::world::{STAGES, World, check, check_same, compare};

#[test]
fn where_stages_start() {
    check(
        |world| world.base = "sha256:9876543210".to_owned(),
        "ABC",
        "base ascend-build-it-base:it changed: 01234567… → 98765432…",
    );
    check(
        |world| world.edit("stages/stages.toml", "\"tiny\"", "\"other\""),
        "ABC",
        "it starts from other:1, before from ascend-build-it-base:it",
    );
    check(
        |world| world.edit("stages/stages.toml", "from = \"B\"", "from = \"A\""),
        "C",
        "it starts from A, before from B",
    );
    check(
        |world| world.wishes.selection.platform = "linux/arm64".parse().expect("a platform"),
        "ABC",
        "platform linux/amd64 → linux/arm64",
    );
    check(
        |world| world.edit("stages/A.Dockerfile", "echo a", "echo b"),
        "ABC",
        "line 2 of stages/A.Dockerfile changed",
    );
}

#[test]
fn what_people_read_and_where_it_stands() {
    let manifest = |from: &'static str, to: &'static str| {
        move |world: &mut World| world.edit("stages/stages.toml", from, to)
    };
    check_same(manifest("first", "the first"));
    check_same(manifest("works = \"true\"", "works = \"true\"\nmore = \"test -e /a\""));
    check_same(manifest("from = \"A\"", "from = \"A\"\ncheck-timeout = 5"));
    check_same(manifest("name = \"it\"", "name = \"another\""));
    check_same(manifest("name = \"it\"", "name = \"it\"\ndefault-target = \"B\""));
    check_same(manifest("[stages.C]", "# a comment\n[stages.C]"));
    check_same(manifest("description = \"first\"\n", ""));
    check_same(manifest("name = \"it\"", "name = \"it\"\ndefault-chip = \"910b\""));
    check_same(manifest("image = \"other:1\"", "image = \"other:1\"\npython = \"3.11\""));
    check_same(|world| {
        world.edit("stages/stages.toml", "[stages.A]", "[stages.A]\ndockerfile = \"Z\"");
        let path = |name: &str| world.fixture.path(name);
        std::fs::rename(path("stages/A.Dockerfile"), path("stages/Z")).expect("it is there");
    });
    check_same(|world| {
        world.edit("stages/stages.toml", "[bases.tiny]", "[bases.small]");
        world.edit("stages/stages.toml", "from = \"tiny\"", "from = \"small\"");
    });
}

#[test]
fn builders() {
    check(|world| world.builder = "classic", "ABC", "builder buildkit → classic");
}

#[test]
fn names_times_and_tables_in_another_order() {
    check_same(|world| {
        let text = STAGES.replace("[stages.C]\nfrom = \"B\"\n", "");
        world.fixture.stages(&format!("[stages.C]\nfrom = \"B\"\n{text}"));
    });
    check_same(|world| {
        world.fixture.stages(&format!("{STAGES}\n[stages.D]\nfrom = \"A\"\n"));
        world.fixture.dockerfile("D", "RUN echo d\n");
    });
    check_same(|world| world.wishes.tag = "9.9".to_owned());
    check_same(|world| world.wishes.extra_tags.push("host:5000/x:1".to_owned()));
    check_same(|world| world.wishes.selection.chip = Some("910b".to_owned()));
    // The same project in another folder.
    let old = World::new().inputs();
    compare(&old, &World::new().inputs(), "", "");
}

#[test]
fn the_address_in_a_dockerfile() {
    let world = World::new();
    let inputs = |address: &str, comment: &str, fetched: &[u8]| {
        let text = format!(
            "# {comment}\nARG LATE=1\nFROM tiny AS C\nARG LATE\nRUN wget -q http://{address}/lib.run && sh lib.run && rm lib.run\n"
        );
        world.fixture.write("packages/lib.run", fetched);
        world.fixture.declare_nothing().declare("lib", "lib.run", fetched);
        world.inputs_of(&world.recipe(&text, &[]))
    };
    let old = inputs("172.17.0.1:3000", "one", b"lib");
    compare(&old, &inputs("172.18.0.1:3100", "two", b"lib"), "", "");
    compare(
        &old,
        &inputs("172.17.0.1:3000", "one", b"new"),
        "C",
        "package `lib.run` changed: 76b5a357… → 11507a0e…",
    );
}
