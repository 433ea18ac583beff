//! What the server offers, by decoded request path: the allow-list.
//!
//! A file stands at `sha256/<digest>/<file>` and, if no other content has its
//! name, at `<file>`. Two contents of one name are reachable by digest only: to
//! pick one would be a guess.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::error;
use crate::plan::VerifiedPackage;

/// Characters that RFC 3986 calls unreserved stay as they are, and `+`, which wheels
/// have in their names and which means itself in a path; all others are encoded.
const ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'+');

/// The same for a path of several parts.
const ENCODED_PATH: &AsciiSet = &ENCODED.remove(b'/');

/// One file on the shelf, with the headers that never change.
#[derive(Debug)]
pub(super) struct Offer {
    pub(super) package: Arc<VerifiedPackage>,
    pub(super) etag: HeaderValue,
    pub(super) modified: SystemTime,
    pub(super) last_modified: HeaderValue,
    pub(super) repr_digest: HeaderValue,
    pub(super) digest: HeaderValue,
    pub(super) disposition: HeaderValue,
}

/// Every file that the server offers.
#[derive(Debug, Default)]
pub struct Shelf {
    offers: Vec<Arc<Offer>>,
    by_path: HashMap<String, Found>,
    /// The names of files that may follow, which are still being looked at.
    awaited: HashSet<String>,
    /// Whether more files may follow.
    pub(super) is_growing: bool,
}

/// What stands at a path.
#[derive(Debug, Clone)]
pub(super) enum Found {
    /// This file.
    Offer(Arc<Offer>),
    /// Several contents of that name: the paths by which each is reached.
    Ambiguous(Vec<String>),
}

impl Shelf {
    /// The same shelf, to which more files may be put.
    pub(super) fn growing(self, is_growing: bool) -> Self {
        Self { is_growing, ..self }
    }

    /// The same shelf, to which files of these names may be put.
    pub(super) fn awaiting(self, awaited: HashSet<String>) -> Self {
        Self { is_growing: !awaited.is_empty(), awaited, ..self }
    }

    /// Puts `files` on a shelf; the same content under the same name counts once.
    pub fn new<F: Into<Arc<VerifiedPackage>>>(files: Vec<F>) -> Self {
        let mut shelf = Self::default();
        for file in files.into_iter().map(Into::into) {
            let path = digest_path(&file);
            if !shelf.by_path.contains_key(&path) {
                shelf.add(path, Arc::new(Offer::new(file)));
            }
        }
        shelf
    }

    fn add(&mut self, path: String, offer: Arc<Offer>) {
        let name = offer.package.file.clone();
        let by_name = match self.by_path.remove(&name) {
            None => Found::Offer(Arc::clone(&offer)),
            Some(Found::Offer(other)) => {
                Found::Ambiguous(vec![digest_path(&other.package), path.clone()])
            }
            Some(Found::Ambiguous(mut paths)) => {
                paths.push(path.clone());
                Found::Ambiguous(paths)
            }
        };
        self.by_path.insert(name, by_name);
        self.by_path.insert(path, Found::Offer(Arc::clone(&offer)));
        self.offers.push(offer);
    }

    /// The file that a request path leads to.
    pub fn package_at(&self, request_path: &str) -> Option<&VerifiedPackage> {
        match self.find(request_path)? {
            Found::Offer(offer) => Some(&offer.package),
            Found::Ambiguous(_) => None,
        }
    }

    /// What stands at a request path, which is percent-decoded once.
    pub(super) fn find(&self, request_path: &str) -> Option<&Found> {
        let decoded = decoded(request_path)?;
        self.by_path.get(decoded.as_ref()).or_else(|| self.by_path.get(&without_doubles(&decoded)))
    }

    /// Whether what is asked for by its name, or by its name and a digest, may follow.
    pub(super) fn awaits(&self, request_path: &str) -> bool {
        let Some(decoded) = decoded(request_path) else { return false };
        let path = without_doubles(&decoded);
        let by_digest = path.strip_prefix("sha256/").and_then(|rest| rest.split_once('/'));
        self.awaited.contains(by_digest.map_or(path.as_str(), |(_, name)| name))
    }

    /// Every file, in the order in which they were declared.
    pub(super) fn packages(&self) -> impl Iterator<Item = &VerifiedPackage> {
        self.offers.iter().map(|offer| &*offer.package)
    }

    /// The served name most like the last part of a request path.
    pub(super) fn nearest(&self, request_path: &str) -> Option<String> {
        let decoded = percent_decode_str(request_path).decode_utf8_lossy();
        let name = decoded.rsplit('/').next().unwrap_or_default();
        let names = self.offers.iter().map(|offer| offer.package.file.as_str());
        error::nearest(name, names).map(str::to_owned)
    }
}

impl Offer {
    fn new(package: Arc<VerifiedPackage>) -> Self {
        Self {
            etag: header(&format!("\"{}\"", package.sha256)),
            modified: modified(package.identity.modified),
            last_modified: header(&httpdate::fmt_http_date(modified(package.identity.modified))),
            repr_digest: header(&format!("sha-256=:{}:", in_base64(&package))),
            digest: header(&format!("sha-256={}", in_base64(&package))),
            disposition: header(&disposition(package.file_name())),
            package,
        }
    }
}

