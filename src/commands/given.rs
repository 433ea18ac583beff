//! What options give: arguments of stages and of a Dockerfile, and folders to look for packages in.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use crate::error::{Exit, Problem, Result};
use crate::project::{is_one_line, is_variable};

/// The name of a build argument, and its value where it has one.
pub(super) type BuildArgument = (String, Option<String>);

/// `NAME=VALUE` of an argument of the stages.
pub(super) fn parse_setting(text: &str) -> std::result::Result<(String, String), String> {
    match text.split_once('=') {
        Some((_, value)) if !is_one_line(value) => {
            Err("expected a value of one line, without control characters".to_owned())
        }
        Some((name, value)) if is_variable(name) => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE, the name of letters, digits and `_`".to_owned()),
    }
}

/// A build argument without a value has the environment's, as Docker has it, or none.
pub(super) fn parse_build_arg(text: &str) -> std::result::Result<BuildArgument, String> {
    match text.split_once('=') {
        Some(("", _)) => Err("expected NAME=VALUE, and nothing stands before the `=`".to_owned()),
        None if text.is_empty() => Err("expected NAME=VALUE or NAME".to_owned()),
        Some((name, value)) => Ok((name.to_owned(), Some(value.to_owned()))),
        None => Ok((text.to_owned(), std::env::var(text).ok())),
    }
}

/// The build arguments that have a value; the last one of a name holds.
pub(super) fn given(arguments: &[BuildArgument]) -> IndexMap<String, String> {
    let given = arguments.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
    given.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The folders of `--root`, from `folder` on.
///
/// # Errors
/// [`Exit::Usage`]: one is not there.
pub(super) fn folders(roots: &[PathBuf], folder: &Path) -> Result<Vec<PathBuf>> {
    let root = |root: &PathBuf| {
        let path: PathBuf = folder.join(root).components().collect();
        if path.is_dir() {
            return Ok(path);
        }
        let problem =
            Problem::error(format!("`--root {}` is no folder that is there", root.display()));
        Err(problem
            .note(format!("looked for it at `{}`", path.display()))
            .hint("name the folder that the packages are in, or leave `--root` out to look in the context")
            .exit(Exit::Usage))
    };
    roots.iter().map(root).collect()
}
