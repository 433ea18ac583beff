//! The large files that a source of `COPY` takes from the context.

use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::dockerfile::{LARGE, LargeFile, matches_name};

/// The files of at least [`LARGE`] bytes that `source`, a path or a pattern, takes from `context`.
///
/// Where a `.dockerignore` stands there, of a folder and of a pattern nothing is said.
pub(super) fn large_files(context: &Path, source: &str) -> Vec<LargeFile> {
    let path = context.join(source.trim_start_matches('/'));
    if let Some(bytes) = large(&path) {
        return vec![LargeFile { path: source.to_owned(), below: String::new(), bytes }];
    }
    if source.contains("..") || leaves_something_out(context) {
        return Vec::new();
    }
    let found = matching(context, source).into_iter();
    found.flat_map(|path| inside(context, &path)).collect()
}

/// Whether rules of what no `COPY` takes stand in the context, for whichever Dockerfile.
fn leaves_something_out(context: &Path) -> bool {
    let mut entries = std::fs::read_dir(context).into_iter().flatten().flatten();
    entries.any(|entry| entry.file_name().as_encoded_bytes().ends_with(b".dockerignore"))
}

/// The size of a large file in bytes; `None` of anything else.
fn large(path: &Path) -> Option<u64> {
    let metadata = path.metadata().ok().filter(std::fs::Metadata::is_file)?;
    Some(metadata.len()).filter(|bytes| *bytes >= LARGE)
}

/// What a path whose parts may be patterns means.
fn matching(context: &Path, source: &str) -> Vec<PathBuf> {
    let parts = source.split('/').filter(|part| !matches!(*part, "" | "."));
    parts.fold(vec![context.to_owned()], |folders, part| {
        folders.iter().flat_map(|folder| entries(folder, part)).collect()
    })
}

fn entries(folder: &Path, part: &str) -> Vec<PathBuf> {
    if !part.contains(['*', '?']) {
        return vec![folder.join(part)];
    }
    let names = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| matches_name(name, part)).map(|name| folder.join(name)).collect()
}

/// A file itself, or those of a folder: `COPY` takes what is in a folder, and not the folder.
fn inside(context: &Path, path: &Path) -> Vec<LargeFile> {
    let around = if path.is_file() { path.parent() } else { Some(path) };
    let files = WalkDir::new(path).sort_by_file_name().into_iter().flatten();
    let files = files.filter_map(|entry| Some((large(entry.path())?, entry.into_path())));
    let shown =
        |from: &Path, file: &Path| file.strip_prefix(from).ok()?.to_str().map(str::to_owned);
    files
        .filter_map(|(bytes, file)| {
            Some(LargeFile { path: shown(context, &file)?, below: shown(around?, &file)?, bytes })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs::{File, create_dir_all};

    use super::*;

    /// The files as `path (path below the destination)`, in a context with large files of no content.
    fn check(source: &str, ignored: bool, expected: &[&str]) {
        let context = tempfile::tempdir().unwrap();
        create_dir_all(context.path().join("pkgs/910b")).unwrap();
        for (path, bytes) in [("a.run", LARGE), ("pkgs/910b/b.run", LARGE), ("c.txt", LARGE - 1)] {
            File::create(context.path().join(path)).unwrap().set_len(bytes).unwrap();
        }
        if ignored {
            File::create(context.path().join(".dockerignore")).unwrap();
        }
        let found = large_files(context.path(), source);
        let found: Vec<_> =
            found.iter().map(|one| format!("{} ({})", one.path, one.below)).collect();
        assert_eq!(found, expected, "{source}");
    }

    #[test]
    fn large_files_are_found_below_folders_and_patterns() {
        check("a.run", false, &["a.run ()"]);
        check("c.txt", false, &[]);
        check("*.run", false, &["a.run (a.run)"]);
        check("pkgs", false, &["pkgs/910b/b.run (910b/b.run)"]);
        check("./pkgs/9*/", false, &["pkgs/910b/b.run (b.run)"]);
        check(".", false, &["a.run (a.run)", "pkgs/910b/b.run (pkgs/910b/b.run)"]);
        check("nothing", false, &[]);
        check("../x", false, &[]);
        check("a.run", true, &["a.run ()"]);
        check("*", true, &[]);
    }
}
