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
use crate::project::dockerfile::{
    Assignment, Dialect, Dockerfile, Inputs as DockerfileInputs, Instruction, Scope, Stages,
    context_words, is_predefined, is_proxy, is_remote, may_be_remote,
};
use crate::project::{Sha256, StageName};

/// The most entries that [`Inputs::sources`] has: an image's label holds them all.
const SOURCES: usize = 256;

/// The most bytes of their names and digests.
const SOURCES_BYTES: usize = 20_000;

/// What is told of an argument that other arguments are made of.
pub(super) const BEFORE_FROM: &str = " before FROM";

/// What only the disks and the engine know.
pub struct Surroundings<'a> {
    /// `classic` or `buildkit`.
    pub builder: &'a str,
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
pub struct Canonical<'a> {
    stage: &'a PlannedStage,
    file: Dockerfile,
    /// The place of each of its instructions in [`PlannedStage::written`].
    places: Vec<usize>,
    /// The index of the stage's own `FROM`.
    from: usize,
    /// The stage that it starts from, where that one's `ONBUILD`s bring instructions.
    parent: Option<Box<Canonical<'a>>>,
}

/// An instruction whose content only the engine can ask for.
pub struct Remote<'a> {
    /// The instruction, as the user wrote it.
    pub instruction: &'a super::PlannedInstruction,
    /// Whether it takes something from an address, or only may, for all that is known of its variables.
    pub certain: bool,
}

impl<'a> Canonical<'a> {
    /// Reads the Dockerfile of a stage of `plan`.
    pub fn of(plan: &'a Plan, stage: &'a PlannedStage) -> Self {
        let triggers = |parent: &&PlannedStage| {
            parent.instructions.iter().any(|instruction| instruction.keyword == "ONBUILD")
        };
        let parent = parent(plan, stage).filter(triggers);
        Self { parent: parent.map(|parent| Box::new(Self::read(parent))), ..Self::read(stage) }
    }

    fn read(stage: &'a PlannedStage) -> Self {
        let bindings = Bindings {
            reference: &|_| "stage".to_owned(),
            base: &str::to_owned,
            files: &[],
            mark: None,
            authority: &|_| "package-server".to_owned(),
            mounts: false,
            relocated: false,
        };
        let text = stage.dockerfile(&bindings);
        let (file, _) =
            Dockerfile::read(Arc::new(SourceFile { path: stage.name.as_str().into(), text }));
        // What the parent's `ONBUILD`s bring is not in the text.
        let written = stage.written.iter().enumerate().filter(|(_, one)| one.trigger.is_none());
        let places: Vec<usize> = written.map(|(place, _)| place).collect();
        let is_from = |place: &usize| stage.written[*place].keyword == "FROM";
        let from = places.iter().rposition(is_from).unwrap_or(0);
        Self { stage, file, places, from, parent: None }
    }

    /// The stage's own instructions, its `FROM` first, each with its place among all that is written.
    fn own(&self) -> impl Iterator<Item = (usize, &Instruction)> {
        let place = |index: usize| self.places.get(index).copied().unwrap_or(usize::MAX);
        let all = self.file.instructions().enumerate();
        all.map(move |(index, one)| (place(index), one)).skip(self.from)
    }

    /// What runs when the stage is built: what its parent's `ONBUILD`s bring, and its own
    /// instructions; each with the file that holds it and its place there.
    fn running(&self) -> impl Iterator<Item = (&Self, usize, &Instruction)> {
        let brought = self.parent.iter().flat_map(|parent| {
            let triggers = parent.own().filter(|(_, one)| one.inner.is_some());
            triggers.map(|(place, one)| (&**parent, place, one.innermost()))
        });
        let own = self.own().filter(|(_, one)| one.inner.is_none());
        brought.chain(own.map(move |(place, one)| (self, place, one)))
    }

    /// The images, other than stages, that it copies from.
    pub fn images(&self) -> impl Iterator<Item = &str> {
        let copies = self.parent.iter().flat_map(|parent| &parent.stage.copies);
        let copies: Vec<String> = copies.chain(&self.stage.copies).map(StageName::lower).collect();
        let named = self.running().flat_map(|(_, _, instruction)| copied_from(instruction));
        named.filter(move |name| !copies.contains(&name.to_lowercase()))
    }

