//! Files that are put where the fetches would have put them, everything else untouched.
//!
//! They are links where the RUN surely removes them and only reads them until then, else copies.
//! Either takes the place of a file that is there, as most downloads do.

use super::super::commands::Ran;
use super::super::evaluate::Text;
use super::super::pattern;
use super::super::reading::{is_harmless, only_reads};
use super::direct::is_installer;
use super::taken::{Taken, put_command};
use super::{Converted, Edits, Joint, Output};

impl Converted<'_, '_> {
    /// Each fetch as a command that puts the files where the fetch did.
    pub(super) fn placed(&self) -> Edits {
        let put = if self.bears_links() { "ln -sf" } else { "cp" };
        if let Some(edits) = self.all_at_once(put) {
            return edits;
        }
        let mut edits = Edits::new();
        for (place, ran) in self.run.commands.iter().enumerate() {
            let mut of_this: Vec<&Taken> = Vec::new();
            for one in self.taken.iter().filter(|one| one.command == place) {
                if !of_this.iter().any(|other| other.file == one.file) {
                    of_this.push(one);
                }
            }
            if !of_this.is_empty() {
                edits.push((ran.span.clone(), put_command(&of_this, put)));
            }
        }
        edits
    }

    /// One command in the place of all fetches, where nothing stands between them and all write
    /// to one folder.
    fn all_at_once(&self, put: &str) -> Option<Edits> {
        let places = || self.taken.iter().map(|one| one.command);
        let (first, last) = (places().min()?, places().max()?);
        let commands = &self.run.commands[first..=last];
        let here = self.taken.iter().all(|one| one.output == Output::Here);
        let bare = commands.iter().all(|ran| ran.command.redirects.is_empty());
        if !here || !bare || !(first..=last).all(|place| self.fetches(place)) {
            return None;
        }
        for pair in commands.windows(2) {
            let (one, next) =
                (self.line.tokens_of(&pair[0].command)?, self.line.tokens_of(&pair[1].command)?);
            if next.start != one.end + 1 {
                return None;
            }
        }
        let joints = || commands.windows(2).map(|pair| pair[0].command.after);
        let and = joints().all(|joint| joint == Joint::And);
        let then =
            joints().all(|joint| joint == Joint::Then) && commands[0].command.before != Joint::And;
        let span = commands[0].span.start..commands[commands.len() - 1].span.end;
        let comment =
            self.source[span.clone()].lines().any(|line| line.trim_start().starts_with('#'));
        ((and || then) && !comment).then(|| vec![(span, format!("{put} \"$PACKAGES\"/* ."))])
    }

    /// Whether the RUN surely removes every file, and only reads them until then: what is moved,
    /// copied as it is or packed would be the link, which leads to nothing in the image.
    fn bears_links(&self) -> bool {
        let flat = self.line.flat().is_some_and(|flat| flat.len() == self.run.commands.len());
        let first = self.taken.iter().map(|one| one.command).min().unwrap_or_default();
        let later = self.run.commands.iter().enumerate().skip(first);
        let mut later = later.filter(|(place, _)| !self.fetches(*place)).map(|(_, ran)| ran);
        let mut files = self.taken.iter().filter(|one| one.output != Output::Stdout);
        flat && self.outlives_links()
            && files.all(|one| !one.left && self.removes(one) && self.is_single(one))
            && later.all(|ran| self.leaves_links(ran))
    }

    /// Whether the file is fetched once: no link can be made twice.
    fn is_single(&self, one: &Taken) -> bool {
        self.taken.iter().filter(|other| other.file == one.file).count() == 1
    }

    fn leaves_links(&self, ran: &Ran) -> bool {
        let runs = |word: &str| self.is_taken(word) && is_installer(word);
        let first = ran.words.first().map_or("", Text::text);
        ran.command.substitutions().is_empty()
            && (is_harmless(ran)
                || ran.name() == "rm"
                || only_reads(ran, &runs)
                || first.contains('/') && runs(first))
    }

    /// Whether a word names a file that was fetched, wherever it was put.
    fn is_taken(&self, word: &str) -> bool {
        let name = word.rsplit('/').next().unwrap_or(word);
        self.taken.iter().any(|one| {
            let written = match &one.output {
                Output::Path { path, .. } => path,
                _ => &one.file,
            };
            pattern::matches(written.rsplit('/').next().unwrap_or(written), name)
        })
    }
}
