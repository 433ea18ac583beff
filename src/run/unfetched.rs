//! Instructions that ran without fetching what they name.
//!
//! The engine's cache keeps what such an instruction made, so the next run finds
//! nothing to run and nothing to fetch. What never was fetched is therefore
//! remembered, one line each in `.ascend-build/never-fetched`: the SHA-256 of
//! the stage, the instruction and the file. A line goes when the instruction has
//! run again and fetched the file.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::{fs, io};

use sha2::{Digest, Sha256};

use super::{Event, Job, RunFolder, failure};
use crate::error::{Error, Exit, Result};
use crate::plan::{Piece, PlannedInstruction, PlannedStage};

/// Judges a built stage of which the instructions `ran` (counted from 0) ran: a warning for each
/// file that they name and did not fetch. Strictly, it is the stage's failure, and what came from
/// the cache is judged by what is remembered of it.
pub(super) fn judge<E, M>(job: &Job<'_, E, M>, stage: &PlannedStage, ran: &[usize]) -> Result<()> {
    if !ran.is_empty() {
        tell_unnamed(job, stage);
    }
    if !job.strict {
        tell(job, stage, ran);
        return Ok(());
    }
    let unfetched = remembered(job, stage, ran).into_iter();
    let problem = |(instruction, file)| failure::of_unfetched(stage, instruction, file);
    Error::check(Exit::Failed, unfetched.map(problem).collect()).map(drop)
}

/// Warns of what a stage's instructions never fetched, also of one that failed behind them: the next
/// run takes them from the cache.
pub(super) fn tell<E, M>(job: &Job<'_, E, M>, stage: &PlannedStage, ran: &[usize]) {
    for (instruction, file) in remembered(job, stage, ran) {
        let problem = failure::of_unfetched(stage, instruction, file);
        let message = format!("{} ({})", problem.message, instruction.place);
        job.recorder.record(&Event::Warning { message });
    }
}

fn remembered<'a, E, M>(
    job: &Job<'_, E, M>,
    stage: &'a PlannedStage,
    ran: &[usize],
) -> Vec<(&'a PlannedInstruction, &'a str)> {
    let mut memory = Memory::of(job.recorder.folder());
    let unfetched = memory.unfetched(job, stage, ran);
    memory.keep();
    unfetched
}

/// The files of an instruction whose fetching is judged: those of a plain line. `RUN --package` does
/// not succeed without its files; where BuildKit ran it together with the same one of another run,
/// that run's server sent them.
fn judged(instruction: &PlannedInstruction) -> &[String] {
    let mut flags = instruction.text.split(' ').skip(1).take_while(|word| word.starts_with("--"));
    if flags.any(|flag| flag.starts_with("--package=")) { &[] } else { &instruction.packages }
}

/// What a script fetched by itself is no part of the stage's key, and is served only because
/// another stage names it.
fn tell_unnamed<E, M>(job: &Job<'_, E, M>, stage: &PlannedStage) {
    let may_be_anything = stage.pieces.iter().any(|piece| matches!(piece, Piece::AllFiles));
    if may_be_anything {
        return;
    }
    let named: BTreeSet<&str> = stage.files().collect();
    let fetches = job.recorder.ledger().fetches();
    let of_stage = fetches.iter().filter(|fetch| fetch.stage.as_ref() == Some(&stage.name));
    let unnamed: BTreeSet<&str> =
        of_stage.map(|fetch| fetch.file.as_str()).filter(|file| !named.contains(file)).collect();
    for file in unnamed {
        let message = format!(
            "stage `{}` fetched `{file}`, which none of its instructions names: a change of that file does not build the stage again; name it in the instruction, or use `--no-cache` then",
            stage.name
        );
        job.recorder.record(&Event::Warning { message });
    }
}

fn key(stage: &PlannedStage, instruction: &PlannedInstruction, file: &str) -> String {
    hex::encode(Sha256::digest(format!("{}\0{}\0{file}", stage.name, instruction.text)))
}

/// What earlier runs of the project remember.
struct Memory {
    path: PathBuf,
    never_fetched: BTreeSet<String>,
    changed: bool,
}

impl Memory {
    fn of(folder: &RunFolder) -> Self {
        Self::at(folder.state().join("never-fetched"))
    }

    fn at(path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).unwrap_or_default();
        Self { path, never_fetched: text.lines().map(str::to_owned).collect(), changed: false }
    }

    /// Notes what the instructions that `ran` fetched, and gives what was never fetched of them and,
    /// strictly, of those that came from the cache.
    fn unfetched<'a, E, M>(
        &mut self,
        job: &Job<'_, E, M>,
        stage: &'a PlannedStage,
        ran: &[usize],
    ) -> Vec<(&'a PlannedInstruction, &'a str)> {
        let mut unfetched = Vec::new();
        for (index, instruction) in stage.instructions.iter().enumerate() {
            let has_run = ran.contains(&index);
            for file in judged(instruction) {
                let key = key(stage, instruction, file);
                if has_run {
                    let never = job.recorder.ledger().never_fetched(&stage.name, [file.as_str()]);
                    self.note(&key, !never.is_empty());
                }
                if self.never_fetched.contains(&key) && (has_run || job.strict) {
                    unfetched.push((instruction, file.as_str()));
                }
            }
        }
        unfetched
    }

    fn note(&mut self, key: &str, never: bool) {
        self.changed |= match never {
            true => self.never_fetched.insert(key.to_owned()),
            false => self.never_fetched.remove(key),
        };
    }

    /// A memory that cannot be kept costs a later run its error, not this one.
    fn keep(&self) {
        if let Err(error) = self.write() {
            tracing::warn!(%error, path = %self.path.display(), "what was never fetched is not remembered");
        }
    }

    fn write(&self) -> io::Result<()> {
        if !self.changed {
            return Ok(());
        }
        let lines: String = self.never_fetched.iter().map(|line| format!("{line}\n")).collect();
        let unfinished = self.path.with_extension(std::process::id().to_string());
        fs::write(&unfinished, lines)?;
        fs::rename(&unfinished, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::error::{Place, SourceFile};

    #[test]
    fn only_plain_lines_are_judged() {
        let source = Arc::new(SourceFile { path: "Dockerfile".into(), text: String::new() });
        let check = |text: &str, expected: bool| {
            let instruction = PlannedInstruction {
                keyword: "RUN".to_owned(),
                text: text.to_owned(),
                file: "Dockerfile".to_owned(),
                line: 1,
                packages: vec!["tool.run".to_owned()],
                place: Place::new(&source, 0..0),
            };
            assert_eq!(judged(&instruction) == ["tool.run"], expected, "{text}");
        };
        check("RUN wget http://server/tool.run", true);
        check("RUN --mount=type=tmpfs,target=/t wget http://server/tool.run", true);
        check("RUN sh tool.run --package=none", true);
        check("RUN --package=tool true", false);
        check("RUN --network=none --package=tool true", false);
    }

    /// Which of `a` and `b` later runs know as never fetched.
    fn check(noted: &[(&str, bool)], expected: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("never-fetched");
        for (key, never) in noted {
            let mut memory = Memory::at(path.clone());
            memory.note(key, *never);
            memory.keep();
        }
        let known: Vec<_> = Memory::at(path).never_fetched.into_iter().collect();
        assert_eq!(known, expected);
    }

    #[test]
    fn what_was_never_fetched_is_remembered_until_it_is() {
        check(&[], &[]);
        check(&[("a", true), ("b", false)], &["a"]);
        check(&[("a", true), ("b", true), ("a", true)], &["a", "b"]);
        check(&[("a", true), ("b", true), ("a", false)], &["b"]);
    }
}
