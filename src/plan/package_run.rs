//! `RUN --package=…` as an instruction that every builder knows.
//!
//! The command runs inside a small shell script (`fetch.sh`) in exec form, so
//! that any `SHELL`, any form and any `USER` work, and each file stands on a line
//! of its own with its SHA-256, so that the layer is cached by content.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::to_string as json;
use sha2::Digest as _;

use super::{Piece, PlannedPackage};
use crate::project::dockerfile::{Flag, Form, Instruction};

/// What runs in the build container around the command of a `RUN --package`.
const FETCH: &str = include_str!("fetch.sh");

/// What may stand unescaped in a path segment (RFC 3986, unreserved).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The beginning of the script's first line.
const TITLE: &str = "# ascend-build packages: ";

/// How many words stand before the files: the shell, the script, its name, the number of files.
const FIXED: usize = 5;

/// The instruction for the engine; `None` where the user's own will do.
pub(super) fn package_run(
    instruction: &Instruction,
    shell: &[String],
    escape: char,
    resolve: &impl Fn(&str) -> Option<PlannedPackage>,
) -> Option<[Piece; 5]> {
    let names: Vec<&str> = package_names(instruction).collect();
    if instruction.keyword != "RUN" || names.is_empty() {
        return None;
    }
    let packages = once_each(names.into_iter().filter_map(resolve));
    let separator = format!(", {escape}\n  ");
    let script = words(&["/bin/sh".to_owned(), "-c".to_owned(), fetch_script(&packages)]);
    let mut lines = vec![vec![packages.len().to_string()]];
    lines.extend(packages.iter().map(file_arguments));
    lines.push(command(instruction, shell));
    let mut lines: Vec<_> = lines.iter().map(|line| words(line)).collect();
    // The script's name and the number of files share a line.
    let name_and_count = format!("\", {}", lines.remove(0));
    let flags = instruction.flags.iter().filter(|flag| flag.name != "package");
    let flags: String = flags.map(|flag| format!("{} ", flag_text(flag))).collect();
    Some([
        Piece::Text("RUN ".to_owned()),
        if mounts_memory(instruction) { Piece::Text(String::new()) } else { Piece::PackageMount },
        Piece::Text(format!("{flags}[{script}{separator}\"ascend-build")),
        Piece::Mark,
        Piece::Text(format!("{name_and_count}{separator}{}]", lines.join(&separator))),
    ])
}

/// The words of a rendered instruction that fetch its packages, and those of the user's command;
/// `None` for an instruction that fetches none.
pub(super) fn fetching(instruction: &Instruction) -> Option<(Vec<String>, Vec<String>)> {
    let Form::Exec(mut words) = instruction.form() else { return None };
    let count: usize = words.get(FIXED - 1)?.parse().ok()?;
    let is_ours = instruction.keyword == "RUN" && words.get(2)?.starts_with(TITLE);
    let end = FIXED + 2 * count;
    (is_ours && end <= words.len()).then(|| {
        let command = words.split_off(end);
        (words, command)
    })
}

/// The files that the words of [`fetching`] name, each once, by name.
pub(super) fn fetched_files(words: &[String]) -> Vec<String> {
    let addresses = words.iter().skip(FIXED).step_by(2);
    let names = addresses.filter_map(|address| Some(address.split_once('/')?.1));
    let mut files: Vec<_> =
        names.map(|name| percent_decode_str(name).decode_utf8_lossy().into_owned()).collect();
    files.sort_unstable();
    files.dedup();
    files
}

/// The SHA-256 of the script in the words of [`fetching`], without the line that names the files.
pub(super) fn script_digest(words: &[String]) -> Option<String> {
    let (_, script) = words.get(2)?.split_once('\n')?;
    Some(hex::encode(sha2::Sha256::digest(script)))
}

/// Whether the user mounts something at the folder that holds packages in memory.
fn mounts_memory(instruction: &Instruction) -> bool {
    let mut mounts = instruction.flags_named("mount").filter_map(|flag| flag.value.as_deref());
    mounts.any(|mount| mount.contains("/dev/shm"))
}

fn words(line: &[String]) -> String {
    line.iter().filter_map(|word| json(word).ok()).collect::<Vec<_>>().join(", ")
}

/// The names given with `--package` to one instruction.
fn package_names(instruction: &Instruction) -> impl Iterator<Item = &str> {
    let flags = instruction.flags.iter().filter(|flag| flag.name == "package");
    flags.filter_map(|flag| flag.value.as_deref()).flat_map(|value| value.split(','))
}

/// A file that is named twice is fetched once: two downloads would share one place.
fn once_each(packages: impl Iterator<Item = PlannedPackage>) -> Vec<PlannedPackage> {
    let mut once: Vec<PlannedPackage> = Vec::new();
    for package in packages {
        if !once.iter().any(|other| other.file == package.file && other.sha256 == package.sha256) {
            once.push(package);
        }
    }
    once
}

fn file_arguments(package: &PlannedPackage) -> Vec<String> {
    let digest = package.sha256.as_ref().map(ToString::to_string).unwrap_or_default();
    let name = package.file_name().to_owned();
    vec![format!("{digest}/{}", utf8_percent_encode(&package.file, SEGMENT)), name]
}

fn command(instruction: &Instruction, shell: &[String]) -> Vec<String> {
    match instruction.form() {
        Form::Exec(words) => words,
        Form::Shell(command) => shell.iter().cloned().chain([command]).collect(),
    }
}

fn flag_text(flag: &Flag) -> String {
    flag.value
        .as_ref()
        .map_or_else(|| format!("--{}", flag.name), |value| format!("--{}={value}", flag.name))
}

/// The script, without its comments. Its first line is what `docker history` shows of the
/// instruction: the files' names, because the cache key holds those anyway, unlike packages' names.
fn fetch_script(packages: &[PlannedPackage]) -> String {
    let files: Vec<_> = packages.iter().map(|package| package.file.as_str()).collect();
    let title = format!("{TITLE}{}", files.join(" ")).replace('\n', " ");
    let lines = FETCH.lines().filter(|line| !line.trim_start().starts_with('#'));
    std::iter::once(title.as_str()).chain(lines).map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(file: &str, digit: &str) -> PlannedPackage {
        PlannedPackage {
            name: "tool".parse().expect("a good name"),
            file: file.to_owned(),
            sha256: digit.repeat(64).parse().ok(),
            size: None,
            url: None,
            place: None,
            asked: None,
        }
    }

    fn check(files: &[(&str, &str)], expected: &[&str]) {
        let packages = once_each(files.iter().map(|(file, digit)| package(file, digit)));
        let names: Vec<_> = packages.iter().map(|package| package.file.as_str()).collect();
        assert_eq!(names, expected);
        let title = format!("# ascend-build packages: {}\n", expected.join(" "));
        assert!(fetch_script(&packages).starts_with(&title));
    }

    #[test]
    fn a_file_named_twice_is_fetched_once() {
        check(&[("a.run", "1"), ("b.run", "2"), ("a.run", "1")], &["a.run", "b.run"]);
        check(&[("a.run", "1")], &["a.run"]);
    }
}
