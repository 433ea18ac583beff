//! Who may ask: a secret first part of the path, and a token.
//!
//! Both are off for a build's own server, which only the build's containers reach.

use std::borrow::Cow;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{Request, header};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::links::Links;
use super::refusal::Refusal;

/// What a request has to show.
#[derive(Debug, Clone, Default)]
pub(super) struct Access {
    /// The first part of every path.
    pub(super) prefix: Option<String>,
    /// Wanted as `?token=…`, as `Authorization: Bearer …`, or as the password of whatever user:
    /// pip has no other way (`http://token:…@host/simple/`).
    pub(super) token: Option<String>,
}

impl Access {
    /// The path after the prefix, with its leading slash, and how to write links for this client.
    pub(super) fn admit<'a, B>(
        &self,
        request: &'a Request<B>,
    ) -> Result<(&'a str, Links), Refusal> {
        let path = self.strip_prefix(request.uri().path()).ok_or_else(|| Refusal::missing(None))?;
        let prefix = self.prefix.as_ref().map(|prefix| format!("/{prefix}")).unwrap_or_default();
        let Some(token) = &self.token else {
            return Ok((path, Links { prefix, ..Links::default() }));
        };
        if authorization(request).is_some_and(|shown| same(&shown, token.as_bytes())) {
            return Ok((path, Links { prefix, query: String::new() }));
        }
        if query_token(request).is_some_and(|shown| same(&shown, token.as_bytes())) {
            let query = format!("?token={}", utf8_percent_encode(token, NON_ALPHANUMERIC));
            return Ok((path, Links { prefix, query }));
        }
        Err(Refusal::token())
    }

    /// A request's path as logs may have it: whatever stands in the secret's place is left out.
    pub(super) fn without_prefix<'a>(&self, path: &'a str) -> Cow<'a, str> {
        if self.prefix.is_none() {
            return Cow::Borrowed(path);
        }
        let rest = path.get(1..).and_then(|path| path.split_once('/'));
        rest.map_or(Cow::Borrowed("/***"), |(_, rest)| Cow::Owned(format!("/***/{rest}")))
    }

    /// A request's path after the secret, where it has shown it.
    pub(super) fn below_prefix<'a>(&self, path: &'a str) -> &'a str {
        self.strip_prefix(path).unwrap_or(path)
    }

    fn strip_prefix<'a>(&self, path: &'a str) -> Option<&'a str> {
        let Some(prefix) = &self.prefix else { return Some(path) };
        let (first, _) = path.strip_prefix('/')?.split_once('/')?;
        same(first.as_bytes(), prefix.as_bytes()).then(|| &path[1 + first.len()..])
    }
}

fn authorization<B>(request: &Request<B>) -> Option<Vec<u8>> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, shown) = value.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(shown.trim().as_bytes().to_vec());
    }
    let basic = scheme.eq_ignore_ascii_case("basic").then(|| BASE64_STANDARD.decode(shown.trim()));
    let basic = basic?.ok()?;
    let colon = basic.iter().position(|byte| *byte == b':')?;
    Some(basic[colon + 1..].to_vec())
}

fn query_token<B>(request: &Request<B>) -> Option<Vec<u8>> {
    let pairs = request.uri().query()?.split('&');
    let value = pairs.filter_map(|pair| pair.strip_prefix("token=")).next()?;
    Some(percent_decode_str(value).collect())
}

/// Compares in a time that does not tell how much of a guess was right.
fn same(shown: &[u8], secret: &[u8]) -> bool {
    let difference = shown.iter().zip(secret).fold(0, |sum, (a, b)| sum | (a ^ b));
    std::hint::black_box(difference) == 0 && shown.len() == secret.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(access: (Option<&str>, Option<&str>), uri: &str, bearer: &str, expected: &str) {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let access = Access { prefix: owned(access.0), token: owned(access.1) };
        let request = Request::get(uri).header("authorization", bearer).body(()).unwrap();
        let actual = match access.admit(&request) {
            Ok((path, links)) => format!("{path} -> {}", links.to("x")),
            Err(refusal) => refusal.status.as_u16().to_string(),
        };
        assert_eq!(actual, expected, "{uri} {bearer}");
    }

    fn check_log(prefix: Option<&str>, path: &str, expected: &str) {
        let access = Access { prefix: prefix.map(str::to_owned), token: None };
        assert_eq!(access.without_prefix(path), expected);
    }

    #[test]
    fn logs_never_hold_the_prefix() {
        check_log(None, "/a/b", "/a/b");
        check_log(Some("s3"), "/s3/a/b", "/***/a/b");
        check_log(Some("s3"), "/%733/a", "/***/a");
        check_log(Some("s3"), "/s3", "/***");
        check_log(Some("s3"), "*", "/***");
    }

    #[test]
    fn prefix_and_token_are_wanted_where_they_are_set() {
        check((None, None), "/a?token=x", "", "/a -> /x");
        check((Some("s3"), None), "/s3/a", "", "/a -> /s3/x");
        check((Some("s3"), None), "/s4/a", "", "404");
        check((Some("s3"), None), "/s3", "", "404");
        check((Some("s3"), None), "/a", "", "404");
        check((None, Some("t&n")), "/a", "", "401");
        check((None, Some("t&n")), "/a?token=t", "", "401");
        check((None, Some("t&n")), "/a?b=c&token=t%26n", "", "/a -> /x?token=t%26n");
        check((None, Some("t&n")), "/a", "bearer t&n", "/a -> /x");
        check((None, Some("t&n")), "/a", "Basic t&n", "401");
        check((None, Some("t&n")), "/a", "Basic dG9rZW46dCZu", "/a -> /x");
        check((None, Some("t&n")), "/a", "Basic dG9rZW46dCZt", "401");
        check((None, Some("t&n")), "/a", "Basic dCZu", "401");
        check((Some("s3"), Some("t")), "/a?token=t", "", "404");
    }
}
