//! One file per verb: read, plan, act, print.

mod annotations;
pub mod build;
pub mod check;
pub mod doctor;
mod guesses;
mod heredocs;
pub mod init;
mod init_recipe;
mod interrupt;
mod judgement;
mod materials;
mod outlook;
pub mod package;
pub mod plan;
mod proxies;
mod revision;
mod selection;
pub mod serve;
mod session;
pub mod stage;
mod telling;
mod verification;
mod waiting;
