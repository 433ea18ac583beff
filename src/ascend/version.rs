//! Versions as Ascend and PyPI write them, ordered as Ascend orders them.
//!
//! A version is numbers, then qualifiers, then perhaps a local part after `+`:
//! `8.5.0`, `8.3.RC1`, `8.2.RC1.alpha002`, `9.1.0-beta.3`, `9.1.T6`,
//! `5.1.RC1.1`, `2.5.1.dev20250218`, `2.7.1.post2`, `2.10.0+cpu`.
//!
//! Order: the numbers first (missing ones count as 0), then qualifier by
//! qualifier: dev < alpha < beta < T < RC < the release itself < a patch number
//! < any other word < post; last the local part. So `8.2.RC1.alpha002` comes
//! before `8.2.RC1`, which comes before `8.2.0`.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A version: its text as written, and a total order.
///
/// Two spellings of one version (`8.3.RC1`, `8.3.rc1`) stand next to each other
/// in the order without being equal; [`Version::same_as`] takes them as one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version {
    text: String,
    numbers: Vec<u64>,
    qualifiers: Vec<Qualifier>,
    local: String,
}

/// One step after the numbers, smallest first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Qualifier {
    Dev(u64),
    Alpha(u64),
    Beta(u64),
    Test(u64),
    Candidate(u64),
    /// What stands where a version has no further qualifier.
    Release,
    Patch(u64),
    Word(String, u64),
    Post(u64),
}

/// A text that is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a version: expected a number first, like `8.5.0` or `8.3.RC1`")]
pub struct NotAVersion(pub String);

impl Version {
    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether both are spellings of one version, as `8.5` and `8.5.0` are.
    pub fn same_as(&self, other: &Self) -> bool {
        self.order(other) == Ordering::Equal
    }

    /// Whether both are one version when what follows `+` is left out.
    pub fn same_public(&self, other: &Self) -> bool {
        self.order_public(other) == Ordering::Equal
    }

    /// Whether the first two numbers are the same, as of `8.5.0` and `8.5.1`.
    pub fn same_minor(&self, other: &Self) -> bool {
        (0..2).all(|at| self.number(at) == other.number(at))
    }

    /// The first three numbers, as `2.7.1` of `2.7.1.post2+git4c901a4`.
    pub fn base(&self) -> String {
        let numbers = (0..3).map(|at| self.number(at).to_string());
        numbers.collect::<Vec<_>>().join(".")
    }

    /// Whether the version is `prefix` or starts with it at a boundary.
    ///
    /// `8.5` fits `8.5.0` and `8.5.RC1`, not `8.50`.
    pub fn starts_with(&self, prefix: &str) -> bool {
        let (text, prefix) = (self.text.to_ascii_lowercase(), prefix.to_ascii_lowercase());
        let ends_in_digit = prefix.ends_with(|c: char| c.is_ascii_digit());
        text.strip_prefix(&prefix)
            .is_some_and(|rest| !(ends_in_digit && rest.starts_with(|c: char| c.is_ascii_digit())))
    }

    fn number(&self, at: usize) -> u64 {
        self.numbers.get(at).copied().unwrap_or(0)
    }

    fn order(&self, other: &Self) -> Ordering {
        self.order_public(other).then_with(|| self.local.cmp(&other.local))
    }

    fn order_public(&self, other: &Self) -> Ordering {
        let longest = self.numbers.len().max(other.numbers.len());
        let numbers = (0..longest).map(|at| self.number(at).cmp(&other.number(at)));
        numbers.fold(Ordering::Equal, Ordering::then).then_with(|| self.steps().cmp(other.steps()))
    }

