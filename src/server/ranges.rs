//! The `Range` header: which bytes a client wants.
//!
//! Where RFC 9110 leaves a choice this answers as nginx does, so that clients
//! that were tried against nginx meet nothing new: a malformed list of byte
//! ranges is 416, another unit is ignored, and ranges that sum to more than
//! the file are answered with the whole file.

use std::ops::Range;

/// More ranges than this are answered with the whole file.
const MOST_RANGES: usize = 64;

/// What a `Range` header asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// The header is to be ignored: send everything.
    Whole,
    /// These bytes, in this order; never empty, each range within the file and not empty.
    Parts(Vec<Range<u64>>),
    /// Nothing that the file has: 416.
    Unsatisfiable,
}

/// Reads a `Range` header for a file of `size` bytes.
pub fn wanted_ranges(header: &str, size: u64) -> Wanted {
    let Some(list) = strip_unit(header) else { return Wanted::Whole };
    let mut parts = Vec::new();
    for item in list.split(',') {
        match one_range(item.trim_matches(' '), size) {
            None => return Wanted::Unsatisfiable,
            Some(range) if range.start < range.end => parts.push(range),
            Some(range) if range.start == 0 => return Wanted::Whole,
            Some(_) => {}
        }
    }
    let sum = parts.iter().fold(0_u64, |sum, part| sum.saturating_add(part.end - part.start));
    match parts.len() {
        0 => Wanted::Unsatisfiable,
        count if count > MOST_RANGES || sum > size => Wanted::Whole,
        _ => Wanted::Parts(parts),
    }
}

fn strip_unit(header: &str) -> Option<&str> {
    let (unit, list) = header.split_at_checked(6)?;
    unit.eq_ignore_ascii_case("bytes=").then_some(list)
}

/// One `first-last`, `first-` or `-length`, clipped to the file; `None` when malformed.
fn one_range(item: &str, size: u64) -> Option<Range<u64>> {
    let (first, last) = item.split_once('-')?;
    if first.is_empty() {
        let length = number(last)?;
        return Some(size.saturating_sub(length)..size);
    }
    let (first, last) = (first.trim_end_matches(' '), last.trim_start_matches(' '));
    let start = number(first)?;
    let end = if last.is_empty() { size } else { size.min(number(last)?.saturating_add(1)) };
    Some(start..end)
}

/// Digits only, within what a file offset can be (63 bits).
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let value = text.parse().ok().filter(|value| i64::try_from(*value).is_ok());
    if digits { value } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(list: &[(u64, u64)]) -> Wanted {
        Wanted::Parts(list.iter().map(|(start, end)| *start..*end).collect())
    }

    fn check(header: &str, size: u64, expected: &Wanted) {
        assert_eq!(&wanted_ranges(header, size), expected, "{header} of {size}");
    }

    #[test]
    fn ranges_are_clipped_to_the_file() {
        check("bytes=0-0", 10, &parts(&[(0, 1)]));
        check("bytes=2-", 10, &parts(&[(2, 10)]));
        check("bytes=-3", 10, &parts(&[(7, 10)]));
        check("bytes=-30", 10, &parts(&[(0, 10)]));
        check("BYTES= 1 - 4 ", 10, &parts(&[(1, 5)]));
        check("bytes=0-99", 10, &parts(&[(0, 10)]));
        check("bytes=0-1, 4-5 ,-1", 10, &parts(&[(0, 2), (4, 6), (9, 10)]));
        check("bytes=0-1,50-60", 10, &parts(&[(0, 2)]));
    }

    #[test]
    fn nothing_to_send_is_unsatisfiable() {
        for header in ["bytes=10-", "bytes=-0", "bytes=5-3", "bytes=50-60,70-", "bytes=", "bytes=-"]
        {
            check(header, 10, &Wanted::Unsatisfiable);
        }
    }

    #[test]
    fn malformed_lists_are_unsatisfiable() {
        for header in [
            "bytes=a-b",
            "bytes=0-1,",
            "bytes=1",
            "bytes=+1-2",
            "bytes=0-99999999999999999999",
            "bytes=--1",
            "bytes=0-1-2",
            "bytes=0x1-2",
            "bytes=- 1",
        ] {
            check(header, 10, &Wanted::Unsatisfiable);
        }
    }

    #[test]
    fn other_units_and_greedy_lists_get_the_whole() {
        check("items=0-1", 10, &Wanted::Whole);
        check("", 10, &Wanted::Whole);
        check("bytes=0-", 0, &Wanted::Whole);
        check("bytes=0-,0-", 10, &Wanted::Whole);
        check(&format!("bytes={}", vec!["0-0"; 65].join(",")), 1000, &Wanted::Whole);
    }
}
