//! `report.json`: what a run did, for people's scripts and for later runs.

use std::collections::BTreeMap;

use serde::Serialize;
use time::OffsetDateTime;

use super::{
    Decision, Diagnostic, Fetch, Forecast, Pace, Recorder, Refusal, Revision, StagePace,
    StageResult,
};
use crate::engine::{Builder, EngineFacts};
use crate::error::{Error, Exit};
use crate::plan::{Inputs, Plan, StageKey, VerifiedPackage};
use crate::project::StageName;

/// The version of the report; raised when a field changes its meaning or goes away.
pub(super) const SCHEMA: u32 = 1;

/// How a run ended.
#[derive(Debug, Clone, Serialize)]
pub struct Ending {
    /// `done`, `failed` or `interrupted`.
    pub result: &'static str,
    /// The process's exit code.
    pub exit_code: u8,
    /// What was wrong, one message a problem.
    pub problems: Vec<String>,
    /// The same with all that was said of them.
    pub diagnostics: Vec<Diagnostic>,
}

impl Ending {
    /// The ending that a result means.
    pub fn of<T>(result: &Result<T, Error>) -> Self {
        match result {
            Ok(_) => {
                Self { result: "done", exit_code: 0, problems: Vec::new(), diagnostics: Vec::new() }
            }
            Err(error) => Self {
                result: if error.exit == Exit::Interrupted { "interrupted" } else { "failed" },
                exit_code: error.exit as u8,
                problems: error.problems.iter().map(|problem| problem.message.clone()).collect(),
                diagnostics: error.problems.iter().map(Diagnostic::of).collect(),
            },
        }
    }
}

/// What a run did.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    schema: u32,
    run: &'a str,
    #[serde(with = "time::serde::rfc3339")]
    started: OffsetDateTime,
    seconds: f64,
    #[serde(flatten)]
    ending: &'a Ending,
    revision: Option<Revision>,
    builder: Option<Builder>,
    engine: Option<&'a EngineFacts>,
    stages: Vec<StageResult>,
    decisions: Vec<Decided>,
    packages: &'a [VerifiedPackage],
    transfers: Vec<Fetch>,
    refused: Vec<Refusal>,
    /// How many there were, of which `refused` has the first of each client.
    refused_count: u64,
    pace: Vec<StagePace>,
    bases: BTreeMap<String, u64>,
    forecast: Option<&'a Forecast>,
    plan: &'a Plan,
}

/// Whether a stage was built, why, and what decides its content.
#[derive(Debug, Serialize)]
struct Decided {
    stage: StageName,
    reused: bool,
    reasons: Vec<String>,
    key: Option<StageKey>,
    inputs: Inputs,
}

impl Decided {
    fn of((stage, decision): (StageName, Decision)) -> Self {
        let Decision { inputs, key, reuse, reasons, assumed: _ } = decision;
        Self { stage, reused: reuse.is_some(), reasons, key, inputs }
    }
}

impl<'a> Report<'a> {
    /// The report of a run that has ended.
    pub fn new(
        recorder: &'a Recorder<'_>,
        plan: &'a Plan,
        started: OffsetDateTime,
        seconds: f64,
        ending: &'a Ending,
    ) -> Self {
        Self {
            schema: SCHEMA,
            run: &recorder.folder().id,
            started,
            seconds,
            ending,
            revision: None,
            builder: None,
            engine: None,
            stages: recorder.results(),
            decisions: recorder.decisions().into_iter().map(Decided::of).collect(),
            packages: &[],
            transfers: recorder.ledger().fetches(),
            refused: recorder.ledger().refusals(),
            refused_count: recorder.ledger().refused(),
            pace: Vec::new(),
            bases: BTreeMap::new(),
            forecast: None,
            plan,
        }
    }

    /// Adds the commit that the project stood at.
    #[must_use]
    pub fn revision(self, revision: Option<Revision>) -> Self {
        Self { revision, ..self }
    }

    /// Adds how the stages went, and how they were expected to.
    #[must_use]
    pub fn pace(self, pace: &Pace, forecast: Option<&'a Forecast>) -> Self {
        Self { pace: pace.stages(), bases: pace.bases(), forecast, ..self }
    }

    /// Adds what was verified.
    #[must_use]
    pub fn packages(self, packages: &'a [VerifiedPackage]) -> Self {
        Self { packages, ..self }
    }

    /// Adds what built.
    #[must_use]
    pub fn engine(self, engine: &'a EngineFacts, builder: Builder) -> Self {
        Self { engine: Some(engine), builder: Some(builder), ..self }
    }
}
