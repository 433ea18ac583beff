//! An engine, through the `docker` command.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::process::Command;
use std::time::Duration;

/// After this long a command is killed, and its test fails.
const LIMIT: Duration = Duration::from_secs(120);

/// How often images are tried to be removed: an image goes only after its children.
const PASSES: usize = 4;

/// What follows the output of a command in a container.
const END_OF_OUTPUT: &str = "the-end-of-the-output";

/// Lists every reference that the engine has.
const REFERENCES: [&str; 3] = ["images", "--format", "{{.Repository}}:{{.Tag}}"];

/// An engine; this machine's, unless it says otherwise.
#[derive(Debug, Default, Clone)]
pub(crate) struct Docker {
    host: Option<String>,
    network: Option<String>,
}

impl Docker {
    /// The engine at `host`, in the network namespace at the path `network`.
    pub(crate) fn at(host: String, network: String) -> Self {
        Self { host: Some(host), network: Some(network) }
    }

    /// What `DOCKER_HOST` must be for it.
    pub(crate) fn host(&self) -> Option<String> {
        self.host.clone().or_else(|| std::env::var("DOCKER_HOST").ok())
    }

    /// A program that reaches this engine's networks.
    pub(crate) fn beside(&self, program: &str) -> Command {
        match &self.network {
            None => Command::new(program),
            Some(network) => {
                let mut command = Command::new("nsenter");
                command.arg(format!("--net={network}")).arg("--").arg(program);
                command
            }
        }
    }

    fn command<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> assert_cmd::Command {
        let mut command = Command::new("docker");
        command.args(arguments);
        command.envs(self.host.iter().map(|host| ("DOCKER_HOST", host)));
        let mut command = assert_cmd::Command::from_std(command);
        command.timeout(LIMIT);
        command
    }

    /// Its output, whether it succeeded or not.
    pub(crate) fn attempt(&self, arguments: &[&str]) -> (bool, String) {
        let output = self.command(arguments).output().expect("docker runs");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// The output of a command that must succeed.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().expect("docker runs");
        assert!(
            output.status.success(),
            "docker {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Makes an image of a root file system.
    pub(crate) fn import(&self, tar: &[u8], reference: &str) {
        let output = self
            .command(["import", "-", reference])
            .write_stdin(tar)
            .output()
            .expect("docker runs");
        assert!(
            output.status.success(),
            "docker import: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// What `docker save` writes of an image.
    pub(crate) fn save(&self, reference: &str) -> Vec<u8> {
        let output = self.command(["save", reference]).output().expect("docker runs");
        assert!(
            output.status.success(),
            "docker save: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    }

    /// The id of an image, where it is there.
    pub(crate) fn image_id(&self, reference: &str) -> Option<String> {
        let (found, id) = self.attempt(&["image", "inspect", "--format", "{{.Id}}", reference]);
        found.then_some(id)
    }

    /// What a command prints in a container of an image. An engine under load may close the
    /// attached streams before they carried anything, so the output's end is told by a mark.
    #[track_caller]
    pub(crate) fn in_image(&self, reference: &str, command: &str) -> String {
        let marked = format!("( {command}\n) && echo {END_OF_OUTPUT}");
        let run = ["run", "--rm", "--network=none", "--entrypoint=/bin/sh", reference, "-c"];
        let whole = (0..PASSES).find_map(|_| {
            let output = self.run(&[&run[..], &[&marked]].concat());
            Some(output.strip_suffix(END_OF_OUTPUT)?.trim_end().to_owned())
        });
        whole.expect("the container's output has its end")
    }

    /// The references of a repository's images, such as `it-…/s:latest`.
    pub(crate) fn references(&self, project: &str) -> Vec<String> {
        of_project(&self.run(&REFERENCES), project)
    }

    /// The containers of a project's images, running or not.
    pub(crate) fn containers(&self, project: &str, base: &str) -> Vec<String> {
        let images = self.images_of(project, base);
        let filters = images.iter().map(|image| format!("--filter=ancestor={image}"));
        let arguments = ["ps", "-aq"].map(str::to_owned).into_iter().chain(filters);
        if images.is_empty() {
            return Vec::new();
        }
        let output = self.command(arguments).output().expect("docker runs");
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
    }

    /// Every image that a project's builds made: those with its label, and those on its base, whose first layer is its own.
    fn images_of(&self, project: &str, base: &str) -> BTreeSet<String> {
        let lines = |text: String| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let label = format!("label=ascend-build.project={project}");
        let labelled = lines(self.attempt(&["images", "-aq", "--no-trunc", "--filter", &label]).1);
        let (_, layer) =
            self.attempt(&["image", "inspect", "--format", "{{index .RootFS.Layers 0}}", base]);
        let all = lines(self.attempt(&["images", "-aq", "--no-trunc"]).1);
        let inspect =
            ["image", "inspect", "--format", "{{.Id}} {{range .RootFS.Layers}}{{.}} {{end}}"];
        let inspect: Vec<&str> =
            inspect.into_iter().chain(all.iter().map(String::as_str)).collect();
        let first_layers = lines(self.attempt(&inspect).1);
        let own = first_layers.iter().filter_map(|line| {
            let mut words = line.split_whitespace();
            let id = words.next()?;
            words.next().filter(|first| !layer.is_empty() && *first == layer).map(|_| id.to_owned())
        });
        labelled.into_iter().chain(own).collect()
    }

    /// Removes what a project's builds made, its base too. What cannot be removed is left: this runs in drops.
    pub(crate) fn remove_all_of(&self, project: &str, base: &str) {
        for container in self.containers(project, base) {
            _ = self.attempt(&["rm", "-f", "-v", &container]);
        }
        for _ in 0..PASSES {
            let images = self.images_of(project, base);
            if images.is_empty() {
                break;
            }
            let arguments: Vec<&str> =
                ["rmi", "-f"].into_iter().chain(images.iter().map(String::as_str)).collect();
            _ = self.attempt(&arguments);
        }
        // Another test may remove an image while all are listed, and hide this one; and what a test
        // named itself is not found by its base when that is gone.
        let named = of_project(&self.attempt(&REFERENCES).1, project);
        for reference in named.iter().map(String::as_str).chain([base]) {
            _ = self.attempt(&["rmi", "-f", reference]);
        }
    }
}

/// The references among `all` that are a project's.
fn of_project(all: &str, project: &str) -> Vec<String> {
    let start = format!("{project}/");
    all.lines().filter(|line| line.starts_with(&start)).map(str::to_owned).collect()
}
