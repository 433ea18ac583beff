//! The server's events in their order, for builds that share it: each asks again
//! and again what came since it last asked.
//!
//! Only the last events are kept, so a client that fetches small files without end
//! makes others be forgotten. Who then asks for what is gone hears so, and which
//! contents were begun to be sent meanwhile: that is kept for each file, not for each event.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::transfer::Transfer;
use crate::project::Sha256;

/// How many events are kept; a build asks several times a second.
const KEPT: usize = 8192;

/// How many events one answer has at most; whoever asks then asks on.
const AT_ONCE: usize = 1024;

/// How many refused requests of a second are kept of one client: who asks for nothing that is
/// there must make forgotten neither what others fetch nor what they are refused.
const REFUSED: usize = 64;

/// The same of all clients.
const REFUSED_IN_ALL: usize = 512;

/// The last events.
#[derive(Debug, Default)]
pub(super) struct News {
    /// How many came before the first that is kept.
    gone: u64,
    events: VecDeque<Transfer>,
    /// The number of the last event that began to send a content of a file.
    sent: BTreeMap<(String, Sha256), u64>,
    /// The beginning of a second, and how many requests of each client were refused in it.
    refused: Option<(Instant, HashMap<IpAddr, usize>)>,
}

/// What came since a number.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Since {
    /// The number to ask with next.
    pub(super) next: u64,
    /// Whether events between are not kept any more.
    pub(super) lost: bool,
    /// Where some are lost: what was begun to be sent since the number.
    #[serde(default)]
    pub(super) sent: Vec<Content>,
    /// Whether there are more events after these.
    #[serde(default)]
    pub(super) more: bool,
    /// The events.
    pub(super) events: Vec<Transfer>,
}

/// A content under a file's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Content {
    pub(super) file: String,
    pub(super) sha256: Sha256,
}

impl News {
    /// Keeps an event. Progress is not kept: a later one says all.
    pub(super) fn note(&mut self, event: &Transfer) {
        match event {
            Transfer::Progress { .. } => return,
            Transfer::Refused { client, .. } if !self.has_room_for_refusal(client.ip()) => return,
            Transfer::Started { file, sha256, .. } => {
                let end = self.end();
                self.sent.insert((file.clone(), sha256.clone()), end);
            }
            _ => {}
        }
        self.events.push_back(event.clone());
        if self.events.len() > KEPT {
            self.events.pop_front();
            self.gone += 1;
        }
    }

    /// What came since `number`; nothing where there is none.
    pub(super) fn since(&self, number: Option<u64>) -> Since {
        let end = self.end();
        let number = number.unwrap_or(end);
        let lost = number < self.gone || number > end;
        let sent = if lost { self.sent_since(number) } else { Vec::new() };
        let first = number.clamp(self.gone, end);
        let skipped = usize::try_from(first - self.gone).unwrap_or(usize::MAX);
        let events: Vec<_> = self.events.iter().skip(skipped).take(AT_ONCE).cloned().collect();
        let next = first + events.len() as u64;
        Since { next, lost, sent, more: next < end, events }
    }

    fn end(&self) -> u64 {
        self.gone + self.events.len() as u64
    }

    fn sent_since(&self, number: u64) -> Vec<Content> {
        let since = self.sent.iter().filter(|(_, last)| **last >= number);
        let content = |(file, sha256): &(String, Sha256)| Content {
            file: file.clone(),
            sha256: sha256.clone(),
        };
        since.map(|(key, _)| content(key)).collect()
    }

