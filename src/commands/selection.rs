//! What to build: the options that `build`, `plan`, `check` and `stage` share.
//!
//! The project is `stages/stages.toml` in the folder or one above it, else the
//! folder's Dockerfile, or the file that `-f` names.

use std::path::{Component, Path, PathBuf};

use clap::Args;

use super::given::{BuildArgument, folders, given, parse_build_arg, parse_setting};
use super::guesses;
use super::judgement::judge;
use crate::ascend::Rule;
use crate::error::{Error, Exit, Problem, Result, Severity};
use crate::plan::{Plan, Selection, Wishes, is_for, make};
use crate::project::dockerfile::{Dialect, WARNING_CODES};
use crate::project::{self, PackageEntry, Platform, Project, Recipe, StageName, Tag};

/// The tag of every stage's image when nobody says.
pub(super) const DEFAULT_TAG: &str = "latest";

/// Where the stages are declared.
#[derive(Debug, Default, Args)]
pub(super) struct Source {
    /// Take the stages from this Dockerfile instead of stages/stages.toml
    #[arg(short, long, value_name = "DOCKERFILE", help_heading = "Dockerfile options")]
    file: Option<PathBuf>,
    /// Copy from DIR [default: the Dockerfile's folder]
    #[arg(long, value_name = "DIR", help_heading = "Dockerfile options")]
    context: Option<PathBuf>,
    /// Look for packages in DIR (can be repeated) [default: `roots` of packages.toml, else the context]
    #[arg(long = "root", value_name = "DIR", help_heading = "Dockerfile options")]
    roots: Vec<PathBuf>,
    /// Set a build argument of the Dockerfile (can be repeated)
    #[arg(long = "build-arg", value_name = "NAME[=VALUE]", value_parser = parse_build_arg, help_heading = "Dockerfile options")]
    build_args: Vec<BuildArgument>,
    /// Build for this platform [default: this machine's; a build takes the engine's]
    #[arg(long, value_name = "linux/arm64|linux/amd64", value_parser = parse_platform)]
    pub(super) platform: Option<Platform>,
    /// Choose packages for this chip, such as 910b or 310p [default: the project's `default-chip`]
    #[arg(long, value_name = "CHIP")]
    chip: Option<String>,
    /// Leave a stage out: its children start from its parent (can be repeated, or parted by commas)
    #[arg(long, value_name = "STAGE", value_delimiter = ',')]
    skip: Vec<String>,
    /// Treat a warning as an error, by its code or `all` (can be repeated; docs/warnings.md)
    #[arg(long, value_name = "CODE", value_parser = parse_code)]
    deny: Vec<String>,
    /// Which of the engine's builders to use, and to read `ARG` and `ENV` as it does
    #[arg(
        long,
        value_enum,
        default_value_t,
        hide_possible_values = true,
        value_name = "auto|classic|buildkit"
    )]
    pub(super) builder: Wanted,
}

/// A builder, or none in particular.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Wanted {
    /// BuildKit where the engine has it
    #[default]
    Auto,
    /// The first builder, which every engine has
    Classic,
    /// BuildKit inside the engine
    Buildkit,
}

/// What to build of it.
#[derive(Debug, Args)]
pub(super) struct Target {
    #[command(flatten)]
    pub(super) source: Source,
    /// Build this stage and what it needs [default: `default-target`, or a Dockerfile's last stage]
    #[arg(long, value_name = "STAGE")]
    target: Option<String>,
    /// Set an argument of the stages (can be repeated)
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_setting)]
    set: Vec<(String, String)>,
    /// Tag every stage's image TAG instead of `latest`; with NAME:TAG, name the target's image so as well (can be repeated)
    #[arg(short, long, value_name = "TAG|NAME:TAG", value_parser = parse_tag)]
    tag: Vec<Tag>,
}

