//! How long each stage and each of its instructions takes, and how long it is
//! silent: what later runs are forecast from, and what tells a stage that hangs.
//!
//! A [`Pace`] stands before the reporter, so that it sees every event of a run,
//! also those of the package server.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{Event, Ledger, Reporter, Transfer};
use crate::project::StageName;

/// How one stage went.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StagePace {
    /// The stage.
    pub stage: String,
    /// The longest time without output and without a transfer, in seconds.
    pub silence: f64,
    /// The instructions that began or were found in the cache, in order.
    pub steps: Vec<StepPace>,
}

/// How one instruction went.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StepPace {
    /// Its number in the stage, from 1.
    pub step: usize,
    /// Seconds until the next one began; of the last one, until the checks began or the stage ended.
    pub seconds: f64,
    /// Whether its result came from the engine's cache.
    pub cached: bool,
}

/// Measures a run on the way to its reporter.
pub struct Pace {
    reporter: Box<dyn Reporter>,
    ledger: OnceLock<Arc<Ledger>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    stages: BTreeMap<StageName, Stage>,
    /// The sizes of the bases in bytes, by their images.
    bases: BTreeMap<String, u64>,
}

struct Stage {
    active: Instant,
    silence: Duration,
    step: Option<Instant>,
    steps: Vec<StepPace>,
    running: bool,
}

impl Pace {
    /// Measures what `reporter` is told.
    pub fn new(reporter: Box<dyn Reporter>) -> Arc<Self> {
        Arc::new(Self { reporter, ledger: OnceLock::new(), state: Mutex::default() })
    }

    /// From now on `ledger` tells which stage fetches; without it, all that are under way do.
    pub fn follow(&self, ledger: Arc<Ledger>) {
        // Only the first one counts: a run has one ledger.
        _ = self.ledger.set(ledger);
    }

    /// The stages that may be fetching; none where nobody can tell.
    fn fetching(&self, event: &Event) -> Vec<StageName> {
        let Event::Transfer(Transfer::Started { id, .. } | Transfer::Progress { id, .. }) = event
        else {
            return Vec::new();
        };
        self.ledger.get().map(|ledger| ledger.stages_of(*id)).unwrap_or_default()
    }

    /// How the stages went that were given to a builder.
    pub fn stages(&self) -> Vec<StagePace> {
        let state = self.state();
        let pace = |(name, stage): (&StageName, &Stage)| StagePace {
            stage: name.to_string(),
            silence: stage.silence.as_secs_f64(),
            steps: stage.steps.clone(),
        };
        state.stages.iter().map(pace).collect()
    }

    /// The sizes of the bases in bytes, by their images.
    pub fn bases(&self) -> BTreeMap<String, u64> {
        self.state().bases.clone()
    }

    /// The stages under way, and how long each has been silent.
    pub fn silent(&self, now: Instant) -> Vec<(StageName, Duration)> {
        let state = self.state();
        let running = state.stages.iter().filter(|(_, stage)| stage.running);
        running
            .map(|(name, stage)| (name.clone(), now.saturating_duration_since(stage.active)))
            .collect()
    }

    /// A panic elsewhere leaves nothing half-done here, so a poisoned lock is as good as any.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reporter for Pace {
    fn report(&self, event: &Event) {
        let fetching = self.fetching(event);
        self.state().take(event, &fetching, Instant::now());
        self.reporter.report(event);
    }
}

impl State {
    /// Takes an event that happened at `now`; a transfer is that of the stages `fetching`, or of any.
    fn take(&mut self, event: &Event, fetching: &[StageName], now: Instant) {
        match event {
            Event::BaseReady { image, size, .. } => {
                self.bases.insert(image.clone(), *size);
            }
            Event::StageStarted { stage, .. } => {
                self.stages.insert(stage.clone(), Stage::new(now));
            }
            Event::StageStep { stage, step, cached, .. } => {
                self.stage(stage, now, |stage| stage.begin(*step, *cached, now));
            }
            Event::StageOutput { stage, .. } => self.stage(stage, now, |_| ()),
            Event::CheckStarted { stage, .. } | Event::CheckFinished { stage, .. } => {
                self.stage(stage, now, |stage| stage.end_step(now));
            }
            Event::StageFinished(result) => self.stage(&result.stage, now, |stage| {
                stage.end_step(now);
                stage.running = false;
            }),
            Event::Transfer(Transfer::Started { .. } | Transfer::Progress { .. }) => {
                let may_fetch = |name: &StageName| fetching.is_empty() || fetching.contains(name);
                let running = self.stages.iter_mut().filter(|(_, stage)| stage.running);
                let running = running.filter(|(name, _)| may_fetch(name));
                running.for_each(|(_, stage)| stage.stir(now));
            }
            _ => {}
        }
    }

