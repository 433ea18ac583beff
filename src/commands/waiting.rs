//! Waiting for another build of the same target to end.

use std::time::Duration;

use time::OffsetDateTime;

use crate::plan::Plan;
use crate::run::{Asked, Event, Holder, Recorder, Turn};

/// How often a lock is asked for that another run has.
const AGAIN: Duration = Duration::from_millis(250);

/// The right to build the plan's target, for as long as the answer lives; says whom it waits
/// for. `None` where locks cannot be had, which is no reason not to build.
pub(super) async fn turn(recorder: &Recorder<'_>, plan: &Plan) -> Option<Turn> {
    let image = plan.stage(&plan.target).map(|stage| stage.reference.as_str()).unwrap_or_default();
    let folder = recorder.folder();
    let holder = Holder::this(&folder.id, OffsetDateTime::now_utc());
    let mut told = None;
    loop {
        match Turn::ask(folder.state(), image, &holder) {
            Ok(Asked::Ours(turn)) => return Some(turn),
            Ok(Asked::Theirs(Some(theirs))) if told.as_ref() != Some(&theirs) => {
                tell(recorder, image, &theirs);
                told = Some(theirs);
            }
            Ok(Asked::Theirs(_)) => {}
            Err(error) => {
                tracing::warn!(%error, image, "other builds of the target are not waited for");
                return None;
            }
        }
        tokio::time::sleep(AGAIN).await;
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
