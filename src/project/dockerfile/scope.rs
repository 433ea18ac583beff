//! What a name stands for at an instruction: ARG, ENV and what the builder sets.
//!
//! An ARG's value is the build argument, else its default, else the ARG of that
//! name before the first FROM. Which of ENV and ARG counts, each [`Dialect`] has
//! its own rules for: the names of both are kept side by side.

use std::collections::BTreeMap;

use super::assignments::{self, Assignment};
use super::inputs::{Dialect, Inputs};
use super::{Form, Instruction, Lexer};

/// What an argument is that nothing gives a value, unless the base image does.
pub(super) const BARE: &str = "an `ARG` without a value";

/// A text that is known before the build, or why it is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// The text.
    Known(String),
    /// Only the build can tell.
    Unknown {
        /// Why, as a lowercase fragment.
        reason: String,
    },
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup<'a> {
    /// It has this value.
    Set(&'a str),
    /// It certainly has none.
    Unset,
    /// Only the build can tell; the reason.
    Unknown(&'a str),
}

/// The names that are set at an instruction.
#[derive(Debug, Clone)]
pub struct Scope {
    /// What the image keeps.
    environment: BTreeMap<String, Value>,
    /// The classic builder's ARGs, which count where no ENV has their name.
    arguments: BTreeMap<String, Value>,
    /// BuildKit's names: each line of ARG or ENV sets one.
    state: BTreeMap<String, Value>,
    dialect: Dialect,
    /// Why a name that the file does not set may be set all the same.
    base: Option<String>,
    /// What RUN's shell form is given to.
    pub shell: Vec<String>,
    /// Where the next instruction runs.
    pub workdir: Value,
    escape: char,
}

impl Value {
    /// The text, where it is known.
    pub fn known(&self) -> Option<&str> {
        match self {
            Self::Known(text) => Some(text),
            Self::Unknown { .. } => None,
        }
    }

    pub(super) fn unknown(reason: impl Into<String>) -> Self {
        Self::Unknown { reason: reason.into() }
    }

    fn lookup(&self) -> Lookup<'_> {
        match self {
            Self::Known(text) => Lookup::Set(text),
            Self::Unknown { reason } => Lookup::Unknown(reason),
        }
    }
}

impl Scope {
    /// The scope of FROM lines: the platform's names, then each ARG before the first FROM.
    pub fn global(inputs: &Inputs, escape: char) -> Self {
        Self { state: inputs.platform_arguments(), ..Self::empty(inputs, escape) }
    }

    fn empty(inputs: &Inputs, escape: char) -> Self {
        Self {
            environment: BTreeMap::new(),
            arguments: BTreeMap::new(),
            state: BTreeMap::new(),
            dialect: inputs.dialect,
            base: None,
            shell: ["/bin/sh", "-c"].map(str::to_owned).to_vec(),
            workdir: Value::Known("/".to_owned()),
            escape,
        }
    }

    /// The scope at the start of a stage that is built from an image.
    pub(super) fn of_image(image: &Value, inputs: &Inputs, escape: char) -> Self {
        let mut scope = Self::empty(inputs, escape);
        let known = image.known().and_then(|image| inputs.base_environment.get(image));
        if let Some(environment) = known {
            let values = environment.iter().map(|(k, v)| (k.clone(), Value::Known(v.clone())));
            scope.environment = values.collect();
            scope.state = scope.environment.clone();
        } else if image.known() != Some("scratch") {
            let image = image.known().unwrap_or("of this stage");
            scope.base =
                Some(format!("set nowhere in this file, perhaps by the base image `{image}`"));
            scope.workdir = Value::unknown(format!("the base image `{image}` sets the folder"));
        }
        scope
    }

    /// The scope at the start of a stage that is built from the stage that this scope ends.
    pub(super) fn of_child(&self) -> Self {
        let mut child = Self { arguments: BTreeMap::new(), ..self.clone() };
        child.state.extend(self.environment.clone());
        child
    }