    fn has_room_for_refusal(&mut self, client: IpAddr) -> bool {
        let now = Instant::now();
        let second = self.refused.take().filter(|(since, _)| now - *since < Duration::from_secs(1));
        let (_, counts) = self.refused.insert(second.unwrap_or_else(|| (now, HashMap::new())));
        let in_all: usize = counts.values().sum();
        let of_client = counts.get(&client).copied().unwrap_or_default();
        let has_room = of_client < REFUSED && in_all < REFUSED_IN_ALL;
        if has_room {
            counts.insert(client, of_client + 1);
        }
        has_room
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Outcome;

    fn ended(id: u64) -> Transfer {
        Transfer::Ended { id, sent: 1, outcome: Outcome::Whole }
    }

    fn started(id: u64, file: &str) -> Transfer {
        Transfer::Started {
            id,
            client: "172.17.0.9:9".parse().unwrap(),
            file: file.to_owned(),
            package: "demo".parse().unwrap(),
            sha256: "0".repeat(64).parse().unwrap(),
            errand: None,
            offset: 0,
            length: 1,
            size: 1,
        }
    }

    fn refused(client: &str) -> Transfer {
        Transfer::Refused {
            client: client.parse().unwrap(),
            errand: None,
            method: "GET".to_owned(),
            path: "/x".to_owned(),
            status: 404,
            nearest: None,
        }
    }

    /// The ids of what came since a number after so many events, the next number, and whether some are lost.
    fn check(events: u64, number: Option<u64>, expected: (&[u64], u64, bool)) {
        let mut news = News::default();
        for id in 0..events {
            news.note(&Transfer::Progress { id, sent: 1 });
            news.note(&ended(id));
        }
        let since = news.since(number);
        let id = |event: &Transfer| match event {
            Transfer::Ended { id, .. } => *id,
            _ => u64::MAX,
        };
        let ids: Vec<u64> = since.events.iter().map(id).collect();
        assert_eq!((&*ids, since.next, since.lost), expected);
    }

    #[test]
    fn each_event_is_told_once() {
        let kept = KEPT as u64;
        check(3, None, (&[], 3, false));
        check(3, Some(3), (&[], 3, false));
        check(3, Some(1), (&[1, 2], 3, false));
        check(kept + 2, Some(kept), (&[kept, kept + 1], kept + 2, false));
        check(3, Some(4), (&[], 3, true));
    }

    #[test]
    fn much_is_told_in_several_answers() {
        let mut news = News::default();
        (0..AT_ONCE as u64 + 1).for_each(|id| news.note(&ended(id)));
        let first = news.since(Some(0));
        assert_eq!((first.events.len(), first.more, first.lost), (AT_ONCE, true, false));
        let rest = news.since(Some(first.next));
        assert_eq!((rest.events, rest.more), (vec![ended(AT_ONCE as u64)], false));
    }

    #[test]
    fn refused_requests_do_not_make_others_forgotten() {
        let mut news = News::default();
        news.note(&ended(1));
        (0..2 * KEPT).for_each(|_| news.note(&refused("172.17.0.9:9")));
        news.note(&refused("172.17.0.2:9"));
        let since = news.since(Some(0));
        assert!(!since.lost && since.events.len() < AT_ONCE, "{}", since.events.len());
        assert_eq!(since.events.last(), Some(&refused("172.17.0.2:9")));
    }

    /// What is told to be sent since `number`, after two files were begun and so many events came.
    fn check_sent(events: usize, number: u64, expected: &[&str]) {
        let mut news = News::default();
        [started(1, "a.run"), started(2, "b.run")].iter().for_each(|event| news.note(event));
        (0..events).for_each(|_| news.note(&ended(1)));
        let since = news.since(Some(number));
        let sent: Vec<_> = since.sent.iter().map(|content| content.file.as_str()).collect();
        assert_eq!(sent, expected, "{} lost {}", since.next, since.lost);
    }

    #[test]
    fn what_was_sent_is_known_when_its_events_are_lost() {
        check_sent(0, 0, &[]);
        check_sent(KEPT, 0, &["a.run", "b.run"]);
        check_sent(KEPT, 1, &["b.run"]);
        check_sent(KEPT + 8, 2, &[]);
    }

    #[test]
    fn what_is_not_kept_any_more_is_lost_and_the_rest_is_told() {
        let mut news = News::default();
        (0..=KEPT as u64).for_each(|id| news.note(&ended(id)));
        let lost = |number| news.since(Some(number)).lost;
        assert_eq!((lost(0), lost(1)), (true, false));
        assert_eq!(news.since(Some(0)).events.first(), Some(&ended(1)));
    }
}
