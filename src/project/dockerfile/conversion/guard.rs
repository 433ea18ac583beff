//! Whether edits leave alone what they are not about.
//!
//! The instruction is read anew with the edits made, and held against what was written: every
//! token that no edit takes is still there, in its order, and what the edits take is commands,
//! with their redirects, and one joint for each command that goes.

use std::ops::Range;
use std::sync::Arc;

use super::super::Dockerfile;
use super::direct::FOLDER;
use super::line::Line;
use super::{Converted, Edits, Logical, edited};
use crate::error::SourceFile;

impl Converted<'_, '_> {
    /// Whether the rest of the instruction stays what it was.
    pub(super) fn keeps_the_rest(&self, edits: &Edits) -> bool {
        self.takes_whole_commands(edits)
            && self.actual(edits).is_some_and(|actual| actual == self.expected(edits))
    }

    /// Whether the edits take nothing but commands, and the right number of joints.
    fn takes_whole_commands(&self, edits: &Edits) -> bool {
        let commands = self.run.commands.iter();
        let gone = commands.clone().filter(|ran| edits.iter().any(|edit| takes(edit, &ran.span)));
        let own: Vec<_> = commands.filter_map(|ran| self.line.tokens_of(&ran.command)).collect();
        let of_command = |token: &usize| own.iter().any(|tokens| tokens.contains(token));
        let taken = (0..self.line.len()).filter(|token| self.is_taken_out(*token, edits));
        let rest: Vec<usize> = taken.filter(|token| !of_command(token)).collect();
        let puts = edits.iter().filter(|(_, text)| !text.is_empty() && text != FOLDER).count();
        rest.iter().all(|token| matches!(self.line.operator(*token), Some("&&" | ";")))
            && rest.len() + puts == gone.count()
    }

    fn is_taken_out(&self, token: usize, edits: &Edits) -> bool {
        let span = self.line.source(&(token..token + 1));
        edits.iter().any(|edit| takes(edit, &span))
    }

    /// The tokens that there should be.
    fn expected(&self, edits: &Edits) -> Vec<String> {
        let mut out = Vec::new();
        let mut waiting = edits.iter().peekable();
        for token in 0..self.line.len() {
            let span = self.line.source(&(token..token + 1));
            let mut text = self.line.token(token).to_owned();
            while let Some((edit, inserted)) = waiting.next_if(|(edit, _)| edit.start <= span.start)
            {
                if inserted == FOLDER && edit.start == span.start {
                    text.replace_range(..edit.len().min(text.len()), FOLDER);
                } else {
                    out.extend(tokens(inserted));
                }
            }
            if !self.is_taken_out(token, edits) {
                out.push(text);
            }
        }
        out
    }

    /// The tokens of the instruction with the edits made; `None` where it cannot be found.
    fn actual(&self, edits: &Edits) -> Option<Vec<String>> {
        let instruction = self.run.instruction;
        let span = &instruction.span;
        let changed = edited(self.source, instruction, edits);
        let text =
            [&self.source[..span.start], changed.as_str(), &self.source[span.end..]].concat();
        let file = Dockerfile::read(Arc::new(SourceFile { path: "Dockerfile".into(), text })).0;
        let same = file.instructions().find(|one| one.span.start == span.start)?;
        Some(tokens(&same.arguments.text))
    }
}

/// Whether an edit takes all of `span` away.
fn takes((edit, text): &(Range<usize>, String), span: &Range<usize>) -> bool {
    text != FOLDER && edit.start <= span.start && span.end <= edit.end && !edit.is_empty()
}

fn tokens(text: &str) -> Vec<String> {
    let mut logical = Logical::default();
    logical.push(text, 0);
    let line = Line::read(&logical);
    (0..line.len()).map(|token| line.token(token).to_owned()).collect()
}
