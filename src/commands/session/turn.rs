//! The session's turn: waiting for another build of its image, and what may have changed meanwhile.

use super::Session;
use crate::commands::interrupt::Interrupt;
use crate::commands::selection::own_platform;
use crate::commands::waiting::{self, Waited};
use crate::commands::{remembering, revision};
use crate::error::Result;
use crate::plan::Plan;
use crate::run::Event;

impl Session<'_> {
    /// Waits until no other run builds the plan's image. The turn is kept to the session's end, so
    /// that whoever comes next finds this run's report.
    pub(super) async fn take_turn(&mut self, interrupt: &Interrupt) -> Result<()> {
        loop {
            let waiting = async { Ok(waiting::turn(self.recorder, &self.plan).await) };
            let Waited { turn, waited } = interrupt.unless(waiting).await?;
            self.turn = turn;
            if !waited || !self.plan_again()? {
                return Ok(());
            }
        }
    }

    /// What was edited while this run waited is built as it is now. Tells whether the target's
    /// image is another one then, which is another turn.
    fn plan_again(&mut self) -> Result<bool> {
        let (project, plan, _) = self.args.target.plan(self.folder, &own_platform()?)?;
        let (before, image) = (text(&self.plan), waiting::image(&self.plan).to_owned());
        (self.project, self.plan) = (project, plan);
        self.revision = revision::revision(&self.project.folder);
        if text(&self.plan) != before {
            let message =
                "the project's files changed while this run waited: they are built as they are now";
            self.recorder.record(&Event::Warning { message: message.to_owned() });
            remembering::begin(self.recorder.folder(), &self.plan, self.revision.as_ref());
        }
        Ok(waiting::image(&self.plan) != image)
    }
}

/// All that a plan says.
fn text(plan: &Plan) -> Option<String> {
    serde_json::to_string(plan).ok()
}
