//! The one door to the program: a project of its own, a fixed environment,
//! snapshots without what differs from run to run, and a clean engine behind.

mod base;
mod builders;
mod docker;
mod fixture;
mod gate;
mod layers;
mod outcome;
mod running;
mod second_engine;
mod session;
mod stand_in;

pub(crate) use builders::Builders;
pub(crate) use docker::Docker;
pub(crate) use fixture::{Fixture, pattern, sha256};
pub(crate) use gate::Gate;
pub(crate) use layers::Layers;
pub(crate) use outcome::Outcome;
pub(crate) use running::{PATIENCE, Running, eventually};
pub(crate) use second_engine::SecondEngine;
pub(crate) use session::Session;
pub(crate) use stand_in::StandIn;