    /// The first instruction whose content only the engine can ask for.
    pub fn remote(&self) -> Option<Remote<'_>> {
        self.running().find_map(|(whose, place, instruction)| {
            let certain = whose.adds_from_address(instruction)?;
            let (_, instruction) = whose.stage.instruction(place)?;
            Some(Remote { instruction, certain })
        })
    }

    /// Whether an `ADD` takes something from an address; `None` where it certainly does not.
    fn adds_from_address(&self, add: &Instruction) -> Option<bool> {
        let words =
            context_words(add, self.file.escape()).into_iter().filter(|_| add.keyword == "ADD");
        let unquoted = words.map(|(word, _)| word.trim_matches(['"', '\'']).to_owned());
        let suspects: Vec<String> = unquoted.filter(|word| may_be_remote(word)).collect();
        if suspects.iter().any(|word| is_remote(word)) {
            return Some(true);
        }
        let scope = suspects.first().and_then(|_| self.scope_at(add));
        let expanded = |word: &String| Some(is_remote(scope.as_ref()?.expand(word).known()?));
        let expanded: Vec<Option<bool>> = suspects.iter().map(expanded).collect();
        if expanded.contains(&Some(true)) {
            return Some(true);
        }
        expanded.contains(&None).then_some(false)
    }

    /// What is set where one of the stage's own instructions stands.
    fn scope_at(&self, instruction: &Instruction) -> Option<Scope> {
        let given = self.stage.build_args.iter().map(|(name, value)| (name.clone(), value.clone()));
        let inputs = DockerfileInputs {
            build_args: given.collect(),
            dialect: Dialect::Either,
            ..DockerfileInputs::default()
        };
        let (stages, _) = Stages::read(&self.file, &inputs);
        let steps = stages.steps(stages.last()?);
        let step = steps.into_iter().find(|step| step.instruction.span == instruction.span)?;
        Some(step.scope)
    }

    /// Everything that decides the content of the stage.
    pub fn inputs(&self, plan: &Plan, known: Surroundings<'_>) -> Inputs {
        let stage = self.stage;
        let files: Vec<_> = known.files.iter().filter(|(name, _)| stage.may_fetch(name)).collect();
        let copied = stage.copies.iter().map(|name| (name.lower(), (known.stage)(name)));
        let images = self
            .images()
            .map(|name| (name.to_owned(), (known.image)(name).unwrap_or_else(|| name.to_owned())));
        let text = OwnText::read(&self.file, stage, self.own());
        Inputs {
            format: KEY_FORMAT,
            platform: plan.platform.to_string(),
            builder: known.builder.to_owned(),
            from: origin(stage, known.from),
            copied: copied.chain(images).collect(),
            instructions: text.instructions,
            fetch: text.fetch,
            arguments: self
                .arguments()
                .into_iter()
                .map(|(n, v)| (n.clone(), shown(&n, &v)))
                .collect(),
            packages: files.iter().map(|(name, sha)| (name.clone(), sha.to_string())).collect(),
            sources: folded(known.sources),
        }
    }

    /// The arguments that the stage has: those written for it, those that it or a trigger of its
    /// parent declares, with the value given for them or the one from before the first `FROM`, and
    /// the builder's own options. Proxies are none: they say how something is fetched.
    fn arguments(&self) -> BTreeMap<String, String> {
        let is_argument = |instruction: &&Instruction| instruction.keyword == "ARG";
        let escape = self.file.escape();
        let before = self.file.instructions().take_while(is_argument);
        let before: Vec<_> = before.flat_map(|one| one.argument_assignments(escape)).collect();
        let declared = self.running().filter(|(_, _, one)| is_argument(one));
        let declared =
            declared.flat_map(|(whose, _, one)| one.argument_assignments(whose.file.escape()));
        let build_args = &self.stage.build_args;
        let options = build_args.iter().filter(|(name, _)| is_predefined(name) && !is_proxy(name));
        let own = options.chain(&self.stage.args);
        let mut arguments: BTreeMap<String, String> =
            own.map(|(name, value)| (name.clone(), value.clone())).collect();
        for Assignment { name, value, .. } in declared {
            let global = before.iter().rfind(|global| global.name == name && value.is_none());
            let given = build_args.get(&name);
            let value = given.or_else(|| global.and_then(|global| global.value.as_ref()));
            let known = is_proxy(&name) || arguments.contains_key(&name);
            let Some(value) = value.filter(|_| !known) else { continue };
            if given.is_none() {
                arguments.extend(made_of(value, &before, self.stage));
            }
            arguments.insert(name, value.clone());
        }
        arguments
    }
}

fn parent<'a>(plan: &'a Plan, stage: &PlannedStage) -> Option<&'a PlannedStage> {
    let PlannedParent::Stage(name) = &stage.from else { return None };
    plan.stages.iter().rfind(|parent| parent.name == *name)
}

/// The arguments from before the first `FROM` that `value` is made of, theirs included.
fn made_of(value: &str, before: &[Assignment], stage: &PlannedStage) -> Vec<(String, String)> {
    let Some((last, earlier)) = before.split_last() else { return Vec::new() };
    let given = stage.build_args.get(&last.name).or(last.value.as_ref());
    let mut made = made_of(value, earlier, stage);
    if let Some(given) = given.filter(|_| names(value, &last.name)) {
        made.extend(made_of(given, earlier, stage));
        made.push((format!("{}{BEFORE_FROM}", last.name), given.clone()));
    }
    made
}

/// Whether `$name` or `${name…}` stands in `value`.
fn names(value: &str, name: &str) -> bool {
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let mut variables = value.split('$').skip(1).map(|rest| rest.trim_start_matches('{'));
    variables.any(|variable| variable.strip_prefix(name).is_some_and(ends))
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
    if are_few(&sources) {
        return sources;
    }
    let deepest = sources.keys().map(|path| path.split('/').count()).max().unwrap_or(1);
    let folds = (1..deepest).rev().map(|depth| fold(&sources, depth));
    let few = folds.into_iter().find(are_few);
    few.unwrap_or_else(|| fold(&sources, 0))
}

fn are_few(sources: &BTreeMap<String, String>) -> bool {
    let bytes: usize = sources.iter().map(|(path, digest)| path.len() + digest.len()).sum();
    sources.len() <= SOURCES && bytes <= SOURCES_BYTES
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

    #[test]
    fn long_names_are_told_by_their_folders() {
        let path = |number: usize| format!("top/{}/{}", number % 5, "x".repeat(90 + number));
        let sources: BTreeMap<_, _> = (0..200).map(|n| (path(n), "0".repeat(64))).collect();
        assert_eq!(folded(sources).len(), 5);
    }
}