pub(super) fn parse_platform(text: &str) -> std::result::Result<Platform, String> {
    text.parse().map_err(|error: project::NameError| error.to_string())
}

fn parse_tag(text: &str) -> std::result::Result<Tag, String> {
    text.parse().map_err(|error: project::NameError| error.to_string())
}

fn parse_code(text: &str) -> std::result::Result<String, String> {
    let rule = text.parse::<Rule>().is_ok();
    if rule || text == "all" || guesses::CODES.contains(&text) || WARNING_CODES.contains(&text) {
        return Ok(text.to_owned());
    }
    let codes = [&WARNING_CODES[..], &guesses::CODES].concat();
    Err(format!("expected `all` or one of {}", codes.join(", ")))
}

impl Wanted {
    /// How a Dockerfile is read for it: BuildKit is what engines have where nobody says.
    fn dialect(self) -> Dialect {
        match self {
            Self::Classic => Dialect::Classic,
            Self::Auto | Self::Buildkit => Dialect::BuildKit,
        }
    }
}

impl Source {
    /// Whether there is a project to read.
    pub(super) fn is_there(&self, folder: &Path) -> bool {
        self.file.is_some()
            || project::find_folder(folder).is_some()
            || project::find_dockerfile(folder).is_some()
    }

    /// Whether a declared file is for the platform and the chip that were asked for, if any were.
    pub(super) fn admits(&self, package: &PackageEntry) -> bool {
        is_for(package, self.platform.as_ref(), self.chip.as_deref())
    }

