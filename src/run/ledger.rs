//! Who fetched what: every download of a run and every refused request, with
//! the stage that was being built. Where several stages are built at the same
//! time, a download is that of a stage that needs the file: of the one whose
//! container fetched before, else of one that has not fetched it yet.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use time::OffsetDateTime;

use super::Transfer;
use super::refusals::{Refusal, Refusals};
use crate::project::StageName;

/// How many downloads are kept: a container that asks for ever must not fill up the report.
const MOST: usize = 10_000;

/// The outcome of a download that has not ended yet.
const RUNNING: &str = "running";

/// The outcome of a download whose end a shared server did not keep.
const UNKNOWN: &str = "unknown";

/// One download.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fetch {
    /// The stage that was being built; `None` between stages.
    pub stage: Option<StageName>,
    /// The file.
    pub file: String,
    /// The container's address.
    pub client: String,
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    pub started: OffsetDateTime,
    /// Bytes that the response was to carry.
    pub length: u64,
    /// Bytes that it did carry.
    pub sent: u64,
    /// `whole`, `cut`, `changed`, `running` where the run ended first, or `unknown` where a shared
    /// server had more to tell than it keeps.
    pub outcome: &'static str,
    /// Other stages that needed the file at that time.
    #[serde(skip)]
    also: Vec<StageName>,
}

impl Fetch {
    fn may_be_of(&self, stage: &StageName) -> bool {
        self.stage.as_ref() == Some(stage) || self.also.contains(stage)
    }
}

/// The downloads and refusals of one run.
#[derive(Debug, Default)]
pub struct Ledger {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The stages under way and the files that each needs.
    running: Vec<(StageName, Vec<String>)>,
    fetches: Vec<Fetch>,
    /// Where in `fetches` the download of each id is.
    places: HashMap<u64, usize>,
    refusals: Refusals,
    /// What stages may have fetched though no download that is kept says so.
    perhaps: HashSet<(StageName, String)>,
}

impl Ledger {
    /// From now on `stage`, which needs `files`, may fetch.
    pub fn enter(&self, stage: &StageName, files: impl IntoIterator<Item = String>) {
        self.state().running.push((stage.clone(), files.into_iter().collect()));
    }

    /// `stage` fetches no more.
    pub fn leave(&self, stage: &StageName) {
        self.state().running.retain(|(running, _)| running != stage);
    }

    /// Takes one event of the package server, which happened at `now`; whether it is to be told.
    pub fn take(&self, transfer: &Transfer, now: OffsetDateTime) -> bool {
        self.state().take(transfer, now)
    }

    /// The stages that the download may be of, the likeliest first; none where nobody can tell.
    pub fn stages_of(&self, id: u64) -> Vec<StageName> {
        let state = self.state();
        let place = state.places.get(&id);
        let fetch = place.and_then(|place| state.fetches.get(*place)).into_iter();
        fetch.flat_map(|fetch| fetch.stage.iter().chain(&fetch.also)).cloned().collect()
    }

