//! Reading the project: `packages.toml`, `stages/stages.toml`, Dockerfiles;
//! every problem with its place.
//!
//! 1. find the project's folder; 2. read each file, collecting problems;
//! 3. look up every name (stages, bases, packages, arguments); 4. refuse cycles.

mod concerns;
mod convert;
mod convert_arguments;
pub mod dockerfile;
mod large_files;
mod load;
mod names;
mod overrides;
mod own_rules;
mod package_list;
mod packages_edit;
mod packages_file;
mod recipe;
mod recipe_stage;
mod relocate;
mod resolve;
mod skip;
mod stage_body;
mod stages_file;
mod table;
mod tag;
mod unused_arguments;
mod warnings;

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;

pub use concerns::concerns;
pub use convert::{Converted, convert};
pub use load::{find_folder, load};
pub use names::{NameError, PackageName, Platform, Sha256, StageName};
pub use overrides::Overrides;
pub use own_rules::{Allow, OwnRules};
pub use package_list::{PackageList, load_packages};
pub use packages_edit::{Change, NewEntry, PackagesEdit};
pub use packages_file::{ArchiveOrigin, PackageEntry};
pub use recipe::{Recipe, find_dockerfile, load_recipe, project_name};
pub use relocate::{CONTEXT_FOLDER, takes_all};
pub use skip::skip;
pub use stage_body::PackageUse;
pub use stages_file::{Base, BaseFacts, BaseFile, is_one_line, is_variable};
pub use table::Placed;
pub use tag::Tag;
pub use unused_arguments::{unset_arguments, unused_arguments};

use crate::error::Place;
use dockerfile::{Dockerfile, Instruction};

/// A project whose names all lead somewhere and whose stages make no cycle.
#[derive(Debug)]
pub struct Project {
    /// The folder that holds `packages.toml` and `stages/`.
    pub folder: PathBuf,
    /// The image repository: images are `<name>/<stage in lower case>`.
    pub name: String,
    /// What is built when nobody says.
    pub default_target: Option<StageName>,
    /// The chip that packages are chosen for when nobody says.
    pub default_chip: Option<String>,
    /// Where first stages start, by name.
    pub bases: IndexMap<String, Base>,
    /// The stages, in the order of the file.
    pub stages: IndexMap<StageName, Stage>,
    /// Every declared file, in the order of the file.
    pub packages: Vec<PackageEntry>,
    /// The build context: `COPY` sources are relative to it.
    pub context: PathBuf,
    /// The file whose `.dockerignore` holds, where it has one of its own.
    pub dockerfile: Option<PathBuf>,
    /// The port on which the package server must answer; any free one where `None`.
    pub port: Option<u16>,
    /// Absolute folders in which package files are looked for, in this order.
    pub roots: Vec<PathBuf>,
    /// What it adds to the official facts and to what goes together.
    pub rules: OwnRules,
}

/// One stage.
#[derive(Debug)]
pub struct Stage {
    /// The name, as the user wrote it.
    pub name: StageName,
    /// Where it is declared.
    pub place: Place,
    /// For people.
    pub description: Option<String>,
    /// What it starts from.
    pub from: Parent,
    /// The stages between that and this one that are skipped, the nearest first.
    pub instead_of: Vec<StageName>,
    /// The file that holds its instructions.
    pub file: Arc<Dockerfile>,
    /// The bytes of `file` that are its instructions; they cut none.
    pub span: Range<usize>,
    /// What stands before its `FROM`: parser directives, arguments of the whole file.
    pub preamble: String,
    /// What follows the instruction of its `FROM`: `--platform=…`, or nothing.
    pub from_flags: String,
    /// Argument defaults, in the order of the file.
    pub args: IndexMap<String, String>,
    /// Commands that must succeed in the built stage.
    pub checks: IndexMap<String, String>,
    /// Seconds that each check may take.
    pub check_timeout: u64,
    /// Values for the arguments that its instructions declare themselves.
    pub build_args: IndexMap<String, String>,
    /// The packages that its instructions name, in their order.
    pub uses: Vec<PackageUse>,
    /// What its instructions fetch from the package server by address.
    pub fetches: Vec<Fetched>,
    /// What its `ONBUILD`s fetch so in the stages that are built from it.
    pub triggers: Vec<Fetched>,
    /// The names of its file's stages by their numbers, where the file has several.
    pub numbers: Vec<StageName>,
    /// Sources of `COPY` and `ADD` in the context, as patterns.
    pub sources: Vec<String>,
    /// What to write in place of which bytes of its file, where the context has a folder for the user's files.
    pub relocations: Vec<(Range<usize>, String)>,
    /// Other stages that it copies files from.
    pub copies: Vec<StageName>,
}

