//! How many clients may be connected, and who has to go when it is too many.
//!
//! A new client is always let in: a build must not wait because something on the
//! machine holds connections open. In exchange one goes, of the client (an
//! address) that would then have most: whoever floods pushes out itself and nobody
//! else. Of that client's connections the one that is missed least goes: the one
//! that has asked for nothing for the longest time, and only where all are
//! fetching, the slowest fetch. The line over which a build of this machine hears
//! of its transfers goes last of all: the build would end with it.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio_util::sync::CancellationToken;

use super::seldom::Seldom;

/// Descriptors that the rest of the process may need.
const SPARE: usize = 128;

/// A fetch is not called slow before it had this long.
const FAIR_TIME: Duration = Duration::from_secs(2);

/// How many lines builds of one machine may have before they count as what anybody opens.
const LINES: usize = 256;

/// The connections of one server.
pub(super) struct Guests {
    most: usize,
    present: Mutex<Present>,
    next: AtomicU64,
    told: Seldom,
}

/// Who is there, by client and number.
#[derive(Default)]
struct Present {
    by_client: HashMap<IpAddr, HashMap<u64, Arc<Guest>>>,
    count: usize,
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
    client: IpAddr,
    id: u64,
    pub(super) guest: Arc<Guest>,
}

impl Guests {
    /// Room for `most`, or fewer where the limit on open files wants it: a connection
    /// needs a descriptor and so does its file. The soft limit is raised to the hard one.
    pub(super) fn new(most: usize) -> Arc<Self> {
        let open_files = usize::try_from(raise_descriptor_limit()).unwrap_or(usize::MAX);
        let most = most.min((open_files.saturating_sub(SPARE) / 2).max(16));
        Arc::new(Self {
            most,
            present: Mutex::default(),
            next: AtomicU64::new(0),
            told: Seldom::default(),
        })
    }

    /// Lets one in from this address, and sends another away where there is no room left.
    pub(super) fn welcome(self: &Arc<Self>, address: IpAddr) -> Stay {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (client, guest) = (client(address), Arc::new(Guest::new()));
        let mut present = self.present();
        if present.count >= self.most
            && let Some((of, least)) = present.least_missed(client)
            && let Some(leaver) = present.remove(of, least)
        {
            self.tell(of);
            leaver.leave.cancel();
        }
        present.by_client.entry(client).or_default().insert(id, Arc::clone(&guest));
        present.count += 1;
        Stay { guests: Arc::clone(self), client, id, guest }
    }

    fn tell(&self, client: IpAddr) {
        if let Some(times) = self.told.happens(Instant::now()) {
            tracing::warn!(connections = self.most, %client, times, "connections make room for new ones");
        }
    }

    fn present(&self) -> MutexGuard<'_, Present> {
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

    #[cfg(test)]
    pub(super) fn is_fetching(&self) -> bool {
        self.state().fetching.is_some()
    }

    fn is_line(&self) -> bool {
        self.state().is_line
    }

    fn set(&self, fetching: Option<u64>) {
        let mut state = self.state();
        (state.changed, state.fetching) = (Instant::now(), fetching);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Orders the guests of a client: the least is missed least.
    fn merit(&self, now: Instant) -> (bool, bool, u64) {
        let state = *self.state();
        let age = now.saturating_duration_since(state.changed);
        let (fetches, worth) = match state.fetching {
            None => (false, u64::MAX - age.as_micros().try_into().unwrap_or(u64::MAX)),
            Some(_) if age < FAIR_TIME => (true, u64::MAX),
            Some(sent) => (true, sent / age.as_secs().max(1)),
        };
        (state.is_line, fetches, worth)
    }
}

impl Present {
    /// Who has to go when one more of `newcomer` comes.
    fn least_missed(&self, newcomer: IpAddr) -> Option<(IpAddr, u64)> {
        let places = |client: &IpAddr, guests: usize| guests + usize::from(*client == newcomer);
        let counts = self.by_client.iter().map(|(client, guests)| places(client, guests.len()));
        let most = counts.max()?;
        let (client, id, guest) = self.least(|client, guests| places(client, guests) == most)?;
        if guest.is_line() && most <= LINES {
            // It goes only where there is nothing else.
            return self.least(|_, _| true).map(|(client, id, _)| (client, id));
        }
        Some((client, id))
    }

    /// The guest that is missed least, of the clients that `counts` with so many guests.
    fn least(&self, counts: impl Fn(&IpAddr, usize) -> bool) -> Option<(IpAddr, u64, &Guest)> {
        let clients = self.by_client.iter().filter(|(client, guests)| counts(client, guests.len()));
        let guests = clients
            .flat_map(|(client, guests)| guests.iter().map(|(id, guest)| (*client, *id, &**guest)));
        let now = Instant::now();
        guests.min_by_key(|(_, _, guest)| (guest.merit(now), guest.since))
    }

    fn remove(&mut self, client: IpAddr, id: u64) -> Option<Arc<Guest>> {
        let guests = self.by_client.get_mut(&client)?;
        let guest = guests.remove(&id)?;
        if guests.is_empty() {
            self.by_client.remove(&client);
        }
        self.count -= 1;
        Some(guest)
    }
}

/// Whose connections are counted together: those of an address, and of all 2^64 addresses of an
/// IPv6 network, which one machine can have.
fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
        address => address,
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        self.guests.present().remove(self.client, self.id);
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
    use proptest::prelude::*;