/// A request path without its first slash, percent-decoded once.
fn decoded(request_path: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(request_path.strip_prefix('/')?).decode_utf8().ok()
}

/// The path with one slash where several stand, as servers of folders read it.
fn without_doubles(path: &str) -> String {
    let parts = path.trim_end_matches('/').split('/').filter(|part| !part.is_empty());
    // A slash at the end asks for a folder.
    let end = if path.ends_with('/') { "/" } else { "" };
    parts.collect::<Vec<_>>().join("/") + end
}

/// The path by which exactly this content is reached, without the leading slash, not encoded.
fn digest_path(file: &VerifiedPackage) -> String {
    format!("sha256/{}/{}", file.sha256, file.file)
}

/// Percent-encodes a path for use in a URL; slashes stay.
pub fn encode_path(path: &str) -> String {
    utf8_percent_encode(path, ENCODED_PATH).to_string()
}

/// The digest of the whole file, whichever range is sent, as RFC 9530 and, for aria2, RFC 3230 have it.
fn in_base64(package: &VerifiedPackage) -> String {
    let bytes = hex::decode(package.sha256.as_str()).expect("a digest is hexadecimal");
    BASE64_STANDARD.encode(bytes)
}

/// `attachment` with a name for old clients and, where that loses something, the real one
/// (RFC 6266, RFC 8187).
fn disposition(name: &str) -> String {
    let plain: String = name.chars().map(|c| if is_quotable(c) { c } else { '_' }).collect();
    if plain == name {
        return format!("attachment; filename=\"{plain}\"");
    }
    let encoded = utf8_percent_encode(name, ENCODED);
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

/// Whether a character stands for itself in every client's reading of a quoted string.
fn is_quotable(c: char) -> bool {
    (c == ' ' || c.is_ascii_graphic()) && !matches!(c, '"' | '\\' | '%' | '/' | ';')
}

/// HTTP dates have seconds only: the second in which the file was written.
fn modified(nanoseconds: i128) -> SystemTime {
    let seconds = u64::try_from(nanoseconds / 1_000_000_000).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("digests and quoted names are printable ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::fixtures::package;

    fn shelf() -> Shelf {
        let twice = [package("b.run", b"one"), package("b.run", b"two")];
        let single = [package("a+1 ü.whl", b"a"), package("a+1 ü.whl", b"a")];
        Shelf::new(twice.into_iter().chain(single).collect())
    }

    fn check(path: &str, expected: &str) {
        let actual = match shelf().find(path) {
            None => "nothing".to_owned(),
            Some(Found::Offer(offer)) => offer.package.file.clone(),
            Some(Found::Ambiguous(paths)) => format!("{} contents", paths.len()),
        };
        assert_eq!(actual, expected, "{path}");
    }

    #[test]
    fn a_path_is_decoded_once_and_looked_up() {
        let digest = package("b.run", b"one").sha256;
        check("/a+1%20%C3%BC.whl", "a+1 ü.whl");
        check("/a%2B1%20%c3%bc.whl", "a+1 ü.whl");
        check("/b.run", "2 contents");
        check(&format!("/sha256/{digest}/b.run"), "b.run");
        check(&format!("/sha256/{digest}/a%2B1%20%c3%bc.whl"), "nothing");
        check(&format!("/sha256/{digest}/"), "nothing");
        check("/a%252B1%2520%25C3%25BC.whl", "nothing");
        check("//b.run", "2 contents");
        check("/./b.run", "nothing");
        check("/", "nothing");
        check("", "nothing");
        check("b.run", "nothing");
        check("/%ff", "nothing");
    }

    #[test]
    fn what_may_follow_is_awaited_by_its_name_and_any_digest() {
        let shelf = shelf().awaiting(HashSet::from(["c+1.run".to_owned(), "d/e.run".to_owned()]));
        let check = |path: &str, expected| assert_eq!(shelf.awaits(path), expected, "{path}");
        let digest = "0".repeat(64);
        check("/c%2B1.run", true);
        check("//c+1.run", true);
        check(&format!("/sha256/{digest}/c+1.run"), true);
        check("/d/e.run", true);
        check("/e.run", false);
        check("/b.run", false);
        check("/c+1.run/", false);
        check("c+1.run", false);
        check("/%ff", false);
    }

    #[test]
    fn a_slip_finds_the_nearest_name() {
        assert_eq!(shelf().nearest("/x/b.rum"), Some("b.run".to_owned()));
        assert_eq!(shelf().nearest("/favicon.ico"), None);
    }

    #[test]
    fn any_name_makes_a_safe_disposition() {
        let check = |name: &str, expected: &str| assert_eq!(disposition(name), expected);
        check("a+b.run", "attachment; filename=\"a+b.run\"");
        check("a\"b", "attachment; filename=\"a_b\"; filename*=UTF-8''a%22b");
        check("ü\r\n", "attachment; filename=\"___\"; filename*=UTF-8''%C3%BC%0D%0A");
    }
}
