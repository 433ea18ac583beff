//! One live line a stage: what it does, how long it has taken, the package on
//! its way in, and its last line of output.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::live::{Moving as Download, compose, shortened};
use super::outlook::Remaining;
use super::summary::{summary, word};
use super::{Printer, bytes, plain, printer, screen, seconds};
use crate::project::StageName;
use crate::run::{Event, Outcome, Reporter, StageResult, Transfer};

/// A terminal's width where it does not tell, in columns.
const WIDTH: usize = 80;
/// What stands before the message besides the stage's name, in columns: spinner, spaces, time.
const BEFORE: usize = 10;
/// What stands before the message of a finished stage besides its name, in columns: mark, spaces.
const MARK: usize = 4;
/// How often the lines are drawn anew.
const TICK: Duration = Duration::from_millis(120);

pub(super) struct Tty {
    printer: Printer,
    lines: MultiProgress,
    state: Mutex<State>,
    remaining: Arc<Mutex<Remaining>>,
}

#[derive(Default)]
struct State {
    run: Option<ProgressBar>,
    order: Vec<StageName>,
    stages: HashMap<StageName, StageLine>,
    transfers: HashMap<u64, Moving>,
    results: Vec<StageResult>,
    left: Option<ProgressBar>,
}

struct StageLine {
    bar: ProgressBar,
    step: String,
    last: String,
    running: bool,
    /// The width of the column of names.
    name_width: usize,
    /// Why the stage is built or used again.
    why: String,
    given_to_builder: bool,
}

struct Moving {
    file: String,
    length: u64,
    since: Instant,
    sent: u64,
}

impl Tty {
    pub(super) fn new(printer: Printer) -> Self {
        // Of a screen of its own, indicatif's library would ask stdout whether it has colours.
        console::set_colors_enabled(printer.colors());
        let lines = MultiProgress::with_draw_target(screen::target());
        Self { printer, lines, state: Mutex::default(), remaining: Arc::default() }
    }

    /// Above the lines that are drawn anew.
    fn say(&self, event: &Event) {
        let line = plain::line(event).unwrap_or_default();
        self.lines.suspend(|| self.printer.talk_folded(&line));
    }

    fn style(&self, text: &str) -> ProgressStyle {
        let text = if self.printer.colors() {
            text.to_owned()
        } else {
            text.replace(".green", "").replace(".red", "").replace(".bold", "").replace(".dim", "")
        };
        ProgressStyle::with_template(&text).unwrap_or_else(|_| ProgressStyle::default_bar())
    }

    fn start(&self, state: &mut State, stages: &[StageName]) {
        let width = stages.iter().map(|stage| stage.as_str().len()).max().unwrap_or(0);
        state.order = stages.to_vec();
        for stage in stages {
            let bar = self.lines.add(ProgressBar::new_spinner());
            bar.set_style(self.style(&format!("  {{prefix:{width}.bold}}  {{wide_msg}}")));
            bar.set_prefix(stage.to_string());
            bar.set_message("waiting");
            bar.tick();
            state.stages.insert(
                stage.clone(),
                StageLine {
                    bar,
                    step: String::new(),
                    last: String::new(),
                    running: false,
                    name_width: width,
                    why: String::new(),
                    given_to_builder: false,
                },
            );
        }
    }

    /// The line below the stages with the time that is left, drawn anew with the spinners.
    fn foretell(&self, state: &mut State) {
        let remaining = Arc::clone(&self.remaining);
        let left = move |_: &ProgressState, out: &mut dyn Write| {
            let remaining = remaining.lock().unwrap_or_else(PoisonError::into_inner);
            _ = out.write_str(&remaining.text(Instant::now()));
        };
        let bar = self.lines.add(ProgressBar::new_spinner());
        bar.set_style(self.style("  {left:.dim}").with_key("left", left));
        bar.enable_steady_tick(TICK);
        state.left = Some(bar);
    }

