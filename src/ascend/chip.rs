//! Chips: the processors that operator kernels and drivers are built for.
//!
//! A chip is three digits and perhaps a letter (`910b`), a product series
//! (`a3`), or a 910 with the number of its variant (`910_93`). Round hundreds
//! are boards (`300i`, `800i`), not chips. Image tags say `a3`, package names
//! say `A3`: here it is always lower case.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A chip, in lower case: `310p`, `910b`, `a3`, `910_93`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Chip(String);

/// A text that is no chip.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a chip: expected one like `310p`, `910b` or `a3`")]
pub struct NotAChip(pub String);

impl Chip {
    /// The chip in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Chip {
    type Err = NotAChip;

    fn from_str(text: &str) -> Result<Self, NotAChip> {
        let chip = text.to_ascii_lowercase();
        if is_series(&chip) || is_processor(&chip) {
            return Ok(Self(chip));
        }
        Err(NotAChip(text.to_owned()))
    }
}

impl TryFrom<String> for Chip {
    type Error = NotAChip;
    fn try_from(text: String) -> Result<Self, NotAChip> {
        text.parse()
    }
}

impl From<Chip> for String {
    fn from(chip: Chip) -> Self {
        chip.0
    }
}

impl fmt::Display for Chip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

fn is_series(chip: &str) -> bool {
    matches!(chip.as_bytes(), [b'a', digit] if digit.is_ascii_digit())
}

fn is_processor(chip: &str) -> bool {
    let (digits, rest) = chip.split_at_checked(3).unwrap_or(("", chip));
    let variant = rest.strip_prefix('_').is_some_and(is_variant);
    let letter = matches!(rest.as_bytes(), [] | [b'a'..=b'z']);
    let number = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.ends_with("00");
    digits.len() == 3 && number && (letter || variant)
}

/// Whether `text` is the number of a variant, as the `93` of `910_93`.
pub(super) fn is_variant(text: &str) -> bool {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.starts_with('9') && (2..=4).contains(&text.len()) && digits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expected: Option<&str>) {
        let chip = input.parse::<Chip>().ok();
        assert_eq!(chip.as_ref().map(Chip::as_str), expected, "{input}");
    }

    #[test]
    fn chips_are_lower_case_and_nothing_else_is_one() {
        for chip in ["310p", "310b", "910", "910b", "910_93", "950", "a3"] {
            check(chip, Some(chip));
            check(&chip.to_uppercase(), Some(chip));
        }
        for text in ["", "a", "91", "910bb", "toolkit", "910_", "910_8", "9é0", "3000", "300i"] {
            check(text, None);
        }
    }
}
