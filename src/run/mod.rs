//! Executes a plan on an engine: events, ledger, logs, report.
//!
//! For each stage, after its parents: render, build, check, tag. What happens
//! is told as [`Event`]s; the terminal is one reader of them, the logs another.

mod alive;
mod base;
mod event;
mod execute;
mod failure;
mod folder;
mod holder;
mod id;
mod ledger;
mod passed;
mod recorder;
mod report;
mod revision;
mod stage;
mod turn;
mod unfetched;

pub use alive::{dead_runs, is_alive};
pub use event::{Event, Outcome, SCHEMA, StageResult, Transfer};
pub use execute::{Job, Materials, execute};
pub use folder::{RunFolder, state_folder};
pub use holder::Holder;
pub use id::{NoRunId, RunId};
pub use ledger::{Fetch, Ledger, Refusal};
pub use recorder::{Recorder, Reporter};
pub use report::{Ending, Report};
pub use revision::Revision;
pub use stage::Scratch;
pub use turn::{Asked, Turn};
