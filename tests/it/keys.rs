//! A stage's key changes exactly when what decides its content does, and the reason says what did.
//!
//! Each case changes one thing of the same project and names the stages whose
//! keys must become others, with the reason of the first of them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::{Duration, SystemTime};

use ascend_build::plan::{
    Canonical, Inputs, Plan, PlannedParent, PlannedStage, Selection, Surroundings, Wishes, changes,
    make, told,
};
use ascend_build::project::{self, Project, Recipe, Sha256, StageName};
use ascend_build::store::{Context, CopySource, IgnoreRules};

use crate::support::Fixture;

/// What a run would know besides the project's files.
struct World {
    fixture: Fixture,
    wishes: Wishes,
    base: String,
}

impl World {
    fn new() -> Self {
        let fixture = Fixture::new();
        fixture.declare("tool", "tool_910b.run", b"tool").declare("lib", "lib.run", b"lib");
        fixture.declare("unused", "unused.run", b"unused");
        fixture.stages(STAGES);
        fixture.dockerfile("A", A).dockerfile("B", B).dockerfile("C", C);
        fixture.write("stages/files/one.txt", "one").write("stages/files/two.txt", "two");
        fixture.write("stages/other.txt", "not copied");
        symlink("one.txt", fixture.path("stages/files/link")).expect("a new link");
        let selection =
            Selection { platform: "linux/amd64".parse().expect("a platform"), chip: None };
        let wishes = Wishes {
            target: Some("C".to_owned()),
            selection,
            settings: Vec::new(),
            tag: "latest".to_owned(),
            extra_tags: Vec::new(),
        };
        Self { fixture, wishes, base: "sha256:0123456789".to_owned() }
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.fixture.path(file)).expect("the file is there");
        assert!(text.contains(from), "`{file}` has no `{from}`");
        self.fixture.write(file, text.replacen(from, to, 1));
    }

    fn remove(&self, file: &str) {
        fs::remove_file(self.fixture.path(file)).expect("the file is there");
    }

    fn age(&self, file: &str) {
        let file = File::options().write(true).open(self.fixture.path(file)).expect("it is there");
        file.set_modified(SystemTime::now() - Duration::from_secs(86_400)).expect("it is ours");
    }

    fn inputs(&self) -> BTreeMap<String, Inputs> {
        let (project, _) = project::load(&self.fixture.path("")).expect("a good project");
        self.inputs_of(&project)
    }

    fn inputs_of(&self, project: &Project) -> BTreeMap<String, Inputs> {
        let plan = make(project, &self.wishes).expect("a good plan");
        let mut made: BTreeMap<String, Inputs> = BTreeMap::new();
        for stage in &plan.stages {
            let inputs = self.stage_inputs(project, &plan, stage, &made);
            made.insert(stage.name.to_string(), inputs);
        }
        made
    }

    fn stage_inputs(
        &self,
        project: &Project,
        plan: &Plan,
        stage: &PlannedStage,
        made: &BTreeMap<String, Inputs>,
    ) -> Inputs {
        let key = |name: &StageName| made[name.as_str()].key().to_string();
        let from = match &stage.from {
            PlannedParent::Stage(name) => key(name),
            PlannedParent::Base(base) => format!("{} of {}", self.base, base.image),
        };
        let files: Vec<(String, Sha256)> = plan
            .packages
            .iter()
            .filter_map(|package| Some((package.file.clone(), package.sha256.clone()?)))
            .collect();
        let surroundings = Surroundings {
            from,
            stage: &key,
            image: &|_| None,
            files: &files,
            sources: sources(project, stage),
        };
        Canonical::of(stage).inputs(plan, stage, surroundings)
    }
}

fn sources(project: &Project, stage: &PlannedStage) -> BTreeMap<String, String> {
    let sources: Vec<_> = stage.context.iter().map(CopySource::new).collect();
    let ignore = IgnoreRules::read(&project.context, None).expect("readable rules");
    let context = Context::collect(&project.context, &sources, &ignore).expect("a good context");
    let digests = context.digests().expect("readable files");
    digests.iter().map(|one| (one.path.display().to_string(), one.told())).collect()
}

const STAGES: &str = r#"
[bases.other]
image = "other:1"

