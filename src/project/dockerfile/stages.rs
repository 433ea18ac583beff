//! The stages of a Dockerfile: what each is built from, copies and mounts.
//!
//! The steps: the ARGs before the first FROM; each FROM, its image or stage
//! looked up among the stages before it; then every `--from` and mount, which
//! may name a stage (in any case of letters), a stage's number or an image.

use std::collections::BTreeSet;
use std::ops::Range;

use super::inputs::Inputs;
use super::scope::{Scope, Value};
use super::stage_problems::variable_from;
use super::{Dockerfile, Instruction};
use crate::error::Problem;

/// A Dockerfile seen as stages.
#[derive(Debug, Clone)]
pub struct Stages<'f> {
    file: &'f Dockerfile,
    inputs: &'f Inputs,
    globals: Scope,
    stages: Vec<Stage<'f>>,
}

/// One stage: a FROM and what follows it.
#[derive(Debug, Clone)]
pub struct Stage<'f> {
    /// Its number, counted from 0.
    pub index: usize,
    /// Its name as written.
    pub name: Option<String>,
    /// What it is built from.
    pub base: Origin,
    /// The bytes of the base's name in the source.
    pub base_span: Range<usize>,
    /// What `FROM --platform=` says, expanded.
    pub platform: Option<Value>,
    /// The FROM itself.
    pub from: &'f Instruction,
    /// The instructions after it, in order.
    pub instructions: Vec<&'f Instruction>,
    /// What it takes from elsewhere with `--from` or a mount.
    pub uses: Vec<Use<'f>>,
    /// The stages that were left out between it and its base, the nearest first.
    pub left_out: Vec<usize>,
}

/// Where files come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A stage of this file, by number.
    Stage(usize),
    /// An image, by reference; `scratch` is nothing at all.
    Image(String),
    /// Only the build can tell.
    Unknown {
        /// Why, as a lowercase fragment.
        reason: String,
    },
}

/// One `--from` or mount.
#[derive(Debug, Clone)]
pub struct Use<'f> {
    /// What is used.
    pub origin: Origin,
    /// The instruction that uses it.
    pub instruction: &'f Instruction,
}

/// A stage that a target needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// The stage's number.
    pub stage: usize,
    /// Why, the first reason first; never empty.
    pub because: Vec<Because>,
}

/// Why a stage is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Because {
    /// It is the target.
    Target,
    /// This stage is built from it.
    BaseOf(usize),
    /// This stage copies from it or mounts it.
    UsedBy(usize),
}

/// An instruction and what is set where it stands.
#[derive(Debug, Clone)]
pub struct Step<'f> {
    /// The instruction; for a trigger, what its `ONBUILD` holds.
    pub instruction: &'f Instruction,
    /// The names set before it.
    pub scope: Scope,
    /// The stage whose `ONBUILD` this is, where it is one.
    pub trigger_of: Option<usize>,
}

impl<'f> Stages<'f> {
    /// Reads the stages of `file`.
    pub fn read(file: &'f Dockerfile, inputs: &'f Inputs) -> (Self, Vec<Problem>) {
        let globals = Scope::global(inputs, file.escape());
        let mut stages = Self { file, inputs, globals, stages: Vec::new() };
        let mut problems = Vec::new();
        for instruction in file.instructions() {
            match (instruction.keyword.as_str(), stages.stages.last_mut()) {
                ("FROM", _) => stages.begin(instruction, &mut problems),
                (_, Some(stage)) => stage.instructions.push(instruction),
                ("ARG", None) => stages.globals.pass_global(instruction, inputs),
                (keyword, None) => problems.push(stages.homeless(keyword, instruction)),
            }
        }
        stages.find_uses(&mut problems);
        (stages, problems)
    }

