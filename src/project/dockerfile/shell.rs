//! Shell scripts as a list of simple commands, each with what surrounds it.
//!
//! Not a shell: just enough to tell which commands run for certain, in which
//! order, and what happens to their exit codes.

use std::ops::Range;

use super::shell_names::{assignment, rounds, values};
use super::shell_words::{Body, Kind, Part, Token, Word, cut};
use super::simple::{Arm, Case, Command, Compound, Enclosure, Joint, Script};

/// Reads a script.
pub(super) fn read(text: &str) -> Script {
    let cut = cut(text);
    let mut reader = Reader { text, bodies: cut.bodies, ..Reader::default() };
    let mut tokens = cut.tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            Token::Word(word) => reader.word(word, &mut tokens),
            Token::Operator(operator, offset) => reader.operator(operator, offset, &mut tokens),
            Token::Heredoc(number) => reader.current.bodies.push(reader.bodies[number].clone()),
        }
    }
    reader.finish(Joint::Edge);
    reader.script
}

type Rest = std::iter::Peekable<std::vec::IntoIter<Token>>;

#[derive(Default)]
struct Reader<'t> {
    text: &'t str,
    script: Script,
    current: Command,
    bodies: Vec<Body>,
    stack: Vec<Frame>,
    /// The redirect whose file comes next.
    redirect: Option<&'static str>,
    /// Inside `[[ … ]]`, where operators are words.
    bracket: bool,
    last: Joint,
    /// A test stands before in the same list of `&&` and `||`.
    tested: bool,
    /// How many compound commands have been opened.
    opened: usize,
    /// The compound command that was closed last, while nothing has followed it.
    closed: Option<usize>,
}

/// A compound command that is open.
struct Frame {
    kind: Compound,
    /// Its number among all of the script.
    id: usize,
    /// Why what stands in it may not run.
    doubt: Option<&'static str>,
    /// Why the compound command itself may not run, its own conditions aside.
    outer: Option<&'static str>,
    /// Which arm of an `if` or `case` is open.
    arm: usize,
    /// Whether the arm's condition is being read.
    condition: bool,
    /// Which loop of the script's it is, where the text tells its rounds.
    rounds: Option<usize>,
}

/// Commands whose failure is an answer rather than an error.
const TESTS: [&str; 9] = ["[", "[[", "test", "grep", "command", "which", "type", "!", "false"];

