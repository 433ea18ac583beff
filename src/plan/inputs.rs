//! From a planned stage to what decides its content.
//!
//! The stage's Dockerfile, with constants in its open places, is read again:
//! what is left of each instruction is what the engine makes of it, without the
//! comments and line ends that change nothing, and of a `RUN --package` what the
//! user wrote, its files being told apart from it.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::Digest as _;

use super::key::{Inputs, KEY_FORMAT, Origin, shown};
use super::own_text::OwnText;
use super::{Bindings, Plan, PlannedParent, PlannedStage};
use crate::error::SourceFile;
use crate::project::dockerfile::{Assignment, Dockerfile, Instruction, context_words, is_remote};
use crate::project::{Sha256, StageName};

/// The most entries that [`Inputs::sources`] has: an image's label holds them all.
const SOURCES: usize = 256;

/// What is told of an argument that other arguments are made of.
pub(super) const BEFORE_FROM: &str = " before FROM";

/// What only the disks and the engine know.
pub struct Surroundings<'a> {
    /// The parent's key, or the content id of what the stage starts from.
    pub from: String,
    /// The same of an earlier stage.
    pub stage: &'a dyn Fn(&StageName) -> String,
    /// The content id of an image that the engine has.
    pub image: &'a dyn Fn(&str) -> Option<String>,
    /// The plan's files and their digests.
    pub files: &'a [(String, Sha256)],
    /// What the stage copies from the context: each path's digest over mode, kind and content.
    pub sources: BTreeMap<String, String>,
}

/// A stage's Dockerfile, read for what decides its content.
pub struct Canonical {
    file: Dockerfile,
    /// The place of each of its instructions in [`PlannedStage::written`].
    places: Vec<usize>,
    /// The index of the stage's own `FROM`.
    from: usize,
}

impl Canonical {
    /// Reads the stage's Dockerfile.
    pub fn of(stage: &PlannedStage) -> Self {
        let bindings = Bindings {
            reference: &|_| "stage".to_owned(),
            base: &str::to_owned,
            files: &[],
            mark: None,
            authority: &|_| "package-server".to_owned(),
            mounts: false,
        };
        let text = stage.dockerfile(&bindings);
        let (file, _) =
            Dockerfile::read(Arc::new(SourceFile { path: stage.name.as_str().into(), text }));
        // What the parent's `ONBUILD`s bring is not in the text.
        let written = stage.written.iter().enumerate().filter(|(_, one)| one.trigger.is_none());
        let places: Vec<usize> = written.map(|(place, _)| place).collect();
        let is_from = |place: &usize| stage.written[*place].keyword == "FROM";
        let from = places.iter().rposition(is_from).unwrap_or(0);
        Self { file, places, from }
    }

    /// The stage's own instructions, its `FROM` first, each with its place among all that is written.
    fn own(&self) -> impl Iterator<Item = (usize, &Instruction)> {
        let place = |index: usize| self.places.get(index).copied().unwrap_or(usize::MAX);
        let all = self.file.instructions().enumerate();
        all.map(move |(index, one)| (place(index), one)).skip(self.from)
    }

    /// The images, other than stages, that it copies from.
    pub fn images<'a>(&'a self, stage: &'a PlannedStage) -> impl Iterator<Item = &'a str> {
        let named = self.own().flat_map(|(_, instruction)| copied_from(instruction));
        named
            .filter(|name| !stage.copies.iter().any(|copied| copied.lower() == name.to_lowercase()))
    }

