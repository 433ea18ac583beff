//! What the words of a shell script are before it runs, as far as the text tells.

use std::collections::BTreeMap;
use std::ops::Range;

use super::inputs::Inputs;
use super::scope::{BARE, Lookup, Scope};
use super::shell_names::{assignment, counted, default_of, fallback_of, is_name};
use super::shell_words::{Kind, Part, Word};
use super::simple::{Command, Joint, Script};
use super::{Lexer, Logical};

/// Stands in a text for what only the run can tell.
pub(super) const UNKNOWN: char = '\u{fffc}';

/// A word after expansion.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Text {
    /// The text, [`UNKNOWN`] where it is not known, with the way back to the script.
    pub(super) logical: Logical,
    /// Why it is not all known, the first reason.
    pub(super) unknown: Option<String>,
    /// Whether it stands in the script as it is: no variable, no substitution.
    pub(super) literal: bool,
    /// The bytes of the script that it was read from.
    pub(super) span: Range<usize>,
}

/// The variables at a command of a script.
#[derive(Clone)]
pub(super) struct Variables<'a> {
    scope: &'a Scope,
    inputs: &'a Inputs,
    own: BTreeMap<String, Held>,
    /// What the loops around the command give their variables.
    rounds: BTreeMap<String, String>,
    /// What may have set any variable at all, once something has.
    anything: Option<String>,
}

/// What a variable of the script holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Held {
    /// The value, [`UNKNOWN`] where it is not known.
    text: String,
    /// Why it is not all known.
    unknown: Option<String>,
}

impl Held {
    fn unknown(reason: &str) -> Self {
        Self { text: UNKNOWN.to_string(), unknown: Some(reason.to_owned()) }
    }
}

impl Text {
    /// The text; [`UNKNOWN`] stands where it is not known.
    pub(super) fn text(&self) -> &str {
        &self.logical.text
    }

    /// The text, where all of it is known.
    pub(super) fn known(&self) -> Option<&str> {
        self.unknown.is_none().then_some(self.text())
    }

    /// Text that stands as it is at `start` of a script.
    pub(super) fn literal(text: &str, start: usize) -> Self {
        let mut out = Self { literal: true, span: start..start + text.len(), ..Self::default() };
        out.push(text, start);
        out
    }

    /// What only the run knows, in the place of the script's bytes at `span`.
    pub(super) fn unknown_at(span: Range<usize>, reason: &str) -> Self {
        let mut out = Self { span: span.clone(), ..Self::default() };
        out.push_unknown(reason.to_owned(), span.start);
        out
    }

    /// A part of this text; what is unknown in the rest of it does not matter to the part.
    pub(super) fn part(&self, start: usize, end: usize) -> Self {
        let logical = self.logical.slice(start..end);
        let holds = logical.text.contains(UNKNOWN) || !self.text().contains(UNKNOWN);
        let unknown = self.unknown.clone().filter(|_| holds);
        let span =
            if self.literal { self.logical.source_span(start..end) } else { self.span.clone() };
        Self { logical, unknown, literal: self.literal, span }
    }

    /// This text, read from a script that `outer` is the text of, in the script of `outer`.
    pub(super) fn through(&self, outer: &Logical) -> Self {
        let span = outer.source_span(self.span.clone());
        Self { logical: self.logical.through(outer), span, ..self.clone() }
    }

    fn push(&mut self, text: &str, source: usize) {
        self.logical.push(text, source);
    }

    fn push_unknown(&mut self, reason: String, source: usize) {
        self.logical.push(UNKNOWN.encode_utf8(&mut [0; 4]), source);
        self.unknown.get_or_insert(reason);
    }
}

impl<'a> Variables<'a> {
    /// The variables at the start of `script`, for who goes through the rounds of its loops.
    pub(super) fn new(scope: &'a Scope, inputs: &'a Inputs, script: &Script) -> Self {
        let mut variables =
            Self { scope, inputs, own: BTreeMap::new(), rounds: BTreeMap::new(), anything: None };
        variables.enter(script);
        variables
    }

    /// The same for who reads every command once: what a round changes is not known.
    pub(super) fn of_one_reading(scope: &'a Scope, inputs: &'a Inputs, script: &Script) -> Self {
        let mut variables = Self::new(scope, inputs, script);
        variables.forget_for_ever(&script.changing_in_rounds);
        variables
    }

    /// The variables at the start of a script that a command of this one runs:
    /// only what is exported is seen there, and that is not followed.
    pub(super) fn inside(&self, command: &Command) -> Self {
        let mut inner = Self::new(self.scope, self.inputs, &Script::default());
        let own = self
            .own
            .keys()
            .chain(self.rounds.keys())
            .chain(command.assignments.iter().map(|(name, _)| name));
        for name in own {
            inner.own.insert(name.clone(), Held::unknown("perhaps set by the script around it"));
        }
        inner.anything.clone_from(&self.anything);
        inner
    }

    /// Gives variables the values that are written before a command.
    pub(super) fn assign(&mut self, assigned: &[(String, Text)]) {
        for (name, text) in assigned {
            self.set(name, text, None);
        }
    }

