//! Where earlier runs are looked for, and which one is meant.

use std::path::{Path, PathBuf};

use crate::error::{Exit, Problem, Result};
use crate::project::find_folder;
use crate::run::history::{History, NotFound, find};
use crate::run::{RunId, state_folder};
use crate::ui::Printer;

/// How many runs, or records, a message names.
const SHOWN: usize = 5;

/// What runs in `folder` left behind: in the folder of its project, or in the nearest one above that has some.
pub(super) fn state(folder: &Path) -> PathBuf {
    let project = find_folder(folder).map(|project| state_folder(&project));
    let above = || folder.ancestors().map(state_folder).find(|state| state.join("runs").is_dir());
    let own = project.filter(|state| state.is_dir()).or_else(above);
    own.unwrap_or_else(|| state_folder(folder))
}

/// What names a run on the command line.
///
/// # Errors
/// It is empty, and would begin every id.
pub(super) fn parse_run(text: &str) -> std::result::Result<String, &'static str> {
    match text {
        "" => Err("it is empty; expected a run's id, a beginning of it, or `last`"),
        _ => Ok(text.to_owned()),
    }
}

/// The run that is meant.
///
/// # Errors
/// [`Exit::Usage`]: there is none, or several.
pub(super) fn run(state: &Path, wanted: &str) -> Result<RunId> {
    let problem = match find(state, wanted) {
        Ok(run) => return Ok(run),
        Err(NotFound::NoRuns) => Problem::error("nothing was built here yet")
            .note(format!("looked for runs in `{}`", state.join("runs").display()))
            .hint("build first, or name the project's folder with `-C DIR`"),
        Err(NotFound::Unknown) => Problem::error(format!("no run's id begins with `{wanted}`"))
            .hint("`ascend-build history` lists the runs; `last` means the last one"),
        Err(NotFound::Several(runs)) => {
            let shown: Vec<_> = runs.iter().rev().take(SHOWN).map(RunId::as_str).collect();
            let more = runs.len().saturating_sub(SHOWN);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            Problem::error(format!("`{wanted}` begins the ids of {} runs", runs.len()))
                .note(format!("they are {}{more}", shown.join(", ")))
                .hint("write more of the id")
        }
    };
    Err(problem.exit(Exit::Usage))
}

/// One warning for all records that cannot be read.
pub(super) fn warn(history: &History, printer: Printer) {
    let Some(((path, cause), rest)) = history.unread.split_first() else { return };
    let what = match rest.len() {
        0 => "the record of a run cannot be read and is left out".to_owned(),
        more => format!("the records of {} runs cannot be read and are left out", more + 1),
    };
    let mut problem = Problem::warning(what).note(format!("`{}`: {cause}", path.display()));
    for (path, cause) in rest.iter().take(SHOWN - 1) {
        problem = problem.note(format!("`{}`: {cause}", path.display()));
    }
    printer
        .problems(&[problem.hint("nothing needs it; remove its folder to be rid of this warning")]);
}