    fn verify(&self, state: &mut State, total: u64) {
        let bar = self.lines.insert(0, ProgressBar::new(total));
        bar.set_style(self.style(
            "verifying packages {bar:20} {bytes}/{total_bytes} {bytes_per_sec}, {eta} left",
        ));
        state.run = Some(bar);
    }

    fn begin(&self, state: &mut State, stage: &StageName) {
        let width = state.order.iter().map(|stage| stage.as_str().len()).max().unwrap_or(0);
        if let Some(line) = state.stages.get_mut(stage) {
            line.bar.set_style(self.style(&format!(
                "{{spinner}} {{prefix:{width}.bold}}  {{elapsed:>4}}  {{wide_msg}}"
            )));
            line.bar.reset_elapsed();
            line.bar.enable_steady_tick(TICK);
            line.running = true;
            line.show("starting", None);
        }
    }

    fn finish(&self, state: &mut State, result: &StageResult) {
        state.results.push(result.clone());
        let width = state.order.iter().map(|stage| stage.as_str().len()).max().unwrap_or(0);
        let Some(line) = state.stages.get_mut(&result.stage) else { return };
        let template = match result.outcome {
            Outcome::Failed | Outcome::Interrupted => {
                format!("✗ {{prefix:{width}.bold}}  {{wide_msg:.red}}")
            }
            _ => format!("✓ {{prefix:{width}.bold}}  {{wide_msg:.green}}"),
        };
        line.running = false;
        line.bar.disable_steady_tick();
        line.bar.set_style(self.style(&template));
        let size = result.size.map(|size| format!(", {}", bytes(size))).unwrap_or_default();
        let text = format!(
            "{} in {}{size}{}",
            word(result.outcome),
            seconds(result.seconds),
            line.reason(result.outcome)
        );
        let room = terminal_width().saturating_sub(width + MARK);
        line.bar.finish_with_message(shortened(&text, room));
    }

    /// Draws the last of the live lines.
    fn settle(&self, state: &mut State) {
        _ = state.left.take().map(|bar| bar.finish_and_clear());
        for line in state.stages.values().filter(|line| !line.bar.is_finished()) {
            line.bar.disable_steady_tick();
            line.bar.abandon_with_message("not built");
        }
    }

    /// From now on the terminal is somebody else's, and what stands there is never drawn again.
    fn leave(&self, state: &mut State, event: &Event) {
        self.settle(state);
        self.lines.set_draw_target(ProgressDrawTarget::hidden());
        self.printer.talk(&format!("\n\n{}", plain::line(event).unwrap_or_default()));
    }

    fn end(&self, state: &mut State, taken: f64, report: &str) {
        self.settle(state);
        if !state.results.is_empty() {
            self.printer.talk_folded(&format!("\n\n{}", summary(&state.results).trim_end()));
        }
        self.printer.talk(&format!("\ntook {}; report: {report}", seconds(taken)));
    }
}

impl StageLine {
    /// Behind its result; `: ` first, where there is one.
    fn reason(&self, outcome: Outcome) -> String {
        match (self.why.as_str(), outcome) {
            ("", _) => String::new(),
            (_, Outcome::Reused) if self.given_to_builder => {
                ": all from the builder's cache".to_owned()
            }
            (why, _) => format!(": {why}"),
        }
    }

    fn begin(&mut self, step: String) {
        self.step = step;
        self.last.clear();
        self.show(&self.step, None);
    }

    fn show(&self, step: &str, moving: Option<&Moving>) {
        let before = BEFORE + self.name_width;
        let download = moving.map(Moving::now);
        let width = terminal_width().saturating_sub(before);
        self.bar.set_message(compose(step, download.as_ref(), &self.last, width));
    }
}

fn terminal_width() -> usize {
    printer::width(std::io::stderr()).unwrap_or(WIDTH)
}

