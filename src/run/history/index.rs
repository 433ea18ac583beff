//! The index of the runs: one line each in `.ascend-build/history.jsonl`, so
//! that ten thousand runs are listed without reading ten thousand reports.
//!
//! The runs' folders are the truth and the index is a memory of them: what it
//! lacks is read again and added, what it has too much is passed over, and a
//! line that cannot be read is as good as none. So nobody needs to lock it.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::summary::{RunSummary, SCHEMA};

const FILE: &str = "history.jsonl";

/// The runs that the index below `state` knows, by their ids.
pub(super) fn read(state: &Path) -> HashMap<String, RunSummary> {
    let bytes = fs::read(path(state)).unwrap_or_default();
    let lines = bytes.split(|byte| *byte == b'\n');
    let known = lines.filter_map(|line| serde_json::from_slice::<RunSummary>(line).ok());
    known.filter(|run| run.schema == SCHEMA).map(|run| (run.run.clone(), run)).collect()
}

/// Adds lines at the end. They are on the disk when this returns.
pub(super) fn append(state: &Path, runs: &[RunSummary]) -> io::Result<()> {
    if runs.is_empty() {
        return Ok(());
    }
    let mut file = File::options().create(true).append(true).read(true).open(path(state))?;
    let mut lines = if ends_in_mid_line(&mut file)? { b"\n".to_vec() } else { Vec::new() };
    for run in runs {
        serde_json::to_writer(&mut lines, run)?;
        lines.push(b'\n');
    }
    // One write at the end of the file: lines of several processes do not mix.
    file.write_all(&lines)?;
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