/// A file that an instruction fetches from the package server by its address.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// The file, or why only the run can tell.
    pub file: Result<String, String>,
    /// Why it may not be fetched at all, where that is so: `inside `if``, `after `||``.
    pub doubt: Option<&'static str>,
    /// Where the address stands.
    pub place: Place,
    /// Where its address stands.
    pub authority: Option<Authority>,
    /// What its command must be given where the server is not at the address of `authority`, and
    /// the `host:port` that the user wrote.
    pub given: Vec<(dockerfile::Given, String)>,
    /// The first byte of the instruction that fetches.
    pub instruction: usize,
}

/// The address of the package server in a stage's file.
#[derive(Debug, Clone)]
pub struct Authority {
    /// The bytes of `host:port` in the file, be they variables.
    pub span: Range<usize>,
    /// The `host:port` that they mean.
    pub address: String,
    /// Where the bytes are a variable that holds the whole of it, `http://` included: the path
    /// that it holds behind, often empty.
    pub held_path: Option<String>,
}

/// What a stage starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parent {
    /// A base, by its name in `[bases]`.
    Base(String),
    /// Another stage.
    Stage(StageName),
}

impl Fetched {
    /// The file, where it certainly is fetched.
    pub fn certain(&self) -> Option<&str> {
        self.file.as_deref().ok().filter(|_| self.doubt.is_none())
    }
}

impl Stage {
    /// Its instructions, in order.
    pub fn instructions(&self) -> impl Iterator<Item = &Instruction> {
        let within = |instruction: &&Instruction| {
            self.span.start <= instruction.span.start && instruction.span.end <= self.span.end
        };
        self.file.instructions().filter(within)
    }

    /// The stages that must be there before this one can be built.
    pub fn parents(&self) -> impl Iterator<Item = &StageName> {
        let from = match &self.from {
            Parent::Stage(stage) => Some(stage),
            Parent::Base(_) => None,
        };
        from.into_iter().chain(&self.copies)
    }
}

impl Project {
    /// The reference of a stage's image.
    pub fn reference(&self, stage: &Stage, tag: &str) -> String {
        format!("{}/{}:{tag}", self.name, stage.name.lower())
    }

    /// The stage called `name`, whatever the case of its letters.
    pub fn stage(&self, name: &str) -> Option<&Stage> {
        find_stage(&self.stages, name)
    }

    /// The entry of packages.toml that vouches for `file`, a name or a path below a root: the one
    /// that writes it so, else one that speaks of it, else the only one of that name.
    pub fn declared(&self, file: &str) -> Option<&PackageEntry> {
        let entries = || self.packages.iter();
        let exact = entries().find(|package| package.path() == file);
        let spoken = || entries().find(|package| package.is_of(file));
        let only = || {
            let mut named = entries().filter(|package| package.file == file);
            named.next().filter(|_| named.next().is_none())
        };
        exact.or_else(spoken).or_else(only)
    }
}

/// Stage names are looked up exactly first, then whatever the case, as Docker does.
fn find_stage<'a, T>(stages: &'a IndexMap<StageName, T>, name: &str) -> Option<&'a T> {
    stages.get(name).or_else(|| {
        let alike = |stage: &StageName| stage.as_str().eq_ignore_ascii_case(name);
        stages.iter().find(|(stage, _)| alike(stage)).map(|(_, stage)| stage)
    })
}
