//! ascend-build turns a folder of Ascend packages and a stage manifest into
//! verified, small, tagged NPU images.
//!
//! `ARCHITECTURE.md` says what each room is for and which way the arrows go;
//! `tests/it/architecture.rs` keeps them.

pub mod ascend;
pub mod cli;
pub mod commands;
pub mod doctor;
pub mod engine;
pub mod error;
pub mod image;
pub mod plan;
pub mod project;
pub mod run;
pub mod server;
pub mod store;
pub mod ui;