    /// The first option given that means nothing where no stage's needs are asked for.
    pub(super) fn of_a_target(&self) -> Option<&'static str> {
        let given = [
            ("--file", self.file.is_some()),
            ("--context", self.context.is_some()),
            ("--root", !self.roots.is_empty()),
            ("--build-arg", !self.build_args.is_empty()),
            ("--skip", !self.skip.is_empty()),
        ];
        given.into_iter().find_map(|(name, given)| given.then_some(name))
    }

    /// Reads the project. Returns it with its warnings, of which none is denied yet.
    pub(super) fn load(
        &self,
        folder: &Path,
        platform: &Platform,
    ) -> Result<(Project, Vec<Problem>)> {
        let (project, problems) = self.read(folder, platform, self.builder.dialect())?;
        self.finish(project, problems)
    }

    /// The same for who wants this stage of it, which may not be skipped then.
    pub(super) fn load_for(
        &self,
        target: &str,
        folder: &Path,
        platform: &Platform,
    ) -> Result<(Project, Vec<Problem>)> {
        let (project, problems) = self.read(folder, platform, self.builder.dialect())?;
        self.refuse_skipped(&project, Some(target))?;
        self.finish(project, problems)
    }

    fn finish(
        &self,
        mut project: Project,
        problems: Vec<Problem>,
    ) -> Result<(Project, Vec<Problem>)> {
        project::skip(&mut project, &self.skip)?;
        Ok((project, Error::check(Exit::Project, problems)?))
    }

    fn read(
        &self,
        folder: &Path,
        platform: &Platform,
        dialect: Dialect,
    ) -> Result<(Project, Vec<Problem>)> {
        let recipe = |file: &Path| {
            let recipe = self.recipe(folder, file, platform)?;
            project::load_recipe(&Recipe { dialect, ..recipe })
        };
        if let Some(file) = &self.file {
            return recipe(&folder.join(file));
        }
        if let Some(found) = project::find_folder(folder) {
            self.refuse_dockerfile_options()?;
            return project::load(&found);
        }
        match project::find_dockerfile(folder) {
            Some(file) => recipe(&file),
            None => Err(no_project(folder)),
        }
    }

    fn recipe(&self, folder: &Path, file: &Path, platform: &Platform) -> Result<Recipe> {
        let file = dockerfile(file)?;
        let context = match &self.context {
            Some(context) => existing(&folder.join(context), "the context")?,
            None => file.parent().map_or_else(|| folder.to_owned(), Path::to_owned),
        };
        Ok(Recipe {
            shown: shown(self.file.as_deref(), &file, folder),
            file,
            context,
            roots: folders(&self.roots, folder)?,
            build_args: given(&self.build_args),
            platform: self.platform.clone().unwrap_or_else(|| platform.clone()),
            skip: self.skip.clone(),
            dialect: Dialect::default(),
        })
    }

    fn refuse_dockerfile_options(&self) -> Result<()> {
        let given = [
            ("--context", self.context.is_some()),
            ("--root", !self.roots.is_empty()),
            ("--build-arg", !self.build_args.is_empty()),
        ];
        match given.iter().find(|(_, given)| *given) {
            None => Ok(()),
            Some((option, _)) => Err(Problem::error(format!("`{option}` goes with a Dockerfile, and this project has stages/stages.toml"))
                .hint("name the Dockerfile with `-f`; arguments of stages are set with `--set`, folders of packages with `roots` in packages.toml")
                .exit(Exit::Usage)),
        }
    }

    /// Without the target there would be nothing to build, or something else than was asked for.
    pub(super) fn refuse_skipped(&self, project: &Project, target: Option<&str>) -> Result<()> {
        let target = match target {
            Some(name) => project.stage(name),
            None => project.default_target.as_ref().and_then(|name| project.stages.get(name)),
        };
        let skipped: Vec<_> = self.skip.iter().filter_map(|name| project.stage(name)).collect();
        match target.filter(|target| skipped.iter().any(|stage| stage.name == target.name)) {
            None => Ok(()),
            Some(target) => {
                Err(Problem::error(format!("the target `{}` cannot be skipped", target.name))
                    .hint(
                        "name the stage to build with `--target STAGE`, or leave that `--skip` out",
                    )
                    .exit(Exit::Usage))
            }
        }
    }

    /// `problems`, where denied warnings are errors.
    pub(super) fn denied(&self, mut problems: Vec<Problem>) -> Vec<Problem> {
        let denies = |code: &str| self.deny.iter().any(|denied| denied == "all" || denied == code);
        let denied = |problem: &&mut Problem| {
            problem.severity == Severity::Warning && problem.code.is_some_and(denies)
        };
        for problem in problems.iter_mut().filter(denied) {
            problem.severity = Severity::Error;
        }
        problems
    }

    /// Notes of build arguments that were named, that a stage of `built` declares, and that neither
    /// the command line nor the environment gives a value.
    pub(super) fn unset_arguments(&self, project: &Project, built: &[&StageName]) -> Vec<Problem> {
        let unset = self.build_args.iter().filter(|(_, value)| value.is_none());
        let unset: Vec<&str> = unset.map(|(name, _)| name.as_str()).collect();
        project::unset_arguments(project, built, &unset)
    }

    /// What packages are selected for.
    pub(super) fn selection(&self, project: &Project, platform: &Platform) -> Selection {
        let chip = self.chip.clone().or_else(|| project.default_chip.clone());
        Selection {
            platform: self.platform.clone().unwrap_or_else(|| platform.clone()),
            chip: chip.map(|chip| chip.to_lowercase()),
        }
    }
}

impl Target {
    /// Reads the project and makes the plan for `platform` where none was asked for. Returns both, and the warnings.
    pub(super) fn plan(
        &self,
        folder: &Path,
        platform: &Platform,
    ) -> Result<(Project, Plan, Vec<Problem>)> {
        self.plan_as(self.source.builder.dialect(), folder, platform)
    }

