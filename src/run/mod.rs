//! Executes a plan on an engine: events, ledger, logs, report.
//!
//! For each stage, after its parents: decide, render, build, check, tag. What happens
//! is told as [`Event`]s; the terminal is one reader of them, the logs another.

mod alive;
mod base;
mod below;
mod decide;
mod diagnostic;
mod event;
mod execute;
mod failure;
mod folder;
pub mod forecast;
pub mod history;
mod holder;
mod id;
mod labels;
mod ledger;
mod leftovers;
mod memory;
mod pace;
mod passed;
mod progress;
mod recorder;
mod refusals;
mod report;
mod request;
mod retry;
mod revision;
mod scene;
mod schedule;
mod stage;
mod stock;
mod turn;
mod unfetched;

pub use alive::{dead_runs, is_alive};
pub use decide::{Sources, foresee};
pub use diagnostic::{Diagnostic, Spot};
pub use event::{Event, Outcome, SCHEMA, StageResult, Transfer};
pub use execute::{Job, Materials, execute};
pub use folder::{RunFolder, state_folder};
pub use forecast::{Forecast, StageForecast};
pub use holder::Holder;
pub use id::{NoRunId, RunId};
pub use labels::{BASE_DIGEST, BASE_LAYERS, BASE_NAME};
pub use ledger::{Fetch, Ledger};
pub use leftovers::clear_leftovers;
pub use pace::{Pace, StagePace, StepPace};
pub use recorder::{Recorder, Reporter};
pub use refusals::Refusal;
pub use report::{Ending, Report};
pub use revision::Revision;
pub use scene::{Scene, Standpoint, standpoint};
pub use schedule::parents;
pub use stage::Scratch;
pub use stock::{Decision, INPUTS, KEY, PROJECT, STAGE, Stock, inputs_of};
pub use turn::{Asked, Turn};
