//! Refused requests: how many are kept and told, so that whoever asks for nothing
//! that is there fills neither a report nor a terminal.
//!
//! Each client of each stage has a share of its own: what a stage's container is
//! refused is found beside any number of requests by others.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::project::StageName;

/// How many are kept in all, and how many of one client while a stage is built.
const KEPT: usize = 1000;
const KEPT_OF_ONE: u64 = 100;

/// How many are told at once in all, and how many of one client while a stage is built.
const TOLD: usize = 100;
const TOLD_OF_ONE: u64 = 5;

/// How many clients are told apart.
const CLIENTS: usize = 1000;

/// What all further ones are called.
const OTHERS: &str = "others";

/// How many clients are named at the end.
const NAMED: usize = 3;

/// A request that got no file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// The stage that was being built; `None` between stages.
    pub stage: Option<StageName>,
    /// The container's address.
    pub client: String,
    /// What was asked for; empty for what is no HTTP request.
    pub path: String,
    /// The HTTP status.
    pub status: u16,
    /// The served name most like it.
    pub nearest: Option<String>,
}

/// The refused requests of a run.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    kept: Vec<Refusal>,
    count: u64,
    told: usize,
    /// How many each client has had while each stage was built.
    shares: BTreeMap<(Option<StageName>, String), u64>,
    /// How many were not told, by client.
    untold: BTreeMap<String, u64>,
}

impl Refusals {
    /// Counts a refusal, and keeps it if there is room; whether it is to be told at once.
    pub(super) fn take(&mut self, refusal: Refusal) -> bool {
        self.count += 1;
        let client = self.known(host(&refusal.client));
        let share = self.shares.entry((refusal.stage.clone(), client.clone())).or_default();
        *share += 1;
        let share = *share;
        if share <= KEPT_OF_ONE && self.kept.len() < KEPT {
            self.kept.push(refusal);
        }
        let is_told = share <= TOLD_OF_ONE && self.told < TOLD;
        self.told += usize::from(is_told);
        if !is_told {
            *self.untold.entry(client).or_default() += 1;
        }
        is_told
    }

    /// The first of them, in order.
    pub(super) fn kept(&self) -> Vec<Refusal> {
        self.kept.clone()
    }

    /// How many there were.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// What is said at the end of those that were not told.
    pub(super) fn rest(&self) -> Option<String> {
        let count: u64 = self.untold.values().sum();
        let mut clients: Vec<_> =
            self.untold.iter().filter(|(client, _)| *client != OTHERS).collect();
        clients.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        clients.truncate(NAMED);
        let others = count - clients.iter().map(|(_, count)| **count).sum::<u64>();
        let named = clients.iter().map(|(client, count)| format!("{count} of {client}"));
        let mut named: Vec<_> = named.collect();
        named.extend((others > 0).then(|| format!("{others} of others")));
        let requests = if count == 1 { "request" } else { "requests" };
        (count > 0).then(|| {
            format!("the package server refused {count} more {requests}: {}", named.join(", "))
        })
    }

    /// A client as it is counted: there are more addresses than anybody wants to hear of.
    fn known(&self, client: &str) -> String {
        let is_new = || self.shares.keys().all(|(_, known)| known != client);
        if self.shares.len() >= CLIENTS && is_new() { OTHERS.to_owned() } else { client.to_owned() }
    }
}

/// A client's address without its port, of which every connection has another.
fn host(client: &str) -> &str {
    client.rsplit_once(':').map_or(client, |(host, _)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(stage: Option<&str>, client: &str) -> Refusal {
        Refusal {
            stage: stage.map(|stage| stage.parse().unwrap()),
            client: client.to_owned(),
            path: "/x".to_owned(),
            status: 404,
            nearest: None,
        }
    }

    /// How many of so many refusals of each client in each stage are kept and told, and what is
    /// said of the others.
    fn check(asked: &[(Option<&str>, &str, usize)], kept: usize, told: usize, rest: Option<&str>) {
        let mut refusals = Refusals::default();
        let mut count = 0;
        for (stage, client, times) in asked {
            for port in 0..*times {
                count += usize::from(refusals.take(refusal(*stage, &format!("{client}:{port}"))));
            }
        }
        let in_all: usize = asked.iter().map(|(_, _, times)| times).sum();
        assert_eq!(refusals.count(), in_all as u64);
        assert_eq!((refusals.kept().len(), count, refusals.rest().as_deref()), (kept, told, rest));
    }

    #[test]
    fn who_asks_without_end_is_told_a_few_times_and_counted() {
        check(&[], 0, 0, None);
        check(&[(None, "1", 5)], 5, 5, None);
        let said = "the package server refused 1 more request: 1 of 1";
        check(&[(None, "1", 6)], 6, 5, Some(said));
        let said = "the package server refused 5003 more requests: 4995 of 9, 8 of 1";
        let asked = [(None, "9", 5000), (Some("A"), "1", 8), (Some("B"), "1", 10), (None, "2", 1)];
        check(&asked, 100 + 8 + 10 + 1, 5 + 5 + 5 + 1, Some(said));
    }

    #[test]
    fn clients_without_end_are_not_told_apart_for_ever() {
        let clients: Vec<_> = (0..3000).map(|client| client.to_string()).collect();
        let asked: Vec<_> = clients.iter().map(|client| (None, &**client, 1)).collect();
        let said = "the package server refused 2900 more requests: 1 of 100, 1 of 101, 1 of 102, 2897 of others";
        check(&asked, 1000, 100, Some(said));
    }
}
