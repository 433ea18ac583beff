//! A recipe's folder: what tests/recipes holds of it, and stand-ins for its packages.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Fixture, Outcome, pattern};

/// What stands in the base for the tools of a distribution: they say what they were asked for.
const TOOLS: &str = "RUN printf '#!/bin/sh\\necho \"apt-get, a stand-in: $*\"\\n' > /bin/apt-get \\
 && printf '#!/bin/sh\\nexec sh \"$@\"\\n' > /bin/bash \\
 && printf '#!/bin/sh\\nfor word; do last=$word; done\\ncat \"$last\" >> /root/pip.txt\\n' > /bin/pip3 \\
 && chmod 755 /bin/apt-get /bin/bash /bin/pip3\n";

/// A recipe in a folder of its own, called as the fixture's project.
pub(super) struct Ground {
    pub(super) fixture: Fixture,
    pub(super) builder: &'static str,
}

impl Ground {
    /// A recipe of tests/recipes with its packages, to be built by `builder` from a base with stand-ins of apt-get and pip.
    pub(super) fn of(recipe: &str, packages: &[&str], builder: &'static str) -> Self {
        let ground = Self { fixture: Fixture::on_engine(), builder };
        ground.furnish(recipe, packages);
        ground
            .fixture
            .write("tools/Dockerfile", format!("FROM {}\n{TOOLS}", ground.fixture.base()));
        let tools = ground.fixture.path("tools");
        let tools = tools.to_str().expect("a temporary folder's path is UTF-8");
        ground.fixture.docker().run(&["build", "-q", "-t", &ground.base(), tools]);
        ground
    }

    /// The same without an engine, for what ends before one is called.
    pub(super) fn without_engine(recipe: &str, packages: &[&str]) -> Self {
        let ground = Self { fixture: Fixture::new(), builder: "auto" };
        ground.furnish(recipe, packages);
        ground
    }

    /// A folder with this Dockerfile, whose base has every tool of busybox.
    pub(super) fn with(dockerfile: &str, builder: &'static str) -> Self {
        let ground = Self { fixture: Fixture::on_engine(), builder };
        ground.write("Dockerfile", dockerfile.replace("BASE", &ground.fixture.base()));
        ground
    }

    fn furnish(&self, recipe: &str, packages: &[&str]) {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recipes").join(recipe);
        for entry in std::fs::read_dir(&from).expect("the recipe is there") {
            let entry = entry.expect("a readable folder");
            let name = entry.file_name().into_string().expect("a UTF-8 name");
            self.write(&name, std::fs::read(entry.path()).expect("a readable file"));
        }
        packages.iter().for_each(|package| self.stand_in(package, "first"));
    }

    pub(super) fn base(&self) -> String {
        format!("{}-tools", self.fixture.base())
    }

    /// The recipe's folder.
    pub(super) fn path(&self, below: &str) -> PathBuf {
        self.fixture.path(&self.fixture.name).join(below)
    }

    /// Writes a file of the recipe.
    pub(super) fn write(&self, below: &str, content: impl AsRef<[u8]>) {
        self.fixture.write(&format!("{}/{below}", self.fixture.name), content);
    }

    /// Makes a stand-in of a package: a script that installs one file, an archive, or a file with something in it.
    pub(super) fn stand_in(&self, file: &str, content: &str) {
        match file.rsplit_once('.') {
            Some((stem, "run")) => {
                let script = format!(
                    "#!/bin/sh\n# a stand-in\nset -e\nmkdir -p /usr/local/Ascend/{stem}\n\
                     echo {content} > /usr/local/Ascend/{stem}/version.info\nexit 0\n"
                );
                self.write(file, [script.as_bytes(), &pattern(file, 4096)].concat());
            }
            Some((_, "gz")) => self.archive(file, content),
            _ => self.write(file, format!("{file}: a stand-in, {content}\n")),
        }
    }

    fn archive(&self, file: &str, content: &str) {
        self.write("archived/set_env.sh", format!("# {content}\n"));
        let archived = self.path("archived");
        let done = Command::new("tar")
            .args(["--sort=name", "--mtime=@0", "-czf"])
            .arg(self.path(file))
            .arg("-C")
            .arg(&archived)
            .arg(".")
            .status();
        assert!(done.expect("tar runs").success());
        std::fs::remove_dir_all(archived).expect("the folder was just made");
    }

    /// Builds with the arguments that the recipe's own script gives, and those of the test.
    pub(super) fn build(&self, arguments: &[&str]) -> Outcome {
        let base = format!("BASE_IMAGE={}", self.base());
        let own = ["-C", &self.fixture.name, "--build-arg", &base];
        let _alone = port();
        self.fixture.build(self.builder, &[&own, arguments].concat())
    }

    /// Another verb in the recipe's folder.
    pub(super) fn run(&self, arguments: &[&str]) -> Outcome {
        self.fixture.run(&[&["-C", &self.fixture.name], arguments].concat())
    }

    /// What a command prints in a stage's image.
    pub(super) fn in_image(&self, stage: &str, command: &str) -> String {
        self.fixture.docker().in_image(&self.fixture.image(stage), command)
    }
}

/// Recipes name their port, and one build at a time can have it: held until it is dropped.
pub(crate) fn port() -> File {
    let path = std::env::temp_dir().join("ascend-build-it-port-3000");
    let lock = File::create(path).expect("the temporary folder is writable");
    lock.lock().expect("a file of this machine can be locked");
    lock
}

/// The texts of the warnings among the events of a build.
pub(super) fn warnings(outcome: &Outcome) -> Vec<String> {
    let events = outcome.events_called("warning");
    events.iter().filter_map(|event| event["message"].as_str().map(str::to_owned)).collect()
}
