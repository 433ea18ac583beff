//! How many clients may be connected, and who has to go when it is too many.
//!
//! A new client is always let in: a build must not wait because something on the
//! machine holds connections open. In exchange the one that is missed least
//! goes: the one that has asked for nothing for the longest time, and only
//! where everybody is fetching, the slowest fetch. The line over which a build of
//! this machine hears of its transfers goes last: the build would end with it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio_util::sync::CancellationToken;

/// Descriptors that the rest of the process may need.
const SPARE: usize = 128;

/// A fetch is not called slow before it had this long.
const FAIR_TIME: Duration = Duration::from_secs(2);

/// The connections of one server.
pub(super) struct Guests {
    most: usize,
    present: Mutex<HashMap<u64, Arc<Guest>>>,
    next: AtomicU64,
}

/// One connection.
pub(super) struct Guest {
    /// Cancelled when the connection has to make room.
    pub(super) leave: CancellationToken,
    since: Instant,
    state: Mutex<State>,
}

/// What a connection is doing.
#[derive(Clone, Copy)]
struct State {
    /// When it last asked for something, or its last fetch ended.
    changed: Instant,
    /// Bytes sent of the running response; `None` when it has none.
    fetching: Option<u64>,
    /// Whether a build of this machine listens there.
    is_line: bool,
}

/// A guest's stay; over when it is dropped.
pub(super) struct Stay {
    guests: Arc<Guests>,
    id: u64,
    pub(super) guest: Arc<Guest>,
}

impl Guests {
    /// Room for `most`, or fewer where the limit on open files wants it: a connection
    /// needs a descriptor and so does its file. The soft limit is raised to the hard one.
    pub(super) fn new(most: usize) -> Arc<Self> {
        let open_files = usize::try_from(raise_descriptor_limit()).unwrap_or(usize::MAX);
        let most = most.min((open_files.saturating_sub(SPARE) / 2).max(16));
        Arc::new(Self { most, present: Mutex::default(), next: AtomicU64::new(0) })
    }

    /// Lets one in, and sends another away where there is no room left.
    pub(super) fn welcome(self: &Arc<Self>) -> Stay {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let guest = Arc::new(Guest::new());
        let mut present = self.present();
        if present.len() >= self.most
            && let Some(least) = least_missed(&present)
            && let Some(leaver) = present.remove(&least)
        {
            tracing::warn!(connections = self.most, "a connection made room for a new one");
            leaver.leave.cancel();
        }
        present.insert(id, Arc::clone(&guest));
        Stay { guests: Arc::clone(self), id, guest }
    }

    fn present(&self) -> MutexGuard<'_, HashMap<u64, Arc<Guest>>> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guest {
    fn new() -> Self {
        let now = Instant::now();
        let state = Mutex::new(State { changed: now, fetching: None, is_line: false });
        Self { leave: CancellationToken::new(), since: now, state }
    }

    /// It has asked for something; `is_line` tells whether a build of this machine listens there.
    pub(super) fn asks(&self, is_line: impl FnOnce() -> bool) {
        let mut state = self.state();
        state.is_line = state.is_line || is_line();
        if state.fetching.is_none() {
            state.changed = Instant::now();
        }
    }

    /// Bytes of a file are about to be sent; counted from the first call of a response.
    pub(super) fn begins(&self) {
        if self.state().fetching.is_none() {
            self.set(Some(0));
        }
    }

    /// Nothing is left to send.
    pub(super) fn rests(&self) {
        self.set(None);
    }

    /// So many more bytes were taken by the socket.
    pub(super) fn took(&self, bytes: u64) {
        if let Some(sent) = &mut self.state().fetching {
            *sent += bytes;
        }
    }

    fn set(&self, fetching: Option<u64>) {
        let mut state = self.state();
        (state.changed, state.fetching) = (Instant::now(), fetching);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Orders guests: the least is missed least.
    fn merit(&self) -> (bool, bool, u64) {
        let state = *self.state();
        let age = state.changed.elapsed();
        let (fetches, worth) = match state.fetching {
            None => (false, u64::MAX - age.as_micros().try_into().unwrap_or(u64::MAX)),
            Some(_) if age < FAIR_TIME => (true, u64::MAX),
            Some(sent) => (true, sent / age.as_secs().max(1)),
        };
        (state.is_line, fetches, worth)
    }
}

fn least_missed(present: &HashMap<u64, Arc<Guest>>) -> Option<u64> {
    let least = present.iter().min_by_key(|(_, guest)| (guest.merit(), guest.since))?;
    Some(*least.0)
}

impl Drop for Stay {
    fn drop(&mut self) {
        self.guests.present().remove(&self.id);
    }
}

/// The limit on open files after the soft one was raised to the hard one.
fn raise_descriptor_limit() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let now = if setrlimit(Resource::Nofile, raised).is_ok() { raised } else { limit };
    now.current.unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who has to go when a third comes to a house of two.
    fn check(first: impl Fn(&Guest), second: impl Fn(&Guest), expected: [bool; 2]) {
        let guests = Guests::new(2);
        let stays = [guests.welcome(), guests.welcome()];
        first(&stays[0].guest);
        second(&stays[1].guest);
        let third = guests.welcome();
        assert_eq!(guests.present().len(), 2);
        assert!(!third.guest.leave.is_cancelled());
        assert_eq!(stays.each_ref().map(|stay| stay.guest.leave.is_cancelled()), expected);
    }

    /// Does a thing since so many seconds.
    fn since(guest: &Guest, seconds: u64, fetching: Option<u64>) {
        let changed = Instant::now() - Duration::from_secs(seconds);
        *guest.state() = State { changed, fetching, is_line: false };
    }

    /// Has asked for nothing for so many seconds.
    fn idle(guest: &Guest, seconds: u64) {
        guest.state().changed = Instant::now() - Duration::from_secs(seconds);
    }

    #[test]
    fn the_one_that_is_missed_least_makes_room() {
        let idle_for_5 = |guest: &Guest| since(guest, 5, None);
        let idle_for_9 = |guest: &Guest| since(guest, 9, None);
        let fast = |guest: &Guest| since(guest, 10, Some(5000));
        let slow = |guest: &Guest| since(guest, 10, Some(100));
        check(idle_for_9, idle_for_5, [true, false]);
        check(idle_for_5, idle_for_9, [false, true]);
        check(slow, idle_for_5, [false, true]);
        check(fast, slow, [false, true]);
        check(slow, Guest::begins, [true, false]);
        check(Guest::begins, idle_for_5, [false, true]);
        let asked = |guest: &Guest| {
            idle_for_9(guest);
            guest.asks(|| false);
        };
        check(asked, idle_for_5, [false, true]);
        let line = |guest: &Guest| {
            guest.asks(|| true);
            idle(guest, 9);
        };
        check(line, idle_for_5, [false, true]);
        check(line, Guest::begins, [false, true]);
    }

    #[test]
    fn a_stay_ends_when_it_is_dropped() {
        let guests = Guests::new(2);
        drop(guests.welcome());
        assert_eq!(guests.present().len(), 0);
    }
}
