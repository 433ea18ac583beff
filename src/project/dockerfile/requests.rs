//! What the commands of a RUN ask from HTTP servers, whoever these are.
//!
//! Known are wget, curl, aria2c, axel, pip (and `python -m pip`, `uv pip`),
//! Python programs, and shells within the shell. An address in any other
//! command is a request too, but of what, only the run can tell.

use super::embedded::{addresses, stands_alone};
use super::evaluate::{Text, Variables};
use super::inputs::Inputs;
use super::options::pip_option;
use super::prefixes::{filled, given_by_env, mark_of_xargs, without_prefixes};
use super::scope::Scope;
use super::script::{basename, is_shell};
use super::shell;
use super::simple::{Command, Joint, Script};

/// An address in a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    /// The address, [`UNKNOWN`](super::evaluate::UNKNOWN) where it is not known.
    pub(super) address: Text,
    pub(super) kind: RequestKind,
    /// The command that asks.
    pub(super) tool: String,
    /// Why it may not run, where that is so.
    pub(super) doubt: Option<&'static str>,
    /// The pip that asks, where it is one that a shell starts.
    pub(super) pip: Option<Pip>,
}

/// How pip is started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Pip {
    /// The first byte of its command.
    pub(super) start: usize,
    /// The variable that gives it the address, and its value.
    pub(super) variable: Option<(String, String)>,
    /// The hosts that its environment trusts.
    pub(super) trusted: String,
}

/// What is done with an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RequestKind {
    /// The file there is fetched.
    File,
    /// It is a list of files, some of which are fetched.
    Index,
    /// Only the run can tell what is fetched.
    Unclear(String),
}

/// How deep shells within shells are followed.
const DEEPEST: usize = 4;

/// How many rounds of all loops of a RUN are followed.
const MOST_ROUNDS: usize = 1024;

/// The requests of a script that a shell runs.
pub(super) fn of_script(text: &str, scope: &Scope, inputs: &Inputs) -> Vec<Request> {
    let script = shell::read(text);
    let mut finder = Finder::new(Variables::new(scope, inputs, &script));
    finder.script(&script, text);
    finder.found
}

/// The requests of words that are run without a shell.
pub(super) fn of_words(words: &[String], scope: &Scope, inputs: &Inputs) -> Vec<Request> {
    let mut finder = Finder::new(Variables::new(scope, inputs, &Script::default()));
    let words: Vec<Text> = words.iter().map(|word| Text::literal(word, 0)).collect();
    finder.command(&words, &Command::default(), "");
    finder.found
}

/// The addresses in the text of a program that is no shell's.
pub(super) fn of_program(text: &Text, tool: &str) -> Vec<Request> {
    let all = addresses(text.text()).into_iter();
    all.map(|(start, end)| {
        let kind = if stands_alone(text.text(), start, end) {
            RequestKind::File
        } else {
            RequestKind::Unclear("put together by a program".to_owned())
        };
        let address = text.part(start, end);
        Request { address, kind, tool: tool.to_owned(), doubt: None, pip: None }
    })
    .collect()
}

/// Goes through scripts and gathers what they ask for.
pub(super) struct Finder<'a> {
    pub(super) variables: Variables<'a>,
    depth: usize,
    /// How many rounds of loops may still be gone through.
    pub(super) rounds_left: usize,
    found: Vec<Request>,
}

impl<'a> Finder<'a> {
    fn new(variables: Variables<'a>) -> Self {
        Self { variables, depth: 0, rounds_left: MOST_ROUNDS, found: Vec::new() }
    }

    /// What the substitutions in a command's words fetch: each is a script of its own.
    pub(super) fn substitutions(&mut self, command: &Command, script: &str) {
        let before = self.found.len();
        for span in command.substitutions() {
            // One that nothing closes may end anywhere.
            if let Some(inner) = script.get(span.clone()).filter(|_| self.depth < DEEPEST) {
                self.script_in(&Text::literal(inner, span.start), self.variables.clone());
            }
        }
        for request in &mut self.found[before..] {
            request.doubt = request.doubt.or(command.doubt);
        }
    }