    fn steps(&self) -> impl Iterator<Item = &Qualifier> {
        self.qualifiers.iter().chain(std::iter::once(&Qualifier::Release))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order(other).then_with(|| self.text.cmp(&other.text))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl FromStr for Version {
    type Err = NotAVersion;

    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let plain = text.strip_prefix(['v', 'V']).unwrap_or(text);
        if !plain.starts_with(|c: char| c.is_ascii_digit()) || !text.chars().all(is_version_char) {
            return Err(NotAVersion(text.to_owned()));
        }
        let (public, local) = plain.split_once('+').unwrap_or((plain, ""));
        let tokens = tokens(public);
        let count = tokens.iter().take_while(|token| is_number(token)).count();
        Ok(Self {
            text: text.to_owned(),
            numbers: tokens[..count].iter().map(|token| number(token)).collect(),
            qualifiers: qualifiers(&tokens[count..]),
            local: local.to_ascii_lowercase(),
        })
    }
}

impl TryFrom<String> for Version {
    type Error = NotAVersion;
    fn try_from(text: String) -> Result<Self, NotAVersion> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.text
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

fn is_version_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || ".-_+!".contains(c)
}

fn is_number(token: &str) -> bool {
    token.starts_with(|c: char| c.is_ascii_digit())
}

/// A run of digits; one too long for 64 bits counts as the largest.
fn number(digits: &str) -> u64 {
    digits.parse().unwrap_or(u64::MAX)
}

/// Runs of digits and runs of letters, without what separates them.
fn tokens(text: &str) -> Vec<&str> {
    let pieces = text.split(|c: char| !c.is_ascii_alphanumeric());
    pieces.flat_map(cut_at_digits).filter(|token| !token.is_empty()).collect()
}

fn cut_at_digits(piece: &str) -> Vec<&str> {
    let mut cut = Vec::new();
    let mut rest = piece;
    while let Some(first) = rest.chars().next() {
        let digits = first.is_ascii_digit();
        let end = rest.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(rest.len());
        cut.push(&rest[..end]);
        rest = &rest[end..];
    }
    cut
}

fn qualifiers(tokens: &[&str]) -> Vec<Qualifier> {
    let mut found = Vec::new();
    let mut rest = tokens.iter().peekable();
    while let Some(token) = rest.next() {
        if is_number(token) {
            found.push(Qualifier::Patch(number(token)));
            continue;
        }
        let value = rest.next_if(|next| is_number(next)).map_or(0, |next| number(next));
        found.push(qualifier(token, value));
    }
    found
}

fn qualifier(word: &str, value: u64) -> Qualifier {
    match word.to_ascii_lowercase().as_str() {
        "dev" => Qualifier::Dev(value),
        "a" | "alpha" => Qualifier::Alpha(value),
        "b" | "beta" => Qualifier::Beta(value),
        "t" => Qualifier::Test(value),
        "c" | "rc" | "pre" | "preview" => Qualifier::Candidate(value),
        "post" | "rev" | "r" => Qualifier::Post(value),
        other => Qualifier::Word(other.to_owned(), value),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    /// `ascending` is every version of one family, smallest first.
    fn check(ascending: &[&str]) {
        let mut sorted: Vec<_> = ascending.iter().rev().map(|text| version(text)).collect();
        sorted.sort();
        let sorted: Vec<_> = sorted.iter().map(Version::as_str).collect();
        assert_eq!(sorted, ascending);
    }

    #[test]
    fn versions_order_as_ascend_orders_them() {
        check(&[
            "8.0.RC3",
            "8.0.0",
            "8.2.RC1.alpha002",
            "8.2.RC1.alpha003",
            "8.2.RC1",
            "8.3.RC1",
            "8.5.0.alpha002",
            "8.5.0",
            "8.5.2",
            "9.0.0-beta.1",
            "9.0.0-beta.2",
            "9.0.0",
            "9.1.0-beta.3",
            "9.1.T6",
            "9.1.RC1",
            "9.1.0",
            "10.0.0",
        ]);
        check(&["5.0.4", "5.1.RC1", "5.1.RC1.1", "5.1.RC2", "5.1.0"]);
        check(&["7.5.0.1.129", "7.7.0.6.236", "7.7.0.10.1"]);
        check(&["2.0.T3", "2.0.RC1", "2.1.RC2", "2.3.0"]);
        check(&[
            "2.5.1.dev20250218",
            "2.5.1rc1",
            "2.5.1",
            "2.5.1+cpu",
            "2.5.1.post1.dev1",
            "2.5.1.post1",
            "2.5.1.post2",
            "2.5.1.post10",
        ]);
    }

    #[test]
    fn spellings_of_one_version_are_the_same() {
        for (one, other, same, public) in [
            ("6.0.rc1", "6.0.RC1", true, true),
            ("2.6.0-rc1", "2.6.0rc1", true, true),
            ("8.5", "8.5.0", true, true),
            ("2.9.0+cpu", "2.9.0", false, true),
            ("8.5.0", "8.5.1", false, false),
        ] {
            assert_eq!(version(one).same_as(&version(other)), same, "{one} {other}");
            assert_eq!(version(one).same_public(&version(other)), public, "{one} {other}");
        }
    }

    #[test]
    fn prefixes_end_at_a_boundary() {
        for (text, prefix, fits) in [
            ("8.5.0", "8.5", true),
            ("8.5.RC1", "8.5", true),
            ("8.50.0", "8.5", false),
            ("8.3.RC1", "8.3.rc", true),
            ("8.3.RC1", "8.3.RC1", true),
            ("8.3.RC10", "8.3.RC1", false),
        ] {
            assert_eq!(version(text).starts_with(prefix), fits, "{text} {prefix}");
        }
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in ["", "v", "RC1", "linux", "8.5 0", "８.5"] {
            assert_eq!(text.parse::<Version>(), Err(NotAVersion(text.into())));
        }
    }

    fn any_version() -> impl Strategy<Value = String> {
        "[0-9]{1,2}(\\.[0-9]{1,2}){0,3}([.-]?(RC|rc|alpha|beta|T|post|dev|SPC)[.]?[0-9]{0,3}){0,2}(\\+[a-z0-9.]{0,6})?"
    }

    proptest! {
        #[test]
        fn a_version_comes_back_as_it_was_written(text in any_version()) {
            prop_assert_eq!(version(&text).to_string(), text);
        }

        #[test]
        fn the_order_is_total(a in any_version(), b in any_version(), c in any_version()) {
            let (a, b, c) = (version(&a), version(&b), version(&c));
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert_eq!(a.cmp(&b) == Ordering::Equal, a == b);
            if a <= b && b <= c {
                prop_assert!(a <= c);
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            if let Ok(version) = text.parse::<Version>() {
                prop_assert_eq!(version.as_str(), text.as_str());
            }
        }
    }
}
