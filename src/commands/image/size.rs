//! Sizes as people write them.

/// The units, with their bytes: those of a thousand, and those of 1024.
const UNITS: [(&str, u64); 10] = [
    ("", 1),
    ("b", 1),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
];

/// Bytes, such as `50MB`, `1.5 GiB` or `0`; `50M` means `50MB`.
pub(super) fn parse(text: &str) -> Result<u64, String> {
    let text = text.trim().to_ascii_lowercase();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = unit.trim();
    let number = number.parse::<f64>().ok();
    let unit = UNITS.iter().find(|(name, _)| *name == unit || *name == format!("{unit}b"));
    match number.zip(unit) {
        Some((number, (_, bytes))) => Ok((number * *bytes as f64) as u64),
        None => Err("expected a size such as `50MB` or `1.5GiB`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<u64>) {
        assert_eq!(parse(text).ok(), expected, "{text}");
    }

    #[test]
    fn sizes_are_read_as_they_are_written() {
        check("0", Some(0));
        check("1234", Some(1234));
        check("50MB", Some(50_000_000));
        check("50 mb", Some(50_000_000));
        check("50M", Some(50_000_000));
        check("1.5GiB", Some(3 << 29));
        check("2k", Some(2000));
        for wrong in ["", "MB", "-1", "1,5GB", "5 apples", "1.2.3", "."] {
            check(wrong, None);
        }
    }
}
