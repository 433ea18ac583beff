//! The project that is changed, and what is seen of it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::time::{Duration, SystemTime};

use ascend_build::plan::{
    Canonical, Inputs, Plan, PlannedParent, PlannedStage, Selection, Surroundings, Wishes, changes,
    make, told,
};
use ascend_build::project::{self, Project, Recipe, Sha256, StageName};
use ascend_build::store::{Context, CopySource, IgnoreRules};

use crate::support::Fixture;

/// What a run would know besides the project's files.
pub(super) struct World {
    pub(super) fixture: Fixture,
    pub(super) wishes: Wishes,
    pub(super) base: String,
    /// The content id of each image of the engine.
    pub(super) image: String,
    pub(super) builder: &'static str,
}

impl World {
    pub(super) fn new() -> Self {
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
        let (base, image) = ("sha256:0123456789".to_owned(), "sha256:abcdef0123".to_owned());
        Self { fixture, wishes, base, image, builder: "buildkit" }
    }

    pub(super) fn edit(&self, file: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.fixture.path(file)).expect("the file is there");
        assert!(text.contains(from), "`{file}` has no `{from}`");
        self.fixture.write(file, text.replacen(from, to, 1));
    }

    pub(super) fn remove(&self, file: &str) {
        fs::remove_file(self.fixture.path(file)).expect("the file is there");
    }

    pub(super) fn age(&self, file: &str) {
        let file = File::options().write(true).open(self.fixture.path(file)).expect("it is there");
        file.set_modified(SystemTime::now() - Duration::from_secs(86_400)).expect("it is ours");
    }

    pub(super) fn inputs(&self) -> BTreeMap<String, Inputs> {
        let (project, _) = project::load(&self.fixture.path("")).expect("a good project");
        self.inputs_of(&project)
    }

    pub(super) fn inputs_of(&self, project: &Project) -> BTreeMap<String, Inputs> {
        let plan = make(project, &self.wishes).expect("a good plan");
        let mut made: BTreeMap<String, Inputs> = BTreeMap::new();
        for stage in &plan.stages {
            let inputs = self.stage_inputs(project, &plan, stage, &made);
            made.insert(stage.name.to_string(), inputs);
        }
        made
    }

    /// The same of a Dockerfile with these build arguments.
    pub(super) fn recipe(&self, text: &str, given: &[(&str, &str)]) -> Project {
        self.fixture.write("Dockerfile", text);
        let given = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let recipe = Recipe {
            file: self.fixture.path("Dockerfile"),
            shown: "Dockerfile".into(),
            context: self.fixture.path(""),
            roots: vec![self.fixture.path("packages")],
            build_args: given.collect(),
            platform: "linux/amd64".parse().expect("a platform"),
            skip: Vec::new(),
            dialect: Default::default(),
        };
        project::load_recipe(&recipe).expect("a good Dockerfile").0
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
            PlannedParent::Base(base) if base.image == "other:1" => "sha256:other".to_owned(),
            PlannedParent::Base(_) => self.base.clone(),
        };
        let files: Vec<(String, Sha256)> = plan
            .packages
            .iter()
            .filter_map(|package| Some((package.file.clone(), package.sha256.clone()?)))
            .collect();
        let surroundings = Surroundings {
            builder: self.builder,
            from,
            stage: &key,
            image: &|_| Some(self.image.clone()),
            files: &files,
            sources: sources(project, stage),
        };
        Canonical::of(plan, stage).inputs(plan, surroundings)
    }
}

fn sources(project: &Project, stage: &PlannedStage) -> BTreeMap<String, String> {
    let sources: Vec<_> = stage.context.iter().map(CopySource::new).collect();
    let ignore = IgnoreRules::read(&project.context, None).expect("readable rules");
    let context = Context::collect(&project.context, &sources, &ignore).expect("a good context");
    let digests = context.digests(stage.takes_parents()).expect("readable files");
    digests.iter().map(|one| (one.path.display().to_string(), one.told())).collect()
}

pub(super) const STAGES: &str = r#"
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
pub(super) const C: &str =
    "COPY --chown=0:0 files /files\nCOPY --from=A /etc/hosts /a\nRUN <<EOF\necho heredoc\nEOF\n";

/// Changes the world; `stages` lists those whose key must change, and `reason` is all that is said of the first.
pub(super) fn check(change: impl FnOnce(&mut World), stages: &str, reason: &str) {
    check_from(|_| {}, change, stages, reason);
}

/// The same of a world that is not quite the usual one.
pub(super) fn check_from(
    prepare: impl FnOnce(&mut World),
    change: impl FnOnce(&mut World),
    stages: &str,
    reason: &str,
) {
    let mut world = World::new();
    prepare(&mut world);
    let old = world.inputs();
    change(&mut world);
    compare(&old, &world.inputs(), stages, reason);
}

pub(super) fn compare(
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
            assert_eq!(told, reason);
            assert!(!told.contains("secret"), "{told}");
        }
        let label = serde_json::to_string(inputs).expect("inputs are data");
        assert!(!label.contains("secret-"), "{label}");
        let read: Inputs = serde_json::from_str(&label).expect("what was written can be read");
        assert_eq!(read.key(), inputs.key(), "the label's inputs give the same key");
    }
}

/// Nothing that decides a stage's content.
pub(super) fn check_same(change: impl FnOnce(&mut World)) {
    check(change, "", "");
}