impl Reader<'_> {
    fn word(&mut self, word: Word, rest: &mut Rest) {
        if let Some(operator) = self.redirect.take() {
            self.current.redirects.push((operator, word));
            return;
        }
        let starts = self.current.words.is_empty() && self.current.assignments.is_empty();
        let plain = word.plain().map(str::to_owned);
        if starts && plain.as_deref().is_some_and(|text| self.keyword(text, rest)) {
            return;
        }
        if self.current.words.is_empty()
            && let Some((name, value)) = assignment(&word)
        {
            self.extend_span(&word.span);
            self.current.assignments.push((name, value));
            return;
        }
        match plain.as_deref() {
            Some("[[") if starts => self.bracket = true,
            Some("]]") => self.bracket = false,
            _ => {}
        }
        self.extend_span(&word.span);
        self.current.words.push(word);
    }

    fn extend_span(&mut self, span: &Range<usize>) {
        let fresh = self.current.words.is_empty() && self.current.assignments.is_empty();
        let start = if fresh { span.start } else { self.current.span.start };
        self.current.span = start..span.end;
    }

    /// Handles a reserved word; `false` where it is an ordinary one.
    fn keyword(&mut self, text: &str, rest: &mut Rest) -> bool {
        match text {
            "if" => self.open(Compound::If, None),
            "then" | "elif" | "else" => self.branch(text),
            "fi" => self.close(Compound::If),
            "while" | "until" => self.open(Compound::Loop, Some("inside a loop")),
            "for" | "select" => self.open_for(rest),
            "do" => {
                self.last = Joint::Compound;
                self.end_condition();
            }
            "done" => self.close(Compound::Loop),
            "case" => self.open_case(rest),
            "esac" => self.close(Compound::Case),
            "{" => self.open(Compound::Group, None),
            "}" => {
                let kind = self.stack.last().map_or(Compound::Group, |frame| frame.kind);
                self.close(kind);
            }
            "function" => self.function(rest),
            "!" => (self.tested, self.current.negated) = (true, true),
            "time" => {}
            _ => return false,
        }
        true
    }

    fn operator(&mut self, operator: &'static str, offset: usize, rest: &mut Rest) {
        if self.bracket && operator != "\n" {
            return;
        }
        match operator {
            "&&" => self.finish(Joint::And),
            "||" => self.finish(Joint::Or),
            "|" | "|&" => self.finish(Joint::Pipe),
            ";" | "\n" => self.finish(Joint::Then),
            "&" => self.finish(Joint::Background),
            ";;" | ";&" | ";;&" => {
                self.finish(Joint::Compound);
                self.next_pattern(operator, rest);
            }
            "(" => self.bracket_open(offset, rest),
            ")" => self.close(Compound::Subshell),
            redirect => self.redirect = Some(redirect),
        }
    }

    fn bracket_open(&mut self, offset: usize, rest: &mut Rest) {
        let array = self.current.words.is_empty()
            && self.current.assignments.last().is_some_and(|(_, value)| value.span.end == offset);
        if array {
            skip_until(rest, |token| matches!(token, Token::Operator(")", _)));
            if let Some((_, value)) = self.current.assignments.last_mut() {
                let kind = Kind::Running("an array");
                value.parts.push(Part { kind, quoted: false, span: offset..offset });
            }
        } else if self.current.words.len() == 1 && self.redirect.is_none() {
            skip_until(rest, |token| matches!(token, Token::Operator(")", _)));
            self.current = Command::default();
            self.open_function(rest);
        } else {
            self.redirect = None;
            self.open(Compound::Subshell, None);
        }
    }

    fn function(&mut self, rest: &mut Rest) {
        rest.next();
        if matches!(rest.peek(), Some(Token::Operator("(", _))) {
            skip_until(rest, |token| matches!(token, Token::Operator(")", _)));
        }
        self.open_function(rest);
    }

    fn open_function(&mut self, rest: &mut Rest) {
        while matches!(rest.peek(), Some(Token::Operator("\n", _))) {
            rest.next();
        }
        rest.next();
        self.open(Compound::Function, Some("inside a function"));
    }

    fn open_for(&mut self, rest: &mut Rest) {
        let values = values(rest.clone(), self.text);
        let rounds = rounds(rest.clone());
        let doubt = rounds.is_none().then_some("inside a loop");
        self.open(Compound::Loop, doubt);
        self.end_condition();
        if let Some(enclosure) = self.script.enclosures.last_mut() {
            enclosure.rounds = values;
        }
        if let Some(Token::Word(name)) = rest.peek() {
            self.script.changing.extend(name.plain().map(str::to_owned));
        }
        if let Some((rounds, frame)) = rounds.zip(self.stack.last_mut()) {
            frame.rounds = Some(self.script.loops.len());
            self.script.loops.push(rounds);
        }
        skip_until(rest, |token| matches!(token, Token::Word(word) if word.plain() == Some("do")));
        self.last = Joint::Compound;
    }

    fn open_case(&mut self, rest: &mut Rest) {
        self.open(Compound::Case, Some("inside `case`"));
        let word = match rest.peek() {
            Some(Token::Word(word)) => word.clone(),
            _ => Word::default(),
        };
        let case = Case { word, ..Case::default() };
        self.script.cases.insert(self.opened, case);
        let is_in =
            |token: &Token| matches!(token, Token::Word(word) if word.plain() == Some("in"));
        skip_until(rest, is_in);
        self.pattern(rest);
    }

    /// After `;;`, the next arm of the innermost `case` begins.
    fn next_pattern(&mut self, operator: &str, rest: &mut Rest) {
        let Some(frame) = self.stack.last_mut().filter(|frame| frame.kind == Compound::Case) else {
            return;
        };
        frame.arm += 1;
        if let Some(case) = self.script.cases.get_mut(&frame.id) {
            case.falls_through |= operator != ";;";
        }
        self.pattern(rest);
    }

    /// Reads the patterns of a case's arm, or finds the end of the case.
    fn pattern(&mut self, rest: &mut Rest) {
        let mut patterns = Vec::new();
        while let Some(token) = rest.peek() {
            match token {
                Token::Operator(")", _) => {
                    rest.next();
                    break;
                }
                Token::Word(word) if word.plain() == Some("esac") => return,
                Token::Word(word) => patterns.push(word.clone()),
                _ => {}
            }
            rest.next();
        }
        let id = self.stack.last().map_or(0, |frame| frame.id);
        if let Some(case) = self.script.cases.get_mut(&id) {
            case.arms.push(patterns);
        }
    }

    fn doubt(&self) -> Option<&'static str> {
        self.stack.iter().rev().find_map(|frame| frame.doubt)
    }

    fn open(&mut self, kind: Compound, doubt: Option<&'static str>) {
        self.finish(Joint::Compound);
        let outer = self.list_doubt();
        self.opened += 1;
        let condition = matches!(kind, Compound::If | Compound::Loop);
        self.script.enclosures.push(Enclosure { kind, after: Joint::Edge, rounds: None });
        let doubt = doubt.or(outer);
        self.stack.push(Frame {
            kind,
            id: self.opened,
            doubt,
            outer,
            arm: 0,
            condition,
            rounds: None,
        });
        self.last = Joint::Compound;
        self.tested = false;
    }

    /// The body of a loop begins.
    fn end_condition(&mut self) {
        if let Some(frame) = self.stack.last_mut() {
            frame.condition = false;
        }
    }

    /// `then`, `elif` and `else`.
    fn branch(&mut self, keyword: &str) {
        self.finish(Joint::Compound);
        self.tested = false;
        if let Some(frame) = self.stack.last_mut() {
            frame.doubt = Some("inside `if`");
            frame.condition = keyword == "elif";
            frame.arm += usize::from(keyword != "then");
        }
    }

    fn close(&mut self, kind: Compound) {
        self.finish(Joint::Compound);
        if let Some(place) = self.stack.iter().rposition(|frame| frame.kind == kind) {
            self.closed = Some(self.stack[place].id - 1);
            self.stack.truncate(place);
        }
    }

    /// Why a command at this point of a list may not run.
    fn list_doubt(&self) -> Option<&'static str> {
        match self.last {
            Joint::Or => Some("after `||`"),
            Joint::And if self.tested => Some("after a test"),
            _ => None,
        }
    }

    fn finish(&mut self, joint: Joint) {
        if let Some(closed) = self.closed.take() {
            self.script.enclosures[closed].after = joint;
        }
        self.redirect = None;
        self.bracket = false;
        let mut command = std::mem::take(&mut self.current);
        let empty = command.words.is_empty()
            && command.assignments.is_empty()
            && command.redirects.is_empty()
            && command.bodies.is_empty();
        if !empty {
            command.before = self.last;
            command.after = joint;
            command.doubt = self.list_doubt().or(self.doubt());
            command.other_doubt = self.list_doubt().or(self.other_doubt());
            command.arms = self.arms();
            command.inside = self.stack.iter().map(|frame| (frame.id - 1, frame.arm)).collect();
            command.asked = self.stack.iter().any(|frame| frame.condition);
            command.loops = self.stack.iter().filter_map(|frame| frame.rounds).collect();
            for arm in command.arms.iter().filter(|arm| arm.condition) {
                *self.script.conditions.entry((arm.id, arm.number)).or_default() += 1;
            }
            self.note_changes(&command);
            let first = command.words.first().and_then(Word::plain);
            self.tested |= first.is_some_and(|name| TESTS.contains(&name));
            self.script.commands.push(command);
        }
        let goes_on = |joint| matches!(joint, Joint::And | Joint::Or | Joint::Pipe);
        // A newline after `&&` ends nothing.
        if empty && joint == Joint::Then && goes_on(self.last) {
            return;
        }
        self.tested &= goes_on(joint);
        if !empty || joint != Joint::Compound {
            self.last = joint;
        }
    }

    /// Why a command here may not run, the conditions of `if` and `case` aside.
    fn other_doubt(&self) -> Option<&'static str> {
        let of = |frame: &Frame| match frame.kind {
            Compound::If | Compound::Case => frame.outer,
            _ => frame.doubt,
        };
        self.stack.iter().rev().find_map(of)
    }

    fn arms(&self) -> Vec<Arm> {
        let conditional = |frame: &&Frame| matches!(frame.kind, Compound::If | Compound::Case);
        let arm = |frame: &Frame| Arm {
            id: frame.id,
            number: frame.arm,
            condition: frame.condition,
            doubt: if frame.kind == Compound::If { "inside `if`" } else { "inside `case`" },
        };
        self.stack.iter().filter(conditional).map(arm).collect()
    }

    fn note_changes(&mut self, command: &Command) {
        let hides = |frame: &Frame| match frame.kind {
            Compound::Loop => frame.rounds.is_none(),
            kind => matches!(kind, Compound::Function | Compound::Subshell),
        };
        if self.stack.iter().any(hides) {
            self.script.changing.extend(command.changes());
        } else if !command.loops.is_empty() {
            self.script.changing_in_rounds.extend(command.changes());
        }
    }
}

fn skip_until(rest: &mut Rest, found: impl Fn(&Token) -> bool) {
    for token in rest.by_ref() {
        if found(&token) {
            return;
        }
    }
}
