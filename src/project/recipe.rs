//! A Dockerfile as a project: its stages are the stage manifest, its addresses
//! name the packages.
//!
//! Each stage becomes a [`Stage`] that is built by itself, from its parent's
//! image; what it fetches from the package server is listed; `packages.toml`,
//! where there is one, vouches for the files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;

use super::dockerfile::{
    Addresses, Dockerfile, Fetch, FetchPath, Inputs, Origin, Stages, fetches, lint,
};
use super::load::{read_packages, read_source};
use super::own_rules::OwnRules;
use super::packages_file::PackagesFile;
use super::relocate::relocations;
use super::resolve::refuse_cycles;
use super::stage_body::{context_sources, package_uses};
use super::stages_file::{Base, BaseFacts};
use super::{Fetched, Parent, Platform, Project, Stage, StageName, dockerfile};
use crate::error::{Error, Exit, Place, Problem, Result};

/// The gateway that recipes name: the first address of Docker's default bridge.
const USUAL_GATEWAY: &str = "172.17.0.1";

/// What the command line says of a Dockerfile.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// The Dockerfile (absolute).
    pub file: PathBuf,
    /// The build context (absolute).
    pub context: PathBuf,
    /// Folders to look for packages in (absolute); those of packages.toml, else the context, where empty.
    pub roots: Vec<PathBuf>,
    /// `--build-arg` values.
    pub build_args: IndexMap<String, String>,
    /// What is built for.
    pub platform: Platform,
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
    let (mut project, found) = with_reader(recipe, problems, |reader| {
        let mut problems = reader.lint();
        (reader.project(&packages, &mut problems), problems)
    })?;
    problems.extend(found);
    if let Some(project) = &mut project {
        project.packages = packages.packages;
    }
    project
}

/// Reads the Dockerfile and gives its reader to `act`; `None` where it cannot be read.
pub(super) fn with_reader<T>(
    recipe: &Recipe,
    problems: &mut Vec<Problem>,
    act: impl FnOnce(&Reader<'_>) -> T,
) -> Option<T> {
    let folder = recipe.file.parent()?;
    let source = read_source(folder, Path::new(recipe.file.file_name()?), problems)?;
    let (file, found) = Dockerfile::read(source);
    problems.extend(found);
    let file = Arc::new(file);
    let inputs = Inputs {
        build_args: recipe.build_args.clone().into_iter().collect(),
        platform: Some(recipe.platform.clone()),
        ..Inputs::default()
    };
    let (stages, found) = Stages::read(&file, &inputs);
    problems.extend(found);
    let addresses = Addresses::of(&stages, &inputs, &[USUAL_GATEWAY.to_owned()]);
    Some(act(&Reader {
        recipe,
        file: &file,
        stages: &stages,
        inputs: &inputs,
        addresses: &addresses,
    }))
}

/// A Dockerfile that was read, and what it is read with.
pub(super) struct Reader<'a> {
    recipe: &'a Recipe,
    pub(super) file: &'a Arc<Dockerfile>,
    pub(super) stages: &'a Stages<'a>,
    pub(super) inputs: &'a Inputs,
    pub(super) addresses: &'a Addresses,
}