impl Moving {
    fn now(&self) -> Download<'_> {
        let rate = self.sent as f64 / self.since.elapsed().as_secs_f64().max(0.001);
        Download { file: &self.file, sent: self.sent, length: self.length, rate: rate as u64 }
    }
}

impl State {
    fn transfer(&mut self, transfer: &Transfer) {
        match transfer {
            Transfer::Started { id, file, length, .. } => {
                let moving =
                    Moving { file: file.clone(), length: *length, since: Instant::now(), sent: 0 };
                self.transfers.insert(*id, moving);
            }
            Transfer::Progress { id, sent } => {
                if let Some(moving) = self.transfers.get_mut(id) {
                    moving.sent = *sent;
                }
            }
            Transfer::Ended { id, .. } => _ = self.transfers.remove(id),
            Transfer::Refused { .. } => {}
            Transfer::Lost { .. } => self.transfers.clear(),
        }
        self.refresh();
    }

    /// Shows the transfer that began last on the stage that runs.
    fn refresh(&self) {
        let moving = self.transfers.iter().max_by_key(|(id, _)| **id).map(|(_, moving)| moving);
        for line in self.stages.values().filter(|line| line.running) {
            line.show(&line.step, moving);
        }
    }
}

impl Reporter for Tty {
    fn report(&self, event: &Event) {
        self.remaining.lock().unwrap_or_else(PoisonError::into_inner).take(event, Instant::now());
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *state;
        match event {
            Event::RunStarted { stages, .. } => self.start(state, stages),
            Event::VerifyStarted { bytes, .. } => self.verify(state, *bytes),
            Event::VerifyProgress { bytes, .. } => {
                _ = state.run.as_ref().map(|bar| bar.set_position(*bytes));
            }
            Event::VerifyFinished { .. } => _ = state.run.take().map(|bar| bar.finish_and_clear()),
            Event::BaseProgress { image, how, bytes: done, .. } => {
                if let Some(line) = state.order.first().and_then(|stage| state.stages.get(stage)) {
                    line.bar.set_message(format!("base {image}: {how} {}", bytes(*done)));
                }
            }
            Event::StageFinished(result) => self.finish(state, result),
            Event::ShellStarted { .. } => self.leave(state, event),
            Event::Forecast(_) => {
                self.say(event);
                self.foretell(state);
            }
            Event::Waiting { .. }
            | Event::Silent { .. }
            | Event::Transfer(Transfer::Refused { .. }) => {
                self.say(event);
            }
            Event::Transfer(transfer) => {
                if let Transfer::Lost { .. } = transfer {
                    self.say(event);
                }
                state.transfer(transfer);
            }
            Event::Warning { message } => {
                self.lines.suspend(|| self.printer.talk(&format!("warning: {message}")));
            }
            Event::RunFinished { seconds, report, .. } => self.end(state, *seconds, report),
            _ => self.stage(state, event),
        }
    }
}

impl Tty {
    /// What happens while a stage is built.
    fn stage(&self, state: &mut State, event: &Event) {
        match event {
            Event::StageStarted { stage, .. } => self.begin(state, stage),
            Event::StageDecided { stage, reused, reasons, .. } => {
                if let Some(line) = state.stages.get_mut(stage) {
                    line.why = reasons.join("; ");
                    line.given_to_builder = !*reused;
                }
            }
            Event::StageStep { stage, step, steps, instruction, cached } => {
                if let Some(line) = state.stages.get_mut(stage) {
                    let mark = if *cached { " (cached)" } else { "" };
                    line.begin(format!("{step}/{steps}{mark} {instruction}"));
                }
                state.refresh();
            }
            Event::StageOutput { stage, line: text } => {
                if let Some(line) = state.stages.get_mut(stage) {
                    line.last.clone_from(text);
                }
                state.refresh();
            }
            Event::CheckStarted { stage, check } => {
                if let Some(line) = state.stages.get_mut(stage) {
                    line.begin(format!("check {check}"));
                }
            }
            _ => {}
        }
    }
}
