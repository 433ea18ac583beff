//! Simple commands of a shell script, and what is known of their surroundings.

use std::collections::BTreeMap;
use std::ops::Range;

use super::shell_names::named;
use super::shell_words::{Body, Part, Word};

/// The simple commands of a script, in the order in which they are written.
#[derive(Debug, Default)]
pub(super) struct Script {
    pub(super) commands: Vec<Command>,
    /// Names that a loop, a function or a subshell changes: what they hold when is not told by the text.
    pub(super) changing: Vec<String>,
    /// Names that only loops of [`Script::loops`] change: each round tells.
    pub(super) changing_in_rounds: Vec<String>,
    /// The loops whose rounds the text tells, in the order in which they begin.
    pub(super) loops: Vec<Loop>,
    /// How many commands each condition of an `if` has, by [`Arm::id`] and [`Arm::number`].
    pub(super) conditions: BTreeMap<(usize, usize), usize>,
    /// Every `case`, by [`Arm::id`].
    pub(super) cases: BTreeMap<usize, Case>,
    /// The compound commands, in the order in which they begin.
    pub(super) enclosures: Vec<Enclosure>,
}

/// A compound command.
#[derive(Debug, Clone)]
pub(super) struct Enclosure {
    pub(super) kind: Compound,
    /// What stands between it and what follows it.
    pub(super) after: Joint,
    /// The variable of a `for` and its values, as written.
    pub(super) rounds: Option<(String, Vec<String>)>,
}

/// A kind of compound command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compound {
    If,
    Loop,
    Case,
    Function,
    Subshell,
    Group,
}

impl Script {
    /// Whether the script goes on where the command at `place` fails: others after `||` run in its
    /// place, and none of them ends the script, says that it failed, or tries the same once more.
    /// `text` is what the script was read from.
    pub(super) fn tolerates(&self, place: usize, text: &str) -> bool {
        let mut last = place;
        while self.commands[last].after == Joint::And && last + 1 < self.commands.len() {
            last += 1;
        }
        if self.commands[last].after != Joint::Or {
            return false;
        }
        let written = |word: &Word| text.get(word.span.clone()).unwrap_or_default();
        let addresses = || {
            let words = self.commands[place].words.iter().map(written);
            words.filter(|word| word.contains(['/', '$']))
        };
        let instead = self.commands[last + 1..].iter();
        let mut instead = instead.take_while(|other| other.doubt == Some("after `||`")).peekable();
        let gives_up = |other: &Command| {
            let name = other.words.first().and_then(Word::plain);
            matches!(name, Some("exit" | "return" | "false" | "break" | "continue"))
                || other.words.iter().any(|word| addresses().any(|own| own == written(word)))
        };
        instead.peek().is_some() && !instead.any(gives_up)
    }
}

/// `for NAME in VALUE…`, each of the values literal.
#[derive(Debug, Clone, Default)]
pub(super) struct Loop {
    pub(super) name: String,
    pub(super) values: Vec<String>,
}

/// What a `case` compares, and with what.
#[derive(Debug, Default)]
pub(super) struct Case {
    pub(super) word: Word,
    /// The patterns of each arm.
    pub(super) arms: Vec<Vec<Word>>,
    /// One arm may run into the next one (`;&`).
    pub(super) falls_through: bool,
}

/// One simple command.
#[derive(Debug, Clone, Default)]
pub(super) struct Command {
    /// `NAME=VALUE` before the command, or alone; the value is the word's rest after `=`.
    pub(super) assignments: Vec<(String, Word)>,
    pub(super) words: Vec<Word>,
    /// Where output and input go: the operator and the file.
    pub(super) redirects: Vec<(&'static str, Word)>,
    pub(super) bodies: Vec<Body>,
    /// What stands between the command before and this one.
    pub(super) before: Joint,
    /// What stands between this command and the next one.
    pub(super) after: Joint,
    /// Why it may not run, where that is so, whatever the conditions around it.
    pub(super) doubt: Option<&'static str>,
    /// Why it may not run even where the conditions of all `arms` are known.
    pub(super) other_doubt: Option<&'static str>,
    /// The arms of `if` and `case` that it stands in, the outermost first.
    pub(super) arms: Vec<Arm>,
    /// The loops of [`Script::loops`] that it stands in, by their places there.
    pub(super) loops: Vec<usize>,
    /// The compound commands that it stands in, by their places in [`Script::enclosures`], the
    /// outermost first, each with the number of the arm.
    pub(super) inside: Vec<(usize, usize)>,
    /// It belongs to the condition of an `if`, a `while` or an `until`.
    pub(super) asked: bool,
    /// `!` stands before it.
    pub(super) negated: bool,
    pub(super) span: Range<usize>,
}

impl Command {
    /// The names that it may give another value.
    pub(super) fn changes(&self) -> Vec<String> {
        let assigned = self.assignments.iter().map(|(name, _)| name.clone());
        assigned.chain(self.words.iter().skip(1).filter_map(named)).collect()
    }

    /// The bytes of the scripts in the `$(…)` and `` `…` `` of its words, values and redirects.
    pub(super) fn substitutions(&self) -> Vec<Range<usize>> {
        let values = self.assignments.iter().map(|(_, value)| value);
        let files = self.redirects.iter().map(|(_, file)| file);
        let words = values.chain(&self.words).chain(files);
        words.flat_map(|word| &word.parts).filter_map(Part::substitution).collect()
    }
}

/// What joins two commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Joint {
    /// The script begins or ends.
    #[default]
    Edge,
    And,
    Or,
    /// `;` or a newline.
    Then,
    Pipe,
    Background,
    /// The bracket or keyword of a compound command.
    Compound,
}

/// An arm of an `if` or a `case`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arm {
    /// Which `if` or `case` of the script.
    pub(super) id: usize,
    /// Which arm of it, counted from 0; `else` is the last.
    pub(super) number: usize,
    /// Before `then`: the command belongs to the arm's condition.
    pub(super) condition: bool,
    pub(super) doubt: &'static str,
}
