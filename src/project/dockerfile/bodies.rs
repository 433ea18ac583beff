//! Stages whose instructions stand in files of their own, without `FROM`.

use indexmap::IndexMap;

use super::Dockerfile;
use super::inputs::Inputs;
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

/// The steps of the last of `bodies`: the first is built from an image that is not known, each
/// other from the one before.
pub(super) fn steps<'f>(bodies: &[Body<'f>], inputs: &Inputs) -> Vec<Step<'f>> {
    let mut steps = Vec::new();
    let mut before: Option<Scope> = None;
    for body in bodies {
        let escape = body.file.escape();
        let globals = Scope::global(inputs, escape);
        let of_image = || Scope::of_image(&Value::unknown("in stages.toml"), inputs, escape);
        let mut scope = before.map_or_else(of_image, |scope| scope.of_child());
        body.args.iter().for_each(|(name, value)| scope.set_argument(name, value));
        steps.clear();
        for instruction in body.file.instructions() {
            steps.push(Step { instruction, scope: scope.clone(), trigger_of: None });
            scope.pass(instruction, &globals, inputs);
        }
        before = Some(scope);
    }
    steps
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
