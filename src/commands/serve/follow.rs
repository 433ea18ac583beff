//! Following what changes: declarations, folders, files.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use futures_util::StreamExt;

use super::knowledge::Knowledge;
use super::source::{Source, tolerated};
use super::stock::{Seen, Stock};
use crate::commands::verification::options;
use crate::error::{Exit, Problem, Result};
use crate::plan::VerifiedPackage;
use crate::store::{RootIndex, VerifyOptions, verify};
use crate::ui::Printer;

/// How long nobody looks between two looks.
const EVERY: Duration = Duration::from_secs(2);

/// Takes everything that can be served, and whether more is being looked at.
pub(super) type Offer<'a> = &'a (dyn Fn(&[VerifiedPackage], bool) + Sync);

/// Looks at the source again and again.
pub(super) struct Follower {
    source: Source,
    stock: Stock,
    knowledge: Arc<Knowledge>,
    printer: Printer,
    /// Whether files that are being written are left to come to rest.
    patient: bool,
    /// Whether nothing was looked at yet.
    is_first: bool,
    /// Whether some files are left to come to rest.
    restless: bool,
    /// Ends what runs on other threads, where nobody waits for it any more.
    dropped: Arc<AtomicBool>,
}

impl Follower {
    /// Follows `source`, of which nothing is known yet. Declared files are looked at at once the
    /// first time: their digests tell whether they are all there.
    pub(super) fn new(source: Source, printer: Printer) -> Self {
        let patient = matches!(source, Source::Roots(_));
        Self {
            source,
            stock: Stock::default(),
            knowledge: Arc::default(),
            printer,
            patient,
            is_first: true,
            restless: false,
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

    /// Looks once, and gives what can be served then. Each file is offered as soon as it is known.
    ///
    /// # Errors
    /// [`Exit::Bug`].
    pub(super) async fn look(&mut self, offer: Offer<'_>) -> Result<Vec<VerifiedPackage>> {
        self.printer.problems(&self.source.refresh());
        self.knowledge.learn(&self.source);
        let roots = self.source.roots().to_vec();
        let index = blocking(move || RootIndex::walk(&roots)).await?;
        let wanted = self.source.wanted(&index).into_iter();
        let seen: Vec<_> = wanted.map(|wanted| Seen::look(wanted, &index)).collect();
        let found = self.stock.compare(&seen, SystemTime::now(), self.patient);
        self.patient = true;
        let differs = found.forgotten || found.restless != self.restless;
        self.restless = found.restless;
        if differs || !found.fresh.is_empty() || self.is_first {
            offer(&self.stock.files(), found.restless || !found.fresh.is_empty());
        }
        self.is_first = false;
        self.verify(found.fresh, offer).await?;
        Ok(self.stock.files())
    }

    async fn verify(&mut self, fresh: Vec<Seen>, offer: Offer<'_>) -> Result<()> {
        let options = options(self.source.roots().to_vec(), false);
        let (jobs, mut left) = (options.jobs, fresh.len());
        let work =
            fresh.into_iter().map(|seen| judge(seen, options.clone(), Arc::clone(&self.dropped)));
        let mut judged = futures_util::stream::iter(work).buffer_unordered(jobs);
        while let Some(judged) = judged.next().await {
            let (seen, verified) = judged?;
            let verified = match verified {
                Ok(verified) => verified.into_iter().next(),
                Err(error) => {
                    let problems: Vec<_> = error.problems.into_iter().map(tolerated).collect();
                    self.printer.problems(&problems);
                    None
                }
            };
            self.stock.keep(seen, verified);
            left -= 1;
            offer(&self.stock.files(), left > 0 || self.restless);
        }
        Ok(())
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.dropped.store(true, Ordering::Relaxed);
    }
}

/// Sees whether one file is what it should be.
async fn judge(
    seen: Seen,
    options: VerifyOptions,
    dropped: Arc<AtomicBool>,
) -> Result<(Seen, Result<Vec<VerifiedPackage>>)> {
    blocking(move || {
        let wanted = [seen.wanted.clone()];
        let verified = verify(&wanted, &options, &|_| {}, &dropped);
        (seen, verified)
    })
    .await
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Problem::error("looking ended early").cause(error).exit(Exit::Bug))
}
