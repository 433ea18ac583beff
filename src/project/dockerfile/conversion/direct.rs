//! Files that commands read straight from `$PACKAGES`, so that fetches and removals go away.
//!
//! 1. The RUN is a flat list of commands, and surely removes each file, which none before has made.
//! 2. Every command from the first fetch on names the files that it reads, and no script may look
//!    for others beside it.
//! 3. Fetches and removals go with one joint each, where that changes no other command's chance.

use std::ops::Range;

use super::super::commands::Ran;
use super::super::evaluate::{Text, UNKNOWN};
use super::super::pattern;
use super::super::reading::{is_harmless, only_reads};
use super::super::shell_words::{Kind, Word};
use super::removal::is_silent;
use super::taken::Taken;
use super::{Converted, Edits, Output};

/// What a word gets in front that names a file.
pub(super) const FOLDER: &str = "\"$PACKAGES\"/";

impl Converted<'_, '_> {
    /// The edits; `None` where another command may look for the files.
    pub(super) fn direct(&self) -> Option<Edits> {
        let here = |one: &Taken| !one.left && one.output == Output::Here && self.removes(one);
        if self.is_there || !self.taken.iter().all(here) {
            return None;
        }
        let flat = self.line.flat().filter(|flat| flat.len() == self.run.commands.len())?;
        let first = self.taken.iter().map(|one| one.command).min()?;
        let mut edits = Edits::new();
        let mut gone = vec![false; flat.len()];
        let mut named = vec![false; self.taken.len()];
        for (place, ran) in self.run.commands.iter().enumerate().skip(first) {
            gone[place] = self.fetches(place) || self.only_removes(ran);
            if gone[place] && !is_silent(ran) {
                return None;
            }
            if !gone[place] {
                edits.extend(self.reads(ran, &mut named)?);
            }
        }
        if !named.iter().all(|named| *named) {
            return None;
        }
        edits.extend(self.cuts(&flat, &gone)?);
        Some(edits)
    }

    /// Whether `ran` does nothing but remove files that were fetched.
    fn only_removes(&self, ran: &Ran) -> bool {
        let fetched = |text: &str| {
            let name = text.strip_prefix("./").unwrap_or(text);
            self.taken.iter().any(|one| one.file == name)
        };
        ran.name() == "rm" && ran.operands().all(|word| fetched(word.text()))
    }

    /// Whether `ran` removes what is there, if it is: it may stay where the files never come.
    fn may_remove(&self, ran: &Ran) -> bool {
        let forced = ran.words.iter().any(|word| {
            let text = word.text();
            text.starts_with('-') && !text.starts_with("--") && text.contains('f')
        });
        let fetched = |text: &str| self.taken.iter().any(|one| pattern::matches(&one.file, text));
        ran.name() == "rm" && forced && ran.operands().all(|word| fetched(word.text()))
    }

    /// Where a command names the files, and which; `None` where it may read them in another way.
    fn reads(&self, ran: &Ran, named: &mut [bool]) -> Option<Edits> {
        if !ran.command.substitutions().is_empty() || self.redirects_a_file(ran) {
            return None;
        }
        if self.may_remove(ran) {
            return Some(Edits::new());
        }
        let harmless = is_harmless(ran);
        let mut edits = Edits::new();
        for (place, word) in ran.words.iter().enumerate() {
            let text = word.text();
            let name = text.strip_prefix("./").unwrap_or(text);
            let file = self.taken.iter().position(|one| one.file == name);
            match file.filter(|_| !harmless && (place != 0 || text.starts_with("./"))) {
                Some(file) => {
                    named[file] = true;
                    let written = &self.line.text.text[word.span.clone()];
                    let end = word.span.start + if written.starts_with("./") { 2 } else { 0 };
                    let span = self.line.text.source_span(word.span.start..end);
                    edits.push((span, FOLDER.to_owned()));
                }
                None if place > 0 && self.may_mean_a_file(text) => return None,
                None => {}
            }
        }
        let knows = harmless || !edits.is_empty() && self.reads_named(ran);
        knows.then_some(edits)
    }

    /// Whether a word may lead to the files in a way that is not seen.
    fn may_mean_a_file(&self, text: &str) -> bool {
        self.taken.iter().any(|one| text.contains(&one.file))
            || matches!(text, "." | "./" | "..")
            || text.contains("=.")
            || text.contains(['*', '?', '[', '{', UNKNOWN])
    }