    pub(super) fn command(&mut self, words: &[Text], command: &Command, script: &str) {
        let (assigned, mark) = (given_by_env(words), mark_of_xargs(words));
        let words = without_prefixes(words);
        let Some(first) = words.first() else { return };
        let name = basename(first.text());
        let before = self.found.len();
        let start = command.span.start;
        match name {
            "wget" | "curl" | "aria2c" | "axel" => {
                self.downloader(name, &words[1..], command, script);
            }
            "uv" if words.get(1).map(Text::text) == Some("pip") => {
                self.pip(&words[0], start, &words[2..]);
            }
            _ if is_pip(name) => self.pip(&words[0], start, &words[1..]),
            _ if is_python(name) && runs_module(words, "pip") => {
                self.pip(&words[0], start, &words[3..]);
            }
            _ if is_python(name) => self.program(name, words, command, script),
            _ if is_shell(name) => self.inner_shell(name, words, &assigned, command, script),
            _ if is_talk(name, command) => {}
            _ => self.other(name, words, command, script),
        }
        for request in &mut self.found[before..] {
            request.doubt = request.doubt.or(command.doubt);
            if request.tool == "pip" && request.pip.is_none() {
                request.pip = Some(Pip { start, ..Pip::default() });
            }
            if let Some(address) = mark.and_then(|mark| filled(&request.address, mark)) {
                (request.address, request.kind) = (address, RequestKind::File);
            }
        }
    }

    pub(super) fn add(&mut self, tool: &str, address: Text, kind: RequestKind) {
        let (tool, doubt, pip) = (tool.to_owned(), None, None);
        self.found.push(Request { address, kind, tool, doubt, pip });
    }