    fn stage(&mut self, name: &StageName, now: Instant, then: impl FnOnce(&mut Stage)) {
        if let Some(stage) = self.stages.get_mut(name) {
            stage.stir(now);
            then(stage);
        }
    }
}

impl Stage {
    fn new(now: Instant) -> Self {
        Self { active: now, silence: Duration::ZERO, step: None, steps: Vec::new(), running: true }
    }

    fn stir(&mut self, now: Instant) {
        self.silence = self.silence.max(now.saturating_duration_since(self.active));
        self.active = now;
    }

    /// An instruction begins; or the one that has begun turns out to come from the cache.
    fn begin(&mut self, step: usize, cached: bool, now: Instant) {
        if let Some(known) = self.steps.iter_mut().find(|known| known.step == step) {
            known.cached |= cached;
            return;
        }
        self.end_step(now);
        self.steps.push(StepPace { step, seconds: 0.0, cached });
        self.step = Some(now);
    }

    fn end_step(&mut self, now: Instant) {
        let begun = self.step.take();
        if let (Some(begun), Some(last)) = (begun, self.steps.last_mut()) {
            last.seconds = now.saturating_duration_since(begun).as_secs_f64();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Outcome, StageResult};

    fn step(step: usize, cached: bool) -> Event {
        let instruction = "RUN true".to_owned();
        Event::StageStep { stage: "A".parse().unwrap(), step, steps: 3, instruction, cached }
    }

    fn output() -> Event {
        Event::StageOutput { stage: "A".parse().unwrap(), line: "x".to_owned() }
    }

    fn sent() -> Event {
        Event::Transfer(Transfer::Progress { id: 1, sent: 5 })
    }

    fn end() -> Event {
        Event::StageFinished(StageResult {
            stage: "A".parse().unwrap(),
            outcome: Outcome::Built,
            seconds: 0.0,
            image: None,
            size: None,
            tags: Vec::new(),
        })
    }

    /// The longest silence and `step seconds cached` of each step, of a stage in which these
    /// events come, each some seconds after the stage began.
    fn check(events: &[(u64, Event)], silence: f64, steps: &[(usize, f64, bool)]) {
        let (mut state, start) = (State::default(), Instant::now());
        state.take(&Event::StageStarted { stage: "A".parse().unwrap(), steps: 3 }, &[], start);
        for (after, event) in events {
            state.take(event, &[], start + Duration::from_secs(*after));
        }
        let stage = &state.stages["A"];
        let seen: Vec<_> =
            stage.steps.iter().map(|step| (step.step, step.seconds, step.cached)).collect();
        assert_eq!((stage.silence.as_secs_f64(), seen.as_slice()), (silence, steps));
    }

    /// How long A and B, which have begun side by side, were silent when 9 s later somebody fetches.
    fn check_fetching(fetching: &[&str], expected: [u64; 2]) {
        let (mut state, start) = (State::default(), Instant::now());
        for stage in ["A", "B"] {
            let started = Event::StageStarted { stage: stage.parse().unwrap(), steps: 1 };
            state.take(&started, &[], start);
        }
        let fetching: Vec<_> = fetching.iter().map(|stage| stage.parse().unwrap()).collect();
        let now = start + Duration::from_secs(9);
        state.take(&sent(), &fetching, now);
        let silent = |stage: &str| now.duration_since(state.stages[stage].active).as_secs();
        assert_eq!([silent("A"), silent("B")], expected);
    }

    #[test]
    fn a_transfer_ends_the_silence_of_the_stage_that_fetches() {
        check_fetching(&[], [0, 0]);
        check_fetching(&["B"], [9, 0]);
        check_fetching(&["B", "A"], [0, 0]);
    }

    #[test]
    fn steps_last_until_the_next_and_output_and_transfers_end_silence() {
        check(&[], 0.0, &[]);
        check(
            &[(1, step(1, true)), (2, step(2, false)), (9, end())],
            7.0,
            &[(1, 1.0, true), (2, 7.0, false)],
        );
        check(
            &[(1, step(1, false)), (4, output()), (9, sent()), (12, end())],
            5.0,
            &[(1, 11.0, false)],
        );
        check(
            &[(1, step(1, false)), (2, step(1, true)), (3, step(2, false)), (4, end())],
            1.0,
            &[(1, 2.0, true), (2, 1.0, false)],
        );
    }
}
