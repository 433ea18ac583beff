//! What of a stage is kept in memory while it is built: files that are gone when an instruction ends
//! need not reach the disk.

use std::fmt;

use super::Job;
use crate::engine::{BuildFailure, Builder};
use crate::plan::{Piece, PlannedStage, VerifiedPackage};

/// How many times the size of a stage's packages must fit for what the packages unpack into `TMPDIR`
/// to fit as well: themselves, and five times as much. CANN's installers are gzip archives of
/// libraries and operator kernels; where one holds more, the stage is built again on the disk.
const WITH_TEMPORARY: u64 = 6;

/// The memory that `RUN --package` may use (see `plan/fetch.sh`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InMemory {
    /// Bytes of the stage's packages.
    packages: u64,
    /// Whether temporary files of the commands fit as well.
    temporary: bool,
}

impl InMemory {
    /// What `memory` bytes are enough for; `None` where the packages alone do not fit.
    fn within(memory: u64, packages: u64) -> Option<Self> {
        let temporary = packages.checked_mul(WITH_TEMPORARY).is_some_and(|all| all <= memory);
        (packages <= memory).then_some(Self { packages, temporary })
    }

    /// What of a stage with these packages is kept in memory.
    pub(super) fn of<E, M>(
        job: &Job<'_, E, M>,
        stage: &PlannedStage,
        packages: &[VerifiedPackage],
    ) -> Option<Self> {
        let mounted = stage.pieces.contains(&Piece::PackageMount);
        let bytes = packages.iter().map(|package| package.size).sum();
        Self::within(job.memory, bytes).filter(|_| mounted && job.has_memory())
    }
}

/// KiB, and a `+` where temporary files fit.
impl fmt::Display for InMemory {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}{}", self.packages.div_ceil(1024), if self.temporary { "+" } else { "" })
    }
}

impl<E, M> Job<'_, E, M> {
    /// Whether a stage's packages, so many bytes, are kept in memory while it is built.
    pub fn fits_in_memory(&self, bytes: u64) -> bool {
        self.has_memory() && InMemory::within(self.memory, bytes).is_some()
    }

    /// Only BuildKit can mount memory for an instruction.
    fn has_memory(&self) -> bool {
        self.builder == Builder::BuildKit
    }
}

/// Whether a command may have failed because the memory that it was given was not enough; `tail` is
/// the end of its output.
pub(super) fn may_be_short(failure: &BuildFailure, tail: &[String]) -> bool {
    let BuildFailure::Instruction { exit_code: Some(code), .. } = failure else { return false };
    let says = |line: &String| line.to_lowercase().contains("no space left on device");
    *code == KILLED || tail.iter().any(says)
}

/// The exit code of a command that was killed, as it is when memory runs out: 128 and SIGKILL.
const KILLED: i64 = 137;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(memory: u64, packages: u64, expected: &str) {
        let actual = InMemory::within(memory, packages).map(|memory| memory.to_string());
        assert_eq!(actual.unwrap_or_default(), expected);
    }

    #[test]
    fn temporary_files_want_more() {
        check(1023, 1024, "");
        check(1024, 1024, "1");
        check(6143, 1024, "1");
        check(6144, 1024, "1+");
        check(u64::MAX, u64::MAX, "18014398509481984");
        check(0, 0, "0+");
    }

    fn check_short(exit_code: Option<i64>, line: &str, expected: bool) {
        let failure = BuildFailure::Instruction {
            index: None,
            exit_code,
            message: "no space left on device".to_owned(),
        };
        assert_eq!(may_be_short(&failure, &[line.to_owned()]), expected, "{line}");
    }

    #[test]
    fn a_command_that_wants_more_says_so() {
        check_short(Some(2), "tar: x: Cannot write: No space left on device", true);
        check_short(Some(1), "OSError: [Errno 28] No space left on device", true);
        check_short(Some(137), "", true);
        check_short(Some(1), "not installed", false);
        // The engine's own disk is full.
        check_short(None, "No space left on device", false);
    }
}
