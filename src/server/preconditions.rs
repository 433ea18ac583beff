//! Conditional requests (RFC 9110, section 13): `If-Match`, `If-Unmodified-Since`,
//! `If-None-Match`, `If-Modified-Since`, `If-Range`, in that order.

use std::time::SystemTime;

use http::{HeaderMap, HeaderName, StatusCode, header};

use super::shelf::Offer;

/// The status that the request's conditions lead to instead of the file, if any: 412 or 304.
pub(super) fn verdict(headers: &HeaderMap, offer: &Offer) -> Option<StatusCode> {
    let etag = offer.etag.to_str().unwrap_or_default();
    if let Some(tags) = text(headers, &header::IF_MATCH) {
        if !matches_any(tags, etag, Comparison::Strong) {
            return Some(StatusCode::PRECONDITION_FAILED);
        }
    } else if date(headers, &header::IF_UNMODIFIED_SINCE).is_some_and(|at| offer.modified > at) {
        return Some(StatusCode::PRECONDITION_FAILED);
    }
    let known = match text(headers, &header::IF_NONE_MATCH) {
        Some(tags) => matches_any(tags, etag, Comparison::Weak),
        None => date(headers, &header::IF_MODIFIED_SINCE).is_some_and(|at| offer.modified <= at),
    };
    known.then_some(StatusCode::NOT_MODIFIED)
}

/// Whether a `Range` is to be looked at: there is no `If-Range`, or it names this content.
pub(super) fn range_applies(headers: &HeaderMap, offer: &Offer) -> bool {
    match headers.get(header::IF_RANGE).map(|value| value.to_str().unwrap_or_default()) {
        None => true,
        Some(tag) if tag.starts_with('"') => offer.etag == tag,
        Some(date) => httpdate::parse_http_date(date).is_ok_and(|at| at == offer.modified),
    }
}

/// Whether `W/` makes a tag another one (RFC 9110, section 8.8.3.2).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Strong,
    Weak,
}

/// Our tag holds no comma, so that a list can be cut at commas without being parsed.
fn matches_any(tags: &str, etag: &str, comparison: Comparison) -> bool {
    tags.split(',').map(str::trim).any(|tag| {
        let tag = match comparison {
            Comparison::Weak => tag.strip_prefix("W/").unwrap_or(tag),
            Comparison::Strong => tag,
        };
        tag == "*" || tag == etag
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn date(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    text(headers, name).and_then(|value| httpdate::parse_http_date(value).ok())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::server::fixtures::offer_of_second;

    const SAME: &str = "Thu, 01 Jan 1970 00:01:40 GMT";
    const EARLIER: &str = "Thu, 01 Jan 1970 00:01:39 GMT";

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let value = |text: &str| HeaderValue::from_str(text).unwrap();
        lines.iter().map(|(name, text)| (HeaderName::from_static(name), value(text))).collect()
    }

    fn check(lines: &[(&'static str, &str)], expected: Option<u16>) {
        let actual = verdict(&headers(lines), &offer_of_second(100)).map(|status| status.as_u16());
        assert_eq!(actual, expected, "{lines:?}");
    }

    fn tag() -> String {
        offer_of_second(100).etag.to_str().unwrap().to_owned()
    }

    #[test]
    fn conditions_are_met_or_not() {
        check(&[], None);
        check(&[("if-none-match", &tag())], Some(304));
        check(&[("if-none-match", &format!("\"x\", W/{}", tag()))], Some(304));
        check(&[("if-none-match", "*")], Some(304));
        check(&[("if-none-match", "\"x\""), ("if-modified-since", SAME)], None);
        check(&[("if-modified-since", SAME)], Some(304));
        check(&[("if-modified-since", EARLIER)], None);
        check(&[("if-modified-since", "yesterday")], None);
        check(&[("if-match", &tag())], None);
        check(&[("if-match", &format!("W/{}", tag()))], Some(412));
        check(&[("if-unmodified-since", EARLIER)], Some(412));
        check(&[("if-unmodified-since", SAME)], None);
    }

    #[test]
    fn if_range_names_this_content_or_the_range_is_ignored() {
        let check = |value: &str, expected| {
            let actual = range_applies(&headers(&[("if-range", value)]), &offer_of_second(100));
            assert_eq!(actual, expected, "{value}");
        };
        check(&tag(), true);
        check(&format!("W/{}", tag()), false);
        check("\"x\"", false);
        check(SAME, true);
        check(EARLIER, false);
        check("nonsense", false);
    }
}
