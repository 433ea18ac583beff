//! Numbers for people.

use indicatif::HumanBytes;
use time::{OffsetDateTime, UtcOffset};

/// A size in bytes, such as `2.30 GiB`.
pub fn bytes(bytes: u64) -> String {
    HumanBytes(bytes).to_string()
}

/// A time in seconds, such as `0.4 s`, `12 s`, `3 min 05 s` or `1 h 02 min`.
pub fn seconds(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..10 => format!("{seconds:.1} s"),
        10..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

/// A time that is only expected, in whole seconds: it is said anew every moment.
pub(super) fn about(time: f64) -> String {
    if time < 10.0 { format!("{:.0} s", time.ceil()) } else { seconds(time) }
}

/// A time of day in UTC, such as `06:26:40 UTC`.
pub(super) fn clock(time: OffsetDateTime) -> String {
    let time = time.to_offset(UtcOffset::UTC);
    format!("{:02}:{:02}:{:02} UTC", time.hour(), time.minute(), time.second())
}

/// A part of a whole in the whole's unit, such as `120/783 MiB`; of itself, such as `45 MiB`.
pub(super) fn share(part: u64, whole: u64) -> String {
    let units = [("GiB", 1_u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let (unit, size) = units.into_iter().find(|(_, size)| whole >= *size).unwrap_or(("B", 1));
    let digits = usize::from(size > 1 && whole < 10 * size);
    let number = |bytes: u64| format!("{:.digits$}", bytes as f64 / size as f64);
    if part == whole {
        return format!("{} {unit}", number(whole));
    }
    format!("{}/{} {unit}", number(part), number(whole))
}

/// A count with its noun, such as `1 package` or `2 packages`.
pub fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: f64, expected: &str) {
        assert_eq!(seconds(input), expected);
    }

    #[test]
    fn times_grow_coarser_with_their_length() {
        check(0.42, "0.4 s");
        check(12.4, "12 s");
        check(185.0, "3 min 05 s");
        check(3725.0, "1 h 02 min");
    }
}
