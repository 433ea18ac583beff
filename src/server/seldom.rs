//! Saying what happens often only now and then, with how often it has happened since.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long nothing is said after something was.
const PAUSE: Duration = Duration::from_secs(60);

/// Counts what happens between two times that it is said.
#[derive(Debug, Default)]
pub(super) struct Seldom(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    said: Option<Instant>,
    since: u64,
}

impl Seldom {
    /// It has happened: how often since it was last said, where it is time to say so again.
    pub(super) fn happens(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.since += 1;
        let is_time = state.said.is_none_or(|said| now.duration_since(said) >= PAUSE);
        is_time.then(|| {
            state.said = Some(now);
            std::mem::take(&mut state.since)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_said_at_once_and_then_once_a_minute() {
        let (seldom, start) = (Seldom::default(), Instant::now());
        let happens = |seconds| seldom.happens(start + Duration::from_secs(seconds));
        let said: Vec<_> = [0, 0, 1, 59, 60, 61, 200].into_iter().map(happens).collect();
        assert_eq!(said, [Some(1), None, None, None, Some(4), None, Some(2)]);
    }
}