impl Reader<'_> {
    fn lint(&self) -> Vec<Problem> {
        let all: Vec<usize> = (0..self.stages.iter().len()).collect();
        let size = |source: &str| {
            std::fs::metadata(self.recipe.context.join(source)).ok().map(|metadata| metadata.len())
        };
        lint(self.stages, &all, self.inputs, self.addresses, &size)
    }

    fn project(&self, packages: &PackagesFile, problems: &mut Vec<Problem>) -> Option<Project> {
        let mut bases = IndexMap::new();
        let mut stages = IndexMap::new();
        for stage in self.stages.iter() {
            let stage = self.stage(stage, &mut bases, problems)?;
            stages.insert(stage.name.clone(), stage);
        }
        refuse_cycles(&stages, problems);
        let roots = match (self.recipe.roots.as_slice(), packages.roots.as_slice()) {
            ([], []) => vec![self.recipe.context.clone()],
            ([], declared) => {
                declared.iter().map(|root| self.recipe.context.join(&root.value)).collect()
            }
            (given, _) => given.to_vec(),
        };
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
            roots,
        })
    }

    fn stage(
        &self,
        stage: &dockerfile::Stage<'_>,
        bases: &mut IndexMap<String, Base>,
        problems: &mut Vec<Problem>,
    ) -> Option<Stage> {
        let place = Place::new(self.file.source(), stage.from.span.clone());
        let from = match &stage.base {
            Origin::Stage(index) => Parent::Stage(self.name(*index)?),
            Origin::Image(image) => {
                let base = Base {
                    image: image.clone(),
                    facts: BaseFacts::default(),
                    archive: None,
                    rootfs: None,
                    place: place.clone(),
                };
                bases.entry(image.clone()).or_insert(base);
                Parent::Base(image.clone())
            }
            Origin::Unknown { reason } => {
                let problem = Problem::error("the base image is not known before the build");
                problems.push(
                    problem
                        .at(place, reason)
                        .hint("set the argument with `--build-arg NAME=VALUE`"),
                );
                return None;
            }
        };
        let used = stage.uses.iter().filter_map(|one| match one.origin {
            Origin::Stage(index) => self.name(index),
            _ => None,
        });
        let mut copies: Vec<StageName> = used.collect();
        copies.sort();
        copies.dedup();
        let span = self.body_span(stage);
        let file = Arc::clone(self.file);
        let own = Stage {
            name: self.name(stage.index)?,
            place,
            description: None,
            from,
            span,
            preamble: self.file.source().text[..self.stages.get(0)?.from.span.start].to_owned(),
            from_flags: stage
                .from
                .flags
                .iter()
                .map(|flag| format!("{} ", &self.file.source().text[flag.span.clone()]))
                .collect(),
            file,
            args: IndexMap::new(),
            build_args: self.recipe.build_args.clone(),
            checks: IndexMap::new(),
            check_timeout: 0,
            uses: Vec::new(),
            copies,
            fetches: self.fetches(stage.index),
            numbers: (0..self.stages.iter().len()).filter_map(|index| self.name(index)).collect(),
            sources: self.sources(stage.index),
            relocations: self.relocations(stage.index),
        };
        Some(Stage { uses: package_uses(own.instructions(), self.file, problems), ..own })
    }

    /// A stage's name; one that has none, or that a later stage takes, is called by its number, as Docker counts.
    pub(super) fn name(&self, index: usize) -> Option<StageName> {
        let own = self.stages.get(index)?.name.clone();
        own.filter(|name| self.stages.find(name) == Some(index))
            .unwrap_or_else(|| format!("stage-{index}"))
            .parse()
            .ok()
    }

    /// From behind its `FROM` to the next one.
    pub(super) fn body_span(&self, stage: &dockerfile::Stage<'_>) -> std::ops::Range<usize> {
        let text = &self.file.source().text;
        let end = self.stages.get(stage.index + 1).map_or(text.len(), |next| next.from.span.start);
        let start = stage.from.span.end;
        let newline = text[start..end].find('\n').map_or(end, |offset| start + offset + 1);
        newline..end
    }

    fn fetches(&self, stage: usize) -> Vec<Fetched> {
        fetches(self.stages, stage, self.inputs, self.addresses)
            .iter()
            .map(|fetch| self.fetched(fetch))
            .collect()
    }

    fn fetched(&self, fetch: &Fetch<'_>) -> Fetched {
        let file = match (&fetch.path, fetch.path.file_name(), fetch.doubt) {
            (FetchPath::Known(_), Some(name), None) if !name.is_empty() => Ok(name),
            (FetchPath::Known(_), Some(_), Some(doubt)) => {
                Err(format!("whether it is fetched is only known then: it stands {doubt}"))
            }
            (FetchPath::Unknown { reason }, ..) => Err(reason.clone()),
            _ => Err(format!("`{}` chooses among the files that it finds there", fetch.tool)),
        };
        Fetched {
            file,
            place: Place::new(self.file.source(), fetch.url_span.clone()),
            authority: self.authority(fetch),
            instruction: fetch.instruction.span.start,
        }
    }

    /// Where the address stands, literally or as variables between `://` and `/`, and what it means.
    fn authority(&self, fetch: &Fetch<'_>) -> Option<(std::ops::Range<usize>, String)> {
        let text = &self.file.source().text;
        let written = || {
            let url = text.get(fetch.url_span.clone())?;
            let start = url.find("://")? + 3;
            let end = start + url[start..].find('/')?;
            let plain = !url[start..end].contains(['"', '\'', '`', '(', '@', ' ']);
            plain.then(|| fetch.url_span.start + start..fetch.url_span.start + end)
        };
        let address = format!("{}:{}", fetch.host.as_ref()?, fetch.port?);
        Some((fetch.authority_span.clone().or_else(written)?, address))
    }

    fn sources(&self, stage: usize) -> Vec<String> {
        let steps = self.stages.steps(stage);
        steps.iter().flat_map(|step| context_sources(step.instruction, &step.scope)).collect()
    }

    /// None where the parent's triggers copy: they cannot be written anew.
    fn relocations(&self, stage: usize) -> Vec<(std::ops::Range<usize>, String)> {
        let steps = self.stages.steps(stage);
        if steps.iter().any(|step| step.trigger_of.is_some()) {
            return Vec::new();
        }
        let scoped = steps.iter().map(|step| (step.instruction, step.scope.clone()));
        relocations(scoped, &self.sources(stage))
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
