//! Waiting for another build of the same target to end.

use std::io;
use std::path::Path;
use std::time::Duration;

use time::OffsetDateTime;

use crate::plan::Plan;
use crate::run::{Asked, Event, Holder, Recorder, Turn};

/// How often a lock is asked for that another run has.
const AGAIN: Duration = Duration::from_millis(250);

/// Whose turn it is.
pub(super) struct Waited {
    /// The right to build the plan's target, for as long as this lives; `None` where locks cannot
    /// be had, which is no reason not to build.
    pub(super) turn: Option<Turn>,
    /// Whether another run had it first.
    pub(super) waited: bool,
}

/// The image that a plan's target becomes.
pub(super) fn image(plan: &Plan) -> &str {
    plan.stage(&plan.target).map(|stage| stage.reference.as_str()).unwrap_or_default()
}

/// Waits until it is this run's turn to build the plan's target; says for whom.
pub(super) async fn turn(recorder: &Recorder<'_>, plan: &Plan) -> Waited {
    let image = image(plan);
    let folder = recorder.folder();
    let holder = Holder::this(&folder.id, OffsetDateTime::now_utc());
    let (mut told, mut waited) = (None, false);
    loop {
        match Turn::ask(folder.state(), image, &holder) {
            Ok(Asked::Ours(turn)) => return Waited { turn: Some(turn), waited },
            Ok(Asked::Theirs(Some(theirs))) if told.as_ref() != Some(&theirs) => {
                tell(recorder, image, &theirs);
                told = Some(theirs);
            }
            Ok(Asked::Theirs(_)) => {}
            Err(error) => {
                let path = Turn::path(folder.state(), image);
                recorder.record(&not_waiting(&path, image, &error));
                return Waited { turn: None, waited };
            }
        }
        waited = true;
        tokio::time::sleep(AGAIN).await;
    }
}

/// Two builds of one image are no danger to each other, but the slower one has the last word.
fn not_waiting(path: &Path, image: &str, error: &io::Error) -> Event {
    let folder = path.parent().unwrap_or(path).display();
    Event::Warning {
        message: format!(
            "`{}` cannot be locked ({error}): another build of `{image}` is not waited for; make `{folder}` a folder that this user can write to",
            path.display()
        ),
    }
}

fn tell(recorder: &Recorder<'_>, image: &str, holder: &Holder) {
    recorder.record(&Event::Waiting {
        run: holder.run.clone(),
        process: holder.process,
        image: image.to_owned(),
        since: holder.since,
    });
}
