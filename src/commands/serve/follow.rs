//! Following what changes: declarations, folders, files.
//!
//! A look walks the roots once, compares what is there with what is known, and
//! has what is new verified on other threads, while looks go on. What was verified
//! is offered together with whatever else is verified in the next moment: an offer
//! costs as much as there are files.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

use super::knowledge::Knowledge;
use super::notices::Notices;
use super::source::{Source, tolerated};
use super::stock::{Begins, Seen, Stock};
use crate::commands::verification::options;
use crate::error::{Exit, Problem, Result};
use crate::plan::VerifiedPackage;
use crate::store::{RootIndex, verify_one_by_one};
use crate::ui::Printer;

/// How long nobody looks between two looks.
const EVERY: Duration = Duration::from_secs(2);

/// How long what was verified waits for what is verified after it.
const GATHER: Duration = Duration::from_millis(250);

/// Takes everything that can be served, and the names of what is being looked at.
pub(super) type Offer<'a> = &'a (dyn Fn(Vec<Arc<VerifiedPackage>>, HashSet<String>) + Sync);

/// How many looks' files are verified at the same time: a first, which may take long, and a second,
/// so that what comes meanwhile need not wait for it. What a third finds waits.
const JUDGES: usize = 2;

/// What those say who verify.
enum Judged {
    /// What became of a file.
    File(Box<Seen>, std::result::Result<VerifiedPackage, Problem>),
    /// Everything of one look is verified.
    All,
}

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
    every: Duration,
    /// How many verify, and by what they tell.
    judges: usize,
    sender: UnboundedSender<Judged>,
    judged: UnboundedReceiver<Judged>,
    /// When what was verified is offered.
    due: Option<Instant>,
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
        let (sender, judged) = unbounded_channel();
        Self {
            source,
            stock: Stock::default(),
            knowledge: Arc::default(),
            notices: Notices::default(),
            printer,
            how: (options.jobs, options.memory),
            gather: GATHER,
            every: EVERY,
            judges: 0,
            sender,
            judged,
            due: None,
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
        let mut next = Instant::now();
        loop {
            tokio::select! {
                biased;
                () = at(self.due) => self.offer(offer),
                () = at(Some(next)) => {
                    if let Err(error) = self.begin(offer).await {
                        tracing::error!(%error, "looking for changes failed");
                    }
                    next = Instant::now() + self.every;
                }
                Some(judged) = self.judged.recv() => self.take(judged),
            }
        }
    }

    /// Looks once, waits until everything is verified, and gives what can be served then.
    ///
    /// # Errors
    /// [`Exit::Bug`].
    pub(super) async fn look(&mut self, offer: Offer<'_>) -> Result<Vec<Arc<VerifiedPackage>>> {
        self.begin(offer).await?;
        while self.judges > 0 || self.due.is_some() {
            tokio::select! {
                biased;
                () = at(self.due) => self.offer(offer),
                Some(judged) = self.judged.recv() => self.take(judged),
            }
        }
        Ok(self.stock.files())
    }

    /// Looks once, and has what is new verified.
    async fn begin(&mut self, offer: Offer<'_>) -> Result<()> {
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
        let begins =
            Begins { now: SystemTime::now(), patient: self.patient, any: self.judges < JUDGES };
        let found = self.stock.compare(seen.await?, &begins);
        self.patient = true;
        if found.differs || self.is_first {
            self.offer(offer);
        }
        self.is_first = false;
        // Most looks find nothing new, and even beginning to verify reads remembered digests.
        if !found.fresh.is_empty() {
            self.judge(found.fresh, index);
        }
        Ok(())
    }

    /// Takes what was verified; what is verified within a moment is offered together.
    fn take(&mut self, judged: Judged) {
        match judged {
            Judged::File(seen, verified) => {
                self.keep(&seen, verified);
                self.due.get_or_insert_with(|| Instant::now() + self.gather);
            }
            Judged::All => {
                self.judges -= 1;
                let nothing_follows = self.judges == 0;
                self.due = self.due.map(|due| if nothing_follows { Instant::now() } else { due });
            }
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
    fn judge(&mut self, mut fresh: Vec<Seen>, index: Arc<RootIndex>) {
        self.order(&mut fresh);
        self.judges += 1;
        let (how, dropped) = (self.how.clone(), Arc::clone(&self.dropped));
        let sender = self.sender.clone();
        // It ends by itself, and says so.
        drop(tokio::task::spawn_blocking(move || {
            let wanted: Vec<_> = fresh.iter().map(|seen| seen.wanted.clone()).collect();
            let tell = |place: usize, verified| {
                _ = sender.send(Judged::File(Box::new(fresh[place].clone()), verified));
            };
            verify_one_by_one(&wanted, &index, how, &tell, &dropped);
            _ = sender.send(Judged::All);
        }));
    }

    fn keep(&mut self, seen: &Seen, verified: std::result::Result<VerifiedPackage, Problem>) {
        if !self.stock.is_in_hand(seen) {
            return;
        }
        let verified = match verified {
            Ok(verified) => Some(verified),
            Err(problem) => {
                self.printer.problems(&[tolerated(problem)]);
                None
            }
        };
        self.stock.keep(seen.clone(), verified);
    }

    fn offer(&mut self, offer: Offer<'_>) {
        self.due = None;
        offer(self.stock.files(), self.stock.awaited());
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.dropped.store(true, Ordering::Relaxed);
    }
}

/// Waits until then; for ever where there is no such time. A timer comes up to a millisecond late.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) if time <= Instant::now() => {}
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
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

    /// A file in a folder of the test, long at rest.
    fn write(folder: &std::path::Path, name: &str, size: u64) {
        let file = std::fs::File::create(folder.join(name)).unwrap();
        file.set_len(size).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)).unwrap();
    }

    /// A file takes long to verify: what comes meanwhile is there before it, and what goes is gone.
    #[tokio::test]
    async fn looks_go_on_while_a_large_file_is_verified() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        write(path, "large.run", 6 << 30);
        write(path, "goes.run", 1);
        let mut follower =
            Follower::new(Source::Roots(vec![path.to_owned()]), Printer::new(ColorChoice::Never));
        (follower.gather, follower.how) = (Duration::ZERO, (1, None));
        follower.every = Duration::from_millis(10);
        let dropped = Arc::clone(&follower.dropped);
        let offers = Mutex::new(Vec::<String>::new());
        let (done, mut over) = unbounded_channel();
        let offer = |files: Vec<Arc<VerifiedPackage>>, _: HashSet<_>| {
            let names: Vec<_> = files.iter().map(|file| file.file.as_str()).collect();
            match names[..] {
                // Once: written again, it would be another file.
                ["goes.run"] if !path.join("comes.run").exists() => write(path, "comes.run", 2),
                ["comes.run", "goes.run"] => _ = std::fs::remove_file(path.join("goes.run")),
                ["comes.run"] | [.., "large.run"] => _ = done.send(()),
                _ => {}
            }
            offers.lock().unwrap().push(names.concat());
        };
        tokio::select! {
            () = follower.follow(&offer) => {}
            _ = over.recv() => dropped.store(true, Ordering::Relaxed),
        }
        let mut offers = offers.into_inner().unwrap();
        offers.dedup();
        assert_eq!(offers, ["", "goes.run", "comes.rungoes.run", "comes.run"]);
    }

    #[tokio::test]
    async fn what_is_known_does_not_wait_for_ever() {
        check(2, Duration::ZERO, &[(0, 2), (1, 1), (2, 0)]).await;
    }
}
