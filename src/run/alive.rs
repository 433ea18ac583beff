//! Telling a run that is under way from one that was killed.
//!
//! A run holds a lock (`flock`) on the file `lock` in its folder for as long as
//! its process lives: the kernel gives it back however the process ends.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use super::RunId;
use super::holder::Holder;

/// The locked file of a run's folder.
const LOCK: &str = "lock";

/// Whether the run of this folder is under way; also where this cannot be told,
/// so that nothing of a run that may live is cleared away.
pub fn is_alive(run_folder: &Path) -> bool {
    match File::open(run_folder.join(LOCK)) {
        Ok(file) => match file.try_lock_shared() {
            Ok(()) => false,
            Err(TryLockError::WouldBlock) => true,
            // A file system without locks: the process tells.
            Err(TryLockError::Error(_)) => Holder::read(&file).is_none_or(|holder| holder.lives()),
        },
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

/// The runs below `state` (`.ascend-build`) that ended without a report, oldest
/// first: their processes were killed, or the machine went down.
pub fn dead_runs(state: &Path) -> Vec<RunId> {
    let runs = state.join("runs");
    let mut dead = ids(&runs);
    dead.retain(|run| is_dead(&runs.join(run.as_str()), is_alive));
    dead
}

/// The lock is asked for first: a run gives it back after it has written its report.
fn is_dead(run_folder: &Path, is_alive: impl FnOnce(&Path) -> bool) -> bool {
    !is_alive(run_folder) && !run_folder.join("report.json").exists()
}

/// The runs in this folder, oldest first.
pub(super) fn ids(runs: &Path) -> Vec<RunId> {
    let entries = fs::read_dir(runs).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut ids: Vec<RunId> = names.collect();
    ids.sort_unstable();
    ids
}

/// Locks the folder of a run for as long as the answer lives; inside, why the
/// file system gives no lock.
///
/// # Errors
/// The file cannot be written.
pub(super) fn lock(run_folder: &Path, holder: &Holder) -> io::Result<Result<File, io::Error>> {
    let file =
        File::options().create(true).truncate(true).write(true).open(run_folder.join(LOCK))?;
    holder.write(&file)?;
    Ok(match file.try_lock() {
        // Somebody looks whether the run is alive; that takes no longer than a system call.
        Err(TryLockError::WouldBlock) => file.lock(),
        Err(TryLockError::Error(error)) => Err(error),
        Ok(()) => Ok(()),
    }
    .map(|()| file))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a run is dead of which nothing is there, and that does `meanwhile` while it is asked after.
    fn check(meanwhile: impl Fn(&Path), expected: bool) {
        let folder = tempfile::tempdir().unwrap();
        let asked = |folder: &Path| {
            meanwhile(folder);
            false
        };
        assert_eq!(is_dead(folder.path(), asked), expected);
    }

    #[test]
    fn a_run_that_ends_while_it_is_asked_after_is_not_dead() {
        check(|_| {}, true);
        check(|folder| fs::write(folder.join("report.json"), "{}").unwrap(), false);
    }
}
