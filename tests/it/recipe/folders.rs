//! Files in folders below a root: addresses with a path, entries with one, and what the shell puts together.

use super::ground::Ground;
use crate::support::{Builders, Fixture};

/// Two files of one name for two chips, and a Dockerfile in whose addresses `URL` is the package server.
fn two_chips(dockerfile: &str) -> Fixture {
    let fixture = Fixture::new();
    fixture.write("Dockerfile", dockerfile.replace("URL", "http://172.17.0.1:3000"));
    fixture.write("910b/kernels.run", "for 910b").write("310p/kernels.run", "for 310p");
    fixture
}

/// What `arguments` say of a Dockerfile that fetches, beside files for two chips.
fn check(dockerfile: &str, arguments: &[&str], code: i32, expected: &[&str]) {
    let outcome = two_chips(dockerfile).run(arguments).exits(code);
    let told = outcome.stdout + &outcome.stderr;
    for expected in expected {
        assert!(told.contains(expected), "expected {expected:?} in\n{told}");
    }
}

#[test]
fn an_address_names_the_folder() {
    let both = "FROM x\nRUN wget -q URL/910b/kernels.run && rm *\nRUN wget -q URL/310p/kernels.run && rm *\n";
    check(both, &["plan"], 0, &["910b/kernels.run", "310p/kernels.run"]);
    check(both, &["check"], 0, &["2 packages"]);
    let neither = "FROM x\nRUN wget -q URL/kernels.run && rm *\n";
    check(neither, &["check"], 4, &["`kernels.run` may be one of two different files"]);
    let other = "FROM x\nRUN wget -q URL/950/kernels.run && rm *\n";
    check(other, &["check"], 4, &["`950/kernels.run` is missing", "`310p/kernels.run`"]);
}

/// The folder that is served may be one above the root, or have another name there.
#[test]
fn the_first_folders_of_an_address_may_be_the_servers_own() {
    let served = "FROM x\nRUN wget -q URL/packages/310p/kernels.run && rm *\n";
    check(served, &["check"], 0, &["1 package"]);
}

#[test]
fn where_only_the_run_knows_the_folder_every_file_has_its_path() {
    let unknown = "FROM x\nRUN wget -q URL/$(hostname)/kernels.run && rm *\n";
    let expected = ["fetch-unknown", "910b/kernels.run", "310p/kernels.run"];
    check(unknown, &["plan"], 0, &expected);
    check(unknown, &["check"], 0, &["fetch-unknown"]);
}

/// A project whose entries of one name are told apart by `chip`.
fn declared() -> Fixture {
    let fixture = Fixture::new();
    fixture.write("packages/910b/kernels.run", "for 910b");
    fixture.write("packages/310p/kernels.run", "for 310p");
    fixture.declare("kernels", "910b/kernels.run", b"for 910b");
    fixture.declare("kernels", "310p/kernels.run", b"for 310p");
    let text = std::fs::read_to_string(fixture.path("packages.toml")).expect("it was written");
    let with_chip = |text: String, chip: &str| {
        let file = format!("file = \"{chip}/kernels.run\"\n");
        text.replace(&file, &format!("{file}chip = \"{chip}\"\n"))
    };
    fixture.write("packages.toml", with_chip(with_chip(text, "910b"), "310p"));
    fixture
}

#[test]
fn entries_of_one_name_are_told_apart_by_their_folders() {
    let fixture = declared();
    fixture.run(&["package", "verify"]).exits(0);
    let listed = fixture.run(&["package", "list"]).exits(0).stdout;
    assert!(listed.contains("910b/kernels.run") && listed.contains("310p/kernels.run"), "{listed}");
    let scanned = fixture.run(&["package", "scan"]).exits(0).stdout;
    assert!(!scanned.contains("added"), "{scanned}");
    let again = std::fs::read_to_string(fixture.path("packages.toml")).expect("it is there");
    assert_eq!(again.matches("[[package]]").count(), 2, "{again}");
    fixture.one_stage("RUN --package=kernels sh \"$PACKAGES\"/kernels.run\n");
    let plan = fixture.run(&["plan", "--chip", "310p"]).exits(0).stdout;
    assert!(plan.contains("310p/kernels.run") && !plan.contains("910b/kernels.run"), "{plan}");
    fixture.run(&["plan"]).exits(3);
}

