//! One file per verb: read, plan, act, print.

pub mod build;
pub mod check;
pub mod doctor;
mod guesses;
pub mod init;
mod init_recipe;
mod interrupt;
mod judgement;
mod materials;
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
