//! Packages that are verified while earlier stages build.
//!
//! What the first stages need is verified before an engine is called, and so is
//! everything where little is to be read; the rest is verified stage by stage, in
//! the plan's order, and offered to build containers as soon as it is right. A
//! stage begins when its own files are. The first wrong file ends the run.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;

use super::interrupt::unless_dropped;
use super::packages::Packages;
use super::supply::Supply;
use super::telling::VerifyProgress;
use crate::error::{Error, Exit, Problem, Result};
use crate::plan::{Plan, PlannedPackage, PlannedParent, VerifiedPackage};
use crate::project::Project;
use crate::run::Reporter;
use crate::store::{VerifyOptions, verify};

/// Below this many bytes of later files, all are verified at once: it takes a fraction of a second.
const FEW: u64 = 1 << 28;

/// The plan's files: those to be verified first, and for each later stage those that it is the
/// first to need.
pub(super) struct Parts {
    pub(super) first: Vec<PlannedPackage>,
    pub(super) later: Vec<Vec<PlannedPackage>>,
}

/// Divides the plan's files; `size` tells how many bytes one has.
pub(super) fn divide(
    project: &Project,
    plan: &Plan,
    size: impl Fn(&PlannedPackage) -> u64,
) -> Parts {
    let all = || Parts { first: plan.packages.clone(), later: Vec::new() };
    // A recipe's wrong file ends the run before the engine is called.
    if project.dockerfile.is_some() {
        return all();
    }
    let (first, later): (Vec<_>, Vec<_>) = plan
        .stages
        .iter()
        .partition(|stage| matches!(stage.from, PlannedParent::Base(_)) && stage.copies.is_empty());
    let mut taken: HashSet<&str> = first.iter().flat_map(|stage| stage.files()).collect();
    let mut groups = Vec::new();
    for stage in later {
        let own: HashSet<&str> = stage.files().filter(|file| taken.insert(file)).collect();
        let own = plan.packages.iter().filter(|package| own.contains(package.file.as_str()));
        groups.push(own.cloned().collect::<Vec<_>>());
    }
    groups.retain(|group| !group.is_empty());
    let grouped: HashSet<_> = groups.iter().flatten().map(|package| package.file.clone()).collect();
    if groups.iter().flatten().map(size).sum::<u64>() < FEW {
        return all();
    }
    let first = plan.packages.iter().filter(|package| !grouped.contains(&package.file));
    Parts { first: first.cloned().collect(), later: groups }
}

/// Verifies `groups` one after the other. What is right is added to `verified`, and `server` offers it.
///
/// # Errors
/// Those of [`verify`], of the first group that has any.
pub(super) async fn verify_on(
    groups: Vec<Vec<PlannedPackage>>,
    options: &VerifyOptions,
    verified: &watch::Sender<Packages>,
    server: &Supply,
    reporter: &Arc<dyn Reporter>,
) -> Result<()> {
    for (place, group) in groups.into_iter().enumerate() {
        let options = VerifyOptions { jobs: threads(place, options.jobs), ..options.clone() };
        let files = verify_group(group, options, reporter).await?;
        verified.send_modify(|packages| packages.add(files));
        server.offer(verified.borrow().all());
    }
    Ok(())
}

/// How many of `all` threads hash the group at a place: a stage may soon wait for the first group,
/// which takes seconds; beside the others longer builds go on, which need processors, too.
fn threads(place: usize, all: usize) -> usize {
    if place == 0 { all } else { all.div_ceil(2) }
}

async fn verify_group(
    group: Vec<PlannedPackage>,
    options: VerifyOptions,
    reporter: &Arc<dyn Reporter>,
) -> Result<Vec<VerifiedPackage>> {
    let clock = Instant::now();
    let progress = Arc::new(VerifyProgress::new(Arc::clone(reporter)));
    let listening = Arc::clone(&progress);
    let work =
        move |stopped: &_| verify(&group, &options, &|event| listening.take(&event), stopped);
    let files = unless_dropped(work).await.map_err(ended_early)??;
    reporter.report(&progress.finished(&files, clock.elapsed()));
    Ok(files)
}

fn ended_early(error: tokio::task::JoinError) -> Error {
    Problem::error("verifying packages ended early").cause(error).exit(Exit::Bug)
}

/// Builds while `verifying` goes on; a wrong file stops what is being built.
///
/// # Errors
/// Those of either.
pub(super) async fn beside(
    verifying: impl Future<Output = Result<()>>,
    building: impl Future<Output = Result<()>>,
) -> Result<()> {
    let (mut verifying, mut building) = (std::pin::pin!(verifying), std::pin::pin!(building));
    tokio::select! {
        built = &mut building => built,
        verified = &mut verifying => match verified {
            Ok(()) => building.await,
            Err(error) => Err(error),
        },
    }
}
