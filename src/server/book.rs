//! What the server remembers of its transfers, for `/api/transfers`, `/metrics`
//! and the page: those that run, the last that ended, and counts.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use time::OffsetDateTime;

use super::news::{News, Since};
use super::transfer::{Outcome, Transfer};

/// How many ended transfers are remembered: some 100 KB of memory, and of an answer.
const REMEMBERED: usize = 200;

/// Keeps what [`Transfer`] events say.
#[derive(Default)]
pub(super) struct Book(Mutex<Pages>);

#[derive(Default)]
struct Pages {
    running: BTreeMap<u64, Running>,
    ended: VecDeque<Entry>,
    totals: Totals,
    today: Today,
    news: News,
}

struct Running {
    entry: Entry,
    since: Instant,
    /// Progress events come now and then, and none from a client that has stalled.
    sent: Arc<AtomicU64>,
}

/// One transfer as the API shows it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Entry {
    id: u64,
    client: SocketAddr,
    file: String,
    package: String,
    /// The run and the stage that it is for, where the path said so.
    run: Option<String>,
    stage: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    started: OffsetDateTime,
    offset: u64,
    length: u64,
    sent: u64,
    /// Bytes a second since it began.
    rate: u64,
    /// Seconds that it has taken so far.
    seconds: f64,
    outcome: Option<Outcome>,
    /// Whether it is of the whole file, not of a range.
    #[serde(skip)]
    is_of_all: bool,
}

/// Counts since the server started.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct Totals {
    /// Files of which one transfer sent everything.
    pub(super) files: u64,
    /// Transfers, ranges among them, that sent what was asked for.
    pub(super) whole: u64,
    pub(super) cut: u64,
    pub(super) changed: u64,
    pub(super) refused: u64,
    /// Bytes of files that sockets took.
    pub(super) bytes: u64,
}

/// What was served of each file since midnight, UTC.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Today {
    /// Days since the epoch.
    #[serde(skip)]
    day: u64,
    /// How many transfers ended.
    ended: u64,
    files: BTreeMap<String, Served>,
}

#[derive(Debug, Clone, Copy, Default, Serialize)]
struct Served {
    fetched_whole: u64,
    bytes: u64,
}

/// Everything that `/api/transfers` shows.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) running: Vec<Entry>,
    /// The last that ended, the latest first.
    ended: Vec<Entry>,
    today: Today,
    pub(super) totals: Totals,
}

impl Book {
    /// Enters one event; gives what has ended with it.
    pub(super) fn note(&self, event: &Transfer) -> Option<Entry> {
        let mut pages = self.pages();
        pages.news.note(event);
        match event {
            Transfer::Started { id, .. } => {
                let entry = Entry::new(event);
                let since = Instant::now();
                let sent = Arc::default();
                pages.running.extend(entry.map(|entry| (*id, Running { entry, since, sent })));
            }
            Transfer::Progress { id, sent } => {
                if let Some(running) = pages.running.get_mut(id) {
                    running.sent.fetch_max(*sent, Ordering::Relaxed);
                }
            }
            Transfer::Ended { id, sent, outcome } => return pages.end(*id, *sent, *outcome),
            Transfer::Refused { .. } => pages.totals.refused += 1,
            Transfer::Lost { .. } => {}
        }
        None
    }

    /// Looks at this counter for how far a running transfer is.
    pub(super) fn watch(&self, id: u64, sent: Arc<AtomicU64>) {
        if let Some(running) = self.pages().running.get_mut(&id) {
            running.sent = sent;
        }
    }

    /// What happened since event `number`, and how far running transfers are; from now on where there is no number.
    pub(super) fn since(&self, number: Option<u64>) -> Since {
        let pages = self.pages();
        let mut since = pages.news.since(number);
        let running = pages.running.iter().filter(|_| number.is_some());
        since.events.extend(running.map(|(id, running)| Transfer::Progress {
            id: *id,
            sent: running.sent.load(Ordering::Relaxed),
        }));
        since
    }

    /// How many transfers run.
    pub(super) fn running(&self) -> usize {
        self.pages().running.len()
    }

