//! Verifying package files: where digests are remembered, and what is shown meanwhile.

use std::path::PathBuf;

use super::interrupt::Interrupt;
use crate::error::{Error, Exit, Problem, Result};
use crate::plan::{PlannedPackage, VerifiedPackage};
use crate::project::PackageEntry;
use crate::run::{Event, Recorder};
use crate::store::{VerifyEvent, VerifyOptions, memory_folder, verify, verify_each};
use crate::ui::Gauge;

/// How every verb verifies: all cores, digests remembered in the user's cache folder.
pub(super) fn options(roots: Vec<PathBuf>, rehash: bool) -> VerifyOptions {
    let jobs = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let memory = memory_folder(std::env::var_os("XDG_CACHE_HOME"), std::env::var_os("HOME"));
    VerifyOptions { roots, jobs, rehash, memory }
}

/// Verifies, with a bar on a terminal.
///
/// # Errors
/// Those of [`verify`].
pub(super) async fn verify_shown(
    planned: Vec<PlannedPackage>,
    options: VerifyOptions,
    interrupt: &Interrupt,
) -> Result<Vec<VerifiedPackage>> {
    let shown = bar();
    interrupt.blocking(move |cancelled| verify(&planned, &options, &shown, cancelled)).await
}

/// The same for files that do not depend on each other: those that are right, and what is wrong
/// with the others.
///
/// # Errors
/// Those of [`verify_each`].
pub(super) async fn verify_each_shown(
    planned: Vec<PlannedPackage>,
    options: VerifyOptions,
    interrupt: &Interrupt,
) -> Result<(Vec<VerifiedPackage>, Vec<Problem>)> {
    let shown = bar();
    interrupt.blocking(move |cancelled| verify_each(&planned, &options, &shown, cancelled)).await
}

fn bar() -> impl Fn(VerifyEvent) + Sync {
    let gauge = Gauge::new("hashing");
    move |event: VerifyEvent| match event {
        VerifyEvent::Started { bytes, .. } => gauge.begin(bytes),
        VerifyEvent::Read { bytes } => gauge.add(bytes),
        VerifyEvent::Finished { .. } => {}
    }
}

/// Files that nothing vouches for are told with their digests, or refused with `strict`.
///
/// # Errors
/// [`Exit::Package`]: one of them is refused.
pub(super) fn tell_undeclared(
    packages: &[VerifiedPackage],
    strict: bool,
    recorder: &Recorder<'_>,
) -> Result<()> {
    let undeclared = packages.iter().filter(|package| !package.declared);
    if strict {
        let problems = undeclared.map(|package| {
                Problem::error(format!("nothing vouches for `{}`", package.file))
                    .note(format!("its sha256 is {}", package.sha256))
                    .hint("declare it in packages.toml (`ascend-build package scan` does), or leave `--strict` out")
            });
        return Error::check(Exit::Package, problems.collect()).map(drop);
    }
    for package in undeclared {
        let size = crate::ui::bytes(package.size);
        let message =
            format!("not verified: `{}`, {size}, sha256 {}", package.file, package.sha256);
        recorder.record(&Event::Warning { message });
    }
    Ok(())
}

/// The file of an entry, to be verified.
pub(super) fn planned(entry: &PackageEntry) -> PlannedPackage {
    PlannedPackage {
        name: entry.name.clone(),
        file: entry.path(),
        sha256: Some(entry.sha256.clone()),
        size: entry.size,
        url: entry.url.clone(),
        place: Some(entry.place.clone()),
        asked: None,
    }
}