    /// The first instruction whose content only the engine can ask for, as the user wrote it.
    pub fn remote<'a>(&self, stage: &'a PlannedStage) -> Option<&'a super::PlannedInstruction> {
        let adds = |instruction: &Instruction| {
            let words = context_words(instruction.innermost(), self.file.escape());
            let unquoted = words.iter().map(|(word, _)| word.trim_matches(['"', '\'']));
            // What a variable stands for may be an address, too.
            let remote = |word: &str| is_remote(word) || word.starts_with('$');
            instruction.innermost().keyword == "ADD" && unquoted.into_iter().any(remote)
        };
        let (index, _) = self.own().find(|(_, instruction)| adds(instruction))?;
        stage.instruction(index).map(|(_, own)| own)
    }

    /// Everything that decides the content of `stage`.
    pub fn inputs(&self, plan: &Plan, stage: &PlannedStage, known: Surroundings<'_>) -> Inputs {
        let files: Vec<_> = known.files.iter().filter(|(name, _)| stage.may_fetch(name)).collect();
        let copied = stage.copies.iter().map(|name| (name.lower(), (known.stage)(name)));
        let images = self
            .images(stage)
            .map(|name| (name.to_owned(), (known.image)(name).unwrap_or_else(|| name.to_owned())));
        let arguments = self.arguments(stage);
        let text = OwnText::read(&self.file, stage, self.own());
        Inputs {
            format: KEY_FORMAT,
            platform: plan.platform.to_string(),
            from: origin(stage, known.from),
            copied: copied.chain(images).collect(),
            instructions: text.instructions,
            fetch: text.fetch,
            arguments: arguments.into_iter().map(|(n, v)| (n.clone(), shown(&n, &v))).collect(),
            packages: files.iter().map(|(name, sha)| (name.clone(), sha.to_string())).collect(),
            sources: folded(known.sources),
        }
    }

    /// The arguments that the stage has: those written for it, and those that it declares, with
    /// the value given for them or the one from before the first `FROM`.
    fn arguments(&self, stage: &PlannedStage) -> BTreeMap<String, String> {
        let escape = self.file.escape();
        let arguments_of = |instruction: &Instruction| instruction.argument_assignments(escape);
        let is_argument = |instruction: &&Instruction| instruction.keyword == "ARG";
        let own = self.own().map(|(_, instruction)| instruction).filter(is_argument);
        let declared: Vec<_> = own.flat_map(arguments_of).collect();
        let before: Vec<_> =
            self.file.instructions().take_while(is_argument).flat_map(arguments_of).collect();
        let mut arguments: BTreeMap<String, String> =
            stage.args.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        for name in declared.iter().map(|one| &one.name) {
            let global = before.iter().rfind(|global| global.name == *name);
            let given = stage.build_args.get(name);
            let value = given.or_else(|| global.and_then(|global| global.value.as_ref()));
            let Some(value) = value.filter(|_| !arguments.contains_key(name)) else { continue };
            if given.is_none() {
                arguments.extend(made_of(value, &before, stage));
            }
            arguments.insert(name.clone(), value.clone());
        }
        arguments
    }
}

/// The arguments from before the first `FROM` that `value` is made of, theirs included.
fn made_of(value: &str, before: &[Assignment], stage: &PlannedStage) -> Vec<(String, String)> {
    let names =
        |name: &str| value.contains(&format!("${name}")) || value.contains(&format!("${{{name}"));
    let Some((last, earlier)) = before.split_last() else { return Vec::new() };
    let given = stage.build_args.get(&last.name).or(last.value.as_ref());
    let mut made = made_of(value, earlier, stage);
    if let Some(given) = given.filter(|_| names(&last.name)) {
        made.extend(made_of(given, earlier, stage));
        made.push((format!("{}{BEFORE_FROM}", last.name), given.clone()));
    }
    made
}

fn origin(stage: &PlannedStage, content: String) -> Origin {
    match &stage.from {
        PlannedParent::Stage(name) => Origin { name: name.to_string(), stage: true, content },
        PlannedParent::Base(base) => Origin { name: base.image.clone(), stage: false, content },
    }
}

/// What `--from=` of `COPY` and `ADD` and `from=` of mounts name.
fn copied_from(instruction: &Instruction) -> impl Iterator<Item = &str> {
    let instruction = instruction.innermost();
    let from = instruction.flags_named("from").filter_map(|flag| flag.value.as_deref());
    let mounts = instruction.flags_named("mount").filter_map(|flag| flag.value.as_deref());
    from.chain(
        mounts.flat_map(|mount| mount.split(',')).filter_map(|field| field.strip_prefix("from=")),
    )
}

/// What stands in [`Inputs::sources`] for these: too many are told by their folders, the outermost
/// that are few enough.
pub fn folded(sources: BTreeMap<String, String>) -> BTreeMap<String, String> {
    if sources.len() <= SOURCES {
        return sources;
    }
    let deepest = sources.keys().map(|path| path.split('/').count()).max().unwrap_or(1);
    let folds = (1..deepest).rev().map(|depth| fold(&sources, depth));
    let few = folds.into_iter().find(|folded| folded.len() <= SOURCES);
    few.unwrap_or_else(|| fold(&sources, 0))
}

/// One digest for all that share their first `depth` names.
fn fold(sources: &BTreeMap<String, String>, depth: usize) -> BTreeMap<String, String> {
    let mut hashers: BTreeMap<String, sha2::Sha256> = BTreeMap::new();
    for (path, digest) in sources {
        let names: Vec<&str> = path.split('/').take(depth).collect();
        let folder = if names.is_empty() { ".".to_owned() } else { names.join("/") };
        hashers.entry(folder).or_default().update(serde_json::json!([path, digest]).to_string());
    }
    hashers.into_iter().map(|(name, hasher)| (name, hex::encode(hasher.finalize()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(files: usize, folders: usize, expected: usize) {
        let path = |number: usize| format!("top/{}/{number}", number % folders);
        let sources: BTreeMap<_, _> = (0..files).map(|n| (path(n), n.to_string())).collect();
        let folded = folded(sources.clone());
        assert_eq!(folded.len(), expected);
        let mut changed = sources;
        changed.insert(path(0), "other".to_owned());
        assert_eq!(
            super::folded(changed).iter().filter(|one| folded.get(one.0) != Some(one.1)).count(),
            1
        );
    }

    #[test]
    fn many_sources_are_told_by_their_folders() {
        check(10, 3, 10);
        check(1000, 7, 7);
        check(1000, 500, 1);
    }
}
