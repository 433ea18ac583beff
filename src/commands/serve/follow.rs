//! Following what changes: declarations, folders, files.
//!
//! A look walks the roots once, compares what is there with what is known, and
//! has what is new verified on other threads. What was verified is offered
//! together with whatever else is verified in the next moment: an offer costs as
//! much as there are files.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::Instant;

use super::knowledge::Knowledge;
use super::notices::Notices;
use super::source::{Source, tolerated};
use super::stock::{Seen, Stock};
use crate::commands::verification::options;
use crate::error::{Exit, Problem, Result};
use crate::plan::{PlannedPackage, VerifiedPackage};
use crate::store::{RootIndex, verify_one_by_one};
use crate::ui::Printer;

/// How long nobody looks between two looks.
const EVERY: Duration = Duration::from_secs(2);

/// How long what was verified waits for what is verified after it.
const GATHER: Duration = Duration::from_millis(250);

/// Takes everything that can be served, and the names of what is being looked at.
pub(super) type Offer<'a> = &'a (dyn Fn(Vec<Arc<VerifiedPackage>>, HashSet<String>) + Sync);

/// What became of the file at a place of those that were to be verified.
type Judged = (usize, std::result::Result<VerifiedPackage, Problem>);

/// Looks at the source again and again.
pub(super) struct Follower {
    source: Source,
    stock: Stock,
    knowledge: Arc<Knowledge>,
    notices: Notices,
    printer: Printer,
    /// How many files are hashed at a time, and where digests are remembered.
    how: (usize, Option<PathBuf>),
    gather: Duration,
    /// Whether files that are being written are left to come to rest.
    patient: bool,
    /// Whether nothing was looked at yet.
    is_first: bool,
    /// Ends what runs on other threads, where nobody waits for it any more.
    dropped: Arc<AtomicBool>,
}

impl Follower {
    /// Follows `source`, of which nothing is known yet. Declared files are looked at at once the
    /// first time: their digests tell whether they are all there.
    pub(super) fn new(source: Source, printer: Printer) -> Self {
        let patient = matches!(source, Source::Roots(_));
        let options = options(Vec::new(), false);
        Self {
            source,
            stock: Stock::default(),
            knowledge: Arc::default(),
            notices: Notices::default(),
            printer,
            how: (options.jobs, options.memory),
            gather: GATHER,
            patient,
            is_first: true,
            dropped: Arc::default(),
        }
    }

    /// What is known of the files, as of the last look.
    pub(super) fn knowledge(&self) -> &Arc<Knowledge> {
        &self.knowledge
    }