    fn pip(&mut self, command: &Text, start: usize, words: &[Text]) {
        let fetches = words
            .iter()
            .any(|word| matches!(word.text(), "install" | "download" | "wheel" | "config"));
        if !fetches {
            return;
        }
        let before = self.found.len();
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            match pip_option(word.text()) {
                Some((kind, None)) => {
                    if let (Some(value), Some(kind)) = (rest.next(), kind) {
                        self.addresses("pip", value, &kind);
                    }
                }
                Some((kind, Some(start))) => {
                    let value = word.part(start, word.text().len());
                    self.addresses("pip", &value, &kind.unwrap_or(RequestKind::File));
                }
                None => {
                    let config = words.iter().any(|word| word.text() == "config");
                    let kind = if config { RequestKind::Index } else { RequestKind::File };
                    self.addresses("pip", word, &kind);
                }
            }
        }
        self.pip_environment(command);
        let trusted = self.variables.known("PIP_TRUSTED_HOST").unwrap_or_default();
        for request in &mut self.found[before..] {
            let variable = request.pip.take().and_then(|pip| pip.variable);
            request.pip = Some(Pip { start, variable, trusted: trusted.clone() });
        }
    }

    /// pip reads its options from the environment as well.
    fn pip_environment(&mut self, command: &Text) {
        for name in ["PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"] {
            if let Some(value) = self.variables.known(name) {
                let span = command.span.clone();
                let text = Text { literal: false, span, ..Text::literal(&value, 0) };
                let before = self.found.len();
                self.addresses("pip", &text, &RequestKind::Index);
                for request in &mut self.found[before..] {
                    let variable = Some((name.to_owned(), value.clone()));
                    request.pip = Some(Pip { variable, ..Pip::default() });
                }
            }
        }
    }

    /// The addresses inside a word.
    pub(super) fn addresses(&mut self, tool: &str, word: &Text, kind: &RequestKind) {
        for (start, end) in addresses(word.text()) {
            self.add(tool, word.part(start, end), kind.clone());
        }
    }

    fn program(&mut self, tool: &str, words: &[Text], command: &Command, script: &str) {
        for text in words.iter().cloned().chain(bodies(command, script)) {
            self.found.extend(of_program(&text, tool));
        }
    }

    /// `sh -c '…'` and `sh <<EOF`: the same again, one level deeper.
    fn inner_shell(
        &mut self,
        name: &str,
        words: &[Text],
        assigned: &[(String, Text)],
        command: &Command,
        script: &str,
    ) {
        let option = words.iter().position(|word| {
            let text = word.text();
            text.starts_with('-') && !text.starts_with("--") && text.ends_with('c')
        });
        if let Some(inner) = option.and_then(|place| words.get(place + 1)) {
            self.inner_script(name, inner, assigned, command);
        }
        for body in bodies(command, script) {
            self.inner_script(name, &body, assigned, command);
        }
        if option.is_none() && command.bodies.is_empty() {
            self.other(name, &words[1..], command, script);
        }
    }

    fn inner_script(
        &mut self,
        name: &str,
        inner: &Text,
        assigned: &[(String, Text)],
        command: &Command,
    ) {
        if inner.unknown.is_some() || self.depth >= DEEPEST {
            let found = addresses(inner.text());
            for (start, end) in found {
                let kind = RequestKind::Unclear(format!("inside a text that `{name}` reads"));
                self.add(name, inner.part(start, end), kind);
            }
            return;
        }
        let mut inside = self.variables.inside(command);
        inside.assign(assigned);
        self.script_in(inner, inside);
    }

    /// The requests of a script that stands in this one, where `inside` is what its variables are.
    fn script_in(&mut self, inner: &Text, mut inside: Variables<'a>) {
        let before = self.found.len();
        let script = shell::read(inner.text());
        inside.enter(&script);
        let outside = std::mem::replace(&mut self.variables, inside);
        self.depth += 1;
        self.script(&script, inner.text());
        self.depth -= 1;
        self.variables = outside;
        for request in &mut self.found[before..] {
            request.address = request.address.through(&inner.logical);
            if let Some(pip) = &mut request.pip {
                pip.start = inner.logical.source_span(pip.start..pip.start).start;
            }
            if !inner.literal {
                // The command that runs the script can be given the same.
                request.pip = None;
                request.address.span = inner.span.clone();
                request.address.literal = false;
            }
        }
    }

    fn other(&mut self, name: &str, words: &[Text], command: &Command, script: &str) {
        let kind = RequestKind::Unclear(format!("what `{name}` fetches is not told by the text"));
        for word in words {
            self.addresses(name, word, &kind);
        }
        for body in bodies(command, script) {
            self.addresses(name, &body, &kind);
        }
    }
}

/// The bodies of a command's heredocs; one that the shell expands is not literal.
pub(super) fn bodies(command: &Command, script: &str) -> Vec<Text> {
    let all = command.bodies.iter();
    all.map(|body| {
        let text = &script[body.span.clone()];
        let changed = body.expand && text.contains(['$', '`']);
        let unknown = changed.then(|| "a heredoc that the shell expands".to_owned());
        Text { unknown, literal: !changed, ..Text::literal(text, body.span.start) }
    })
    .collect()
}

fn is_pip(name: &str) -> bool {
    name.strip_prefix("pip")
        .is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

fn is_python(name: &str) -> bool {
    name.strip_prefix("python")
        .is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

fn runs_module(words: &[Text], module: &str) -> bool {
    words.get(1).map(Text::text) == Some("-m") && words.get(2).map(Text::text) == Some(module)
}

/// Commands that only speak of an address, or take it apart, some of them unless what they say goes
/// on elsewhere.
fn is_talk(name: &str, command: &Command) -> bool {
    let talks = matches!(name, "echo" | "printf" | ":" | "true");
    let passes_on =
        command.after == Joint::Pipe || command.redirects.iter().any(|(op, _)| op.starts_with('>'));
    (talks && !passes_on)
        || matches!(
            name,
            "[" | "[["
                | "test"
                | "basename"
                | "dirname"
                | "grep"
                | "ping"
                | "nc"
                | "export"
                | "readonly"
                | "local"
                | "declare"
        )
}