    /// Goes into `script`, a part of the one so far: what it changes in loops is not known.
    pub(super) fn enter(&mut self, script: &Script) {
        self.forget_for_ever(&script.changing);
    }

    fn forget_for_ever(&mut self, names: &[String]) {
        self.own.extend(names.iter().map(|name| (name.clone(), Held::unknown(CHANGING))));
    }

    /// Gives the variable of a loop its value of one round; returns the variables of before.
    pub(super) fn bind(&mut self, name: &str, value: &str) -> BTreeMap<String, String> {
        let outer = self.rounds.clone();
        self.rounds.insert(name.to_owned(), value.to_owned());
        outer
    }

    /// Ends a round.
    pub(super) fn restore(&mut self, outer: BTreeMap<String, String>) {
        self.rounds = outer;
    }

    /// Goes past a loop: behind a pipe, nothing of what it changed would be left.
    pub(super) fn pass_loop(&mut self, commands: &[Command]) {
        for name in commands.iter().flat_map(Command::changes) {
            if self.own.get(&name) != Some(&Held::unknown(CHANGING)) {
                self.own.insert(name, Held::unknown("changed inside a loop"));
            }
        }
    }

    /// The words of a command: a variable without quotes may give several or none.
    pub(super) fn words(&self, words: &[Word]) -> Vec<Text> {
        words.iter().flat_map(|word| self.word(word, true)).collect()
    }

    /// One word, not split: the value of an assignment, the file of a redirect.
    pub(super) fn whole(&self, word: &Word) -> Text {
        self.word(word, false).pop().unwrap_or_default()
    }

    fn word(&self, word: &Word, split: bool) -> Vec<Text> {
        let mut done = Vec::new();
        let mut text = Text { literal: true, span: word.span.clone(), ..Text::default() };
        let mut any = false;
        for part in &word.parts {
            any |= part.quoted;
            self.part(part, split, &mut text, &mut done);
        }
        if any || !text.text().is_empty() {
            done.push(text);
        }
        done
    }

    fn part(&self, part: &Part, split: bool, text: &mut Text, done: &mut Vec<Text>) {
        text.literal &= matches!(part.kind, Kind::Literal(_));
        match &part.kind {
            Kind::Literal(literal) => {
                text.push(literal, part.span.start);
                if !part.quoted && has_braces(literal) {
                    text.unknown.get_or_insert("braces, which not every shell expands".to_owned());
                }
            }
            Kind::Running(what) => {
                text.push_unknown(format!("{what}, known when the shell runs"), part.span.start);
            }
            Kind::Platform(name) => match self.inputs.platform_name(*name) {
                Some(name) => text.push(name, part.span.start),
                None => text.push_unknown(PLATFORM.to_owned(), part.span.start),
            },
            Kind::Variable(raw) => {
                let held = self.variable(raw);
                if split && !part.quoted {
                    push_fields(&held.text, part.span.start, text, done);
                } else {
                    text.push(&held.text, part.span.start);
                }
                text.unknown = text.unknown.take().or(held.unknown);
            }
        }
    }

    /// `$X` or `${X…}`.
    fn variable(&self, raw: &str) -> Held {
        let name = raw.trim_start_matches(['$', '{']).trim_end_matches('}');
        if is_name(name) {
            let held = self.lookup(name);
            return Held { unknown: held.unknown.map(|reason| naming(name, &reason)), ..held };
        }
        if let Some((name, value)) = default_of(raw) {
            return self.variable(&format!("${{{name}:-{value}}}"));
        }
        if raw.contains("$(") || raw.contains('`') {
            return Held::unknown("a command substitution, known when the shell runs");
        }
        let lookup = |name: &str| Some(self.lookup(name).text).filter(|_| self.is_set(name));
        match Lexer::new('\\', &lookup).expand(raw) {
            Err(_) => Held::unknown(&format!("`{raw}`, which only the shell expands")),
            Ok(mut expanded) => {
                if fallback_of(raw).is_some_and(|it| self.is_bare(it)) && !expanded.text.is_empty()
                {
                    // The last name that was asked for is the one that the default stands for.
                    expanded.names.pop();
                }
                let reasons = expanded
                    .names
                    .iter()
                    .find_map(|name| self.lookup(name).unknown.map(|reason| naming(name, &reason)));
                let known = Held { text: expanded.text, unknown: None };
                reasons.map_or(known, |reason| Held::unknown(&reason))
            }
        }
    }

    /// The value of a variable, where it is known.
    pub(super) fn known(&self, name: &str) -> Option<String> {
        let held = self.lookup(name);
        held.unknown.is_none().then_some(held.text)
    }

    fn is_set(&self, name: &str) -> bool {
        self.own.contains_key(name)
            || self.rounds.contains_key(name)
            || matches!(self.scope.lookup_in_run(name, self.inputs), Lookup::Set(_))
    }

    /// Whether `name` is an `ARG` without a value: its default holds, unless the base image sets it.
    fn is_bare(&self, name: &str) -> bool {
        self.lookup(name).unknown.is_some_and(|reason| reason.starts_with(BARE))
    }

