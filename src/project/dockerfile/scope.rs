//! What a name stands for at an instruction: ARG, ENV and what the builder sets.
//!
//! In this order, as the engine does: ENV of the stage and of the stages it is
//! built from, ENV of the base image, then ARG. An ARG's value is the build
//! argument, else its default, else the ARG of that name before the first FROM.

use std::collections::BTreeMap;

use super::assignments::{self, Assignment};
use super::inputs::Inputs;
use super::{Form, Instruction, Lexer};

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
    environment: BTreeMap<String, Value>,
    arguments: BTreeMap<String, Value>,
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
        Self {
            environment: BTreeMap::new(),
            arguments: inputs.platform_arguments(),
            base: None,
            shell: ["/bin/sh", "-c"].map(str::to_owned).to_vec(),
            workdir: Value::Known("/".to_owned()),
            escape,
        }
    }

    /// The scope at the start of a stage that is built from an image.
    pub(super) fn of_image(image: &Value, inputs: &Inputs, escape: char) -> Self {
        let mut scope = Self { arguments: BTreeMap::new(), ..Self::global(inputs, escape) };
        let known = image.known().and_then(|image| inputs.base_environment.get(image));
        if let Some(environment) = known {
            let values = environment.iter().map(|(k, v)| (k.clone(), Value::Known(v.clone())));
            scope.environment = values.collect();
        } else if image.known() != Some("scratch") {
            let image = image.known().unwrap_or("of this stage");
            scope.base =
                Some(format!("set nowhere in this file, perhaps by the base image `{image}`"));
            scope.workdir = Value::unknown(format!("the base image `{image}` sets the folder"));
        }
        scope
    }

    /// The scope at the start of a stage that is built from the stage that this scope ends.
    pub(super) fn of_child(&self, inputs: &Inputs) -> Self {
        let arguments =
            if inputs.arguments_are_inherited { self.arguments.clone() } else { BTreeMap::new() };
        Self { arguments, ..self.clone() }
    }

    /// What `name` stands for in the expansion of an instruction.
    pub fn lookup(&self, name: &str) -> Lookup<'_> {
        let value = self.environment.get(name).or_else(|| self.arguments.get(name));
        match (value, &self.base) {
            (Some(value), _) => value.lookup(),
            (None, Some(reason)) if !self.arguments.contains_key(name) => Lookup::Unknown(reason),
            (None, _) => Lookup::Unset,
        }
    }

    /// The Dockerfile's escape character.
    pub(super) fn escape(&self) -> char {
        self.escape
    }

    /// Whether the image would keep `name`: it is an ENV, not an ARG.
    pub fn is_environment(&self, name: &str) -> bool {
        self.environment.contains_key(name)
    }

    /// Expands `text` as Docker expands an argument: quotes removed, names replaced.
    pub fn expand(&self, text: &str) -> Value {
        match self.expanded(text, true) {
            Ok(expanded) => Value::Known(expanded.text),
            Err(reason) => Value::Unknown { reason },
        }
    }

    /// Expands `text` and splits it into words.
    ///
    /// # Errors
    /// Why the words cannot be known before the build.
    pub fn expand_words(&self, text: &str) -> Result<Vec<String>, String> {
        Ok(self.expanded(text, true)?.words.into_iter().map(|word| word.text).collect())
    }

    /// Expands the body of a COPY's heredoc: names only, quotes stay.
    pub fn expand_body(&self, text: &str) -> Value {
        match self.expanded(text, false) {
            Ok(expanded) => Value::Known(expanded.text),
            Err(reason) => Value::Unknown { reason },
        }
    }

    fn expanded(&self, text: &str, quotes: bool) -> Result<super::Expanded, String> {
        let lookup = |name: &str| match self.lookup(name) {
            Lookup::Set(value) => Some(value.to_owned()),
            Lookup::Unset | Lookup::Unknown(_) => None,
        };
        let lexer = Lexer { quotes, ..Lexer::new(self.escape, &lookup) };
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
        let default = argument.value.as_ref().map(|value| before.expand(value));
        let inherited = || globals.and_then(|globals| globals.arguments.get(name).cloned());
        let value = given.or(default).or_else(inherited);
        let value = value.or_else(|| self.declared_only(name));
        self.arguments.extend(value.map(|value| (name.clone(), value)));
    }

    /// An ARG without any value stays unset, where neither the base image may
    /// have an ENV of that name nor an ARG before it gave it a value.
    fn declared_only(&self, name: &str) -> Option<Value> {
        if self.arguments.contains_key(name) {
            // The classic builder of Engine 20.10 was seen to forget the value.
            return Some(Value::unknown("declared again without a value"));
        }
        let reason = self.base.as_ref()?;
        Some(Value::unknown(format!("an `ARG` without a value, {reason}")))
    }

    /// The values of one ENV see what was set before it, not each other.
    fn set_environment(&mut self, text: &str) {
        let assignments = assignments::environment(text, self.escape);
        let values: Vec<_> = assignments
            .into_iter()
            .map(|one| (one.name, self.expand(one.value.as_deref().unwrap_or_default())))
            .collect();
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
    fn check(text: &str, expected: &[(&str, Lookup<'_>)]) {
        let base = BTreeMap::from([("BASE".to_owned(), "image".to_owned())]);
        let inputs = Inputs {
            build_args: BTreeMap::from([("GIVEN".to_owned(), "command line".to_owned())]),
            platform: Some("linux/arm64".parse().unwrap()),
            base_environment: BTreeMap::from([("base".to_owned(), base)]),
            arguments_are_inherited: false,
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

    /// Every value here was read from an image that the classic builder of
    /// Engine 20.10.24 made of the same lines.
    #[test]
    fn names_are_what_the_engine_makes_of_them() {
        check(
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
        check(
            "FROM base\nENV abc=hello\nENV abc=bye def=$abc\nENV ghi=$abc",
            &[("abc", Set("bye")), ("def", Set("hello")), ("ghi", Set("bye"))],
        );
        check(
            "FROM base\nENV P=one Q='$P' R=\\$P M=\"a'b\"'c\"d' D=\"a\\\"b\\$P\\x\" S='a\\'",
            &[
                ("Q", Set("$P")),
                ("R", Set("$P")),
                ("M", Set("a'bc\"d")),
                ("D", Set("a\"b$P\\x")),
                ("S", Set("a\\")),
            ],
        );
        check(
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

    /// Seen there as well: ENV wins over ARG, a later ARG over an earlier one,
    /// and a child stage of the classic builder has its parent's ENV only.
    #[test]
    fn arguments_and_environment_are_scoped_as_the_engine_scopes_them() {
        let first = "ARG G=global\nARG H=$G-h\nFROM base AS Base\nARG X=1\nARG X=2\nENV E=$X\nENV X=env\nARG X=3\n";
        check(
            &format!("{first}ARG G\nARG A=1 B=$A\nARG L=late GIVEN=default"),
            &[
                ("X", Set("env")),
                ("E", Set("2")),
                ("G", Set("global")),
                ("A", Set("1")),
                ("B", Set("")),
                ("H", Unset),
                ("GIVEN", Set("command line")),
                ("BASE", Set("image")),
            ],
        );
        check(
            &format!("{first}ARG L=late\nFROM base\nARG H"),
            &[("X", Set("env")), ("E", Set("2")), ("L", Unset), ("H", Set("global-h"))],
        );
    }

    #[test]
    fn what_the_file_does_not_tell_is_unknown() {
        let unset = "set nowhere in this file, perhaps by the base image `other`";
        check("FROM other", &[("BASE", Lookup::Unknown(unset))]);
        check("FROM scratch", &[("BASE", Unset)]);
        check(
            "FROM base\nARG TARGETARCH\nARG TARGETPLATFORM=mine",
            &[("TARGETARCH", Set("arm64")), ("TARGETPLATFORM", Set("mine"))],
        );
    }
}
