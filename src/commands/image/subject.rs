//! Which image to look into, and what is known of it beforehand.

use std::path::Path;

use crate::commands::selection::{DEFAULT_TAG, Source, own_platform};
use crate::error::{Exit, Problem, Result, did_you_mean};
use crate::image::KnownPackage;
use crate::project::{Parent, Project, Stage, StageName};
use crate::store::{Found, RootIndex};
use crate::ui::Printer;

/// What Docker calls the image that holds nothing.
pub(super) const NOTHING: &str = "scratch";

/// An image and what a project says of it.
#[derive(Debug)]
pub(super) struct Subject {
    /// The image's reference or id.
    pub(super) reference: String,
    /// The image that its first stage starts from: its layers are not the project's own.
    pub(super) base: Option<String>,
    /// The stage that it is the image of.
    pub(super) stage: Option<StageName>,
    /// The packages that it should not hold.
    pub(super) packages: Vec<KnownPackage>,
    /// The names of all stages, for messages.
    pub(super) stages: Vec<String>,
}

impl Subject {
    /// The image that `named` means: a stage's, else what the engine calls so; the default
    /// target's where nothing is named. Without a project, any image will do.
    ///
    /// # Errors
    /// The project's files are wrong, or nothing is named and there is no default target.
    pub(super) fn find(
        named: Option<&str>,
        source: &Source,
        folder: &Path,
        printer: Printer,
    ) -> Result<Self> {
        if let Some(image) = named.filter(|_| !source.is_there(folder)) {
            return Ok(Self::plain(image));
        }
        let (project, warnings) = source.load(folder, &own_platform()?)?;
        printer.problems(&warnings);
        let mut subject = match named {
            None => Self::of(&project, default_target(&project)?, None),
            Some(name) => match project.stage(name) {
                Some(stage) => Self::of(&project, stage, None),
                None => match stage_of(&project, name) {
                    Some(stage) => Self::of(&project, stage, Some(name)),
                    None => Self::plain(name),
                },
            },
        };
        subject.packages = packages(&project);
        subject.stages = project.stages.keys().map(ToString::to_string).collect();
        Ok(subject)
    }

    fn plain(image: &str) -> Self {
        let (packages, stages) = (Vec::new(), Vec::new());
        Self { reference: image.to_owned(), base: None, stage: None, packages, stages }
    }

    fn of(project: &Project, stage: &Stage, reference: Option<&str>) -> Self {
        let own = || project.reference(stage, DEFAULT_TAG);
        let base = base(project, stage).filter(|base| base != NOTHING);
        let reference = reference.map_or_else(own, str::to_owned);
        Self { base, stage: Some(stage.name.clone()), ..Self::plain(&reference) }
    }

    /// That the engine has no such image.
    pub(super) fn missing(&self) -> crate::error::Error {
        let problem = Problem::error(format!("the engine has no image `{}`", self.reference));
        let names = self.stages.iter().map(String::as_str);
        let problem = match &self.stage {
            Some(stage) => problem.hint(format!("`ascend-build --target {stage}` builds it")),
            None => problem.maybe_hint(did_you_mean(&self.reference, names)),
        };
        problem.hint("`docker images` lists the images of the engine").exit(Exit::Usage)
    }
}

fn default_target(project: &Project) -> Result<&Stage> {
    let default = project.default_target.as_ref().and_then(|name| project.stages.get(name));
    let only = project.stages.values().next().filter(|_| project.stages.len() == 1);
    default.or(only).ok_or_else(|| {
        Problem::error("no image was named, and the project has no `default-target`")
            .hint("name a stage or an image: `image layers NAME`")
            .exit(Exit::Usage)
    })
}

/// The stage whose image has this reference, whatever its tag.
fn stage_of<'a>(project: &'a Project, reference: &str) -> Option<&'a Stage> {
    let repository = match reference.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => reference,
    };
    let of = |stage: &&Stage| {
        let own = project.reference(stage, DEFAULT_TAG);
        own.strip_suffix(DEFAULT_TAG).and_then(|own| own.strip_suffix(':')) == Some(repository)
    };
    project.stages.values().find(of)
}

/// The image that the first of a stage's ancestors starts from.
fn base(project: &Project, stage: &Stage) -> Option<String> {
    let mut stage = stage;
    loop {
        match &stage.from {
            Parent::Stage(parent) => stage = project.stages.get(parent)?,
            Parent::Base(base) => return Some(project.bases.get(base)?.image.clone()),
        }
    }
}

/// Every declared file; its size as declared, else as it is on the disk.
fn packages(project: &Project) -> Vec<KnownPackage> {
    let index = RootIndex::walk(&project.roots);
    let on_disk = |file: &str| match index.find(file) {
        Found::File { path, .. } => path.metadata().ok().map(|metadata| metadata.len()),
        _ => None,
    };
    let known = project.packages.iter().map(|entry| KnownPackage {
        file: entry.file.clone(),
        size: entry.size.or_else(|| on_disk(&entry.file)),
        sha256: entry.sha256.to_string(),
    });
    known.collect()
}
