//! Who holds a lock, as it stands in the locked file.

use std::fs::File;
use std::io::{self, Read, Seek, Write};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// Who holds a lock, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The run's id.
    pub run: String,
    /// The run's process.
    pub process: u32,
    /// When it took the lock.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
}

impl Holder {
    /// This process, in the run with this id, from `now` on.
    pub fn this(run: &str, now: OffsetDateTime) -> Self {
        let since = now.replace_nanosecond(0).unwrap_or(now);
        Self { run: run.to_owned(), process: std::process::id(), since }
    }

    /// Whether there is a process of this number on this machine.
    pub(super) fn lives(&self) -> bool {
        let process = i32::try_from(self.process).ok().and_then(rustix::process::Pid::from_raw);
        let answer = process.map(rustix::process::test_kill_process);
        answer.is_some_and(|answer| answer != Err(rustix::io::Errno::SRCH))
    }

    /// Puts it into a file that is locked.
    pub(super) fn write(&self, mut file: &File) -> io::Result<()> {
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(&serde_json::to_vec(self)?)
    }

    /// What stands in a file, which its holder may be writing just now.
    pub(super) fn read(mut file: &File) -> Option<Self> {
        let mut text = String::new();
        file.rewind().ok()?;
        file.read_to_string(&mut text).ok()?;
        serde_json::from_str(&text).ok()
    }
}
