//! What a run will do, decided before the engine is touched. Pure: no file,
//! clock, network, async or engine.
//!
//! `graph` finds the target's ancestors, `select` the files that their packages
//! mean, `render` the instructions that the engine will be given, and `judge`
//! what does not go together.

mod bindings;
mod changes;
mod graph;
mod guess;
mod halt;
mod inputs;
mod judge;
mod key;
mod make;
mod own_text;
mod package_file;
mod package_run;
mod render;
mod secrets;
mod select;

use indexmap::IndexMap;
use serde::Serialize;

pub use bindings::Bindings;
pub use changes::{Change, Edit, changes, told};
pub use graph::ancestors;
pub use guess::{is_secret, may_be_served};
pub use halt::Halt;
pub use inputs::{Canonical, Remote, Surroundings, folded};
pub use judge::{compare_with_official, differs_from_official, judge};
pub use key::{Inputs, InstructionInput, KEY_FORMAT, Origin, StageKey};
pub use make::{Wishes, fetched, make, name_of_any, package_name};
pub use package_file::{FileIdentity, PlannedPackage, VerifiedPackage};
pub use secrets::secrets;
pub use select::{Selection, is_for};

use crate::error::Place;
use crate::project::{Base, Platform, StageName};

/// The version of the plan's JSON form; raised when a field changes its meaning or goes away.
pub const SCHEMA: u32 = 1;

/// What a run will do.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The project's image repository.
    pub project: String,
    /// The stage that was asked for.
    pub target: StageName,
    /// What the images are built for.
    pub platform: Platform,
    /// The chip that was asked for.
    pub chip: Option<String>,
    /// The tag that each stage's image gets.
    pub tag: String,
    /// References that the target's image gets besides its own.
    pub extra_tags: Vec<String>,
    /// The stages to build, each after its parents.
    pub stages: Vec<PlannedStage>,
    /// Every file that the stages need, each once.
    pub packages: Vec<PlannedPackage>,
    /// The port on which the package server must answer; any free one where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// What a stage starts from.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PlannedParent {
    /// A base image.
    Base(Box<PlannedBase>),
    /// An earlier stage of the plan.
    Stage(StageName),
}

/// A base image and where it may come from.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedBase {
    /// The name in `[bases]`.
    pub name: String,
    /// The image's reference.
    pub image: String,
    /// How to get it when the engine has not got it.
    #[serde(skip)]
    pub source: Base,
}

/// One stage of a plan.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedStage {
    /// The stage.
    pub name: StageName,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it starts from.
    pub from: PlannedParent,
    /// The stages between that and this one that are skipped.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub instead_of: Vec<StageName>,
    /// Stages that it copies files from.
    pub copies: Vec<StageName>,
    /// The files that it needs, by name.
    pub packages: Vec<String>,
    /// The arguments in force.
    #[serde(serialize_with = "without_passwords")]
    pub args: IndexMap<String, String>,
    /// Commands that must succeed in the built stage.
    pub checks: IndexMap<String, String>,
    /// Seconds that each check may take.
    pub check_timeout: u64,
    /// The image's final reference: `<project>/<stage>:<tag>`.
    pub reference: String,
    /// Why it is in the plan.
    pub reason: String,
    /// Values for the arguments that its instructions declare themselves.
    #[serde(skip_serializing_if = "IndexMap::is_empty", serialize_with = "without_passwords")]
    pub build_args: IndexMap<String, String>,
    /// Lines that fetch what only the run can tell, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub guesses: Vec<Guess>,
    /// Its Dockerfile.
    #[serde(skip)]
    pub pieces: Vec<Piece>,
    /// The instructions of its Dockerfile, in order.
    #[serde(skip)]
    pub written: Vec<Written>,
    /// The instructions as the user wrote them, in order.
    pub instructions: Vec<PlannedInstruction>,
    /// What `COPY` and `ADD` take from `stages/`, as patterns.
    pub context: Vec<String>,
    /// The folder of the context that the engine finds them in, where it is not its top.
    #[serde(skip)]
    pub context_folder: Option<&'static str>,
}

/// One instruction of a stage, as the user wrote it.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedInstruction {
    /// `RUN`, `COPY`, …
    pub keyword: String,
    /// Its text on one line.
    pub text: String,
    /// The file that holds it, relative to the project.
    pub file: String,
    /// Its first line, counted from 1.
    pub line: usize,
    /// The files that it fetches, as far as its text tells.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<String>,
    /// The whole of it, for messages.
    #[serde(skip)]
    pub place: Place,
}

/// Plans are kept in reports: the user and password of an address (`http://user:password@proxy`) stay out of them.
fn without_passwords<S: serde::Serializer>(
    arguments: &IndexMap<String, String>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let shown = |(name, value): (&String, &String)| {
        let shown = without_password(value);
        let secret = shown == *value && key::is_secret_argument(name, value);
        (name.clone(), if secret { "***".to_owned() } else { shown })
    };
    serializer.collect_map(arguments.iter().map(shown))
}

