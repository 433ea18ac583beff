//! Validated names: raw strings stop here.
//!
//! Each type says in its error what it accepts. All of them compare and print
//! exactly as the user wrote them.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not a name of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NameError(String);

impl NameError {
    /// A refusal that says what was expected.
    pub(super) fn new(text: String) -> Self {
        Self(text)
    }
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                $check(text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        /// Its order and hash are those of its text.
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name_type!(
    /// The name of a stage: a letter, then letters, digits, `_`, `-` and `.`, as Docker has it.
    StageName,
    check_stage
);
name_type!(
    /// The name that stages use for a package: letters, digits, `_`, `-`, `.` and `+`.
    PackageName,
    check_package
);
name_type!(
    /// A SHA-256 digest: 64 hexadecimal digits, kept in lower case.
    Sha256,
    check_sha256
);

fn check_stage(text: &str) -> Result<String, NameError> {
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphabetic());
    if starts_well && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c)) {
        return Ok(text.to_owned());
    }
    Err(NameError(format!(
        "`{text}` is not a stage name: expected a letter, then letters, digits, `_`, `-` or `.`"
    )))
}

fn check_package(text: &str) -> Result<String, NameError> {
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    if starts_well && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-.+".contains(c)) {
        return Ok(text.to_owned());
    }
    Err(NameError(format!(
        "`{text}` is not a package name: expected a letter or digit, then letters, digits, `_`, `-`, `.` or `+`"
    )))
}

fn check_sha256(text: &str) -> Result<String, NameError> {
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(text.to_ascii_lowercase());
    }
    Err(NameError(format!(
        "`{text}` is not a SHA-256: expected 64 hexadecimal digits, actual {} characters",
        text.chars().count()
    )))
}

impl StageName {
    /// The name as image repositories and BuildKit want it: in lower case.
    pub fn lower(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl Sha256 {
    /// The digest of `bytes`, a finished SHA-256 state.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(hex::encode(bytes))
    }

    /// The first twelve digits, for people.
    pub fn short(&self) -> &str {
        &self.0[..12]
    }
}

/// What an image is built for, as OCI names it: `linux/arm64`, `linux/amd64`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Platform {
    architecture: &'static str,
}

impl Platform {
    /// Those that Ascend packages exist for.
    pub const ALL: [Self; 2] = [Self { architecture: "amd64" }, Self { architecture: "arm64" }];

    /// The OCI architecture: `arm64` or `amd64`.
    pub fn architecture(&self) -> &'static str {
        self.architecture
    }

    /// The architecture as Ascend packages write it: `aarch64` or `x86_64`.
    pub fn package_arch(&self) -> &'static str {
        if self.architecture == "arm64" { "aarch64" } else { "x86_64" }
    }
}

impl FromStr for Platform {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let architecture = match text.strip_prefix("linux/").unwrap_or(text) {
            "arm64" | "aarch64" | "arm64/v8" => "arm64",
            "amd64" | "x86_64" | "amd64/v1" => "amd64",
            _ => {
                return Err(NameError(format!(
                    "`{text}` is not a platform that Ascend packages exist for: expected `linux/arm64` or `linux/amd64`"
                )));
            }
        };
        Ok(Self { architecture })
    }
}

impl TryFrom<String> for Platform {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<Platform> for String {
    fn from(platform: Platform) -> Self {
        platform.to_string()
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "linux/{}", self.architecture)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: FromStr<Err = NameError> + fmt::Display>(
        input: &str,
        expected: Result<&str, &str>,
    ) {
        let actual = input.parse::<T>().map(|name| name.to_string());
        match expected {
            Ok(name) => assert_eq!(actual.as_deref(), Ok(name)),
            Err(part) => {
                let message = actual.expect_err(input).to_string();
                assert!(message.contains(part), "{message}");
            }
        }
    }

    #[test]
    fn names_say_what_they_accept() {
        check::<StageName>("C_stage", Ok("C_stage"));
        check::<StageName>("1st", Err("expected a letter"));
        check::<StageName>("", Err("not a stage name"));
        check::<PackageName>("torch_npu", Ok("torch_npu"));
        check::<PackageName>("a b", Err("not a package name"));
        check::<Sha256>(&"AB".repeat(32), Ok(&"ab".repeat(32)));
        check::<Sha256>("abc", Err("actual 3 characters"));
        check::<Platform>("aarch64", Ok("linux/arm64"));
        check::<Platform>("linux/amd64", Ok("linux/amd64"));
        check::<Platform>("linux/s390x", Err("not a platform"));
    }
}
