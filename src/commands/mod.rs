//! One file per verb: read, plan, act, print.

mod annotations;
pub mod build;
pub mod check;
mod forecasting;
mod guesses;
pub mod history;
pub mod init;
mod init_recipe;
mod interrupt;
mod judgement;
pub mod logs;
mod materials;
mod outlook;
pub mod package;
mod past;
pub mod plan;
mod proxies;
mod remembering;
mod revision;
mod selection;
pub mod serve;
mod session;
pub mod show;
pub mod stage;
mod telling;
mod verification;
mod waiting;
