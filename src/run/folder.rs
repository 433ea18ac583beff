//! The folder that a run leaves behind: `.ascend-build/runs/<id>/` with one
//! log a stage and `report.json`.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use time::OffsetDateTime;
use time::macros::format_description;

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
                .hint(
                    "make the project's folder writable: logs and the report of each run go there",
                )
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
        let stamp = now
            .to_offset(time::UtcOffset::UTC)
            .format(format_description!("[year][month][day]-[hour][minute][second]"));
        let stamp = stamp.map_err(io::Error::other)?;
        let process = std::process::id();
        for attempt in 0.. {
            let id = if attempt == 0 {
                format!("{stamp}-{process}")
            } else {
                format!("{stamp}-{process}-{attempt}")
            };
            let path = state.join("runs").join(&id);
            match fs::create_dir(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => return made.map(|()| Self { id, path }),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
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

    /// Writes `report.json`, whole or not at all.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_report(&self, json: &[u8]) -> io::Result<PathBuf> {
        let path = self.path.join("report.json");
        let unfinished = self.path.join("report.json.new");
        fs::write(&unfinished, json)?;
        fs::rename(&unfinished, &path)?;
        Ok(path)
    }
}
