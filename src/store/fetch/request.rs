//! One request and its redirects.

use std::time::Duration;

use reqwest::header::{ACCEPT_ENCODING, HeaderMap, IF_RANGE, LOCATION, RANGE, REFERER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};

use super::FetchOptions;
use crate::error::{Error, Exit, Problem};

/// Redirects that are followed; browsers follow about as many.
const MOST_REDIRECTS: usize = 10;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(30);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum RequestError {
    /// Worth another attempt.
    #[error("{}", innermost(.0))]
    Transient(reqwest::Error),
    /// Redirected more than [`MOST_REDIRECTS`] times, last to this address.
    #[error("redirected too often")]
    RedirectLoop(Url),
    /// Redirected to something that is no address.
    #[error("redirected to `{0}`")]
    BadRedirect(String),
}

/// A client for [`super::fetch`]; `proxies` honours those of the environment.
pub(super) fn client(options: &FetchOptions, proxies: bool) -> Result<Client, Error> {
    // An error says that the process has a provider already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .redirect(Policy::none())
        .connect_timeout(CONNECT)
        .read_timeout(options.silence)
        .user_agent(concat!("ascend-build/", env!("CARGO_PKG_VERSION")));
    let builder = if proxies { builder } else { builder.no_proxy() };
    builder.build().map_err(|error| {
        Problem::error("packages cannot be fetched from here")
            .cause(error)
            .hint("check the proxy variables and install the system's CA certificates")
            .exit(Exit::Package)
    })
}

/// Asks for `url` from byte `from` on, if it is still the one that `validator` names.
pub(super) async fn get(
    client: &Client,
    options: &FetchOptions,
    url: &Url,
    from: u64,
    validator: Option<&str>,
) -> Result<Response, RequestError> {
    let mut url = url.clone();
    for _ in 0..=MOST_REDIRECTS {
        let mut request = client.get(url.clone()).header(ACCEPT_ENCODING, "identity");
        if from > 0 {
            request = request.header(RANGE, format!("bytes={from}-"));
            if let Some(validator) = validator {
                request = request.header(IF_RANGE, validator);
            }
        }
        if let Some(referer) = referer(&options.referers, &url) {
            request = request.header(REFERER, referer);
        }
        let response =
            request.send().await.map_err(|e| RequestError::Transient(e.without_url()))?;
        match target(&url, &response)? {
            Some(next) => url = next,
            None => return Ok(response),
        }
    }
    Err(RequestError::RedirectLoop(url))
}

/// Where an answer redirects to, if it does.
fn target(url: &Url, response: &Response) -> Result<Option<Url>, RequestError> {
    let moved = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = response.headers().get(LOCATION).filter(|_| moved);
    let Some(location) = location else { return Ok(None) };
    let text = String::from_utf8_lossy(location.as_bytes());
    match url.join(&text) {
        Ok(next) if matches!(next.scheme(), "http" | "https") => Ok(Some(next)),
        _ => Err(RequestError::BadRedirect(text.into_owned())),
    }
}

/// The `Referer` for a host or the domain that it is in.
fn referer<'a>(referers: &'a [(String, String)], url: &Url) -> Option<&'a str> {
    let host = url.host_str()?;
    let belongs = |domain: &str| {
        host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    referers.iter().find(|(domain, _)| belongs(domain)).map(|(_, referer)| referer.as_str())
}

/// What tells these bytes from those of another version, for `If-Range`: a strong
/// entity tag, else the date (RFC 9110, section 13.1.5).
pub(super) fn validator(headers: &HeaderMap) -> Option<String> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let strong = text("etag").filter(|tag| tag.starts_with('"'));
    strong.or_else(|| text("last-modified")).map(str::to_owned)
}

/// The first byte and the whole size that a `Content-Range` tells.
pub(super) fn content_range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let text = headers.get("content-range")?.to_str().ok()?;
    let (range, size) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some((start.trim().parse().ok()?, size.trim().parse().ok()))
}

/// Seconds that the server asks to wait.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("retry-after")?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

/// The cause at the bottom: those above it say only that sending failed.
pub(super) fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(host: &str, expected: Option<&str>) {
        let referers = [("example.com".to_owned(), "https://www.example.com/".to_owned())];
        let url = Url::parse(&format!("https://{host}/a")).unwrap();
        assert_eq!(referer(&referers, &url), expected, "{host}");
    }

    #[test]
    fn a_referer_is_for_a_host_and_its_subdomains() {
        check("example.com", Some("https://www.example.com/"));
        check("a.example.com", Some("https://www.example.com/"));
        check("badexample.com", None);
        check("example.org", None);
    }

    #[test]
    fn headers_are_read_as_the_standard_has_them() {
        let headers = |name: &'static str, value: &'static str| {
            HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())])
        };
        assert_eq!(validator(&headers("etag", "\"a\"")), Some("\"a\"".to_owned()));
        assert_eq!(validator(&headers("etag", "W/\"a\"")), None);
        let range = |value| content_range(&headers("content-range", value));
        assert_eq!(range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(range("bytes 5-9/*"), Some((5, None)));
        assert_eq!(range("bytes */10"), None);
        assert_eq!(range("lines 5-9/10"), None);
    }
}