    /// Those of `files` of which `stage` surely began no download.
    pub fn never_fetched<'a>(
        &self,
        stage: &StageName,
        files: impl IntoIterator<Item = &'a str>,
    ) -> Vec<&'a str> {
        let state = self.state();
        let fetched = |file: &str| {
            state.perhaps.contains(&(stage.clone(), file.to_owned()))
                || state.fetches.iter().any(|fetch| fetch.file == file && fetch.may_be_of(stage))
        };
        files.into_iter().filter(|file| !fetched(file)).collect()
    }

    /// Every download, in the order in which they began.
    pub fn fetches(&self) -> Vec<Fetch> {
        self.state().fetches.clone()
    }

    /// The first refused requests of each client, in order.
    pub fn refusals(&self) -> Vec<Refusal> {
        self.state().refusals.kept()
    }

    /// How many requests were refused in all.
    pub fn refused(&self) -> u64 {
        self.state().refusals.count()
    }

    /// What is said at the end of refused requests that were not told, if there are any.
    pub fn untold(&self) -> Option<String> {
        self.state().refusals.rest()
    }

    /// A panic elsewhere leaves nothing half-done here, so a poisoned lock is as good as any.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self, transfer: &Transfer, now: OffsetDateTime) -> bool {
        match transfer {
            Transfer::Started { id, stage, client, file, length } => {
                let (stage, also) = match stage {
                    Some(stage) => (Some(stage.clone()), Vec::new()),
                    None => self.fetching(client, file),
                };
                if self.fetches.len() >= MOST {
                    let stages = stage.into_iter().chain(also);
                    self.perhaps.extend(stages.map(|stage| (stage, file.clone())));
                    return false;
                }
                self.places.insert(*id, self.fetches.len());
                self.fetches.push(Fetch {
                    stage,
                    also,
                    file: file.clone(),
                    client: client.clone(),
                    started: now,
                    length: *length,
                    sent: 0,
                    outcome: RUNNING,
                });
            }
            Transfer::Progress { id, sent } => return self.note(*id, *sent, RUNNING),
            Transfer::Ended { id, sent, outcome } => return self.note(*id, *sent, outcome),
            Transfer::Refused { stage, client, path, status, nearest } => {
                let known = || self.known(client).or_else(|| self.only());
                let stage = stage.clone().or_else(known);
                let (client, path, nearest) = (client.clone(), path.clone(), nearest.clone());
                let refusal = Refusal { stage, client, path, status: *status, nearest };
                return self.refusals.take(refusal);
            }
            Transfer::Lost { files } => self.lose(files),
        }
        true
    }

    /// The stages under way may have fetched these files, and downloads may have ended.
    fn lose(&mut self, files: &[String]) {
        let stages = self.running.iter().map(|(stage, _)| stage);
        let pairs = stages.flat_map(|stage| files.iter().map(|file| (stage.clone(), file.clone())));
        self.perhaps.extend(pairs);
        let running = self.fetches.iter_mut().filter(|fetch| fetch.outcome == RUNNING);
        running.for_each(|fetch| fetch.outcome = UNKNOWN);
    }

    /// The stage that fetches `file` now, and others that it might be.
    fn fetching(&self, client: &str, file: &str) -> (Option<StageName>, Vec<StageName>) {
        let needing = self.running.iter().filter(|(_, files)| files.iter().any(|one| one == file));
        let mut stages: Vec<StageName> = needing.map(|(stage, _)| stage.clone()).collect();
        let had = |stage: &StageName| {
            self.fetches
                .iter()
                .any(|fetch| fetch.file == file && fetch.stage.as_ref() == Some(stage))
        };
        let known = self.known(client);
        stages.sort_by_key(|stage| (known.as_ref() != Some(stage), had(stage)));
        let first = (!stages.is_empty()).then(|| stages.remove(0));
        (first.or_else(|| self.only()), stages)
    }

    /// The running stage whose container has this address.
    fn known(&self, client: &str) -> Option<StageName> {
        let of_client = self.fetches.iter().rev().filter(|fetch| fetch.client == client);
        let mut stages = of_client.filter_map(|fetch| fetch.stage.as_ref());
        let running = |stage: &&StageName| self.running.iter().any(|(name, _)| name == *stage);
        stages.find(running).cloned()
    }

    /// The stage that is being built, where it is only one.
    fn only(&self) -> Option<StageName> {
        match self.running.as_slice() {
            [(stage, _)] => Some(stage.clone()),
            _ => None,
        }
    }

    /// Notes how far a download is; whether it is kept.
    fn note(&mut self, id: u64, sent: u64, outcome: &'static str) -> bool {
        let place = self.places.get(&id).copied();
        let fetch = place.and_then(|place| self.fetches.get_mut(place));
        fetch.map(|fetch| (fetch.sent, fetch.outcome) = (sent, outcome)).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(stage: &str) -> StageName {
        stage.parse().unwrap()
    }

    fn started(id: u64, file: &str) -> Transfer {
        fetched_by("c", id, file)
    }

    fn fetched_by(client: &str, id: u64, file: &str) -> Transfer {
        let (client, file) = (client.to_owned(), file.to_owned());
        Transfer::Started { id, stage: None, client, file, length: 10 }
    }

    /// `stage` follows the one before.
    fn enter(ledger: &Ledger, stage: &str) {
        for stage in ["A", "B", "C"] {
            ledger.leave(&name(stage));
        }
        ledger.enter(&name(stage), []);
    }

    /// Stage `A` fetches `whole` in two goes and stage `B` `cut`, and asks for `x`; then `act`.
    fn check(act: impl Fn(&Ledger), expected: &[&str]) {
        let ledger = Ledger::default();
        let take = |transfer| ledger.take(&transfer, OffsetDateTime::UNIX_EPOCH);
        enter(&ledger, "A");
        take(started(1, "whole"));
        take(Transfer::Progress { id: 1, sent: 3 });
        take(Transfer::Ended { id: 1, sent: 4, outcome: "cut" });
        take(started(2, "whole"));
        take(Transfer::Ended { id: 2, sent: 6, outcome: "whole" });
        enter(&ledger, "B");
        take(started(3, "cut"));
        act(&ledger);
        let line = |fetch: &Fetch| {
            let stage = fetch.stage.as_ref().map_or("-", StageName::as_str);
            format!("{stage} {} {} {}", fetch.file, fetch.sent, fetch.outcome)
        };
        let actual: Vec<_> = ledger.fetches().iter().map(line).collect();
        assert_eq!(actual, expected);
    }

    #[test]
    fn a_download_belongs_to_the_stage_that_ran_when_it_began() {
        let first = ["A whole 4 cut", "A whole 6 whole"];
        check(|_| (), &[first[0], first[1], "B cut 0 running"]);
        let later = |ledger: &Ledger| {
            enter(ledger, "C");
            let ended = Transfer::Ended { id: 3, sent: 7, outcome: "changed" };
            ledger.take(&ended, OffsetDateTime::UNIX_EPOCH);
        };
        check(later, &[first[0], first[1], "B cut 7 changed"]);
        let unknown = |ledger: &Ledger| {
            ledger.take(&Transfer::Progress { id: 9, sent: 7 }, OffsetDateTime::UNIX_EPOCH);
        };
        check(unknown, &[first[0], first[1], "B cut 0 running"]);
    }

    #[test]
    fn what_another_stage_fetched_was_not_fetched_by_this_one() {
        let ledger = Ledger::default();
        enter(&ledger, "A");
        ledger.take(&started(1, "a"), OffsetDateTime::UNIX_EPOCH);
        enter(&ledger, "B");
        ledger.take(&started(2, "b"), OffsetDateTime::UNIX_EPOCH);
        assert_eq!(ledger.never_fetched(&name("A"), ["a", "b"]), ["b"]);
        assert_eq!(ledger.never_fetched(&name("B"), ["a", "b"]), ["a"]);
    }

    #[test]
    fn stages_side_by_side_are_told_apart_by_what_they_need_and_by_their_containers() {
        let ledger = Ledger::default();
        ledger.enter(&name("A"), ["a", "both"].map(str::to_owned));
        ledger.enter(&name("B"), ["b", "both"].map(str::to_owned));
        let fetches = [("1", "a"), ("2", "both"), ("1", "both"), ("2", "b"), ("3", "x")];
        for (id, (client, file)) in fetches.into_iter().enumerate() {
            ledger.take(&fetched_by(client, id as u64, file), OffsetDateTime::UNIX_EPOCH);
        }
        let stages: Vec<_> = ledger.fetches().iter().map(|fetch| fetch.stage.clone()).collect();
        let [a, b] = ["A", "B"].map(|stage| Some(name(stage)));
        assert_eq!(stages, [a.clone(), a.clone(), a, b, None]);
        assert!(ledger.never_fetched(&name("B"), ["b", "both"]).is_empty());
        assert_eq!(ledger.never_fetched(&name("B"), ["a"]), ["a"]);
    }

    #[test]
    fn a_download_tells_the_stages_that_it_may_be_of() {
        let ledger = Ledger::default();
        for (stage, files) in [("A", vec!["a", "both"]), ("B", vec!["both"])] {
            ledger.enter(&name(stage), files.into_iter().map(str::to_owned));
        }
        for (id, file) in [(1, "a"), (2, "both"), (3, "neither")] {
            ledger.take(&fetched_by(file, id, file), OffsetDateTime::UNIX_EPOCH);
        }
        let stages = |id| ledger.stages_of(id);
        assert_eq!(stages(1), [name("A")]);
        assert_eq!(stages(2), [name("A"), name("B")]);
        assert_eq!([stages(3), stages(4)], [[], []]);
    }

    #[test]
    fn what_is_asked_for_ever_is_kept_up_to_a_limit() {
        let ledger = Ledger::default();
        ledger.enter(&name("A"), []);
        for id in 0..=MOST as u64 {
            ledger.take(&started(id, "a"), OffsetDateTime::UNIX_EPOCH);
        }
        assert_eq!(ledger.fetches().len(), MOST);
        assert!(!ledger.take(&started(MOST as u64 + 1, "b"), OffsetDateTime::UNIX_EPOCH));
        assert_eq!(ledger.never_fetched(&name("A"), ["b", "c"]), ["c"]);
    }

    #[test]
    fn a_path_that_says_its_stage_is_believed() {
        let ledger = Ledger::default();
        ledger.enter(&name("A"), ["both".to_owned()]);
        ledger.enter(&name("B"), ["both".to_owned()]);
        let (client, file) = ("c".to_owned(), "both".to_owned());
        let stage = Some(name("B"));
        let started = Transfer::Started { id: 1, stage, client, file, length: 10 };
        ledger.take(&started, OffsetDateTime::UNIX_EPOCH);
        assert_eq!(ledger.stages_of(1), [name("B")]);
        assert_eq!(ledger.never_fetched(&name("A"), ["both"]), ["both"]);
    }

    #[test]
    fn what_is_lost_is_not_called_never_fetched() {
        let ledger = Ledger::default();
        enter(&ledger, "A");
        ledger.take(&started(1, "whole"), OffsetDateTime::UNIX_EPOCH);
        let lost = Transfer::Lost { files: vec!["a".to_owned()] };
        ledger.take(&lost, OffsetDateTime::UNIX_EPOCH);
        assert_eq!(ledger.never_fetched(&name("A"), ["a", "b"]), ["b"]);
        assert_eq!(ledger.never_fetched(&name("B"), ["a", "b"]), ["a", "b"]);
        assert_eq!(ledger.fetches()[0].outcome, "unknown");
    }
}
