//! `--shell-on-failure`: a shell where the run failed first, for whoever sits at the terminal.

use std::time::Instant;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::interrupt::Interrupt;
use crate::engine::{Engine, Terminal};
use crate::error::{Exit, Problem, Result};
use crate::project::StageName;
use crate::run::{Event, Job, Materials, Recorder, Standpoint, standpoint};
use crate::ui::RawTerminal;

/// Says before the build that no shell will be opened, where nobody could use it.
pub(super) fn warn_without_terminal(recorder: &Recorder<'_>) {
    if !RawTerminal::is_there() {
        warn(recorder, "`--shell-on-failure` opens no shell: stdin is no terminal");
    }
}

/// Opens a shell where a run failed that ended with `result`.
pub(super) async fn offer<E: Engine, M: Materials>(
    job: &Job<'_, E, M>,
    result: &Result<()>,
    interrupt: &Interrupt,
) {
    if result.as_ref().err().is_none_or(|error| error.exit != Exit::Failed) {
        return;
    }
    let opened = async {
        open(job).await;
        Ok(())
    };
    // Whoever ends the shell from outside gets the build's own exit code all the same.
    _ = interrupt.unless(opened).await;
}

/// Opens a shell where the run failed first, and stays until it ends. What goes wrong with it is
/// told, and changes nothing of the run's end.
async fn open<E: Engine, M: Materials>(job: &Job<'_, E, M>) {
    if !RawTerminal::is_there() {
        return;
    }
    let Some(stage) = job.scene.stage() else {
        return warn(job.recorder, "no shell: it is not known which instruction failed");
    };
    let opened = Opened::new(job.recorder, stage);
    let ended = match standpoint(job).await {
        Ok(Some(standpoint)) => stand(job, &standpoint).await,
        Ok(None) => {
            let message = format!("stage `{stage}` failed before its first instruction");
            Err(Problem::error(message).exit(Exit::Failed))
        }
        Err(error) => Err(error),
    };
    // What is told while the terminal is somebody else's is not shown.
    drop(opened);
    for problem in ended.err().into_iter().flat_map(|error| error.problems) {
        let cause = problem.source.map(|cause| format!(": {cause}")).unwrap_or_default();
        warn(job.recorder, &format!("no shell: {}{cause}", problem.message));
    }
}

/// A shell that is made ready or open: its end is told however it ends, also by a signal.
struct Opened<'a> {
    recorder: &'a Recorder<'a>,
    stage: &'a StageName,
    since: Instant,
}

impl<'a> Opened<'a> {
    fn new(recorder: &'a Recorder<'a>, stage: &'a StageName) -> Self {
        recorder.record(&Event::ShellStarted { stage: stage.clone() });
        Self { recorder, stage, since: Instant::now() }
    }
}

impl Drop for Opened<'_> {
    fn drop(&mut self) {
        let (stage, seconds) = (self.stage.clone(), self.since.elapsed().as_secs_f64());
        self.recorder.record(&Event::ShellFinished { stage, seconds });
    }
}

async fn stand<E: Engine, M>(job: &Job<'_, E, M>, standpoint: &Standpoint) -> Result<()> {
    let mut lines = standpoint.told.clone();
    lines.push("what is changed here is lost; `exit` leaves".to_owned());
    let raw = RawTerminal::open(&lines).map_err(|error| {
        Problem::error("the terminal cannot be opened").cause(error).exit(Exit::Failed)
    })?;
    let (sender, size) = watch::channel(raw.size());
    let terminal = Terminal { input: Box::new(raw.bytes()), output: Box::new(raw.bytes()), size };
    tokio::select! {
        ended = job.engine.shell(&standpoint.request, terminal) => ended,
        () = follow_size(&raw, &sender) => Ok(()),
    }
}

/// Passes on the terminal's size whenever it changes; never ends.
async fn follow_size(raw: &RawTerminal, sender: &watch::Sender<(u16, u16)>) {
    if let Ok(mut changed) = signal(SignalKind::window_change()) {
        while changed.recv().await.is_some() {
            sender.send_replace(raw.size());
        }
    }
    std::future::pending::<()>().await;
}

fn warn(recorder: &Recorder<'_>, message: &str) {
    recorder.record(&Event::Warning { message: message.to_owned() });
}
