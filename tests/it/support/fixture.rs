//! A project in a folder of its own, and the program run in it.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::{Docker, Outcome, Running, base};

/// After this long a command line is killed, and its test fails.
const LIMIT: Duration = Duration::from_secs(300);

/// The name of the tiny base in `[bases]`.
const BASE: &str = "tiny";

/// A project, and an engine where the test needs one. Dropping it removes both folders and images.
pub(crate) struct Fixture {
    folder: TempDir,
    /// The project's image repository.
    pub(crate) name: String,
    packages: RefCell<String>,
    engine: Option<Docker>,
}

impl Fixture {
    /// An empty project, without an engine.
    pub(crate) fn new() -> Self {
        let folder =
            tempfile::Builder::new().prefix("it-project-").tempdir().expect("a temporary folder");
        for below in ["home", "project/packages", "project/stages"] {
            fs::create_dir_all(folder.path().join(below))
                .expect("the fixture's folder is writable");
        }
        Self { folder, name: "it".to_owned(), packages: RefCell::default(), engine: None }
    }

    /// An empty project whose base is in this machine's engine; nobody else has its name or its base's content.
    pub(crate) fn on_engine() -> Self {
        Self::on(Docker::default())
    }

    /// The same on the given engine.
    pub(crate) fn on(engine: Docker) -> Self {
        let mut fixture = Self::new();
        let token =
            hex::encode(&Sha256::digest(fixture.folder.path().as_os_str().as_encoded_bytes())[..5]);
        fixture.name = format!("it-{token}");
        engine.import(&base::tar(&token), &fixture.base());
        fixture.engine = Some(engine);
        fixture
    }

    /// The reference of the tiny base.
    pub(crate) fn base(&self) -> String {
        format!("ascend-build-it-base:{}", self.name.trim_start_matches("it-"))
    }

    /// The tiny base as a root file system.
    pub(crate) fn base_tar(&self) -> Vec<u8> {
        base::tar(&self.name)
    }

    /// The engine that this fixture builds on.
    pub(crate) fn docker(&self) -> &Docker {
        self.engine.as_ref().expect("the test made its fixture with an engine")
    }

    /// A path in the project.
    pub(crate) fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join("project").join(below)
    }

    /// Writes a file of the project.
    pub(crate) fn write(&self, below: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.path(below);
        fs::create_dir_all(path.parent().expect("a file is in a folder"))
            .expect("the fixture's folder is writable");
        fs::write(path, content).expect("the fixture's folder is writable");
        self
    }

    /// Adds a package file of `size` bytes that no other fixture has, and declares it.
    pub(crate) fn package(&self, name: &str, file: &str, size: usize) -> Vec<u8> {
        let content = pattern(&format!("{} {file}", self.name), size);
        self.write(&format!("packages/{file}"), &content);
        self.declare(name, file, &content);
        content
    }

    /// Declares a file with the digest of `content`.
    pub(crate) fn declare(&self, name: &str, file: &str, content: &[u8]) -> &Self {
        let entry = format!(
            "[[package]]\nname = {name:?}\nfile = {file:?}\nsha256 = \"{}\"\n\n",
            sha256(content)
        );
        self.packages.borrow_mut().push_str(&entry);
        self.write("packages.toml", self.packages.borrow().as_bytes())
    }

    /// Forgets every declaration, to declare anew.
    pub(crate) fn declare_nothing(&self) -> &Self {
        self.packages.borrow_mut().clear();
        self.write("packages.toml", "")
    }

    /// Writes stages.toml: the project's name, the tiny base, and `stages`.
    pub(crate) fn stages(&self, stages: &str) -> &Self {
        let head = format!(
            "[project]\nname = \"{}\"\n\n[bases.{BASE}]\nimage = \"{}\"\n\n",
            self.name,
            self.base()
        );
        self.write("stages/stages.toml", head + stages)
    }

    /// Writes a stage's instructions.
    pub(crate) fn dockerfile(&self, stage: &str, text: &str) -> &Self {
        self.write(&format!("stages/{stage}.Dockerfile"), text)
    }

    /// The only stage of a project: `S` from the tiny base, with these instructions.
    pub(crate) fn one_stage(&self, dockerfile: &str) -> &Self {
        self.stages("[stages.S]\nfrom = \"tiny\"\n").dockerfile("S", dockerfile)
    }

    /// The reference of a stage's image.
    pub(crate) fn image(&self, stage: &str) -> String {
        format!("{}/{}:latest", self.name, stage.to_lowercase())
    }

    /// The id of a stage's image, where it is tagged.
    pub(crate) fn image_id(&self, stage: &str) -> Option<String> {
        self.docker().image_id(&self.image(stage))
    }

    /// Runs the program in the project's folder.
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        self.run_with(arguments, &[])
    }

    /// Runs it with more environment.
    pub(crate) fn run_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Outcome {
        let mut command = self.command(arguments);
        command.envs(environment.iter().copied());
        assert_cmd::Command::from_std(command)
            .timeout(LIMIT)
            .output()
            .expect("the program runs")
            .into()
    }

    /// Builds with one builder, and gives the events on stdout.
    pub(crate) fn build(&self, builder: &str, arguments: &[&str]) -> Outcome {
        self.run(&[&["build", "--builder", builder, "--progress", "json"], arguments].concat())
    }

    /// Starts a build and leaves it running.
    pub(crate) fn start(&self, builder: &str, arguments: &[&str]) -> Running {
        let arguments =
            [&["build", "--builder", builder, "--progress", "json"], arguments].concat();
        Running::start(self.command(&arguments))
    }

    /// The command line, to be run in another way than to its end.
    pub(crate) fn command(&self, arguments: &[&str]) -> std::process::Command {
        let program = env!("CARGO_BIN_EXE_ascend-build");
        let mut command = match &self.engine {
            Some(engine) => engine.beside(program),
            None => std::process::Command::new(program),
        };
        command.args(arguments).current_dir(self.path("")).env_clear();
        command
            .env("HOME", self.folder.path().join("home"))
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("LANG", "C.UTF-8").env("COLUMNS", "100");
        // Whatever driver this machine has, plans are told alike.
        command.env("ASCEND_BUILD_DRIVER_INFO", "");
        // Without an engine of its own, a test must not see the one that may run here.
        let nowhere = format!("unix://{}", self.folder.path().join("no-engine.sock").display());
        let host = match &self.engine {
            Some(engine) => engine.host(),
            None => Some(nowhere),
        };
        command.envs(host.map(|host| ("DOCKER_HOST", host)));
        command
    }

    /// The folder of the run that ended last.
    pub(crate) fn last_run(&self) -> PathBuf {
        let runs = fs::read_dir(self.path(".ascend-build/runs")).expect("a run leaves its folder");
        runs.map(|entry| entry.expect("a readable folder").path()).max().expect("at least one run")
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        if let Some(engine) = &self.engine {
            engine.remove_all_of(&self.name, &self.base());
        }
    }
}

/// Bytes that look random and are the same for the same seed.
pub(crate) fn pattern(seed: &str, size: usize) -> Vec<u8> {
    let block = |number: usize| Sha256::digest(format!("{seed} {number}"));
    (0..size.div_ceil(32)).flat_map(block).take(size).collect()
}

/// The SHA-256 of `content`, in hexadecimal digits.
pub(crate) fn sha256(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}
