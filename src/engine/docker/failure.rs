//! From bollard's errors to problems that say what to do.

use bollard::errors::Error as DockerError;

use crate::error::{Error, Exit, Problem};

/// A problem of the engine while `doing` something.
pub(super) fn problem(doing: &str, endpoint: &str, error: &DockerError) -> Problem {
    let text = match error {
        DockerError::DockerResponseServerError { message, .. } => message.clone(),
        DockerError::DockerStreamError { error } => error.clone(),
        other => other.to_string(),
    };
    let problem = Problem::error(format!("the engine failed while {doing}"))
        .note(format!("engine: `{endpoint}`"));
    let hint = hint(&text, error);
    problem.cause(text).maybe_hint(hint)
}

/// The same as an error that ends the run.
pub(super) fn error(doing: &str, endpoint: &str, error: &DockerError) -> Error {
    problem(doing, endpoint, error).exit(Exit::Engine)
}

fn hint(text: &str, error: &DockerError) -> Option<String> {
    let hint = if text.contains("no space left on device") {
        "the engine's disk is full: free some space (`docker system df` shows what uses it) and run again; finished stages are reused"
    } else if text.to_lowercase().contains("no such image") {
        "somebody removed the image while this run needed it: run the same command again, and what is gone is built again"
    } else if is_gone(error) {
        "the engine stopped or was restarted: start it (`systemctl start docker`, or `dockerd`) and run again; finished stages are reused"
    } else {
        return None;
    };
    Some(hint.to_owned())
}

/// Whether the engine went away rather than answered.
fn is_gone(error: &DockerError) -> bool {
    matches!(
        error,
        DockerError::HyperResponseError { .. }
            | DockerError::IOError { .. }
            | DockerError::HyperLegacyError { .. }
            | DockerError::RequestTimeoutError
    )
}