    /// The stages, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Stage<'f>> {
        self.stages.iter()
    }

    /// The stage of that number.
    pub fn get(&self, index: usize) -> Option<&Stage<'f>> {
        self.stages.get(index)
    }

    /// The stage that `--target name` means: a name in any case of letters, or a number.
    pub fn find(&self, name: &str) -> Option<usize> {
        let number = || name.parse().ok().filter(|index| *index < self.stages.len());
        self.named(name).or_else(number)
    }

    /// The stage that is built when no target is named: the last one.
    pub fn last(&self) -> Option<usize> {
        self.stages.len().checked_sub(1)
    }

    /// The file that the stages stand in.
    pub fn file(&self) -> &'f Dockerfile {
        self.file
    }

    /// The stages that `target` needs, itself last, each after what it needs.
    pub fn ancestors(&self, target: usize) -> Vec<Needed> {
        let mut order = Vec::new();
        self.visit(target, Because::Target, &mut BTreeSet::new(), &mut order);
        order
    }

    /// The instructions of a stage with what is set at each: first the
    /// triggers (`ONBUILD`) of the stage that it is built from, then its own.
    pub fn steps(&self, stage: usize) -> Vec<Step<'f>> {
        self.walk(stage).0
    }

    /// The stages that a stage is built from, the lowest first.
    pub fn below(&self, stage: usize) -> Vec<usize> {
        let mut found = Vec::new();
        let mut stage = stage;
        while let Some(Origin::Stage(base)) = self.get(stage).map(|stage| &stage.base)
            && *base < stage
        {
            found.push(*base);
            stage = *base;
        }
        found.reverse();
        found
    }

    /// What the `ONBUILD`s of `stage` hold, with what is set at each in a stage built from it.
    pub(super) fn trigger_steps(&self, stage: usize) -> Vec<Step<'f>> {
        let mut scope = self.scope_at_end(stage).of_child();
        let step = |(instruction, trigger_of): (&'f Instruction, _)| {
            let before = scope.clone();
            scope.pass(instruction, &self.globals, self.inputs);
            Step { instruction, scope: before, trigger_of }
        };
        self.triggers(stage).into_iter().map(step).collect()
    }

    /// Leaves stages out: what is built from one of them is built from what that is built from.
    /// They keep their numbers.
    pub fn leave_out(&mut self, skipped: &[usize]) {
        for index in skipped {
            let left = self.stages.get(*index);
            let Some((base, below)) = left.map(|one| (one.base.clone(), one.left_out.clone()))
            else {
                continue;
            };
            let children = self.stages.iter_mut();
            for child in children.filter(|child| child.base == Origin::Stage(*index)) {
                child.base = base.clone();
                child.left_out.push(*index);
                child.left_out.extend(&below);
            }
        }
        // What is wrong with the names was told when they were read.
        self.find_uses(&mut Vec::new());
    }

    /// What is set at the end of a stage.
    pub fn scope_at_end(&self, stage: usize) -> Scope {
        self.walk(stage).1
    }

    fn walk(&self, index: usize) -> (Vec<Step<'f>>, Scope) {
        let mut steps = Vec::new();
        let mut scope = self.globals.clone();
        let Some(stage) = self.stages.get(index) else { return (steps, scope) };
        let mut triggers = Vec::new();
        scope = match &stage.base {
            Origin::Stage(base) if *base < index => {
                triggers = self.triggers(*base);
                self.walk(*base).1.of_child()
            }
            base => Scope::of_image(&base.value(), self.inputs, self.file.escape()),
        };
        let own = stage.instructions.iter().map(|instruction| (*instruction, None));
        for (instruction, trigger_of) in triggers.into_iter().chain(own) {
            steps.push(Step { instruction, scope: scope.clone(), trigger_of });
            scope.pass(instruction, &self.globals, self.inputs);
        }
        (steps, scope)
    }

    /// What a stage's `ONBUILD`s add to the stages built from it; not to those built from them.
    fn triggers(&self, stage: usize) -> Vec<(&'f Instruction, Option<usize>)> {
        let instructions = self.stages[stage].instructions.iter();
        let inner = instructions.filter_map(|one| one.inner.as_deref());
        inner.map(|instruction| (instruction, Some(stage))).collect()
    }

    pub(super) fn named(&self, name: &str) -> Option<usize> {
        let same =
            |stage: &Stage| stage.name.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(name));
        self.stages.iter().rposition(same)
    }

    fn begin(&mut self, from: &'f Instruction, problems: &mut Vec<Problem>) {
        let words = super::assignments::words(&from.arguments.text, self.file.escape());
        let word = |index: usize| words.get(index).map(|span| &from.arguments.text[span.clone()]);
        let base_span = words.first().cloned().unwrap_or(0..0);
        let base = self.globals.expand(word(0).unwrap_or_default());
        let has_name = word(1).is_some_and(|word| word.eq_ignore_ascii_case("as"));
        let name = has_name.then(|| word(2).map(str::to_owned)).flatten();
        if !matches!((words.len(), has_name), (1, false) | (3, true)) || base.known() == Some("") {
            problems.push(self.bad_from(from, &base));
        }
        self.check_name(name.as_deref(), from, problems);
        let platform = from.flag("platform").and_then(|flag| flag.value.as_deref());
        let stage = Stage {
            index: self.stages.len(),
            name,
            base: self.base(base),
            base_span: from.arguments.source_span(base_span),
            platform: platform.map(|text| self.globals.expand(text)),
            from,
            instructions: Vec::new(),
            uses: Vec::new(),
            left_out: Vec::new(),
        };
        self.stages.push(stage);
    }

    fn base(&self, name: Value) -> Origin {
        match name {
            Value::Known(name) => self.named(&name).map_or(Origin::Image(name), Origin::Stage),
            Value::Unknown { reason } => Origin::Unknown { reason },
        }
    }

    fn find_uses(&mut self, problems: &mut Vec<Problem>) {
        for index in 0..self.stages.len() {
            let mut uses = Vec::new();
            let triggers = match self.stages[index].base {
                Origin::Stage(base) if base < index => self.triggers(base),
                _ => Vec::new(),
            };
            let inherited = triggers.into_iter().map(|(instruction, _)| instruction);
            for instruction in inherited.chain(self.stages[index].instructions.iter().copied()) {
                for name in references(instruction) {
                    let origin = self.origin(&name, index, instruction, problems);
                    uses.push(Use { origin, instruction });
                }
            }
            self.stages[index].uses = uses;
        }
    }

    /// What `--from=name` in stage `index` means.
    fn origin(
        &self,
        name: &str,
        index: usize,
        instruction: &Instruction,
        problems: &mut Vec<Problem>,
    ) -> Origin {
        if name.contains('$') {
            problems.push(variable_from(self.file, name, instruction));
            return Origin::Unknown { reason: format!("`{name}` holds a variable") };
        }
        let stage = match name.parse::<usize>() {
            Ok(number) if number < self.stages.len() => Some(number),
            Ok(number) => {
                problems.push(self.no_such_stage(number, instruction));
                return Origin::Unknown { reason: format!("there is no stage {number}") };
            }
            Err(_) => self.named(name),
        };
        match stage {
            Some(stage) if stage >= index => {
                problems.push(self.later_stage(name, instruction));
                Origin::Stage(stage)
            }
            Some(stage) => Origin::Stage(stage),
            None => Origin::Image(name.to_owned()),
        }
    }

    fn visit(
        &self,
        stage: usize,
        because: Because,
        open: &mut BTreeSet<usize>,
        order: &mut Vec<Needed>,
    ) {
        if let Some(known) = order.iter_mut().find(|needed| needed.stage == stage) {
            if !known.because.contains(&because) {
                known.because.push(because);
            }
            return;
        }
        let Some(found) = self.stages.get(stage) else { return };
        if !open.insert(stage) {
            return;
        }
        if let Origin::Stage(base) = found.base {
            self.visit(base, Because::BaseOf(stage), open, order);
        }
        for one in &found.uses {
            if let Origin::Stage(used) = one.origin {
                self.visit(used, Because::UsedBy(stage), open, order);
            }
        }
        order.push(Needed { stage, because: vec![because] });
    }
}

impl Origin {
    fn value(&self) -> Value {
        match self {
            Self::Image(name) => Value::Known(name.clone()),
            Self::Stage(index) => Value::unknown(format!("stage {index}")),
            Self::Unknown { reason } => Value::unknown(reason.clone()),
        }
    }
}

/// The names that an instruction uses files from: `--from=` and mounts.
pub(super) fn references(instruction: &Instruction) -> Vec<String> {
    match instruction.keyword.as_str() {
        "COPY" | "ADD" => {
            instruction.flag("from").and_then(|flag| flag.value.clone()).into_iter().collect()
        }
        "RUN" => instruction
            .flags_named("mount")
            .filter_map(|flag| flag.value.as_deref())
            .flat_map(|value| value.split(','))
            .filter_map(|field| field.strip_prefix("from=").map(str::to_owned))
            .collect(),
        _ => Vec::new(),
    }
}
