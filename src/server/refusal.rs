//! Why a request gets nothing, in words for the client.

use http::{HeaderName, StatusCode, header};

use super::open_package::Unavailable;
use super::shelf::encode_path;

/// How many bytes of what a client wrote are kept and logged: enough for any name that a file has.
const BRIEF: usize = 512;

/// When to ask again for a file that is being looked at, in seconds: as often as a server looks.
const AGAIN: &str = "2";

/// The beginning of what a client wrote.
pub(super) fn brief(text: &str) -> &str {
    &text[..text.floor_char_boundary(BRIEF)]
}

/// The answer to a request that gets nothing.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) text: String,
    /// The served name most like the wanted one.
    pub(super) nearest: Option<String>,
    /// The header that the status calls for: `Allow`, `Content-Range`, `WWW-Authenticate`.
    pub(super) header: Option<(HeaderName, String)>,
}

impl Refusal {
    /// A refusal that says `text`.
    pub(super) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, text: text.into(), nearest: None, header: None }
    }

    /// 405.
    pub(super) fn method() -> Self {
        let text = "only GET and HEAD are answered here";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, text).with(header::ALLOW, "GET, HEAD")
    }

    /// 416 for a file of `size` bytes.
    pub(super) fn range(size: u64) -> Self {
        let text = format!("the range lies outside the file's {size} bytes");
        Self::new(StatusCode::RANGE_NOT_SATISFIABLE, text)
            .with(header::CONTENT_RANGE, format!("bytes */{size}"))
    }

    /// 503: others have not read what they asked for.
    pub(super) fn crowded() -> Self {
        let text = "too many pages are on their way to clients that do not read them: ask again";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, text).with(header::RETRY_AFTER, "1")
    }

    /// 503: there is such a file, and nobody knows yet whether it may be sent.
    pub(super) fn awaited() -> Self {
        let text = "this file is being verified, or still being written: ask again in a moment";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, text).with(header::RETRY_AFTER, AGAIN)
    }

    /// 503: the file cannot be sent now, and may be in a moment.
    pub(super) fn unsettled(why: &Unavailable) -> Self {
        let text = format!("{why}: ask again in a moment");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, text).with(header::RETRY_AFTER, AGAIN)
    }

    /// 401.
    pub(super) fn token() -> Self {
        let text = "a token is needed: `?token=…` or `Authorization: Bearer …`";
        Self::new(StatusCode::UNAUTHORIZED, text).with(header::WWW_AUTHENTICATE, "Bearer")
    }

    /// 404, with the name that may have been meant.
    pub(super) fn missing(nearest: Option<String>) -> Self {
        Self { nearest, ..Self::new(StatusCode::NOT_FOUND, "no such file is served here") }
    }

    /// 404 for a name that several contents have, which are at `paths`.
    pub(super) fn ambiguous(paths: &[String]) -> Self {
        let text = "several contents have this name; ask for one by its digest:".to_owned();
        let lines = paths.iter().map(|path| format!("\n/{}", encode_path(path)));
        Self::new(StatusCode::NOT_FOUND, lines.fold(text, |text, line| text + &line))
    }

    /// What the client reads.
    pub(super) fn body(&self) -> String {
        let hint = self.nearest.as_ref().map(|name| format!("hint: did you mean `{name}`?\n"));
        format!("{}\n{}", self.text, hint.unwrap_or_default())
    }

    fn with(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.header = Some((name, value.into()));
        self
    }
}
