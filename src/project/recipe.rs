//! A Dockerfile as a project: its stages are the stage manifest, its addresses
//! name the packages.
//!
//! Each stage becomes a [`Stage`] that is built by itself, from its parent's
//! image; what it fetches from the package server is listed; `packages.toml`,
//! where there is one, vouches for the files.

use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;
use walkdir::WalkDir;

use super::dockerfile::{Addresses, Around, Dialect, Dockerfile, Inputs, Stages, lint};
use super::large_files::large_files;
use super::load::{read_packages, read_source};
use super::own_rules::OwnRules;
use super::package_list::below;
use super::packages_file::PackagesFile;
use super::resolve::refuse_cycles;
use super::{Platform, Project, StageName, dockerfile};
use crate::error::{Error, Exit, Place, Problem, Result, SourceFile};

/// The gateway that recipes name: the first address of Docker's default bridge.
pub(super) const USUAL_GATEWAY: &str = "172.17.0.1";

/// What the command line says of a Dockerfile.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// The Dockerfile (absolute).
    pub file: PathBuf,
    /// The same as messages name it.
    pub shown: PathBuf,
    /// The build context (absolute).
    pub context: PathBuf,
    /// Folders to look for packages in (absolute); those of packages.toml, else the context, where empty.
    pub roots: Vec<PathBuf>,
    /// `--build-arg` values.
    pub build_args: IndexMap<String, String>,
    /// What is built for.
    pub platform: Platform,
    /// Stages to leave out, as the user names them.
    pub skip: Vec<String>,
    /// The builder whose reading of ARG and ENV counts.
    pub dialect: Dialect,
}

impl Recipe {
    /// The folders to look for packages in; `packages` is the packages.toml beside the Dockerfile.
    pub(super) fn roots(&self, packages: &PackagesFile) -> Vec<PathBuf> {
        match (self.roots.as_slice(), packages.roots.as_slice()) {
            ([], []) => vec![self.context.clone()],
            ([], declared) => {
                declared.iter().map(|root| below(&self.context, &root.value)).collect()
            }
            (given, _) => given.to_vec(),
        }
    }
}

/// Whether one of the folders, or one below them, has a file of this name; a name with a folder
/// in it is a path below one of them.
fn is_there(roots: &[PathBuf], file: &str) -> bool {
    if file.contains('/') {
        return roots.iter().any(|root| root.join(file).is_file());
    }
    let mut entries = roots.iter().flat_map(WalkDir::new).flatten();
    entries.any(|entry| entry.file_name() == file && entry.path().is_file())
}

/// The Dockerfile of a folder that holds one: `Dockerfile`, or `dockerfile`.
pub fn find_dockerfile(folder: &Path) -> Option<PathBuf> {
    ["Dockerfile", "dockerfile"].iter().map(|name| folder.join(name)).find(|path| path.is_file())
}

/// Reads a Dockerfile as a project. Returns it with its warnings.
///
/// # Errors
/// [`Exit::Project`] with every problem.
pub fn load_recipe(recipe: &Recipe) -> Result<(Project, Vec<Problem>)> {
    let mut problems = Vec::new();
    let project = read(recipe, &mut problems);
    let warnings = Error::check(Exit::Project, problems)?;
    let unreported = || Problem::error("the Dockerfile could not be read").exit(Exit::Bug);
    Ok((project.ok_or_else(unreported)?, warnings))
}

fn read(recipe: &Recipe, problems: &mut Vec<Problem>) -> Option<Project> {
    let packages = read_packages(&recipe.context, problems);
    let roots = recipe.roots(&packages);
    let (mut project, found) = with_reader(recipe, &roots, problems, |reader| {
        let mut problems = reader.lint();
        (reader.project(&packages, &mut problems), problems)
    })?;
    problems.extend(found);
    if let Some(project) = &mut project {
        project.packages = packages.packages;
    }
    project
}

