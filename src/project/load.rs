//! From files on disk to a [`Project`].

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::dockerfile::Dockerfile;
use super::packages_file::{self, PackagesFile};
use super::stages_file::{self, StageEntry, StagesFile};
use super::table::Placed;
use super::{Project, resolve};
use crate::error::{Error, Exit, Problem, Result, SourceFile};

pub(super) const STAGES_FILE: &str = "stages/stages.toml";
pub(super) const PACKAGES_FILE: &str = "packages.toml";
const BYTE_ORDER_MARK: char = '\u{feff}';

/// What was read, before names are looked up.
pub(super) struct Files {
    pub(super) stages: StagesFile,
    pub(super) bodies: Vec<(StageEntry, Dockerfile)>,
    pub(super) packages: PackagesFile,
}

/// The project's folder: `start` or the nearest folder above it that holds `stages/stages.toml`.
pub fn find_folder(start: &Path) -> Option<PathBuf> {
    start.ancestors().find(|folder| folder.join(STAGES_FILE).is_file()).map(Path::to_owned)
}

/// Reads the project in `folder` (absolute). Returns it with its warnings.
///
/// # Errors
/// [`Exit::Project`] with every problem of every file.
pub fn load(folder: &Path) -> Result<(Project, Vec<Problem>)> {
    let mut problems = Vec::new();
    let files = read_files(folder, &mut problems);
    let project = resolve::resolve(folder, files, &mut problems);
    let warnings = Error::check(Exit::Project, problems)?;
    let unreported = || Problem::error("the project could not be read").exit(Exit::Bug);
    Ok((project.ok_or_else(unreported)?, warnings))
}

fn read_files(folder: &Path, problems: &mut Vec<Problem>) -> Files {
    let stages_source = read_source(folder, Path::new(STAGES_FILE), problems);
    let mut stages =
        stages_source.map(|source| stages_file::read(&source, problems)).unwrap_or_default();
    let packages = read_packages(folder, problems);
    let entries = std::mem::take(&mut stages.stages);
    let bodies = entries.into_iter().map(|entry| read_body(folder, entry, problems)).collect();
    Files { stages, bodies, packages }
}

fn read_body(
    folder: &Path,
    entry: StageEntry,
    problems: &mut Vec<Problem>,
) -> (StageEntry, Dockerfile) {
    let path = dockerfile_path(&entry);
    let full = folder.join("stages").join(&path);
    let relative = Path::new("stages").join(&path);
    let source = if full.is_file() {
        read_source(folder, &relative, problems)
    } else {
        problems.push(no_dockerfile(&entry, &relative));
        None
    };
    // Without its body, a stage still takes part in look-ups.
    let source =
        source.unwrap_or_else(|| Arc::new(SourceFile { path: relative, text: String::new() }));
    let (dockerfile, found) = Dockerfile::read(source);
    problems.extend(found);
    (entry, dockerfile)
}

fn dockerfile_path(entry: &StageEntry) -> String {
    entry
        .dockerfile
        .as_ref()
        .map_or_else(|| format!("{}.Dockerfile", entry.name.value), |path| path.value.clone())
}

fn no_dockerfile(entry: &StageEntry, path: &Path) -> Problem {
    let place = entry.dockerfile.as_ref().map_or(&entry.name.place, |Placed { place, .. }| place);
    Problem::error(format!("stage `{}` has no Dockerfile", entry.name.value))
        .at(place.clone(), format!("expected the file `{}`", path.display()))
        .hint("write its instructions there, without `FROM`, or name another file with `dockerfile = \"…\"`")
}

/// The folder's `packages.toml`, where there is one.
pub(super) fn read_packages(folder: &Path, problems: &mut Vec<Problem>) -> PackagesFile {
    if !folder.join(PACKAGES_FILE).exists() {
        return PackagesFile::default();
    }
    let source = read_source(folder, Path::new(PACKAGES_FILE), problems);
    source.map_or_else(PackagesFile::unread, |source| packages_file::read(&source, problems))
}

/// Reads a text file, a byte order mark left out, which editors write and Docker and TOML skip; `path` is relative to `folder`, and is what messages say.
pub(super) fn read_source(
    folder: &Path,
    path: &Path,
    problems: &mut Vec<Problem>,
) -> Option<Arc<SourceFile>> {
    let read = std::fs::read(folder.join(path)).map_err(|error| {
        Problem::error(format!("cannot read `{}`", path.display()))
            .note(format!("in `{}`", folder.display()))
            .cause(error)
    });
    let text = read.and_then(|bytes| {
        String::from_utf8(bytes).map_err(|error| {
            Problem::error(format!("`{}` is not UTF-8 text", path.display()))
                .cause(error.utf8_error())
                .hint("save it as UTF-8, or name another file")
        })
    });
    match text {
        Ok(text) => {
            let text = text.strip_prefix(BYTE_ORDER_MARK).map(str::to_owned).unwrap_or(text);
            Some(Arc::new(SourceFile { path: path.to_owned(), text }))
        }
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}
