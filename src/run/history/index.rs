//! The index of the runs: one line each in `.ascend-build/history.jsonl`, so
//! that ten thousand runs are listed without reading ten thousand reports.
//!
//! The runs' folders are the truth and the index is a memory of them: what it
//! lacks is read again and added, what it has too much is passed over, and a
//! line that cannot be read is as good as none. So nobody needs to lock it for
//! reading, and where there are no locks for writing, a blank line more is all.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::summary::{RunSummary, SCHEMA};

const FILE: &str = "history.jsonl";

/// What stands in the line of a run that gave no exit code.
const KILLED: &[u8] = b"\"exit_code\":null";

/// The lines of the index, by the ids of their runs.
pub(super) struct Index {
    bytes: Vec<u8>,
    lines: HashMap<String, Range<usize>>,
}

impl Index {
    /// Reads the index below `state`.
    pub(super) fn read(state: &Path) -> Self {
        let bytes = fs::read(path(state)).unwrap_or_default();
        let (mut lines, mut start) = (HashMap::new(), 0);
        for line in bytes.split(|byte| *byte == b'\n') {
            let end = start + line.len();
            if let Some(id) = id(line) {
                let known = lines.entry(id.to_owned()).or_insert(start..end);
                // Who took a run for killed never overrules what the run itself has said.
                if !line.windows(KILLED.len()).any(|window| window == KILLED) {
                    *known = start..end;
                }
            }
            start = end + 1;
        }
        Self { bytes, lines }
    }

    /// What it says of a run.
    pub(super) fn get(&self, run: &str) -> Option<RunSummary> {
        let line = &self.bytes[self.lines.get(run)?.clone()];
        let known: RunSummary = serde_json::from_slice(line).ok()?;
        Some(known).filter(|known| known.schema == SCHEMA && known.run == run)
    }
}

/// The run that a line tells of, without reading all of it: most lines are never asked for.
fn id(line: &[u8]) -> Option<&str> {
    const FIELD: &[u8] = b"\"run\":\"";
    let start = line.windows(FIELD.len()).position(|window| window == FIELD)? + FIELD.len();
    let length = line[start..].iter().position(|byte| *byte == b'"')?;
    std::str::from_utf8(&line[start..start + length]).ok()
}

/// Adds lines at the end. They are on the disk when this returns.
pub(super) fn append(state: &Path, runs: &[RunSummary]) -> io::Result<()> {
    if runs.is_empty() {
        return Ok(());
    }
    let mut file = File::options().create(true).append(true).read(true).open(path(state))?;
    // While another program writes, the file may seem to end in the middle of a line.
    if let Err(error) = file.lock() {
        tracing::debug!(%error, "the index of the runs cannot be locked");
    }
    let mut lines = if ends_in_mid_line(&mut file)? { b"\n".to_vec() } else { Vec::new() };
    for run in runs {
        serde_json::to_writer(&mut lines, run)?;
        lines.push(b'\n');
    }
    // One write at the end of the file: lines of several processes do not mix.
    file.write_all(&lines)?;
    _ = file.unlock();
    file.sync_data()
}

/// Puts these lines in the place of all.
pub(super) fn replace(state: &Path, runs: &[RunSummary]) -> io::Result<()> {
    let unfinished = state.join(format!("{FILE}.{}", std::process::id()));
    let mut lines = Vec::new();
    for run in runs {
        serde_json::to_writer(&mut lines, run)?;
        lines.push(b'\n');
    }
    fs::write(&unfinished, lines)?;
    fs::rename(&unfinished, path(state))
}

/// Whether a crash has left half a line at the end.
fn ends_in_mid_line(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

fn path(state: &Path) -> PathBuf {
    state.join(FILE)
}