    /// What `name` stands for in the expansion of an instruction.
    pub fn lookup(&self, name: &str) -> Lookup<'_> {
        let classic = self.environment.get(name).or_else(|| self.arguments.get(name));
        let buildkit = self.state.get(name);
        let value = match self.dialect {
            Dialect::Classic => classic,
            Dialect::BuildKit => buildkit,
            Dialect::Either if classic == buildkit => classic,
            Dialect::Either => return Lookup::Unknown("read differently by the two builders"),
        };
        match (value, &self.base) {
            (Some(value), _) => value.lookup(),
            (None, Some(reason)) => Lookup::Unknown(reason),
            (None, None) => Lookup::Unset,
        }
    }

    /// The Dockerfile's escape character.
    pub fn escape(&self) -> char {
        self.escape
    }

    /// Whether the image would keep `name`: it is an ENV, not an ARG.
    pub fn is_environment(&self, name: &str) -> bool {
        self.environment.contains_key(name)
    }

    /// Expands `text` as Docker expands an argument: quotes removed, names replaced.
    pub fn expand(&self, text: &str) -> Value {
        match self.expanded(text) {
            Ok(expanded) => Value::Known(expanded.text),
            Err(reason) => Value::Unknown { reason },
        }
    }

    fn expanded(&self, text: &str) -> Result<super::Expanded, String> {
        let lookup = |name: &str| match self.lookup(name) {
            Lookup::Set(value) => Some(value.to_owned()),
            Lookup::Unset | Lookup::Unknown(_) => None,
        };
        let lexer = Lexer::new(self.escape, &lookup);
        let expanded = lexer.expand(text).map_err(|error| error.to_string())?;
        for name in &expanded.names {
            if let Lookup::Unknown(reason) = self.lookup(name) {
                let named = reason.starts_with('`');
                return Err(if named {
                    reason.to_owned()
                } else {
                    format!("`{name}` is {reason}")
                });
            }
        }
        Ok(expanded)
    }

    /// Goes past an instruction: what it sets is set from here on.
    pub(super) fn pass(&mut self, instruction: &Instruction, globals: &Self, inputs: &Inputs) {
        let text = &instruction.arguments.text;
        match instruction.keyword.as_str() {
            "ARG" => {
                let before = self.clone();
                for argument in assignments::arguments(text, self.escape) {
                    self.declare(&argument, &before, Some(globals), inputs);
                }
            }
            "ENV" => self.set_environment(text),
            "SHELL" => {
                if let Form::Exec(words) = instruction.form() {
                    self.shell = words;
                }
            }
            "WORKDIR" => self.enter(text),
            _ => {}
        }
    }

    /// Declares an argument that has this value, whatever the command line says.
    pub(super) fn set_argument(&mut self, name: &str, value: &str) {
        let value = Value::Known(value.to_owned());
        self.arguments.insert(name.to_owned(), value.clone());
        self.state.insert(name.to_owned(), value);
    }

    /// An ARG before the first FROM sees the ones before it, on its own line too.
    pub(super) fn pass_global(&mut self, instruction: &Instruction, inputs: &Inputs) {
        for argument in assignments::arguments(&instruction.arguments.text, self.escape) {
            self.declare(&argument, &self.clone(), None, inputs);
        }
    }

    fn declare(
        &mut self,
        argument: &Assignment,
        before: &Self,
        globals: Option<&Self>,
        inputs: &Inputs,
    ) {
        let name = &argument.name;
        let given = inputs.build_args.get(name).map(|value| Value::Known(value.clone()));
        let value = given.or_else(|| argument.value.as_ref().map(|value| before.expand(value)));
        let bare = self.base.as_ref().map(|reason| Value::unknown(format!("{BARE}, {reason}")));
        let global = |names: fn(&Self) -> &BTreeMap<String, Value>| {
            globals.and_then(|globals| names(globals).get(name).cloned())
        };
        let classic = value.clone().or_else(|| global(|scope| &scope.arguments));
        let buildkit = value.or_else(|| global(|scope| &scope.state));
        self.arguments.remove(name);
        self.arguments.extend(classic.or(bare.clone()).map(|value| (name.clone(), value)));
        let kept = self.state.get(name).cloned();
        self.state.extend(buildkit.or(kept).or(bare).map(|value| (name.clone(), value)));
    }

    /// The values of one ENV see what was set before it, not each other.
    fn set_environment(&mut self, text: &str) {
        let assignments = assignments::environment(text, self.escape);
        let values: Vec<_> = assignments
            .into_iter()
            .map(|one| (one.name, self.expand(one.value.as_deref().unwrap_or_default())))
            .collect();
        self.state.extend(values.clone());
        self.environment.extend(values);
    }

    fn enter(&mut self, folder: &str) {
        self.workdir = match (self.expand(folder), &self.workdir) {
            (Value::Known(path), _) if path.starts_with('/') => Value::Known(path),
            (Value::Known(path), Value::Known(before)) => {
                Value::Known(format!("{}/{path}", before.trim_end_matches('/')))
            }
            (Value::Known(_), unknown) => unknown.clone(),
            (unknown, _) => unknown,
        };
    }

    /// What a RUN's shell finds in its environment under `name`; build
    /// arguments for proxies are there without an ARG.
    pub fn lookup_in_run<'a>(&'a self, name: &str, inputs: &'a Inputs) -> Lookup<'a> {
        let proxy = inputs.proxy(name);
        match (proxy, self.environment.get(name)) {
            (Some(value), None) => Lookup::Set(value),
            _ => self.lookup(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::error::SourceFile;
    use crate::project::dockerfile::{Dockerfile, Stages};

    /// What each name is at the end of the last stage; the base image sets only `BASE=image`.
    fn check(dialect: Dialect, text: &str, expected: &[(&str, Lookup<'_>)]) {
        let base = BTreeMap::from([("BASE".to_owned(), "image".to_owned())]);
        let inputs = Inputs {
            build_args: BTreeMap::from([("GIVEN".to_owned(), "command line".to_owned())]),
            platform: Some("linux/arm64".parse().unwrap()),
            base_environment: BTreeMap::from([("base".to_owned(), base)]),
            dialect,
        };
        let source = SourceFile { path: "Dockerfile".into(), text: text.to_owned() };
        let (file, _) = Dockerfile::read(Arc::new(source));
        let (stages, _) = Stages::read(&file, &inputs);
        let scope = stages.scope_at_end(stages.last().unwrap());
        for (name, value) in expected {
            assert_eq!(scope.lookup(name), *value, "{name} in\n{text}");
        }
    }

    use Lookup::{Set, Unset};

    fn both(text: &str, expected: &[(&str, Lookup<'_>)]) {
        for dialect in [Dialect::Classic, Dialect::BuildKit, Dialect::Either] {
            check(dialect, text, expected);
        }
    }

    /// Every value here was read from images that both builders of Engine
    /// 20.10.24 made of the same lines.
    #[test]
    fn names_are_what_the_engine_makes_of_them() {
        both(
            "FROM base\nENV one 1 and a half\nENV two=2 three=\"$two and 3\" four=four\\ words\n\
             ENV five ${one} \"quoted\" six=6\nARG six=7\nENV seven=${six:-none} eight=${nine:+set}",
            &[
                ("one", Set("1 and a half")),
                ("three", Set(" and 3")),
                ("four", Set("four words")),
                ("five", Set("1 and a half quoted six=6")),
                ("seven", Set("7")),
                ("eight", Set("")),
            ],
        );
        both(
            "FROM base\nENV abc=hello\nENV abc=bye def=$abc\nENV ghi=$abc",
            &[("abc", Set("bye")), ("def", Set("hello")), ("ghi", Set("bye"))],
        );
        both(
            "FROM base\nENV P=one Q='$P' R=\\$P M=\"a'b\"'c\"d' D=\"a\\\"b\\$P\\x\" S='a\\'",
            &[
                ("Q", Set("$P")),
                ("R", Set("$P")),
                ("M", Set("a'bc\"d")),
                ("D", Set("a\"b$P\\x")),
                ("S", Set("a\\")),
            ],
        );
        both(
            "FROM base\nENV P=one\nENV A=\"${P}x\" B=$P'$P' C=\"${no:-d e}\" D=${no:-$P} E=$$ F=a$ G=${P:+a\"b\"}",
            &[
                ("A", Set("onex")),
                ("B", Set("one$P")),
                ("C", Set("d e")),
                ("D", Set("one")),
                ("E", Set("")),
                ("F", Set("a$")),
                ("G", Set("ab")),
            ],
        );
    }

    /// Seen there as well, the ARG of each line printed by a RUN.
    #[test]
    fn arguments_and_environment_are_scoped_as_each_builder_scopes_them() {
        let first = "ARG G=global\nARG H=$G-h\nFROM base AS Base\nARG X=1\nARG X=2\nENV E=$X\nENV X=env\nARG X=3\nENV Z=$X\n";
        let later = format!("{first}ARG G\nARG A=1 B=$A\nARG D=x\nARG D\nARG L=late GIVEN=default");
        let common = [
            ("E", Set("2")),
            ("G", Set("global")),
            ("A", Set("1")),
            ("B", Set("")),
            ("H", Unset),
            ("GIVEN", Set("command line")),
            ("BASE", Set("image")),
        ];
        both(&later, &common);
        check(Dialect::Classic, &later, &[("X", Set("env")), ("Z", Set("env")), ("D", Unset)]);
        check(Dialect::BuildKit, &later, &[("X", Set("3")), ("Z", Set("3")), ("D", Set("x"))]);
        let child = format!("{later}\nFROM base\nARG H");
        both(&child, &[("X", Set("env")), ("E", Set("2")), ("H", Set("global-h"))]);
        check(Dialect::Classic, &child, &[("L", Unset), ("Z", Set("env"))]);
        check(Dialect::BuildKit, &child, &[("L", Set("late")), ("Z", Set("3"))]);
        let differ = Lookup::Unknown("read differently by the two builders");
        let through_x = Lookup::Unknown("`X` is read differently by the two builders");
        check(Dialect::Either, &child, &[("L", differ), ("Z", through_x)]);
    }

    #[test]
    fn what_the_file_does_not_tell_is_unknown() {
        let unset = "set nowhere in this file, perhaps by the base image `other`";
        both("FROM other", &[("BASE", Lookup::Unknown(unset))]);
        both("FROM scratch", &[("BASE", Unset)]);
        let platform = "FROM base\nARG TARGETARCH\nARG TARGETPLATFORM=mine";
        both(platform, &[("TARGETPLATFORM", Set("mine"))]);
        check(Dialect::Classic, platform, &[("TARGETARCH", Unset)]);
        check(Dialect::BuildKit, platform, &[("TARGETARCH", Set("arm64"))]);
    }
}
