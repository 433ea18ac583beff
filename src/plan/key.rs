//! Stage keys: a stage is known by everything that decides its content.
//!
//! The canonical form, format 3: one JSON array of strings a line, in this order.
//! 1. `["ascend-build stage key","3"]`
//! 2. `["platform","linux/amd64"]`
//! 3. `["builder","classic"]` or `["builder","buildkit"]`: they read `ARG` and `ENV` differently
//! 4. `["from",…]`: the parent's key, or the content id of the base
//! 5. `["copied",NAME,…]` for each stage or image that it copies from, by name
//! 6. `["argument",NAME,VALUE]`, by name
//! 7. `["instruction",SHA-256 of its text,FILE,…]`, in their order; the files are those
//!    that a `RUN --package` is given, by name
//! 8. `["fetch",SHA-256]`: the script that fetches them, where one is given some
//! 9. `["package",FILE,SHA-256]`, by file
//! 10. `["source",PATH,DIGEST]` for what `COPY` and `ADD` take, by path
//!
//! An instruction's text is what the user wrote: its flags but `--package`, its
//! command and its heredocs, without comments, line continuations and the address
//! of the package server. Times, host names, ports and the folder of the checkout
//! are in none of the lines. The key is the SHA-256 of all lines, each with its
//! newline.
//!
//! Format 2 was the same without the builder, and with fewer arguments. Format 1 was that but for the instructions of `RUN --package`: the script and
//! the files' names stood in their text, and no digest of a package did, not even
//! one that the user had written.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use super::inputs::BEFORE_FROM;
use crate::project::Sha256;

/// The version of the canonical form; raised when the same stage gets another key.
pub const KEY_FORMAT: u32 = 3;

/// A stage's key.
pub type StageKey = Sha256;

/// Everything that decides a stage's content, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    /// [`KEY_FORMAT`].
    pub format: u32,
    /// Such as `linux/amd64`.
    pub platform: String,
    /// `classic` or `buildkit`; empty in older formats.
    #[serde(default)]
    pub builder: String,
    /// What it starts from.
    pub from: Origin,
    /// The stages and images that it copies from, by name.
    pub copied: BTreeMap<String, String>,
    /// The arguments in force; of a secret only its digest.
    pub arguments: BTreeMap<String, String>,
    /// Its instructions, in order.
    pub instructions: Vec<InstructionInput>,
    /// The SHA-256 of the script that fetches packages, where an instruction is given some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetch: Option<String>,
    /// The SHA-256 of each package file, by the file's name.
    pub packages: BTreeMap<String, String>,
    /// A digest over mode, kind and content of what `COPY` and `ADD` take, by path.
    pub sources: BTreeMap<String, String>,
}

/// What a stage starts from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The stage or the base's image, for people: no part of the key.
    pub name: String,
    /// Whether it is a stage.
    pub stage: bool,
    /// The stage's key or the base's content id.
    pub content: String,
}

/// One instruction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstructionInput {
    /// `RUN`, `COPY`, …: for people, no part of the key.
    pub keyword: String,
    /// SHA-256 of its canonical text.
    pub digest: String,
    /// The package files that it is given (`RUN --package`), by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fetches: Vec<String>,
    /// The file that holds it, relative to the project; empty where nobody wrote it. No part of the key.
    pub file: String,
    /// Its first line, counted from 1. No part of the key.
    pub line: usize,
}

impl Inputs {
    /// The stage's key.
    pub fn key(&self) -> StageKey {
        Sha256::from_bytes(sha2::Sha256::digest(self.canonical()).into())
    }

    /// The text that the key is the digest of.
    pub fn canonical(&self) -> String {
        let mut lines = vec![
            vec!["ascend-build stage key".to_owned(), self.format.to_string()],
            vec!["platform".to_owned(), self.platform.clone()],
            vec!["builder".to_owned(), self.builder.clone()],
            vec!["from".to_owned(), self.from.content.clone()],
        ];
        let named = |word: &'static str| {
            move |(name, value): (&String, &String)| {
                vec![word.to_owned(), name.clone(), value.clone()]
            }
        };
        lines.extend(self.copied.iter().map(named("copied")));
        lines.extend(self.arguments.iter().map(named("argument")));
        lines.extend(self.instructions.iter().map(InstructionInput::canonical));
        lines.extend(self.fetch.iter().map(|script| vec!["fetch".to_owned(), script.clone()]));
        lines.extend(self.packages.iter().map(named("package")));
        lines.extend(self.sources.iter().map(named("source")));
        lines.iter().map(|line| format!("{}\n", serde_json::json!(line))).collect()
    }
}

impl InstructionInput {
    fn canonical(&self) -> Vec<String> {
        let line = ["instruction".to_owned(), self.digest.clone()];
        line.into_iter().chain(self.fetches.iter().cloned()).collect()
    }
}

/// An argument's value as it may be shown: of a secret, only a digest.
pub(super) fn shown(name: &str, value: &str) -> String {
    if !is_secret_argument(name, value) {
        return value.to_owned();
    }
    let digest = sha2::Sha256::digest(format!("{name}\0{value}"));
    format!("hidden:{}", hex::encode(digest))
}

/// What a word of a secret's name ends with, such as `HFTOKEN`, unlike `AUTHOR` and `TOKENIZER`.
const SECRETS: [&str; 12] = [
    "TOKEN",
    "TOKENS",
    "PASS",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "SECRET",
    "SECRETS",
    "CREDENTIAL",
    "CREDENTIALS",
    "AUTH",
    "APIKEY",
];

pub(super) fn is_secret_argument(name: &str, value: &str) -> bool {
    let name = name.strip_suffix(BEFORE_FROM).unwrap_or(name).to_uppercase();
    let mut words = name.split(|character: char| !character.is_ascii_alphanumeric());
    let endings = ["_KEY", "_PAT", "ACCESS_KEY_ID"];
    let named = words.any(|word| SECRETS.iter().any(|secret| word.ends_with(secret)))
        || endings.iter().any(|ending| name.ends_with(ending));
    named || super::without_password(value) != value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, value: &str, hidden: bool) {
        let shown = shown(name, value);
        assert_eq!(shown != value, hidden, "{name}={value} is shown as {shown}");
        assert!(!hidden || !shown.contains(value));
    }

    #[test]
    fn secrets_are_digests() {
        check("CANN_VERSION", "8.5.0", false);
        check("PIP_TOKEN", "abc", true);
        check("SIGNING_KEY", "abc", true);
        check("DB_PASS", "abc", true);
        check("AWS_ACCESS_KEY_ID", "abc", true);
        check("GH_PAT", "abc", true);
        check("HFTOKEN", "abc", true);
        check("GH_PAT before FROM", "abc", true);
        check("DEPLOY_KEY before FROM", "abc", true);
        check("CANN_VERSION before FROM", "8.5.0", false);
        check("KEYBOARD", "us", false);
        check("AUTHOR", "me", false);
        check("TOKENIZER_VERSION", "2", false);
        check("INDEX", "https://me:secret@host/simple", true);
    }
}