    use super::*;

    /// Somebody who is there: the last part of the address, and what is done.
    type Resident = (u8, fn(&Guest));

    /// Which of `residents` have to go when one comes from `newcomer` to a house that is full.
    fn leavers(residents: &[Resident], newcomer: u8) -> Vec<usize> {
        let guests = Guests::new(residents.len());
        let come = |(client, act): &Resident| {
            let stay = guests.welcome([127, 0, 0, *client].into());
            act(&stay.guest);
            stay
        };
        let stays: Vec<_> = residents.iter().map(come).collect();
        let last = guests.welcome([127, 0, 0, newcomer].into());
        assert_eq!(guests.present().count, residents.len());
        assert!(!last.guest.leave.is_cancelled());
        let left = |place: &usize| stays[*place].guest.leave.is_cancelled();
        (0..stays.len()).filter(left).collect()
    }

    fn check(residents: &[Resident], newcomer: u8, expected: usize) {
        assert_eq!(leavers(residents, newcomer), [expected]);
    }

    /// Does a thing since so many seconds.
    fn since(guest: &Guest, seconds: u64, fetching: Option<u64>) {
        let changed = Instant::now() - Duration::from_secs(seconds);
        *guest.state() = State { changed, fetching, is_line: false };
    }

    fn idle_for_5(guest: &Guest) {
        since(guest, 5, None);
    }

    fn idle_for_9(guest: &Guest) {
        since(guest, 9, None);
    }

    fn fast(guest: &Guest) {
        since(guest, 10, Some(5000));
    }

    fn slow(guest: &Guest) {
        since(guest, 10, Some(100));
    }

    fn asked(guest: &Guest) {
        idle_for_9(guest);
        guest.asks(|| false);
    }

    fn line(guest: &Guest) {
        guest.asks(|| true);
        guest.state().changed = Instant::now() - Duration::from_secs(9);
    }

    const DOINGS: [fn(&Guest); 6] = [idle_for_5, idle_for_9, fast, slow, asked, Guest::begins];

    #[test]
    fn of_one_client_the_one_that_is_missed_least_makes_room() {
        let check = |first: fn(&Guest), second: fn(&Guest), expected| {
            for newcomer in [1, 2] {
                check(&[(1, first), (1, second)], newcomer, expected);
            }
            // Nor does it matter whose they are where nobody has more than another.
            check(&[(1, first), (2, second)], 3, expected);
        };
        check(idle_for_9, idle_for_5, 0);
        check(idle_for_5, idle_for_9, 1);
        check(slow, idle_for_5, 1);
        check(fast, slow, 1);
        check(slow, Guest::begins, 0);
        check(Guest::begins, idle_for_5, 1);
        check(asked, idle_for_5, 1);
        check(line, idle_for_5, 1);
        check(line, Guest::begins, 1);
    }

    #[test]
    fn the_client_that_has_most_makes_room() {
        let flood: Resident = (2, Guest::begins);
        check(&[(1, slow), flood, flood], 3, 1);
        check(&[(1, slow), flood, flood], 2, 1);
        check(&[(1, idle_for_9), flood, (2, fast)], 3, 2);
        check(&[(1, slow), flood], 2, 1);
        // A client of several lines has not most of what anybody could take.
        check(&[(1, line), (1, line), (2, slow)], 3, 2);
        check(&[(1, line), (1, line), (2, slow)], 1, 2);
        check(&[(1, line), (1, idle_for_5), (2, slow)], 3, 1);
        let mut lines: Vec<Resident> = vec![(1, line); LINES];
        lines.push((2, slow));
        check(&lines, 3, LINES);
        lines.insert(0, (1, line));
        check(&lines, 3, 0);
    }

    #[test]
    fn an_ipv6_network_is_one_client() {
        let check = |one: &str, other: &str, expected: bool| {
            let [one, other] = [one, other].map(|address| client(address.parse().unwrap()));
            assert_eq!(one == other, expected, "{one} {other}");
        };
        check("2001:db8::1", "2001:db8::ffff:0:0:2", true);
        check("2001:db8::1", "2001:db8:0:1::1", false);
        check("::ffff:10.0.0.1", "10.0.0.1", true);
        check("::ffff:10.0.0.1", "::ffff:10.0.0.2", false);
    }

    proptest! {
        #[test]
        fn whoever_makes_room_is_of_a_client_that_has_most(
            residents in prop::collection::vec((1..4_u8, 0..DOINGS.len()), 1..12),
            newcomer in 1..4_u8,
        ) {
            let residents: Vec<Resident> =
                residents.into_iter().map(|(client, doing)| (client, DOINGS[doing])).collect();
            let left = leavers(&residents, newcomer);
            prop_assert_eq!(left.len(), 1);
            let places = |client: u8| {
                let there = residents.iter().filter(|one| one.0 == client).count();
                there + usize::from(client == newcomer && there > 0)
            };
            let most = (1..4).map(places).max();
            prop_assert_eq!(Some(places(residents[left[0]].0)), most);
        }
    }

    #[test]
    fn a_stay_ends_when_it_is_dropped() {
        let guests = Guests::new(2);
        drop(guests.welcome([127, 0, 0, 1].into()));
        assert_eq!(guests.present().count, 0);
        assert!(guests.present().by_client.is_empty());
    }
}