/// Reads the Dockerfile, of which files are looked for in `roots`, and gives its reader to `act`;
/// `None` where it cannot be read.
pub(super) fn with_reader<T>(
    recipe: &Recipe,
    roots: &[PathBuf],
    problems: &mut Vec<Problem>,
    act: impl FnOnce(&Reader<'_>) -> T,
) -> Option<T> {
    let folder = recipe.file.parent()?;
    let source = read_source(folder, Path::new(recipe.file.file_name()?), problems)?;
    let (path, text) = (recipe.shown.clone(), source.text.clone());
    let source = Arc::new(SourceFile { path, text });
    let (file, found) = Dockerfile::read(source);
    problems.extend(found);
    let file = Arc::new(file);
    let inputs = Inputs {
        build_args: recipe.build_args.clone().into_iter().collect(),
        platform: Some(recipe.platform.clone()),
        dialect: recipe.dialect,
        ..Inputs::default()
    };
    let (mut stages, found) = Stages::read(&file, &inputs);
    refuse_empty(file.source(), &stages, &found, problems);
    problems.extend(found);
    let skipped = skipped(&stages, &recipe.skip);
    stages.leave_out(&skipped);
    let addresses = Addresses::of(
        &stages,
        &inputs,
        &[USUAL_GATEWAY.to_owned()],
        Around {
            is_there: &|file| is_there(roots, file),
            // Only an address of this machine can be listened on.
            is_own: &|ip| UdpSocket::bind((ip, 0)).is_ok(),
        },
    );
    Some(act(&Reader {
        recipe,
        file: &file,
        stages: &stages,
        inputs: &inputs,
        addresses: &addresses,
        skipped: &skipped,
    }))
}

/// A file without any stage builds nothing; where something stands in no stage, that was told.
fn refuse_empty(
    source: &Arc<SourceFile>,
    stages: &Stages<'_>,
    found: &[Problem],
    problems: &mut Vec<Problem>,
) {
    if stages.last().is_none() && found.is_empty() {
        let problem = Problem::error(format!("`{}` has no stage", source.path.display()));
        problems.push(
            problem
                .at(Place::new(source, 0..0), "expected a `FROM` somewhere, actual none")
                .hint("begin with `FROM <image>`, or name another file with `-f`"),
        );
    }
}

/// The numbers of the stages with these names; who else is named is told where stages are skipped.
fn skipped(stages: &Stages<'_>, names: &[String]) -> Vec<usize> {
    let is_named = |index: &usize| {
        let own = name_of(stages, *index);
        own.is_some_and(|own| names.iter().any(|name| name.eq_ignore_ascii_case(own.as_str())))
    };
    (0..stages.iter().len()).filter(is_named).collect()
}

/// A stage's name; one that has none, or that a later stage takes, is called by its number, as Docker counts.
fn name_of(stages: &Stages<'_>, index: usize) -> Option<StageName> {
    let own = stages.get(index)?.name.clone();
    own.filter(|name| stages.find(name) == Some(index))
        .unwrap_or_else(|| format!("stage-{index}"))
        .parse()
        .ok()
}

/// A Dockerfile that was read, and what it is read with.
pub(super) struct Reader<'a> {
    pub(super) recipe: &'a Recipe,
    pub(super) file: &'a Arc<Dockerfile>,
    pub(super) stages: &'a Stages<'a>,
    pub(super) inputs: &'a Inputs,
    pub(super) addresses: &'a Addresses,
    /// The stages that are left out.
    skipped: &'a [usize],
}

impl Reader<'_> {
    fn lint(&self) -> Vec<Problem> {
        let kept = (0..self.stages.iter().len()).filter(|index| !self.skipped.contains(index));
        let kept: Vec<usize> = kept.collect();
        let large = |source: &str| large_files(&self.recipe.context, source);
        lint(self.stages, &kept, self.inputs, self.addresses, &large)
    }

    fn project(&self, packages: &PackagesFile, problems: &mut Vec<Problem>) -> Option<Project> {
        let mut bases = IndexMap::new();
        let mut stages = IndexMap::new();
        for stage in self.stages.iter() {
            let stage = self.stage(stage, &mut bases, problems)?;
            stages.insert(stage.name.clone(), stage);
        }
        refuse_cycles(&stages, problems);
        Some(Project {
            folder: self.recipe.context.clone(),
            name: project_name(&self.recipe.context),
            default_target: stages.keys().last().cloned(),
            default_chip: None,
            bases,
            stages,
            packages: Vec::new(),
            context: self.recipe.context.clone(),
            dockerfile: Some(self.recipe.file.clone()),
            port: self.addresses.port,
            rules: OwnRules::read(&self.recipe.context, packages, problems),
            roots: self.recipe.roots(packages),
        })
    }

    /// What a stage is called.
    pub(super) fn name(&self, index: usize) -> Option<StageName> {
        name_of(self.stages, index)
    }

    /// From behind its `FROM` to the next one.
    pub(super) fn body_span(&self, stage: &dockerfile::Stage<'_>) -> std::ops::Range<usize> {
        let text = &self.file.source().text;
        let end = self.stages.get(stage.index + 1).map_or(text.len(), |next| next.from.span.start);
        let start = stage.from.span.end;
        let newline = text[start..end].find('\n').map_or(end, |offset| start + offset + 1);
        newline..end
    }
}

/// An image repository made of a folder's name.
pub fn project_name(folder: &Path) -> String {
    let name =
        folder.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let trimmed: Vec<&str> = plain.split('-').filter(|part| !part.is_empty()).collect();
    if trimmed.is_empty() { "recipe".to_owned() } else { trimmed.join("-") }
}
