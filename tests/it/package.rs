//! The verbs of `package`, and the judgement of a target's packages.

mod conflicts;
mod content;
mod goes_together;
mod manifest;
mod names;
mod web;
