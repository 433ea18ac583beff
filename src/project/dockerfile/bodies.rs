//! Stages whose instructions stand in files of their own, without `FROM`.

use indexmap::IndexMap;

use super::Dockerfile;
use super::inputs::Inputs;
use super::instruction::Instruction;
use super::scope::{Scope, Value};
use super::stage_problems::variable_from as problem;
use super::stages::{Step, references};
use crate::error::Problem;

/// Such a stage.
#[derive(Debug, Clone, Copy)]
pub struct Body<'f> {
    /// Its instructions.
    pub file: &'f Dockerfile,
    /// Its arguments, which no instruction of it declares.
    pub args: &'f IndexMap<String, String>,
}

/// A body with what is set at each of its instructions.
pub struct ReadBody<'f> {
    pub(super) file: &'f Dockerfile,
    pub(super) steps: Vec<Step<'f>>,
    scope: Scope,
}

impl<'f> Body<'f> {
    /// What is set behind the last instruction. `before` is the same of the body that it is built
    /// from; without one, it is built from an image that is not known.
    pub fn scope(&self, before: Option<&Scope>, inputs: &Inputs) -> Scope {
        self.walk(before, inputs, |_, _| ())
    }

    /// Reads it once, for itself and for those that are built from it; `before` is as for [`Self::scope`].
    pub fn read(&self, before: Option<&ReadBody<'f>>, inputs: &Inputs) -> ReadBody<'f> {
        let mut steps = Vec::new();
        let scope = self.walk(before.map(|before| &before.scope), inputs, |instruction, scope| {
            steps.push(Step { instruction, scope: scope.clone(), trigger_of: None });
        });
        ReadBody { file: self.file, steps, scope }
    }

    fn walk(
        &self,
        before: Option<&Scope>,
        inputs: &Inputs,
        mut take: impl FnMut(&'f Instruction, &Scope),
    ) -> Scope {
        let escape = self.file.escape();
        let globals = Scope::global(inputs, escape);
        let of_image = || Scope::of_image(&Value::unknown("in stages.toml"), inputs, escape);
        let mut scope = before.map_or_else(of_image, Scope::of_child);
        self.args.iter().for_each(|(name, value)| scope.set_argument(name, value));
        for instruction in self.file.instructions() {
            take(instruction, &scope);
            scope.pass(instruction, &globals, inputs);
        }
        scope
    }
}

/// The warnings `variable-from` of a body.
pub(super) fn variable_from(file: &Dockerfile) -> Vec<Problem> {
    let instructions = file.instructions();
    let named =
        instructions.flat_map(|one| references(one).into_iter().map(move |name| (one, name)));
    named
        .filter(|(_, name)| name.contains('$'))
        .map(|(instruction, name)| problem(file, &name, instruction))
        .collect()
}
