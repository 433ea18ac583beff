//! What the store and the server say, as events of the run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crate::plan::VerifiedPackage;
use crate::run::{Event, Reporter, Transfer};
use crate::server::{self, Errand};
use crate::store::VerifyEvent;

/// Adds up what the store's threads have read.
pub(super) struct VerifyProgress {
    reporter: Arc<dyn Reporter>,
    read: AtomicU64,
    total: AtomicU64,
    remembered: AtomicUsize,
}

impl VerifyProgress {
    /// Nothing read yet.
    pub(super) fn new(reporter: Arc<dyn Reporter>) -> Self {
        let (read, total) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { reporter, read, total, remembered: AtomicUsize::new(0) }
    }

    /// Every one of `files` is right, which took so long.
    pub(super) fn finished(&self, files: &[VerifiedPackage], taken: Duration) -> Event {
        Event::VerifyFinished {
            files: files.len(),
            remembered: self.remembered.load(Ordering::Relaxed),
            bytes: files.iter().map(|file| file.size).sum(),
            seconds: taken.as_secs_f64(),
        }
    }

    /// Takes one of the store's events.
    pub(super) fn take(&self, event: &VerifyEvent) {
        match event {
            VerifyEvent::Started { files, bytes } => {
                self.total.store(*bytes, Ordering::Relaxed);
                self.reporter.report(&Event::VerifyStarted { files: *files, bytes: *bytes });
            }
            VerifyEvent::Read { bytes } => {
                let read = self.read.fetch_add(*bytes, Ordering::Relaxed) + bytes;
                let total = self.total.load(Ordering::Relaxed);
                self.reporter.report(&Event::VerifyProgress { bytes: read, total });
            }
            VerifyEvent::Finished { remembered, .. } => {
                self.remembered.fetch_add(usize::from(*remembered), Ordering::Relaxed);
            }
        }
    }
}

/// The server's events as `run` tells them.
pub(super) fn told(transfer: server::Transfer, run: &str) -> Transfer {
    let stage = |errand: Option<Errand>| {
        errand.filter(|errand| errand.run == run).and_then(|errand| errand.stage.parse().ok())
    };
    match transfer {
        server::Transfer::Started { id, client, file, length, errand, .. } => {
            let client = client.to_string();
            Transfer::Started { id, stage: stage(errand), client, file, length }
        }
        server::Transfer::Progress { id, sent } => Transfer::Progress { id, sent },
        server::Transfer::Ended { id, sent, outcome } => {
            Transfer::Ended { id, sent, outcome: word(&outcome) }
        }
        server::Transfer::Refused { client, errand, path, status, nearest, .. } => {
            let client = client.to_string();
            Transfer::Refused { stage: stage(errand), client, path, status, nearest }
        }
        server::Transfer::Lost { files } => Transfer::Lost { files },
    }
}

fn word(outcome: &server::Outcome) -> &'static str {
    match outcome {
        server::Outcome::Whole => "whole",
        server::Outcome::Changed => "changed",
        _ => "cut",
    }
}