    /// Looks for ever. `offer` is given everything that can be served whenever that has changed.
    pub(super) async fn follow(&mut self, offer: Offer<'_>) {
        loop {
            if let Err(error) = self.look(offer).await {
                tracing::error!(%error, "looking for changes failed");
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Looks once, and gives what can be served then.
    ///
    /// # Errors
    /// [`Exit::Bug`].
    pub(super) async fn look(&mut self, offer: Offer<'_>) -> Result<Vec<Arc<VerifiedPackage>>> {
        self.printer.problems(&self.source.refresh(SystemTime::now()));
        self.knowledge.learn(&self.source);
        let roots = self.source.roots().to_vec();
        let index = Arc::new(blocking(move || RootIndex::walk(&roots)).await?);
        if matches!(self.source, Source::Roots(_)) {
            self.printer.problems(&self.notices.news(&index));
        }
        let wanted = self.source.wanted(&index);
        let seen = blocking({
            let index = Arc::clone(&index);
            move || wanted.into_iter().map(|wanted| Seen::look(wanted, &index)).collect()
        });
        let found = self.stock.compare(seen.await?, SystemTime::now(), self.patient);
        self.patient = true;
        if found.differs || self.is_first {
            self.offer(offer);
        }
        self.is_first = false;
        // Most looks find nothing new, and even beginning to verify reads remembered digests.
        if !found.fresh.is_empty() {
            self.verify(index, found.fresh, offer).await;
        }
        Ok(self.stock.files())
    }

    /// Has `fresh` verified; what is verified within a moment is offered together.
    async fn verify(&mut self, index: Arc<RootIndex>, mut fresh: Vec<Seen>, offer: Offer<'_>) {
        self.order(&mut fresh);
        let wanted = fresh.iter().map(|seen| seen.wanted.clone()).collect();
        let mut judged = self.judge(wanted, index);
        let mut due: Option<Instant> = None;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
                next = judged.recv() => {
                    let Some((place, verified)) = next else { break };
                    self.keep(&fresh[place], verified);
                }
            }
            let now = Instant::now();
            if now >= *due.get_or_insert(now + self.gather) {
                due = None;
                self.offer(offer);
            }
        }
        if due.is_some() {
            self.offer(offer);
        }
    }

    /// Declared files are waited for, so the largest, which takes longest, comes first; of folders
    /// the small ones are there at once.
    fn order(&self, fresh: &mut [Seen]) {
        fresh.sort_by_key(Seen::size);
        if !matches!(self.source, Source::Roots(_)) {
            fresh.reverse();
        }
    }

    /// Verifies on other threads.
    fn judge(
        &self,
        wanted: Vec<PlannedPackage>,
        index: Arc<RootIndex>,
    ) -> UnboundedReceiver<Judged> {
        let (sender, receiver) = unbounded_channel();
        let (how, dropped) = (self.how.clone(), Arc::clone(&self.dropped));
        // It ends by itself, and when it does, whoever receives hears of it.
        drop(tokio::task::spawn_blocking(move || {
            let tell = |place, verified| _ = sender.send((place, verified));
            verify_one_by_one(&wanted, &index, how, &tell, &dropped);
        }));
        receiver
    }

    fn keep(&mut self, seen: &Seen, verified: std::result::Result<VerifiedPackage, Problem>) {
        let verified = match verified {
            Ok(verified) => Some(verified),
            Err(problem) => {
                self.printer.problems(&[tolerated(problem)]);
                None
            }
        };
        self.stock.keep(seen.clone(), verified);
    }

    fn offer(&self, offer: Offer<'_>) {
        offer(self.stock.files(), self.stock.awaited());
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.dropped.store(true, Ordering::Relaxed);
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Problem::error("looking ended early").cause(error).exit(Exit::Bug))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::ui::ColorChoice;

    /// How many files were offered, and how many awaited, each time, of a folder of `files`.
    async fn check(files: usize, gather: Duration, expected: &[(usize, usize)]) {
        let folder = tempfile::tempdir().unwrap();
        let past = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        for number in 0..files {
            let path = folder.path().join(format!("{number}.run"));
            std::fs::write(&path, number.to_string()).unwrap();
            std::fs::File::open(&path).unwrap().set_modified(past).unwrap();
        }
        let source = Source::Roots(vec![folder.path().to_owned()]);
        let mut follower = Follower::new(source, Printer::new(ColorChoice::Never));
        (follower.gather, follower.how) = (gather, (2, None));
        let offers = Mutex::new(Vec::new());
        let offer = |files: Vec<_>, awaited: HashSet<_>| {
            offers.lock().unwrap().push((files.len(), awaited.len()));
        };
        for _ in 0..2 {
            assert_eq!(follower.look(&offer).await.unwrap().len(), files);
        }
        assert_eq!(*offers.lock().unwrap(), expected);
    }

    #[tokio::test]
    async fn many_files_are_offered_together() {
        let long = Duration::from_secs(3600);
        check(500, long, &[(0, 500), (500, 0)]).await;
        check(0, long, &[(0, 0)]).await;
    }

    #[tokio::test]
    async fn what_is_known_does_not_wait_for_ever() {
        check(2, Duration::ZERO, &[(0, 2), (1, 1), (2, 0)]).await;
    }
}
