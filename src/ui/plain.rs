//! Every line of output with its stage, for logs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use time::OffsetDateTime;

use super::summary::{summary, word};
use super::units::{clock, counted};
use super::{Printer, bytes, outlook, seconds};
use crate::run::{Event, Reporter, StageResult, Transfer};

pub(super) struct Plain {
    printer: Printer,
    results: Mutex<Vec<StageResult>>,
    /// Whether somebody else has the terminal.
    away: AtomicBool,
}

impl Plain {
    pub(super) fn new(printer: Printer) -> Self {
        Self { printer, results: Mutex::default(), away: AtomicBool::new(false) }
    }

    fn finished(&self, result: &StageResult) {
        self.results.lock().unwrap_or_else(PoisonError::into_inner).push(result.clone());
        self.printer.talk(&format!(
            "[{}] {} in {}",
            result.stage,
            word(result.outcome),
            seconds(result.seconds)
        ));
    }
}

impl Reporter for Plain {
    fn report(&self, event: &Event) {
        if let Event::ShellFinished { .. } = event {
            self.away.store(false, Ordering::Relaxed);
        }
        if let Event::StageFinished(result) = event {
            self.finished(result);
        } else if let Some(line) = line(event).filter(|_| !self.away.load(Ordering::Relaxed)) {
            self.printer.talk(&line);
        }
        if let Event::ShellStarted { .. } = event {
            self.away.store(true, Ordering::Relaxed);
        }
        if let Event::RunFinished { seconds: taken, report, .. } = event {
            let results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
            if !results.is_empty() {
                self.printer.talk(&format!("\n{}", summary(&results).trim_end()));
            }
            self.printer.talk(&format!("\ntook {}; report: {report}", seconds(*taken)));
        }
    }
}

/// What was decided of a stage, and why.
pub(super) fn decided(reused: bool, reasons: &[String]) -> String {
    let word = if reused { "reused" } else { "building" };
    format!("{word}: {}", reasons.join("; "))
}

/// An event as one line, where it is worth one.
pub(super) fn line(event: &Event) -> Option<String> {
    Some(match event {
        Event::RunStarted { run, project, target, platform, .. } => {
            format!("run {run}: {project} {target} for {platform}")
        }
        Event::Waiting { run, process, image, since } => {
            let clock = clock(*since, OffsetDateTime::now_utc());
            format!("waiting for run {run}, process {process}, which builds {image} since {clock}")
        }
        Event::VerifyStarted { files, bytes: size } => {
            format!("verifying {}, {}", counted(*files, "package"), bytes(*size))
        }
        Event::VerifyFinished { files, remembered, seconds: taken, .. } => {
            let remembered = match remembered {
                0 => String::new(),
                some => format!(" ({some} remembered)"),
            };
            format!("verified {}{remembered} in {}", counted(*files, "package"), seconds(*taken))
        }
        Event::EngineReady { version, builder, server, shared } => {
            let builder = format!("{builder:?}").to_lowercase();
            let running = if *shared { ", which runs already" } else { "" };
            format!("engine {version}, builder {builder}, packages at {server}{running}")
        }
        Event::BaseReady { image, how, .. } if *how != "present" => {
            format!("base {image}: {how} done")
        }
        Event::Forecast(forecast) => outlook::told(forecast),
        Event::Silent { stage, seconds, before } => outlook::silent(stage, *seconds, *before),
        Event::Transfer(transfer) => return transfer_line(transfer),
        Event::Warning { message } => format!("warning: {message}"),
        other => return stage_line(other),
    })
}

/// What happens to a stage, as one line.
fn stage_line(event: &Event) -> Option<String> {
    Some(match event {
        Event::StageDecided { stage, reused, reasons, .. } => {
            format!("[{stage}] {}", decided(*reused, reasons))
        }
        Event::StageStarted { stage, steps } => format!("[{stage}] {}", counted(*steps, "step")),
        Event::StageStep { stage, step, steps, instruction, cached } => {
            let cached = if *cached { " (cached)" } else { "" };
            format!("[{stage}] step {step}/{steps}{cached} {instruction}")
        }
        Event::StageOutput { stage, line } => format!("[{stage}] {line}"),
        Event::CheckFinished { stage, check, passed, seconds: taken, .. } => {
            let passed = if *passed { "passed" } else { "FAILED" };
            format!("[{stage}] check {check}: {passed} in {}", seconds(*taken))
        }
        Event::ShellStarted { stage } => format!("[{stage}] making a shell ready where it failed"),
        _ => return None,
    })
}

/// What the package server sends or refuses, as one line.
fn transfer_line(transfer: &Transfer) -> Option<String> {
    Some(match transfer {
        Transfer::Started { file, length, .. } => format!("sending {file}, {}", bytes(*length)),
        Transfer::Refused { client, path, status, nearest, .. } => {
            let nearest = nearest.as_ref().map(|name| format!("; did you mean `{name}`?"));
            let path = if path.is_empty() { "no HTTP request" } else { path };
            format!("refused {client}: {path} ({status}){}", nearest.unwrap_or_default())
        }
        Transfer::Lost { files } => {
            let files = match files.len() {
                0 => "none of this build's files was fetched meanwhile".to_owned(),
                many => {
                    format!("whether this build fetched {} is not known", counted(many, "file"))
                }
            };
            format!("warning: the package server had more to tell than it keeps: {files}")
        }
        _ => return None,
    })
}
