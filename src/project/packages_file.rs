//! `packages.toml`: the files that builds need, each with its SHA-256.
//!
//! ```toml
//! roots = ["packages", "/data/ascend"]   # searched in this order; relative to this file
//!
//! [[package]]
//! name = "cann-toolkit"                  # the name that stages use; several files may share it
//! file = "Ascend-cann-toolkit_8.5.0_linux-aarch64.run"
//! sha256 = "…"                           # 64 hexadecimal digits
//! size = 2190000000                      # bytes, optional
//! url = "https://…"                      # where `package fetch` gets it, optional
//! # kind, version, arch, chip, python: read from the file name; written only to override
//! ```

use std::sync::Arc;

use super::names::{PackageName, Sha256};
use super::table::{Placed, Table, parse};
use crate::error::{Place, Problem, SourceFile};

/// The contents of one `packages.toml`.
#[derive(Debug, Default)]
pub(super) struct PackagesFile {
    /// Folders to search, as written.
    pub roots: Vec<Placed<String>>,
    /// The declared files, in the order of the file.
    pub packages: Vec<PackageEntry>,
}

/// One `[[package]]`.
#[derive(Debug, Clone)]
pub struct PackageEntry {
    /// The name that stages use.
    pub name: PackageName,
    /// The file's name, without a folder.
    pub file: String,
    /// The declared digest.
    pub sha256: Sha256,
    /// The declared size in bytes.
    pub size: Option<u64>,
    /// Where the file can be downloaded.
    pub url: Option<String>,
    /// What the user says of the file where its name does not tell.
    pub overrides: Overrides,
    /// The whole entry.
    pub place: Place,
}

/// What a user may say of a file to override what its name tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// The kind, in the vocabulary of `package identify`.
    pub kind: Option<String>,
    /// The version.
    pub version: Option<String>,
    /// `aarch64`, `x86_64`, or `any`.
    pub arch: Option<String>,
    /// The chip, such as `910b`, or `any`.
    pub chip: Option<String>,
    /// The Python tag, such as `311`.
    pub python: Option<String>,
}

/// Reads the text of a `packages.toml`.
pub(super) fn read(file: &Arc<SourceFile>, problems: &mut Vec<Problem>) -> PackagesFile {
    let parsed = parse(file, file, problems);
    let mut table = Table::new("packages.toml", file, parsed.get_ref(), parsed.span());
    let roots = table.texts("roots", problems);
    let entries = table.tables("package", problems);
    let packages: Vec<_> =
        entries.into_iter().filter_map(|entry| read_entry(entry, problems)).collect();
    table.finish(problems);
    refuse_doubles(&packages, problems);
    PackagesFile { roots, packages }
}

fn read_entry(mut table: Table<'_>, problems: &mut Vec<Problem>) -> Option<PackageEntry> {
    let place = table.place();
    let name = table.required::<PackageName>("name", problems);
    let file =
        table.required_text("file", problems).and_then(|file| plain_file_name(file, problems));
    let sha256 = table.required::<Sha256>("sha256", problems);
    let size = table.whole_number("size", problems).map(|size| size.value);
    let url = table.text("url", problems).map(|url| url.value);
    let overrides = read_overrides(&mut table, problems);
    table.finish(problems);
    Some(PackageEntry {
        name: name?.value,
        file: file?,
        sha256: sha256?.value,
        size,
        url,
        overrides,
        place,
    })
}

fn read_overrides(table: &mut Table<'_>, problems: &mut Vec<Problem>) -> Overrides {
    let mut text = |key| table.text(key, problems).map(|text| text.value);
    Overrides {
        kind: text("kind"),
        version: text("version"),
        arch: text("arch"),
        chip: text("chip"),
        python: text("python"),
    }
}

fn plain_file_name(file: Placed<String>, problems: &mut Vec<Problem>) -> Option<String> {
    let name = &file.value;
    if !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0', '\n', '\r']) {
        return Some(file.value);
    }
    let problem = Problem::error(format!("`{}` is not a file name", name.escape_debug()));
    problems.push(
        problem
            .at(file.place, "expected a name without a folder")
            .hint("put its folder into `roots`"),
    );
    None
}

fn refuse_doubles(packages: &[PackageEntry], problems: &mut Vec<Problem>) {
    for (index, package) in packages.iter().enumerate() {
        let earlier = packages[..index]
            .iter()
            .find(|other| other.name == package.name && other.file == package.file);
        if let Some(earlier) = earlier {
            let problem = Problem::error(format!(
                "`{}` is declared twice under `{}`",
                package.file, package.name
            ));
            let label = format!("first declared at line {}", earlier.place.line());
            problems.push(
                problem.at(package.place.clone(), label).hint("remove one of the two entries"),
            );
        }
    }
}