    fn lookup(&self, name: &str) -> Held {
        if !is_name(name) || SHELL_SETS.contains(&name) {
            return Held::unknown("set by the shell");
        }
        if let Some(value) = self.rounds.get(name) {
            return Held { text: value.clone(), unknown: None };
        }
        if let Some(reason) = &self.anything {
            return Held::unknown(reason);
        }
        if let Some(held) = self.own.get(name) {
            return held.clone();
        }
        match self.scope.lookup_in_run(name, self.inputs) {
            Lookup::Set(value) => Held { text: value.to_owned(), unknown: None },
            Lookup::Unset => Held::default(),
            Lookup::Unknown(reason) => Held::unknown(reason),
        }
    }

    /// Goes past a command: what it sets is set from here on.
    pub(super) fn pass(&mut self, command: &Command) {
        let piped = command.before == Joint::Pipe
            || matches!(command.after, Joint::Pipe | Joint::Background);
        let doubt = command.doubt.or(piped.then_some("in a subshell"));
        self.pass_defaults(command, doubt);
        if command.words.is_empty() {
            for (name, word) in &command.assignments {
                self.set(name, &self.whole(word), doubt);
            }
            return;
        }
        match command.words[0].plain() {
            Some("export" | "readonly" | "declare" | "typeset" | "local") => {
                for (name, word) in command.words[1..].iter().filter_map(assignment) {
                    self.set(&name, &self.whole(&word), doubt);
                }
                // `export $(cat versions)`: names that only the run knows.
                let open = |word: &Word| !matches!(word.parts[0].kind, Kind::Literal(_));
                if command.words[1..].iter().any(|word| !word.parts.is_empty() && open(word)) {
                    self.anything = Some("perhaps set by `export` before it".to_owned());
                }
            }
            Some("printf") => {
                let option = command.words.iter().position(|word| word.plain() == Some("-v"));
                let name = option.and_then(|place| command.words.get(place + 1)?.plain());
                self.forget(name);
            }
            Some("let") => self.forget(command.words[1..].iter().filter_map(counted)),
            Some("read" | "unset" | "mapfile" | "getopts") => {
                self.forget(command.words[1..].iter().filter_map(Word::plain));
            }
            Some(name @ ("source" | "." | "eval")) => {
                self.anything = Some(format!("perhaps set by `{name}` before it"));
            }
            // `((N++))`, whose brackets are read as those of subshells.
            _ => self.forget(counted(&command.words[0])),
        }
    }

    /// `${NAME:=value}` sets the name, wherever it stands.
    fn pass_defaults(&mut self, command: &Command, doubt: Option<&'static str>) {
        for part in command.words.iter().flat_map(|word| &word.parts) {
            if let Kind::Variable(raw) = &part.kind
                && let Some((name, _)) = default_of(raw)
            {
                let held = self.variable(raw);
                let text = Text { unknown: held.unknown, ..Text::literal(&held.text, 0) };
                self.set(name, &text, doubt);
            }
        }
    }

    /// What these names hold, only the run knows from here on.
    fn forget<'n>(&mut self, names: impl IntoIterator<Item = &'n str>) {
        for name in names {
            self.own.insert(name.to_owned(), Held::unknown("set while the shell runs"));
        }
    }

    /// A name that was set somewhere that may not run is not known from there on,
    /// unless both ways lead to the same value.
    fn set(&mut self, name: &str, text: &Text, doubt: Option<&str>) {
        let new = Held { text: text.text().to_owned(), unknown: text.unknown.clone() };
        let same = self.lookup(name) == new;
        let settled = self.own.get(name) == Some(&Held::unknown(CHANGING));
        let held = match doubt {
            Some(doubt) if !same => Held::unknown(&format!("set {doubt}")),
            _ => new,
        };
        if !settled {
            self.own.insert(name.to_owned(), held);
        }
    }
}

/// The reason with the name that it is about, where it names none yet.
fn naming(name: &str, reason: &str) -> String {
    if reason.starts_with('`') { reason.to_owned() } else { format!("`{name}` is {reason}") }
}

const PLATFORM: &str = "the platform, which is not known here";

const CHANGING: &str = "changed inside a loop, a function or a subshell";

/// Variables that the shell itself sets.
const SHELL_SETS: [&str; 8] =
    ["PWD", "OLDPWD", "RANDOM", "SECONDS", "LINENO", "PPID", "UID", "HOSTNAME"];

fn has_braces(text: &str) -> bool {
    let inner = text.split_once('{').and_then(|(_, rest)| rest.split_once('}'));
    inner.is_some_and(|(inner, _)| inner.contains(',') || inner.contains(".."))
}

/// Splits a variable's value at white space, as a shell does outside quotes.
fn push_fields(value: &str, source: usize, text: &mut Text, done: &mut Vec<Text>) {
    for (index, field) in value.split([' ', '\t', '\n']).enumerate() {
        if index > 0 && !text.text().is_empty() {
            let fresh = Text { literal: false, span: text.span.clone(), ..Text::default() };
            done.push(std::mem::replace(text, fresh));
        }
        text.push(field, source);
    }
}
