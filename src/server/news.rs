//! The server's events in their order, for builds that share it: each asks again
//! and again what came since it last asked.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::transfer::Transfer;

/// How many events are kept; a build asks several times a second.
const KEPT: usize = 8192;

/// How many bytes are kept of a path that was refused.
const PATH: usize = 512;

/// The last events.
#[derive(Debug, Default)]
pub(super) struct News {
    /// How many came before the first that is kept.
    gone: u64,
    events: VecDeque<Transfer>,
}

/// What came since a number.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Since {
    /// The number to ask with next.
    pub(super) next: u64,
    /// Whether events between are not kept any more.
    pub(super) lost: bool,
    /// The events.
    pub(super) events: Vec<Transfer>,
}

impl News {
    /// Keeps an event. Progress is not kept: a later one says all.
    pub(super) fn note(&mut self, event: &Transfer) {
        if matches!(event, Transfer::Progress { .. }) {
            return;
        }
        self.events.push_back(shortened(event));
        if self.events.len() > KEPT {
            self.events.pop_front();
            self.gone += 1;
        }
    }

    /// What came since `number`; nothing where there is none.
    pub(super) fn since(&self, number: Option<u64>) -> Since {
        let next = self.gone + self.events.len() as u64;
        let number = number.unwrap_or(next);
        let skipped = usize::try_from(number.saturating_sub(self.gone)).unwrap_or(usize::MAX);
        let events = self.events.iter().skip(skipped).cloned().collect();
        Since { next, lost: number < self.gone || number > next, events }
    }
}

fn shortened(event: &Transfer) -> Transfer {
    let mut event = event.clone();
    if let Transfer::Refused { path, .. } = &mut event {
        path.truncate(path.floor_char_boundary(PATH));
    }
    event
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
    fn what_is_not_kept_any_more_is_lost() {
        let mut news = News::default();
        let event = Transfer::Ended { id: 1, sent: 1, outcome: Outcome::Whole };
        (0..=KEPT).for_each(|_| news.note(&event));
        let lost = |number| news.since(Some(number)).lost;
        assert_eq!((lost(0), lost(1)), (true, false));
    }
}