    /// All of it, as of now.
    pub(super) fn report(&self) -> Report {
        let pages = self.pages();
        let today = if pages.today.day == day() { pages.today.clone() } else { Today::default() };
        Report {
            running: pages.running.values().map(Running::now).collect(),
            ended: pages.ended.iter().rev().cloned().collect(),
            today,
            totals: pages.totals,
        }
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pages {
    fn end(&mut self, id: u64, sent: u64, outcome: Outcome) -> Option<Entry> {
        let mut running = self.running.remove(&id)?;
        running.sent = Arc::new(sent.into());
        running.entry.outcome = Some(outcome);
        let entry = running.now();
        self.totals.add(sent, outcome);
        self.totals.files += u64::from(entry.is_whole_file());
        self.today.add(&entry);
        self.ended.push_back(entry.clone());
        if self.ended.len() > REMEMBERED {
            self.ended.pop_front();
        }
        Some(entry)
    }
}

impl Running {
    fn now(&self) -> Entry {
        let taken = self.since.elapsed();
        let sent = self.sent.load(Ordering::Relaxed);
        let rate = u128::from(sent) * 1000 / taken.as_millis().max(1);
        let rate = u64::try_from(rate).unwrap_or(u64::MAX);
        // Nobody needs more than milliseconds.
        let seconds = (taken.as_secs_f64() * 1000.0).round() / 1000.0;
        Entry { sent, rate, seconds, ..self.entry.clone() }
    }
}

/// A file's name with what would begin another line of the log, or colour it, written out.
fn on_one_line(name: &str) -> String {
    let shown =
        |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    name.chars().map(shown).collect()
}

impl Entry {
    /// The access log's second line about a transfer: how it ended.
    pub(super) fn log(&self) {
        tracing::info!(
            target: "ascend_build::access",
            client = %self.client,
            file = %on_one_line(&self.file),
            sent = self.sent,
            length = self.length,
            outcome = ?self.outcome.unwrap_or(Outcome::Cut),
            "transfer ended"
        );
    }

    fn is_whole_file(&self) -> bool {
        self.is_of_all && self.outcome == Some(Outcome::Whole)
    }

    fn new(event: &Transfer) -> Option<Self> {
        let Transfer::Started { id, client, file, package, errand, offset, length, size, .. } =
            event
        else {
            return None;
        };
        Some(Self {
            id: *id,
            client: *client,
            file: file.clone(),
            package: package.to_string(),
            run: errand.as_ref().map(|errand| errand.run.clone()),
            stage: errand.as_ref().map(|errand| errand.stage.clone()),
            started: OffsetDateTime::now_utc(),
            offset: *offset,
            length: *length,
            sent: 0,
            rate: 0,
            seconds: 0.0,
            outcome: None,
            is_of_all: length == size,
        })
    }
}

impl Totals {
    fn add(&mut self, sent: u64, outcome: Outcome) {
        self.bytes += sent;
        match outcome {
            Outcome::Whole => self.whole += 1,
            Outcome::Cut => self.cut += 1,
            Outcome::Changed => self.changed += 1,
        }
    }
}

impl Today {
    fn add(&mut self, entry: &Entry) {
        if self.day != day() {
            *self = Self { day: day(), ..Self::default() };
        }
        self.ended += 1;
        let served = self.files.entry(entry.file.clone()).or_default();
        served.bytes += entry.sent;
        served.fetched_whole += u64::from(entry.is_whole_file());
    }
}

fn day() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / 86_400
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(id: u64) -> Transfer {
        let client = "127.0.0.1:9".parse().unwrap();
        let package = "demo".parse().unwrap();
        let sha256 = "0".repeat(64).parse().unwrap();
        Transfer::Started {
            id,
            client,
            file: "a.run".into(),
            package,
            sha256,
            errand: None,
            offset: 0,
            length: 9,
            size: 9,
        }
    }

    fn check(events: &[Transfer], expected: &str) {
        let book = Book::default();
        events.iter().for_each(|event| _ = book.note(event));
        let report = book.report();
        let sent = |entries: &[Entry]| entries.iter().map(|entry| entry.sent).collect::<Vec<_>>();
        let today = report.today.files.get("a.run").map(|served| served.bytes);
        let totals = report.totals;
        let actual = format!(
            "running {:?}, ended {:?}, today {today:?}, {} files, {}+{}+{} of {} bytes, {} refused",
            sent(&report.running),
            sent(&report.ended),
            totals.files,
            totals.whole,
            totals.cut,
            totals.changed,
            totals.bytes,
            totals.refused
        );
        assert_eq!(actual, expected);
    }

    #[test]
    fn events_become_entries_and_counts() {
        let end = |id, sent, outcome| Transfer::Ended { id, sent, outcome };
        check(
            &[started(1), started(2), Transfer::Progress { id: 2, sent: 4 }],
            "running [0, 4], ended [], today None, 0 files, 0+0+0 of 0 bytes, 0 refused",
        );
        check(
            &[started(1), started(2), end(1, 9, Outcome::Whole), end(2, 3, Outcome::Cut)],
            "running [], ended [3, 9], today Some(12), 1 files, 1+1+0 of 12 bytes, 0 refused",
        );
        let range = |mut event: Transfer| {
            if let Transfer::Started { length, .. } = &mut event {
                *length = 1;
            }
            event
        };
        check(
            &[range(started(1)), end(1, 1, Outcome::Whole)],
            "running [], ended [1], today Some(1), 0 files, 1+0+0 of 1 bytes, 0 refused",
        );
        check(
            &[end(7, 1, Outcome::Changed)],
            "running [], ended [], today None, 0 files, 0+0+0 of 0 bytes, 0 refused",
        );
    }

    #[test]
    fn no_name_begins_a_line_of_the_log() {
        let check = |name: &str, expected: &str| assert_eq!(on_one_line(name), expected);
        check("a b+包\\.run", "a b+包\\.run");
        check("a\nb\u{1b}[31m", "a\\nb\\u{1b}[31m");
    }
}
