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
    dead.retain(|run| {
        let folder = runs.join(run.as_str());
        !folder.join("report.json").exists() && !is_alive(&folder)
    });
    dead
}

/// The runs in this folder, oldest first.
pub(super) fn ids(runs: &Path) -> Vec<RunId> {
    let entries = fs::read_dir(runs).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut ids: Vec<RunId> = names.collect();
    ids.sort_unstable();
    ids
}

/// Locks the folder of a run for as long as the answer lives; `None` where the
/// file system has no locks.
pub(super) fn lock(run_folder: &Path, holder: &Holder) -> io::Result<Option<File>> {
    let file =
        File::options().create(true).truncate(true).write(true).open(run_folder.join(LOCK))?;
    let locked = match file.try_lock() {
        Ok(()) => Some(file),
        // Somebody looks whether the run is alive; that takes no longer than a system call.
        Err(TryLockError::WouldBlock) => file.lock().ok().map(|()| file),
        Err(TryLockError::Error(error)) => {
            tracing::warn!(%error, path = %run_folder.display(), "the run's folder cannot be locked");
            None
        }
    };
    locked.map(|file| holder.write(&file).map(|()| file)).transpose()
}
