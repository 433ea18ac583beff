//! Takes every event of a run: the stages' logs get the output, the reporter
//! gets all, and the results are kept for the report.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::{Decision, Event, Ledger, Outcome, RunFolder, StageResult};
use crate::plan::PlannedStage;
use crate::project::StageName;

/// How many lines of output a failure shows.
pub(super) const TAIL: usize = 30;

/// Shows events to somebody.
pub trait Reporter: Send + Sync {
    /// Takes one event.
    fn report(&self, event: &Event);
}

/// Keeps a run's logs and results.
pub struct Recorder<'a> {
    folder: RunFolder,
    reporter: &'a dyn Reporter,
    ledger: Arc<Ledger>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// `None` for a log that cannot be written.
    logs: HashMap<StageName, Option<File>>,
    /// Stages of whose output the engine passed on a part.
    clipped: HashSet<StageName>,
    tails: HashMap<StageName, VecDeque<String>>,
    results: Vec<StageResult>,
    decisions: Vec<(StageName, Decision)>,
    /// The stages under way and when they began.
    running: HashMap<StageName, Instant>,
}

impl<'a> Recorder<'a> {
    /// Records into `folder` and passes on to `reporter`.
    pub fn new(folder: RunFolder, reporter: &'a dyn Reporter) -> Self {
        Self { folder, reporter, ledger: Arc::default(), state: Mutex::default() }
    }

    /// The run's folder.
    pub fn folder(&self) -> &RunFolder {
        &self.folder
    }

    /// Who fetched what; the package server's observer fills it.
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// Takes one event.
    pub fn record(&self, event: &Event) {
        match event {
            Event::StageStarted { stage, steps } => {
                let plural = if *steps == 1 { "step" } else { "steps" };
                self.log(stage, &format!("=== stage {stage}, {steps} {plural}"));
                self.state().running.insert(stage.clone(), Instant::now());
            }
            Event::StageStep { stage, step, steps, instruction, cached } => {
                let mark = if *cached { " (cached)" } else { "" };
                self.log(stage, &format!("=== step {step}/{steps}{mark}: {instruction}"));
                self.state().tails.remove(stage);
            }
            Event::StageOutput { stage, line } => {
                self.log(stage, line);
                self.remember(stage, line);
            }
            Event::CheckStarted { stage, check } => self.log(stage, &format!("=== check {check}")),
            Event::StageFinished(result) => {
                let mut state = self.state();
                state.running.remove(&result.stage);
                state.results.push(result.clone());
            }
            _ => {}
        }
        self.reporter.report(event);
    }

    /// Keeps what was decided of a stage, and tells it.
    pub(super) fn decide(&self, stage: &PlannedStage, decision: &Decision) {
        self.state().decisions.push((stage.name.clone(), decision.clone()));
        self.record(&Event::StageDecided {
            stage: stage.name.clone(),
            reused: decision.reuse.is_some(),
            reasons: decision.reasons.clone(),
            key: decision.key.as_ref().map(ToString::to_string),
        });
    }

    /// What was decided of each stage.
    pub fn decisions(&self) -> Vec<(StageName, Decision)> {
        self.state().decisions.clone()
    }

    /// Ends the stages that an interrupt has left unfinished.
    pub fn interrupt(&self) {
        let running: Vec<_> = self.state().running.drain().collect();
        for (stage, since) in running {
            self.record(&Event::StageFinished(StageResult {
                stage,
                outcome: Outcome::Interrupted,
                seconds: since.elapsed().as_secs_f64(),
                image: None,
                size: None,
                tags: Vec::new(),
            }));
        }
    }

    /// The last lines of output of the instruction that ran last.
    pub fn tail(&self, stage: &StageName) -> Vec<String> {
        self.state().tails.get(stage).map(|tail| tail.iter().cloned().collect()).unwrap_or_default()
    }

    /// What has become of the stages so far.
    pub fn results(&self) -> Vec<StageResult> {
        self.state().results.clone()
    }

    /// The engine passes on only a part of the stage's output: this is said once.
    pub fn clip(&self, stage: &StageName) {
        if self.state().clipped.insert(stage.clone()) {
            self.warn(format!(
                "the engine passes on only a part of what stage `{stage}` prints: the log has gaps"
            ));
        }
    }

    /// Whether the engine passed on only a part of the stage's output.
    pub fn is_clipped(&self, stage: &StageName) -> bool {
        self.state().clipped.contains(stage)
    }

    fn warn(&self, message: String) {
        self.reporter.report(&Event::Warning { message });
    }

    fn remember(&self, stage: &StageName, line: &str) {
        let mut state = self.state();
        let tail = state.tails.entry(stage.clone()).or_default();
        if tail.len() == TAIL {
            tail.pop_front();
        }
        tail.push_back(line.to_owned());
    }

    /// A log that cannot be written is said once, and the build goes on.
    fn log(&self, stage: &StageName, line: &str) {
        let written = self.write(stage, line);
        if let Err(error) = written {
            self.state().logs.insert(stage.clone(), None);
            self.warn(format!("the log of stage `{stage}` cannot be written: {error}"));
        }
    }

    fn write(&self, stage: &StageName, line: &str) -> io::Result<()> {
        let mut state = self.state();
        if !state.logs.contains_key(stage) {
            state.logs.insert(stage.clone(), Some(self.folder.open_log(stage)?));
        }
        let log = state.logs.get_mut(stage).and_then(Option::as_mut);
        log.map_or(Ok(()), |file| writeln!(file, "{line}"))
    }

    /// A panic elsewhere leaves nothing half-done here, so a poisoned lock is as good as any.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Warnings(Mutex<Vec<String>>);

    impl Reporter for Warnings {
        fn report(&self, event: &Event) {
            if let Event::Warning { message } = event {
                self.0.lock().unwrap().push(message.clone());
            }
        }
    }

    /// What is warned of while a stage, whose log's folder is `there` or not, prints and is clipped twice.
    fn check(there: bool, expected: &[&str]) {
        let project = tempfile::tempdir().unwrap();
        let path = project.path().join(if there { "" } else { "gone" });
        let warnings = Warnings::default();
        let recorder = Recorder::new(
            RunFolder { id: "1".to_owned(), path, lock: Err(String::new()) },
            &warnings,
        );
        let stage: StageName = "A".parse().unwrap();
        for _ in 0..2 {
            recorder.record(&Event::StageOutput { stage: stage.clone(), line: "x".to_owned() });
            recorder.clip(&stage);
        }
        let warnings = warnings.0.into_inner().unwrap();
        let beginnings: Vec<_> = warnings.iter().map(|text| &text[..21]).collect();
        assert_eq!(beginnings, expected);
    }

    #[test]
    fn each_shortcoming_of_a_log_is_said_once() {
        check(true, &["the engine passes on "]);
        check(false, &["the log of stage `A` ", "the engine passes on "]);
    }
}