#[test]
fn an_entry_vouches_for_the_file_of_its_own_folder() {
    let fixture = two_chips("FROM x\nRUN wget -q URL/910b/kernels.run && rm *\n");
    fixture.write("packages.toml", "roots = [\".\"]\n");
    fixture.declare("kernels", "310p/kernels.run", b"another content");
    let text = std::fs::read_to_string(fixture.path("packages.toml")).expect("it was written");
    fixture.write("packages.toml", format!("roots = [\".\"]\n{text}"));
    fixture.run(&["check"]).exits(0);
    let strict = fixture.run(&["build", "--strict"]);
    assert!(!strict.stderr.contains("does not match"), "{}", strict.stderr);
    fixture.write(
        "Dockerfile",
        "FROM x\nRUN wget -q http://172.17.0.1:3000/310p/kernels.run && rm *\n",
    );
    let told = fixture.run(&["build"]).exits(4).stderr;
    assert!(told.contains("`310p/kernels.run` does not match its sha256"), "{told}");
}

#[test]
fn files_of_one_name_do_not_come_into_one_folder() {
    let fixture = declared();
    let text = std::fs::read_to_string(fixture.path("packages.toml")).expect("it was written");
    fixture.write("packages.toml", text.replacen("name = \"kernels\"", "name = \"others\"", 1));
    fixture.one_stage("RUN --package=kernels,others true\n");
    let told = fixture.run(&["check"]).exits(3).stderr;
    assert!(told.contains("`310p/kernels.run` and `910b/kernels.run` have one name"), "{told}");
    fixture.one_stage("RUN --package=kernels true\nRUN --package=others true\n");
    fixture.run(&["check"]).exits(0);
}

#[test]
fn a_path_that_leaves_its_root_is_no_entry() {
    let fixture = Fixture::new();
    for file in ["../a.run", "/etc/a.run", "a//b.run", "a/./b.run", "a/"] {
        fixture.declare_nothing().declare("a", file, b"");
        fixture.one_stage("RUN true\n");
        let told = fixture.run(&["check"]).exits(3).stderr;
        assert!(told.contains("is no path below a root"), "{file}: {told}");
    }
}

#[test]
#[ignore = "needs an engine"]
fn folders_and_substitutions_are_served_as_the_shell_asks() {
    let dockerfile = "FROM BASE\nARG U=http://172.17.0.1:3000\n\
        RUN wget -q -O- $U/910b/kernels.txt >> /result && wget -q -O- $U/310p//kernels.txt >> /result\n\
        RUN sh -c \"$(wget -q -O- $U/install.sh)\"\n\
        RUN V=$(wget -q -O- $U/version.txt) && test -n \"$V\" && echo \"$V\" >> /result\n\
        RUN GW=$(ip route | awk '/default/ { g = $3 } END { print g ? g : \"127.0.0.1\" }') && wget -q -O- http://$GW:3000/version.txt >> /result\n\
        RUN for f in one two; do wget -q -O- $U/$f.txt >> /result || exit 1; done\n\
        RUN D=$(echo 910b) && wget -q -O- $U/$D/kernels.txt >> /result\n";
    let lines =
        ["910b/kernels", "310p/kernels", "version", "version", "one", "two", "910b/kernels"];
    for builder in Builders {
        let ground = Ground::with(dockerfile, builder);
        for file in ["910b/kernels", "310p/kernels", "version", "one", "two"] {
            ground.stand_in(&format!("{file}.txt"), "content");
        }
        ground.write("install.sh", "echo installed >> /result");
        ground.build(&[]).exits(0);
        let mut expected = lines.map(|file| format!("{file}.txt: a stand-in, content")).to_vec();
        expected.insert(2, "installed".to_owned());
        assert_eq!(ground.in_image("stage-0", "cat /result"), expected.join("\n"));
    }
}

#[test]
#[ignore = "needs an engine"]
fn a_declared_file_of_a_folder_comes_without_it() {
    for builder in Builders {
        let fixture = Fixture::on_engine();
        fixture.write("packages/910b/kernels.run", "for 910b");
        fixture.declare("kernels", "910b/kernels.run", b"for 910b");
        fixture.one_stage("RUN --package=kernels ls \"$PACKAGES\" > /names && cat \"$PACKAGES\"/kernels.run >> /names\n");
        fixture.build(builder, &[]).exits(0);
        assert_eq!(
            fixture.docker().in_image(&fixture.image("S"), "cat /names"),
            "kernels.run\nfor 910b"
        );
    }
}
