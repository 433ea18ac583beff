//! Which arms of `if` and `case` a script takes, where its text tells.
//!
//! A condition is told by the text where it is one `[ … ]`, `test` or `[[ … ]]`
//! that compares known words. Everything else stays open, as do all arms after it.

use std::collections::BTreeMap;

use super::evaluate::{Text, Variables};
use super::pattern;
use super::shell_words::Word;
use super::simple::{Arm, Case, Command, Script};

/// What is known of each `if` and `case` so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Branches {
    states: BTreeMap<usize, State>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// All conditions before this arm are false.
    Upto(usize),
    Taken(usize),
    Unclear,
}

impl Branches {
    /// The command with what may keep it from running; `None` where it certainly does not run.
    pub(super) fn enter(
        &mut self,
        command: &Command,
        script: &Script,
        variables: &Variables<'_>,
    ) -> Option<Command> {
        let mut doubt = None;
        for arm in &command.arms {
            match (self.state(arm, script, variables), arm.condition) {
                (State::Upto(number), _) if number == arm.number => {}
                (State::Taken(number), false) if number == arm.number => {}
                (State::Unclear, true) if arm.number == 0 => {}
                (State::Unclear, _) => doubt = Some(arm.doubt),
                _ => return None,
            }
        }
        Some(Command { doubt: doubt.or(command.other_doubt), ..command.clone() })
    }

    /// Takes note of what a command of a condition answers.
    pub(super) fn leave(&mut self, command: &Command, words: &[Text], script: &Script) {
        for arm in command.arms.iter().filter(|arm| arm.condition) {
            let alone = script.conditions.get(&(arm.id, arm.number)) == Some(&1);
            let answer = answer(words).filter(|_| alone).map(|answer| answer != command.negated);
            let state = self.states.entry(arm.id).or_insert(State::Upto(0));
            *state = match (*state, answer) {
                (State::Upto(number), Some(true)) if number == arm.number => State::Taken(number),
                (State::Upto(number), Some(false)) if number == arm.number => {
                    State::Upto(number + 1)
                }
                _ => State::Unclear,
            };
        }
    }

    fn state(&mut self, arm: &Arm, script: &Script, variables: &Variables<'_>) -> State {
        let first = || match script.cases.get(&arm.id) {
            Some(case) => chosen(case, variables).unwrap_or(State::Unclear),
            None => State::Upto(0),
        };
        *self.states.entry(arm.id).or_insert_with(first)
    }
}

/// The arm of a case whose pattern matches; no arm has the number after the last.
fn chosen(case: &Case, variables: &Variables<'_>) -> Option<State> {
    let word = variables.whole(&case.word);
    let word = word.known().filter(|_| !case.falls_through)?;
    for (number, patterns) in case.arms.iter().enumerate() {
        for one in patterns {
            let glob = variables.whole(one);
            let glob = glob.known().filter(|glob| is_followed(glob, one))?;
            if pattern::matches(word, glob) {
                return Some(State::Taken(number));
            }
        }
    }
    Some(State::Taken(case.arms.len()))
}

/// Whether a pattern is one that can be matched here: quotes take the meaning of `*` away.
fn is_followed(glob: &str, word: &Word) -> bool {
    let special = glob.contains(['*', '?', '\\']);
    !glob.contains('[') && (!special || word.plain().is_some())
}

/// What a test of known words answers.
fn answer(words: &[Text]) -> Option<bool> {
    let (name, rest) = words.split_first()?;
    let (operands, pattern) = match (name.text(), rest.split_last()) {
        ("test", _) => (rest, false),
        ("[", Some((last, operands))) if last.text() == "]" => (operands, false),
        ("[[", Some((last, operands))) if last.text() == "]]" => (operands, true),
        _ => return None,
    };
    let known: Vec<&str> = operands.iter().map(Text::known).collect::<Option<_>>()?;
    // `[[` compares with a pattern; one that holds special characters is left open.
    let plain = |text: &str| !pattern || !text.contains(['*', '?', '[', '\\']);
    match known.as_slice() {
        [left, "=" | "==", right] if plain(right) => Some(left == right),
        [left, "!=", right] if plain(right) => Some(left != right),
        ["-n", text] => Some(!text.is_empty()),
        ["-z", text] => Some(text.is_empty()),
        _ => None,
    }
}