    /// Whether a redirect may read or write one of the files.
    fn redirects_a_file(&self, ran: &Ran) -> bool {
        let may = |word: &Word| literal(word).is_none_or(|text| self.may_mean_a_file(&text));
        ran.command.redirects.iter().any(|(_, file)| may(file))
    }

    /// Whether a command that names files reads these alone, and says nothing of where they are.
    fn reads_named(&self, ran: &Ran) -> bool {
        let alone = self.taken.iter().all(|one| one.file == self.taken[0].file);
        let itself = ran.words.first().map_or("", |word| word.text());
        if itself.starts_with("./") {
            return alone && is_installer(itself);
        }
        let runs = |word: &str| alone && is_installer(word);
        // pip writes into the image where a wheel was; a list of sums names files in turn.
        let tells =
            ran.name().starts_with("pip") || ran.name().ends_with("sum") && checks_sums(ran);
        let quiet = matches!(ran.name(), "cat" | "tar" | "sh" | "bash" | "dash");
        let unheard = is_silent(ran) && ran.command.after != super::Joint::Pipe;
        only_reads(ran, &runs) && !tells && (quiet || unheard)
    }

    /// Takes commands out, each with one joint; `None` where that would change whether another runs.
    fn cuts(&self, flat: &[Range<usize>], gone: &[bool]) -> Option<Edits> {
        let mut edits = Edits::new();
        let mut place = 0;
        while place < flat.len() {
            if !gone[place] {
                place += 1;
                continue;
            }
            let end = (place..flat.len()).find(|next| !gone[*next]).unwrap_or(flat.len());
            edits.push((self.cut(flat, place..end)?, String::new()));
            place = end;
        }
        Some(edits)
    }

    /// The bytes of a group of commands with one of the joints around it.
    fn cut(&self, flat: &[Range<usize>], group: Range<usize>) -> Option<Range<usize>> {
        let joint = |place: usize| self.line.operator(flat[place].end);
        let before = group.start.checked_sub(1).map(joint);
        let after = (group.end < flat.len()).then(|| joint(group.end - 1));
        let inner = || (group.start..group.end - 1).map(joint);
        let simple = |joint: &Option<&str>| matches!(joint, Some("&&" | ";"));
        let all_and = || inner().chain(before).chain(after).all(|joint| joint == Some("&&"));
        if !inner().chain(before).chain(after).all(|joint| simple(&joint)) {
            return None;
        }
        let start = self.line.source(&flat[group.start]).start;
        match (before, after) {
            (None, None) => None,
            (None | Some(Some(";")), Some(_)) => self.up_to_next(flat, start, group.end),
            (Some(_), Some(_)) if all_and() => self.up_to_next(flat, start, group.end),
            (Some(_), None) if all_and() => {
                let stays = self.line.source(&flat[group.start - 1]).end;
                Some(stays..self.line.source(&flat[group.end - 1]).end)
            }
            _ => None,
        }
    }

    /// From `start` up to the command at `next`, or to a comment before it.
    fn up_to_next(&self, flat: &[Range<usize>], start: usize, next: usize) -> Option<Range<usize>> {
        let comment = |span: Range<usize>| {
            self.source[span].lines().skip(1).any(|line| line.trim_start().starts_with('#'))
        };
        let joint = flat[next - 1].end;
        let end = self.line.source(&(joint..joint + 1)).end;
        let next = self.line.source(&flat[next]).start;
        if comment(start..end) {
            return None;
        }
        Some(start..if comment(end..next) { end } else { next })
    }
}

/// `sha256sum -c`.
fn checks_sums(ran: &Ran) -> bool {
    let short = |text: &str| !text.starts_with("--") && text.contains('c');
    let options = ran.words.iter().map(Text::text).filter(|text| text.starts_with('-'));
    options.into_iter().any(|text| text == "--check" || short(text))
}

/// The text of a word that holds nothing but text.
fn literal(word: &Word) -> Option<String> {
    let text = |part: &super::super::shell_words::Part| match &part.kind {
        Kind::Literal(text) => Some(text.clone()),
        _ => None,
    };
    word.parts.iter().map(text).collect()
}

/// An installer brings what it needs; another script may do anything with what is beside it.
pub(super) fn is_installer(word: &str) -> bool {
    word.ends_with(".run")
}