    /// The same as the builder of that dialect reads the Dockerfile.
    pub(super) fn plan_as(
        &self,
        dialect: Dialect,
        folder: &Path,
        platform: &Platform,
    ) -> Result<(Project, Plan, Vec<Problem>)> {
        let (tag, extra_tags) = self.tags()?;
        let (project, problems) = self.source.read(folder, platform, dialect)?;
        self.source.refuse_skipped(&project, self.target.as_deref())?;
        let (project, mut warnings) = self.source.finish(project, problems)?;
        let wishes = Wishes {
            target: self.target.clone(),
            selection: self.source.selection(&project, platform),
            settings: self.set.clone(),
            tag,
            extra_tags,
        };
        let mut plan = make(&project, &wishes)?;
        let built: Vec<_> = plan.stages.iter().map(|stage| &stage.name).collect();
        warnings.retain(|problem| project::concerns(&project, &built, problem));
        warnings.extend(project::unused_arguments(&project, &built));
        warnings.extend(self.source.unset_arguments(&project, &built));
        // What only might be fetched is no part of the set that goes together.
        warnings.extend(judge(&project, &plan));
        warnings.extend(guesses::add(&project, &mut plan));
        let warnings = Error::check(Exit::Project, self.source.denied(warnings))?;
        Ok((project, plan, warnings))
    }

    /// The tag of every stage's image, and the references that the target's gets besides.
    fn tags(&self) -> Result<(String, Vec<String>)> {
        let (mut every, mut extra) = (None, Vec::new());
        for tag in &self.tag {
            match tag {
                Tag::Target(reference) => extra.push(reference.clone()),
                Tag::EveryStage(tag) => match every.replace(tag.clone()) {
                    None => {}
                    Some(first) => return Err(tagged_twice(&first, tag)),
                },
            }
        }
        Ok((every.unwrap_or_else(|| DEFAULT_TAG.to_owned()), extra))
    }
}

fn tagged_twice(first: &str, second: &str) -> Error {
    Problem::error("the tag of every stage was given twice")
        .note(format!("`--tag {first}` and `--tag {second}`"))
        .hint("keep one of them; one more name of the target's image is `--tag NAME:TAG`")
        .exit(Exit::Usage)
}

/// A Dockerfile's path as the user would write it: as it was `named` on the command line, from
/// `folder` on where it is below that, else its name alone.
pub(super) fn shown(named: Option<&Path>, file: &Path, folder: &Path) -> PathBuf {
    let name = || file.file_name().map(PathBuf::from).unwrap_or_default();
    match named {
        Some(named) if named.is_absolute() => {
            named.strip_prefix(folder).map_or_else(|_| name(), Path::to_owned)
        }
        Some(named) => named.components().filter(|part| *part != Component::CurDir).collect(),
        None => name(),
    }
}

/// The absolute path of a Dockerfile that was named.
pub(super) fn dockerfile(path: &Path) -> Result<PathBuf> {
    if path.file_name().is_some_and(|name| name == "-") && !path.exists() {
        return Err(Problem::error("no Dockerfile is read from standard input")
            .note("its messages, its `.dockerignore` and its context go by its place")
            .hint("write it into a file, and name that with `-f FILE`")
            .exit(Exit::Usage));
    }
    let file = existing(path, "the Dockerfile")?;
    if file.is_dir() {
        return Err(Problem::error(format!("`{}` is a folder, not a Dockerfile", path.display()))
            .hint("name the file in it; `-C DIR` works in a folder, `--context DIR` copies from it")
            .exit(Exit::Usage));
    }
    Ok(file)
}

pub(super) fn existing(path: &Path, what: &str) -> Result<PathBuf> {
    path.canonicalize().map_err(|error| {
        Problem::error(format!("{what} `{}` cannot be read", path.display()))
            .cause(error)
            .exit(Exit::Usage)
    })
}

fn no_project(folder: &Path) -> Error {
    Problem::error("there is no project here")
        .note(format!("looked for `stages/stages.toml` in `{}` and the folders above it, and for a `Dockerfile` in it", folder.display()))
        .hint("change into the project's folder, name it with `-C DIR`, or name a Dockerfile with `-f`")
        .exit(Exit::Project)
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
