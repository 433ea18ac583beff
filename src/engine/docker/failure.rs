//! From bollard's errors to problems that say what to do.

use bollard::errors::Error as DockerError;
use futures_util::{Stream, StreamExt as _};

use crate::engine::Gone;
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
    let problem = if is_gone(error) { problem.cause(Gone(text)) } else { problem.cause(text) };
    problem.maybe_hint(hint)
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

/// What an engine answers, line by line, to its end. Where the end of the last line comes by itself, the client library
/// (bollard 0.21) takes it for the beginning of another, and says that as an error: here that is the end, too. An engine
/// that dies within an answer leaves out its last chunk, which is another error.
pub(super) fn to_end<T>(
    answer: impl Stream<Item = std::result::Result<T, DockerError>>,
) -> impl Stream<Item = std::result::Result<T, DockerError>> {
    answer.take_while(|line| std::future::ready(!line.as_ref().is_err_and(is_end)))
}

fn is_end(error: &DockerError) -> bool {
    matches!(error, DockerError::IOError { err } if err.to_string() == "bytes remaining on stream")
}

/// Whether the engine went away rather than answered.
pub(super) fn is_gone(error: &DockerError) -> bool {
    matches!(
        error,
        DockerError::HyperResponseError { .. }
            | DockerError::IOError { .. }
            | DockerError::HyperLegacyError { .. }
            | DockerError::RequestTimeoutError
    )
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixListener;
    use std::time::Duration;

    use bollard::models::CreateImageInfo;
    use bollard::query_parameters::CreateImageOptions;
    use bollard::{API_DEFAULT_VERSION, Docker};

    use super::*;

    const CLOSED: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
    const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    const CUT: &str = "cut";

    /// What a client makes of an answer whose pieces come apart: the lines' ids, and whether it was cut.
    async fn check(head: &'static str, pieces: &'static [&str], expected: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let answering = std::thread::spawn(move || {
            let mut client = listener.accept().unwrap().0;
            assert!(client.read(&mut [0; 4096]).unwrap() > 0);
            client.write_all(head.as_bytes()).unwrap();
            for piece in pieces {
                std::thread::sleep(Duration::from_millis(100));
                client.write_all(piece.as_bytes()).unwrap();
            }
        });
        let path = socket.to_str().unwrap();
        let docker = Docker::connect_with_unix(path, 10, API_DEFAULT_VERSION).unwrap();
        let stream = docker.create_image(Some(CreateImageOptions::default()), None, None);
        let id = |line: Result<CreateImageInfo, _>| {
            line.map_or_else(|_| CUT.to_owned(), |line| line.id.unwrap())
        };
        let told: Vec<_> = to_end(stream).map(id).collect().await;
        answering.join().unwrap();
        assert_eq!(told, expected, "{pieces:?}");
    }

    #[tokio::test]
    async fn an_answer_ends_with_its_last_whole_line() {
        check(CLOSED, &["{\"id\":\"1\"}\r\n"], &["1"]).await;
        check(CLOSED, &["{\"id\":\"1\"}", "\r\n"], &["1"]).await;
        check(CLOSED, &["{\"id\":\"1\"}\r\n{\"id\":", "\"2\"}", "\r\n"], &["1", "2"]).await;
    }

    /// Engines answer in chunks, so one that dies within an answer is told from one that has ended it.
    #[tokio::test]
    async fn an_answer_without_its_last_chunk_was_cut() {
        check(CHUNKED, &["a\r\n{\"id\":\"1\"}\r\n", "2\r\n\r\n\r\n", "0\r\n\r\n"], &["1"]).await;
        check(CHUNKED, &["a\r\n{\"id\":\"1\"}\r\n", "2\r\n\r\n\r\n"], &["1", CUT]).await;
        check(CHUNKED, &["a\r\n{\"id\":\"1\"}\r\n", "2\r\n"], &["1", CUT]).await;
    }
}
