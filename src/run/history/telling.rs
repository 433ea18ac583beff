//! Which earlier runs tell what building these stages takes: the last ones in which each
//! of them was really built. However many runs since had nothing to do, they count apart.

use std::path::Path;

use super::{History, PastRun, RunSummary, run_folder};
use crate::run::RunId;

/// How many builds of a stage are gone by, and how many runs in which there was nothing to build of it.
const ENOUGH: usize = 20;

/// How many reports are read at most: a report takes about a millisecond.
const MOST_READ: usize = 300;

/// The reports, the latest first, of runs below `state` for `platform` that tell of one of `stages`; those
/// that cannot be read are left out.
pub fn telling(state: &Path, platform: &str, stages: &[&str]) -> Vec<PastRun> {
    let mut tallies: Vec<_> = stages.iter().map(|stage| Tally { stage, ran: 0, idle: 0 }).collect();
    let runs = History::read(state).runs;
    let (mut telling, mut read) = (Vec::new(), 0);
    for run in runs.iter().rev().filter(|run| run.platform == platform) {
        if read == MOST_READ {
            break;
        }
        if !tallies.iter().any(|tally| tally.may_want(run)) {
            continue;
        }
        read += 1;
        let Ok(id) = run.run.parse::<RunId>() else { continue };
        let Ok(past) = PastRun::read(&run_folder(state, &id)) else { continue };
        // All are asked, because each counts.
        let wanted = tallies.iter_mut().filter_map(|tally| tally.take(&past)).count();
        telling.extend(Some(past).filter(|_| wanted > 0));
    }
    telling
}

/// How many runs have told of a stage.
struct Tally<'a> {
    stage: &'a str,
    /// Builds in which an instruction ran.
    ran: usize,
    /// Runs in which the image, or the cache, had all of it.
    idle: usize,
}

impl Tally<'_> {
    /// Whether the run may tell what is still wanted: its line does not say whether the cache had all.
    fn may_want(&self, run: &RunSummary) -> bool {
        run.stages.iter().any(|stage| {
            stage.stage == self.stage
                && match stage.outcome.as_str() {
                    "built" => self.ran < ENOUGH || self.idle < ENOUGH,
                    "reused" => self.idle < ENOUGH,
                    _ => false,
                }
        })
    }

    /// Counts the run, where it tells what is still wanted.
    fn take(&mut self, run: &PastRun) -> Option<()> {
        let stage = run.stages.iter().find(|stage| stage.stage == self.stage)?;
        let steps = run.pace.iter().find(|pace| pace.stage == self.stage).map(|pace| &pace.steps);
        let ran =
            steps.is_none_or(|steps| steps.is_empty() || steps.iter().any(|step| !step.cached));
        let count = match stage.outcome.as_str() {
            "built" if ran => &mut self.ran,
            "built" | "reused" => &mut self.idle,
            _ => return None,
        };
        *count += 1;
        (*count <= ENOUGH).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;
    use time::OffsetDateTime;
    use time::format_description::well_known::Rfc3339;

    use super::*;

    /// A run of stage A; `cached` says whether the cache had its one instruction.
    fn write(state: &Path, number: i64, outcome: &str, cached: Option<bool>) {
        let started = OffsetDateTime::from_unix_timestamp(1_795_242_400 + number).unwrap();
        let id = RunId::new(started, 1, 0);
        let folder = run_folder(state, &id);
        let steps = cached.map(|cached| json!({"step": 1, "seconds": 1.0, "cached": cached}));
        let report = json!({
            "schema": 1, "run": id.as_str(), "started": started.format(&Rfc3339).unwrap(),
            "seconds": 2.5, "result": "done", "exit_code": 0,
            "stages": [{"stage": "A", "outcome": outcome}],
            "pace": [{"stage": "A", "steps": steps.into_iter().collect::<Vec<_>>()}],
            "plan": {"target": "A", "platform": "linux/amd64"},
        });
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("report.json"), report.to_string()).unwrap();
    }

    /// How many reports tell of A after these runs, the first first, each so many times.
    fn check(runs: &[(&str, Option<bool>, i64)], expected: usize) {
        let (state, mut number) = (tempfile::tempdir().unwrap(), 0);
        for (outcome, cached, times) in runs {
            for _ in 0..*times {
                write(state.path(), number, outcome, *cached);
                number += 1;
            }
        }
        assert_eq!(telling(state.path(), "linux/amd64", &["A"]).len(), expected);
        assert_eq!(telling(state.path(), "linux/arm64", &["A"]).len(), 0);
    }

    #[test]
    fn runs_with_nothing_to_do_do_not_push_the_builds_out() {
        let build = ("built", Some(false), 1);
        check(&[build, ("reused", None, 30)], 21);
        check(&[build, ("built", Some(true), 30)], 21);
        check(&[("built", Some(false), 30), ("reused", None, 3)], 23);
        check(&[build, ("failed", Some(false), 30)], 1);
    }
}
