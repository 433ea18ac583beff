//! The commands of a RUN with their words expanded, for those who judge them.

use std::ops::Range;

use super::branches::Branches;
use super::evaluate::{Text, UNKNOWN, Variables};
use super::inputs::Inputs;
use super::scope::Scope;
use super::script::{Program, basename, is_shell, program, shebang};
use super::shell;
use super::simple::{Command, Enclosure};
use super::stages::Step;
use super::{Instruction, Logical};

/// A RUN, seen as commands.
#[derive(Debug)]
pub(super) struct Run<'f> {
    pub(super) instruction: &'f Instruction,
    pub(super) scope: Scope,
    pub(super) commands: Vec<Ran>,
    /// The compound commands that they stand in.
    pub(super) enclosures: Vec<Enclosure>,
}

/// One command of a RUN.
#[derive(Debug, Default)]
pub(super) struct Ran {
    pub(super) command: Command,
    /// Its words, expanded as far as the text tells.
    pub(super) words: Vec<Text>,
    /// Its bytes in the source.
    pub(super) span: Range<usize>,
}

impl<'f> Run<'f> {
    /// The commands of a step; `None` for what is no RUN of a known shell.
    pub(super) fn read(step: &Step<'f>, inputs: &Inputs) -> Option<Self> {
        if step.instruction.keyword != "RUN" {
            return None;
        }
        let text = match program(step.instruction, &step.scope) {
            Program::Shell(text) => text,
            Program::Words(words) => whole_line(step.instruction, inner_text(&words)?),
            Program::Other(_) => return None,
        };
        let mut scope = step.scope.clone();
        if let Some(shell) = shebang(step.instruction, &text.text) {
            scope.shell = shell;
        }
        let script = shell::read(&text.text);
        let mut variables = Variables::of_one_reading(&step.scope, inputs, &script);
        let mut commands = Vec::new();
        let mut branches = Branches::default();
        for command in &script.commands {
            let Some(command) = branches.enter(command, &script, &variables) else { continue };
            let words = variables.words(&command.words);
            variables.pass(&command);
            branches.leave(&command, &words, &script);
            let span = text.source_span(command.span.clone());
            commands.push(Ran { command, words, span });
        }
        let enclosures = script.enclosures;
        Some(Self { instruction: step.instruction, scope, commands, enclosures })
    }

    /// The commands of the shell that the command at `place` runs (`bash -c '…'`), where it runs
    /// one and its text is known; each has the place of the whole.
    pub(super) fn inside(&self, place: usize, inputs: &Inputs) -> Option<Self> {
        let ran = &self.commands[place];
        let given = ran.words.iter().position(|word| is_script_option(word.text()))?;
        let text = ran.words.get(given + 1)?.known().filter(|_| is_shell(ran.name()))?;
        let shell = ran.words[..=given].iter().map(|word| word.text().to_owned()).collect();
        let mut scope = self.scope.clone();
        scope.shell = shell;
        let script = shell::read(text);
        let enclosures = script.enclosures.clone();
        let mut inner =
            Self { instruction: self.instruction, scope, commands: Vec::new(), enclosures };
        let mut variables = Variables::of_one_reading(&self.scope, inputs, &script);
        for command in &script.commands {
            let words = variables.words(&command.words);
            variables.pass(command);
            inner.commands.push(Ran { command: command.clone(), words, span: ran.span.clone() });
        }
        Some(inner)
    }

    /// The value of a variable that the RUN starts with or a command of it sets, where it is known.
    pub(super) fn has_variable(&self, name: &str, inputs: &Inputs) -> bool {
        let exported = |ran: &Ran| {
            let assigned = ran.command.assignments.iter().any(|(own, _)| own == name);
            assigned || ran.words.iter().any(|word| word.text().starts_with(&format!("{name}=")))
        };
        !matches!(
            self.scope.lookup_in_run(name, inputs),
            super::Lookup::Unset | super::Lookup::Unknown(_)
        ) || self.commands.iter().any(exported)
    }

    /// The folders that mounts of the instruction cover: what is written there stays out of the layer.
    pub(super) fn mounted(&self) -> Vec<String> {
        let mounts = self.instruction.flags_named("mount").filter_map(|flag| flag.value.as_deref());
        mounts.filter_map(mount_target).map(str::to_owned).collect()
    }
}

impl Ran {
    /// The command's name without its folder; empty for a mere assignment.
    pub(super) fn name(&self) -> &str {
        self.words.first().map_or("", |word| basename(word.text()))
    }

    /// Whether one of the words is `text`.
    pub(super) fn says(&self, text: &str) -> bool {
        self.words.iter().any(|word| word.text() == text)
    }

    /// The words after the name that are no options.
    pub(super) fn operands(&self) -> impl Iterator<Item = &Text> {
        self.words.iter().skip(1).filter(|word| !word.text().starts_with('-'))
    }

    /// The command with its words, for messages: at most a few words.
    pub(super) fn title(&self) -> String {
        let words = self.words.iter().take(3).map(|word| word.text().replace(UNKNOWN, "…"));
        words.collect::<Vec<_>>().join(" ")
    }
}

/// `-c`, `-ec`, `-lc`: the next word is the script.
pub(super) fn is_script_option(word: &str) -> bool {
    word.starts_with('-') && !word.starts_with("--") && word.ends_with('c')
}

fn mount_target(value: &str) -> Option<&str> {
    value.split(',').find_map(|field| {
        ["target=", "dst=", "destination="].iter().find_map(|name| field.strip_prefix(name))
    })
}

/// The script in `["sh", "-c", "script"]`.
fn inner_text(words: &[String]) -> Option<&str> {
    let shell = words.first().is_some_and(|word| is_shell(word));
    let option = words.get(1).is_some_and(|word| is_script_option(word));
    words.get(2).filter(|_| shell && option).map(String::as_str)
}

/// A script whose way back to the source JSON hides: all of it leads to the line's start.
fn whole_line(instruction: &Instruction, script: &str) -> Logical {
    let line = &instruction.arguments;
    let place = line.text.find(script).unwrap_or(0);
    let mut text = Logical::default();
    text.push(script, line.source_span(place..place).start);
    text
}
