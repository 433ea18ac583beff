//! What a name stands for at an instruction: ARG, ENV and what the builder sets.
//!
//! In this order, as the engine does: ENV of the stage and of the stages it is
//! built from, ENV of the base image, then ARG. An ARG's value is the build
//! argument, else its default, else the ARG of that name before the first FROM.

use std::collections::BTreeMap;

use super::assignments::{self, Assignment};
use super::{Form, Instruction, Lexer};
use crate::project::Platform;

/// What the command line and the engine add to a Dockerfile.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// `--build-arg` values.
    pub build_args: BTreeMap<String, String>,
    /// The platform that is built for; gives `TARGETPLATFORM` and its kin their values.
    pub platform: Option<Platform>,
    /// The environment of base images, by the reference that FROM names, where it is known.
    pub base_environment: BTreeMap<String, BTreeMap<String, String>>,
    /// Whether a stage sees the ARGs of the stage it is built from. BuildKit
    /// does so; the classic builder of Engine 20.10 was seen not to.
    pub arguments_are_inherited: bool,
}

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

/// Build arguments that every RUN sees without an ARG.
const PROXIES: [&str; 10] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "FTP_PROXY",
    "ftp_proxy",
    "NO_PROXY",
    "no_proxy",
    "ALL_PROXY",
    "all_proxy",
];

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
    pub(super) fn global(inputs: &Inputs, escape: char) -> Self {
        Self {
            environment: BTreeMap::new(),
            arguments: platform_arguments(inputs),
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
                for argument in assignments::arguments(text, self.escape) {
                    self.declare(&argument, &self.clone(), Some(globals), inputs);
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
        if let Some(value) = given.or(default).or_else(inherited) {
            self.arguments.insert(name.clone(), value);
        } else if let Some(reason) = self.base.clone()
            && !self.environment.contains_key(name)
        {
            self.declared_only(name, &reason);
        }
    }

    /// An ARG without any value stays unset, unless the base image has an ENV of that name.
    fn declared_only(&mut self, name: &str, reason: &str) {
        self.arguments
            .entry(name.to_owned())
            .or_insert(Value::Unknown { reason: format!("an `ARG` without a value, {reason}") });
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
        let proxy = PROXIES.contains(&name).then(|| inputs.build_args.get(name)).flatten();
        match (proxy, self.environment.get(name)) {
            (Some(value), None) => Lookup::Set(value),
            _ => self.lookup(name),
        }
    }
}

/// `TARGETPLATFORM` and its kin; what the builder itself runs on is not known here.
fn platform_arguments(inputs: &Inputs) -> BTreeMap<String, Value> {
    let reason = "set by the builder";
    let build = ["BUILDPLATFORM", "BUILDOS", "BUILDARCH", "BUILDVARIANT"];
    let mut names: BTreeMap<_, _> =
        build.iter().map(|name| ((*name).to_owned(), Value::unknown(reason))).collect();
    let architecture = inputs.platform.as_ref().map(Platform::architecture);
    let mut target = |name: &str, value: Option<String>| {
        let value = value.map_or_else(|| Value::unknown(reason), Value::Known);
        names.insert(name.to_owned(), value);
    };
    target("TARGETPLATFORM", architecture.map(|name| format!("linux/{name}")));
    target("TARGETARCH", architecture.map(str::to_owned));
    target("TARGETOS", Some("linux".to_owned()));
    target("TARGETVARIANT", Some(String::new()));
    names
}
