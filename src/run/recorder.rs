//! Takes every event of a run: the stages' logs get the output, the reporter
//! gets all, and the results are kept for the report.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Event, Ledger, RunFolder, StageResult};
use crate::project::StageName;

/// How many lines of output a failure shows.
const TAIL: usize = 30;

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
    logs: HashMap<StageName, File>,
    tails: HashMap<StageName, VecDeque<String>>,
    results: Vec<StageResult>,
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
                self.ledger.enter(stage);
                self.log(stage, &format!("=== stage {stage}, {steps} steps"));
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
            Event::StageFinished(result) => self.state().results.push(result.clone()),
            _ => {}
        }
        self.reporter.report(event);
    }

    /// The last lines of output of the instruction that ran last.
    pub fn tail(&self, stage: &StageName) -> Vec<String> {
        self.state().tails.get(stage).map(|tail| tail.iter().cloned().collect()).unwrap_or_default()
    }

    /// What has become of the stages so far.
    pub fn results(&self) -> Vec<StageResult> {
        self.state().results.clone()
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
        let mut state = self.state();
        if !state.logs.contains_key(stage) {
            match self.folder.open_log(stage) {
                Ok(file) => _ = state.logs.insert(stage.clone(), file),
                Err(error) => {
                    tracing::warn!(%stage, %error, "the log cannot be written");
                    return;
                }
            }
        }
        if let Some(Err(error)) = state.logs.get_mut(stage).map(|file| writeln!(file, "{line}")) {
            tracing::warn!(%stage, %error, "the log cannot be written");
        }
    }

    /// A panic elsewhere leaves nothing half-done here, so a poisoned lock is as good as any.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