[stages.A]
from = "tiny"
description = "first"
[stages.B]
from = "A"
args = { CHIP = "910b", PIP_TOKEN = "secret-1" }
[stages.B.checks]
works = "true"
[stages.C]
from = "B"
"#;
const A: &str = "ENV A=1\nRUN echo a\n";
const B: &str = "# what B does\nRUN echo $CHIP \\\n    again\nRUN --package=tool,lib sh \"$PACKAGES\"/tool*.run\n";
const C: &str =
    "COPY --chown=0:0 files /files\nCOPY --from=A /etc/hosts /a\nRUN <<EOF\necho heredoc\nEOF\n";

/// Changes the world; `stages` lists those whose key must change, and the reason of the first must hold `reason`.
fn check(change: impl FnOnce(&mut World), stages: &str, reason: &str) {
    let mut world = World::new();
    let old = world.inputs();
    change(&mut world);
    compare(&old, &world.inputs(), stages, reason);
}

fn compare(
    old: &BTreeMap<String, Inputs>,
    new: &BTreeMap<String, Inputs>,
    stages: &str,
    reason: &str,
) {
    let differs =
        |name: &&String| old.get(*name).map(Inputs::key) != new.get(*name).map(Inputs::key);
    let changed: Vec<&String> = new.keys().filter(differs).collect();
    assert_eq!(changed.iter().map(|name| name.as_str()).collect::<String>(), stages);
    for (name, inputs) in new {
        let reasons = old.get(name).map(|old| told(&changes(old, inputs), |_| None));
        let reasons = reasons.unwrap_or_default();
        assert_eq!(reasons.is_empty(), !changed.contains(&name), "{name}: {reasons:?}");
        if changed.first() == Some(&name) {
            let told = reasons.join("; ");
            assert!(told.contains(reason), "expected `{reason}`, actual `{told}`");
            assert!(!told.contains("secret"), "{told}");
        }
        let label = serde_json::to_string(inputs).expect("inputs are data");
        assert!(!label.contains("secret-"), "{label}");
        let read: Inputs = serde_json::from_str(&label).expect("what was written can be read");
        assert_eq!(read.key(), inputs.key(), "the label's inputs give the same key");
    }
}

/// Nothing that decides a stage's content.
fn check_same(change: impl FnOnce(&mut World)) {
    check(change, "", "");
}

#[test]
fn packages() {
    check(
        |world| {
            world.fixture.declare_nothing().declare("tool", "tool_910b.run", b"tool");
            world.fixture.declare("lib", "lib.run", b"another");
        },
        "BC",
        "package `lib.run` changed: ",
    );
    check(
        |world| world.edit("packages.toml", "lib.run", "lib2.run"),
        "BC",
        "package `lib2.run` is new; package `lib.run` is gone",
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
        )
    });
    check_same(|world| world.edit("packages.toml", "name = \"lib\"", "size = 3\nname = \"lib\""));
    check_same(|world| {
        world.edit("packages.toml", "name = \"lib\"", "version = \"9\"\nname = \"lib\"")
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
        "line 1 of stages/B.Dockerfile",
    );
    check(line("# what", "# syntax=docker/dockerfile:1\n# what"), "BC", "a `# syntax`");
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

#[test]
fn where_stages_start() {
    check(
        |world| world.base = "sha256:9".to_owned(),
        "ABC",
        "base ascend-build-it-base:it changed: ",
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
        world.fixture.write("Dockerfile", text).write("packages/lib.run", fetched);
        world.fixture.declare_nothing().declare("lib", "lib.run", fetched);
        let recipe = Recipe {
            file: world.fixture.path("Dockerfile"),
            context: world.fixture.path(""),
            roots: vec![world.fixture.path("packages")],
            build_args: Default::default(),
            platform: "linux/amd64".parse().expect("a platform"),
            skip: Vec::new(),
            dialect: Default::default(),
        };
        let (project, _) = project::load_recipe(&recipe).expect("a good Dockerfile");
        world.inputs_of(&project)
    };
    let old = inputs("172.17.0.1:3000", "one", b"lib");
    compare(&old, &inputs("172.18.0.1:3100", "two", b"lib"), "", "");
    compare(&old, &inputs("172.17.0.1:3000", "one", b"new"), "C", "package `lib.run` changed");
}
