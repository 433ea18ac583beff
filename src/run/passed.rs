//! Checks that an image has passed: a reused image need not pass them again.
//!
//! One line a check in `.ascend-build/passed-checks`: the SHA-256 of the image's
//! content id and the command. A line that is lost costs one more check.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::RunFolder;

/// How many lines the file may grow to before its older half is left out.
const LINES: usize = 4096;

/// What is remembered of one project.
pub(super) struct Passed {
    path: PathBuf,
}

impl Passed {
    /// What earlier runs of the project of this run remember.
    pub(super) fn of(folder: &RunFolder) -> Self {
        Self { path: folder.state().join("passed-checks") }
    }

    /// Whether `image` is known to pass `command`.
    pub(super) fn knows(&self, image: &str, command: &str) -> bool {
        let key = key(image, command);
        fs::read_to_string(&self.path).is_ok_and(|text| text.lines().any(|line| line == key))
    }

    /// Remembers that it passed.
    pub(super) fn remember(&self, image: &str, command: &str) {
        if let Err(error) = self.append(&key(image, command)) {
            tracing::debug!(%error, path = %self.path.display(), "a passed check is not remembered");
        }
    }

    fn append(&self, key: &str) -> io::Result<()> {
        let text = fs::read_to_string(&self.path).unwrap_or_default();
        if text.lines().count() >= LINES {
            let kept: Vec<&str> = text.lines().skip(LINES / 2).collect();
            let unfinished = self.path.with_extension(format!("{}", std::process::id()));
            fs::write(&unfinished, kept.join("\n") + "\n")?;
            fs::rename(&unfinished, &self.path)?;
        }
        writeln!(File::options().create(true).append(true).open(&self.path)?, "{key}")
    }
}

fn key(image: &str, command: &str) -> String {
    hex::encode(Sha256::digest(format!("{image}\0{command}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(passed: &Passed, image: &str, command: &str, expected: bool) {
        assert_eq!(passed.knows(image, command), expected, "{image} {command}");
    }

    #[test]
    fn only_the_same_command_in_the_same_image_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let passed = Passed { path: folder.path().join("passed-checks") };
        check(&passed, "sha256:a", "true", false);
        passed.remember("sha256:a", "true");
        check(&passed, "sha256:a", "true", true);
        check(&passed, "sha256:b", "true", false);
        check(&passed, "sha256:a", "false", false);
        for number in 0..LINES {
            passed.remember("sha256:c", &number.to_string());
        }
        check(&passed, "sha256:a", "true", false);
        check(&passed, "sha256:c", &(LINES - 1).to_string(), true);
        assert!(fs::read_to_string(&passed.path).unwrap().lines().count() <= LINES);
    }
}