fn without_password(value: &str) -> String {
    let parts = value.split_once("://").and_then(|(scheme, rest)| {
        let (user, host) = rest.split_once('@')?;
        (!user.contains('/')).then_some((scheme, host))
    });
    parts.map_or_else(|| value.to_owned(), |(scheme, host)| format!("{scheme}://***@{host}"))
}

/// A part of a stage's Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Text as it is.
    Text(String),
    /// The image of an earlier stage.
    Reference(StageName),
    /// The base's image, as the user wrote it.
    Base(String),
    /// A digest over the content of these files.
    Files(Vec<String>),
    /// A digest over the content of every file of the plan.
    AllFiles,
    /// The package server's `host:port`, as the user wrote it.
    Authority(String),
    /// An assignment before a command, where the package server is not at the `host:port` that the
    /// user wrote: what stands before the server's own there, and behind.
    Given {
        /// The `host:port` that the user wrote.
        written: String,
        /// The assignment's beginning.
        before: String,
        /// Its end.
        after: String,
    },
    /// A path of the context: as the user wrote it, and where the engine finds it.
    Relocated {
        /// As the user wrote it.
        written: String,
        /// Where the engine finds it.
        found: String,
    },
    /// The flag that gives a `RUN --package` a folder in memory, where the builder knows it.
    PackageMount,
    /// A digest of the mark, where there is one.
    Mark,
}

/// An instruction of a stage's Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// `FROM`, `RUN`, …; `ONBUILD RUN` for what an `ONBUILD` of the parent brings.
    pub keyword: String,
    /// Index into [`PlannedStage::instructions`], where the user wrote it.
    pub own: Option<usize>,
    /// Where the parent's `ONBUILD` stands that brings it.
    pub trigger: Option<Place>,
}

/// A line that fetches what only the run can tell.
#[derive(Debug, Clone, Serialize)]
pub struct Guess {
    /// Why it is not known.
    pub reason: String,
    /// The file, where it is only not known whether it is fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Where it stands.
    #[serde(skip)]
    pub place: Place,
}

impl PlannedStage {
    /// The whole Dockerfile.
    pub fn dockerfile(&self, bindings: &Bindings<'_>) -> String {
        self.pieces.iter().map(|piece| bindings.bind(piece)).collect()
    }

    /// Whether it may ask for `file`, or make its children's triggers ask: one that it names, or
    /// any where only its run can tell.
    pub fn may_fetch(&self, file: &str) -> bool {
        self.may_fetch_any() || self.files().any(|name| name == file)
    }

    /// Whether a `COPY --parents` takes along the folders above what it takes.
    pub fn takes_parents(&self) -> bool {
        self.instructions.iter().any(|instruction| instruction.text.contains("--parents"))
    }

    /// Whether only its run can tell what it asks for.
    pub fn may_fetch_any(&self) -> bool {
        self.pieces.contains(&Piece::AllFiles)
            || self.guesses.iter().any(|guess| guess.file.is_none())
    }

    /// The files that it names, some of them several times.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        let marked = self.pieces.iter().flat_map(|piece| match piece {
            Piece::Files(names) => names.as_slice(),
            _ => &[],
        });
        let guessed = self.guesses.iter().filter_map(|guess| guess.file.as_ref());
        self.packages.iter().chain(marked).chain(guessed).map(String::as_str)
    }

    /// The same with a `LABEL` at its end: the first builder makes a step of each label that it
    /// is given apart, and those given to BuildKit travel in an address, which is short.
    pub fn labelled_dockerfile(
        &self,
        bindings: &Bindings<'_>,
        labels: &IndexMap<String, String>,
    ) -> String {
        let text = self.dockerfile(bindings);
        let label = render::label_instruction(&text, labels);
        text + &label
    }

    /// The keyword of each instruction of [`Self::dockerfile`], in order.
    pub fn keywords(&self) -> Vec<String> {
        self.written.iter().map(|written| written.keyword.clone()).collect()
    }

    /// Where the instruction at `index` of [`Self::dockerfile`] stands in the user's files.
    pub fn place(&self, index: usize) -> Option<&Place> {
        let trigger = || self.written.get(index)?.trigger.as_ref();
        self.instruction(index).map(|(_, own)| &own.place).or_else(trigger)
    }

    /// The user's instruction behind the one at `index` of [`Self::dockerfile`], and its number from 1.
    pub fn instruction(&self, index: usize) -> Option<(usize, &PlannedInstruction)> {
        let own = self.written.get(index)?.own?;
        Some((own + 1, self.instructions.get(own)?))
    }
}

impl Plan {
    /// The planned stage called `name`.
    pub fn stage(&self, name: &StageName) -> Option<&PlannedStage> {
        self.stages.iter().find(|stage| stage.name == *name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, expected: &str) {
        assert_eq!(without_password(value), expected);
    }

    #[test]
    fn passwords_stay_out_of_reports() {
        check("http://me:secret@proxy:8080/", "http://***@proxy:8080/");
        check("http://proxy:8080", "http://proxy:8080");
        check("http://host/path@x", "http://host/path@x");
        check("8.5.0", "8.5.0");
    }
}
