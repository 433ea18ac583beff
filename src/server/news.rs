//! The server's events in their order, for builds that share it: each asks again
//! and again what came since it last asked.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::transfer::Transfer;

/// How many events are kept; a build asks several times a second.
const KEPT: usize = 8192;

/// How many events one answer has at most; whoever asks then asks on.
const AT_ONCE: usize = 1024;

/// How many refused requests of a second are kept: whoever asks for nothing that is
/// there must not make what others fetch be forgotten.
const REFUSED: usize = 64;

/// The last events.
#[derive(Debug, Default)]
pub(super) struct News {
    /// How many came before the first that is kept.
    gone: u64,
    events: VecDeque<Transfer>,
    /// The beginning of a second, and how many requests were refused in it.
    refused: Option<(Instant, usize)>,
}

/// What came since a number.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Since {
    /// The number to ask with next.
    pub(super) next: u64,
    /// Whether events between are not kept any more.
    pub(super) lost: bool,
    /// Whether there are more events after these.
    #[serde(default)]
    pub(super) more: bool,
    /// The events.
    pub(super) events: Vec<Transfer>,
}

impl News {
    /// Keeps an event. Progress is not kept: a later one says all.
    pub(super) fn note(&mut self, event: &Transfer) {
        match event {
            Transfer::Progress { .. } => return,
            Transfer::Refused { .. } if !self.has_room_for_refusal() => return,
            _ => self.events.push_back(event.clone()),
        }
        if self.events.len() > KEPT {
            self.events.pop_front();
            self.gone += 1;
        }
    }

    /// What came since `number`; nothing where there is none.
    pub(super) fn since(&self, number: Option<u64>) -> Since {
        let end = self.gone + self.events.len() as u64;
        let number = number.unwrap_or(end);
        let lost = number < self.gone || number > end;
        let skipped = usize::try_from(number.saturating_sub(self.gone)).unwrap_or(usize::MAX);
        let events: Vec<_> = self.events.iter().skip(skipped).take(AT_ONCE).cloned().collect();
        let next = if lost { end } else { number + events.len() as u64 };
        Since { next, lost, more: next < end, events }
    }

    fn has_room_for_refusal(&mut self) -> bool {
        let now = Instant::now();
        let second = self.refused.filter(|(since, _)| now - *since < Duration::from_secs(1));
        let (since, count) = second.unwrap_or((now, 0));
        self.refused = Some((since, count + 1));
        count < REFUSED
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Outcome;

    /// The ids of what came since a number after so many events, the next number, and whether some are lost.
    fn check(events: u64, number: Option<u64>, expected: (&[u64], u64, bool)) {
        let mut news = News::default();
        for id in 0..events {
            news.note(&Transfer::Progress { id, sent: 1 });
            news.note(&Transfer::Ended { id, sent: 1, outcome: Outcome::Whole });
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
        let ended = |id| Transfer::Ended { id, sent: 1, outcome: Outcome::Whole };
        (0..AT_ONCE as u64 + 1).for_each(|id| news.note(&ended(id)));
        let first = news.since(Some(0));
        assert_eq!((first.events.len(), first.more, first.lost), (AT_ONCE, true, false));
        let rest = news.since(Some(first.next));
        assert_eq!((rest.events, rest.more), (vec![ended(AT_ONCE as u64)], false));
    }

    #[test]
    fn refused_requests_do_not_make_others_forgotten() {
        let mut news = News::default();
        let client = "127.0.0.1:9".parse().unwrap();
        let (method, path) = ("GET".to_owned(), "/x".to_owned());
        let refused = Transfer::Refused { client, method, path, status: 404, nearest: None };
        news.note(&Transfer::Ended { id: 1, sent: 1, outcome: Outcome::Whole });
        (0..2 * KEPT).for_each(|_| news.note(&refused));
        let since = news.since(Some(0));
        assert!(!since.lost && since.events.len() < AT_ONCE, "{}", since.events.len());
    }

    #[test]
    fn what_is_not_kept_any_more_is_lost() {
        let mut news = News::default();
        let event = Transfer::Ended { id: 1, sent: 1, outcome: Outcome::Whole };
        (0..=KEPT).for_each(|_| news.note(&event));
        let lost = |number| news.since(Some(number)).lost;
        assert_eq!((lost(0), lost(1)), (true, false));
    }
}
