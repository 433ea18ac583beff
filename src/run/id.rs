//! The names of runs, which are the names of their folders.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

/// A run's id: its start in UTC, the process that ran it and, where one
/// process began several in a second, a number: `20261121-062640-4711`.
///
/// Ids sort by their start.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RunId(String);

/// The text is no run's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a run's id such as `20261121-062640-4711`")]
pub struct NoRunId;

impl RunId {
    /// The id of a run that `process` starts at `now`, the `attempt`-th (from 0) within a second.
    pub(super) fn new(now: OffsetDateTime, process: u32, attempt: u32) -> Self {
        let now = now.to_offset(UtcOffset::UTC);
        let (year, month, day) = (now.year(), u8::from(now.month()), now.day());
        let (hour, minute, second) = (now.hour(), now.minute(), now.second());
        let stamp = format!("{year:04}{month:02}{day:02}-{hour:02}{minute:02}{second:02}");
        match attempt {
            0 => Self(format!("{stamp}-{process}")),
            _ => Self(format!("{stamp}-{process}-{attempt}")),
        }
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// When the run started, to the second.
    pub fn started(&self) -> OffsetDateTime {
        start(&self.0).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

impl FromStr for RunId {
    type Err = NoRunId;

    fn from_str(text: &str) -> Result<Self, NoRunId> {
        let numbers: Vec<_> = text.split('-').skip(2).collect();
        let number =
            |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let known = (1..=2).contains(&numbers.len()) && numbers.iter().all(number);
        start(text).filter(|_| known).map(|_| Self(text.to_owned())).ok_or(NoRunId)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn start(text: &str) -> Option<OffsetDateTime> {
    let format = format_description!("[year][month][day]-[hour][minute][second]");
    PrimitiveDateTime::parse(text.get(..15)?, format).ok().map(PrimitiveDateTime::assume_utc)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a text is a run's id, and when that run started.
    fn check(text: &str, expected: Option<i64>) {
        let id: Result<RunId, _> = text.parse();
        assert_eq!(id.map(|id| id.started().unix_timestamp()).ok(), expected, "{text}");
    }

    #[test]
    fn an_id_tells_when_the_run_started() {
        check("20261121-062640-4711", Some(1_795_242_400));
        check("20261121-062640-4711-2", Some(1_795_242_400));
        check("20261121-062640", None);
        check("20261121-062640-", None);
        check("20261121-062640-x", None);
        check("20261121-062640-1-2-3", None);
        check("20261321-062640-1", None);
        check("..", None);
        check("20261121-06264é-1", None);
    }

    #[test]
    fn what_is_made_is_read_again() {
        let now = OffsetDateTime::from_unix_timestamp(1_795_242_400).unwrap();
        assert_eq!(RunId::new(now, 4711, 0).as_str(), "20261121-062640-4711");
        assert_eq!(RunId::new(now, 4711, 2).as_str(), "20261121-062640-4711-2");
    }
}
