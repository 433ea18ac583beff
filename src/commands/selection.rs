//! What to build: the options that `build`, `plan` and `check` share.

use std::path::Path;

use crate::error::{Exit, Problem, Result};
use crate::plan::{Plan, Selection, Wishes, make};
use crate::project::{self, Platform, Project, is_variable};

/// The tag of every stage's image when nobody says.
const DEFAULT_TAG: &str = "latest";

/// What to build.
#[derive(Debug, clap::Args)]
pub(super) struct Target {
    /// Build this stage and what it needs [default: the project's `default-target`]
    #[arg(long, short = 't', value_name = "STAGE")]
    pub target: Option<String>,
    /// Build for this platform [default: the engine's own]
    #[arg(long, value_name = "linux/arm64|linux/amd64", value_parser = parse_platform)]
    pub platform: Option<Platform>,
    /// Choose packages for this chip, such as 910b or 310p [default: the project's `default-chip`]
    #[arg(long, value_name = "CHIP")]
    pub chip: Option<String>,
    /// Set an argument of the stages (can be repeated)
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_setting)]
    pub set: Vec<(String, String)>,
    /// Tag every stage's image TAG instead of `latest`; with NAME:TAG, name the target's image so as well (can be repeated)
    #[arg(long, value_name = "TAG|NAME:TAG")]
    pub tag: Vec<String>,
}

fn parse_platform(text: &str) -> std::result::Result<Platform, String> {
    text.parse().map_err(|error: project::NameError| error.to_string())
}

fn parse_setting(text: &str) -> std::result::Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if is_variable(name) => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE, the name of letters, digits and `_`".to_owned()),
    }
}

impl Target {
    /// The plan for this, on `platform` where none was asked for.
    pub(super) fn plan(&self, project: &Project, platform: &Platform) -> Result<Plan> {
        let (tags, extra_tags): (Vec<_>, Vec<_>) =
            self.tag.iter().cloned().partition(|tag| !tag.contains([':', '/']));
        let wishes = Wishes {
            target: self.target.clone(),
            selection: Selection {
                platform: self.platform.clone().unwrap_or_else(|| platform.clone()),
                chip: self
                    .chip
                    .clone()
                    .or_else(|| project.default_chip.clone())
                    .map(|chip| chip.to_lowercase()),
            },
            settings: self.set.clone(),
            tag: tags.last().cloned().unwrap_or_else(|| DEFAULT_TAG.to_owned()),
            extra_tags,
        };
        make(project, &wishes)
    }
}

/// Reads the project in `folder` or the nearest one above it. Returns it with its warnings.
pub(super) fn load(folder: &Path) -> Result<(Project, Vec<Problem>)> {
    let found = project::find_folder(folder).ok_or_else(|| {
        Problem::error("there is no project here")
            .note(format!(
                "looked for `stages/stages.toml` in `{}` and the folders above it",
                folder.display()
            ))
            .hint("change into the project's folder, or name it with `-C DIR`")
            .exit(Exit::Project)
    })?;
    project::load(&found)
}

/// This machine's platform: the one of a local engine.
///
/// # Errors
/// Ascend packages do not exist for this machine.
pub(super) fn own_platform() -> Result<Platform> {
    std::env::consts::ARCH.parse().map_err(|error: project::NameError| {
        Problem::error("this machine's platform is not one to build for")
            .cause(error)
            .hint("name one with `--platform`")
            .exit(Exit::Usage)
    })
}
