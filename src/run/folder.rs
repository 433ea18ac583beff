//! The folder that a run leaves behind: `.ascend-build/runs/<id>/` with one
//! log a stage and `report.json`; locked while the run is under way.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use time::OffsetDateTime;

use super::alive;
use super::history::{BEGUN, Begun};
use super::holder::Holder;
use super::id::RunId;
use crate::error::{Exit, Problem, Result};
use crate::project::StageName;

/// The folder inside a project that holds everything that runs leave behind.
const STATE: &str = ".ascend-build";

/// A run's folder.
#[derive(Debug, Clone)]
pub struct RunFolder {
    /// The run's id: its time in UTC and the process that ran it.
    pub id: String,
    /// The folder.
    pub path: PathBuf,
    /// Held until the last clone goes, or why the file system gives no lock.
    pub(super) lock: std::result::Result<Arc<File>, String>,
}

/// What to do where nothing can be kept.
fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "make room on the disk of the project's folder (`df -h .`, `df -i .`): logs and the report of each run go there"
        }
        _ => "make the project's folder writable: logs and the report of each run go there",
    }
}

/// Where runs of the project in `folder` leave what they leave behind.
pub fn state_folder(folder: &Path) -> PathBuf {
    folder.join(STATE)
}

impl RunFolder {
    /// Makes the folder of a run that starts at `now`; git ignores it by itself.
    ///
    /// # Errors
    /// The project's folder cannot be written.
    pub fn create(project: &Path, now: OffsetDateTime) -> Result<Self> {
        let state = project.join(STATE);
        let made = Self::make(&state, now);
        made.map_err(|error| {
            Problem::error(format!("cannot keep logs in `{}`", state.display()))
                .hint(hint(&error))
                .cause(error)
                .exit(Exit::Failed)
        })
    }

    fn make(state: &Path, now: OffsetDateTime) -> io::Result<Self> {
        fs::create_dir_all(state.join("runs"))?;
        let ignore = state.join(".gitignore");
        if !ignore.exists() {
            fs::write(ignore, "*\n")?;
        }
        for attempt in 0.. {
            let id = RunId::new(now, std::process::id(), attempt);
            match Self::claim(&state.join("runs"), &id, now) {
                Err(error) if is_taken(&error) => {}
                made => return made,
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Makes and locks the folder under another name first: nobody ever sees a
    /// folder of a living run without its lock.
    fn claim(runs: &Path, id: &RunId, now: OffsetDateTime) -> io::Result<Self> {
        let unlocked = runs.join(format!(".{id}.new"));
        fs::create_dir(&unlocked)?;
        let path = runs.join(id.as_str());
        let lock = alive::lock(&unlocked, &Holder::this(id.as_str(), now));
        let claimed = lock.and_then(|lock| fs::rename(&unlocked, &path).map(|()| lock));
        if claimed.is_err() {
            fs::remove_dir_all(&unlocked)?;
        }
        let lock = claimed?.map(Arc::new).map_err(|error| error.to_string());
        Ok(Self { id: id.to_string(), path, lock })
    }

    /// Where the project's runs leave what they leave behind.
    pub fn state(&self) -> &Path {
        self.path.ancestors().nth(2).unwrap_or(Path::new("."))
    }

    /// Why the run cannot be told from one that was killed but by its process, where that is so.
    pub fn unlocked(&self) -> Option<&str> {
        self.lock.as_ref().err().map(String::as_str)
    }

    /// Where the log of `stage` is.
    pub fn log_path(&self, stage: &StageName) -> PathBuf {
        self.path.join(format!("{stage}.log"))
    }

    /// Opens the log of `stage` for adding to it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn open_log(&self, stage: &StageName) -> io::Result<File> {
        File::options().create(true).append(true).open(self.log_path(stage))
    }

    /// Writes what the run is about to do, for whoever finds that it was killed.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_begun(&self, begun: &Begun) -> io::Result<()> {
        let unfinished = self.path.join("begun.json.new");
        fs::write(&unfinished, serde_json::to_vec_pretty(begun)?)?;
        fs::rename(unfinished, self.path.join(BEGUN))
    }

    /// Writes `report.json`, whole or not at all, also where the machine goes down.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_report(&self, json: &[u8]) -> io::Result<PathBuf> {
        let path = self.path.join("report.json");
        let unfinished = self.path.join("report.json.new");
        let mut file = File::create(&unfinished)?;
        file.write_all(json)?;
        file.sync_data()?;
        fs::rename(&unfinished, &path)?;
        Ok(path)
    }
}

/// A folder that another run has, whichever way the system says so.
fn is_taken(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{dead_runs, is_alive};

    /// The runs that are taken for dead, out of those begun here.
    fn check(project: &Path, runs: &[&RunFolder], expected: &[&RunFolder]) {
        let dead: Vec<_> = dead_runs(&state_folder(project)).iter().map(RunId::to_string).collect();
        let expected: Vec<_> = expected.iter().map(|folder| folder.id.clone()).collect();
        assert_eq!(dead, expected);
        for folder in runs {
            let reported = folder.path.join("report.json").exists();
            assert_eq!(is_alive(&folder.path), !reported && !dead.contains(&folder.id));
        }
    }

    #[test]
    fn a_run_is_alive_until_its_process_ends_and_dead_without_a_report() {
        let project = tempfile::tempdir().unwrap();
        let now = OffsetDateTime::from_unix_timestamp(1_795_242_400).unwrap();
        let begin = || RunFolder::create(project.path(), now).unwrap();
        let (mut first, second, mut third) = (begin(), begin(), begin());
        check(project.path(), &[&first, &second, &third], &[]);
        let clone = second.clone();
        first.lock = Err("gone".to_owned());
        drop(second);
        third.write_report(b"{}").unwrap();
        third.lock = Err("gone".to_owned());
        check(project.path(), &[&first, &clone, &third], &[&first]);
    }
}
