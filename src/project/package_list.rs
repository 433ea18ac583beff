//! `packages.toml` by itself, for the verbs that need no stages.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::load::{PACKAGES_FILE, STAGES_FILE, read_source};
use super::own_rules::OwnRules;
use super::packages_file::{self, PackageEntry, PackagesFile};
use super::recipe::find_dockerfile;
use crate::error::{Error, Exit, Problem, Result, SourceFile};

/// Where packages lie when nobody says, relative to `packages.toml`; beside a Dockerfile, with it.
const DEFAULT_ROOTS: [&str; 2] = ["packages", "."];

/// The declared packages of a folder.
#[derive(Debug)]
pub struct PackageList {
    /// The folder that holds, or would hold, `packages.toml`.
    pub folder: PathBuf,
    /// The file; `None` where there is none yet.
    pub source: Option<Arc<SourceFile>>,
    /// Every declared file, in the order of the file.
    pub entries: Vec<PackageEntry>,
    /// Absolute folders in which package files are looked for, in this order.
    pub roots: Vec<PathBuf>,
    /// The root that is searched while none is written, relative to the folder.
    pub default_root: &'static str,
    /// What the project adds to the official facts.
    pub rules: OwnRules,
}

/// Reads the `packages.toml` of `start` or of the nearest folder above it that holds one or
/// `stages/stages.toml`. Where there is none, the list is empty and its folder is `start`.
///
/// # Errors
/// [`Exit::Project`] with every problem of the file.
pub fn load_packages(start: &Path) -> Result<(PackageList, Vec<Problem>)> {
    let is_project = |folder: &&Path| {
        [PACKAGES_FILE, STAGES_FILE].iter().any(|file| folder.join(file).is_file())
    };
    let folder = start.ancestors().find(is_project).unwrap_or(start);
    let mut problems = Vec::new();
    let source = folder
        .join(PACKAGES_FILE)
        .exists()
        .then(|| read_source(folder, Path::new(PACKAGES_FILE), &mut problems))
        .flatten();
    let read = |source: &Arc<SourceFile>| packages_file::read(source, &mut problems);
    let file = source.as_ref().map(read).unwrap_or_default();
    let rules = OwnRules::read(folder, &file, &mut problems);
    let warnings = Error::check(Exit::Project, problems)?;
    let roots = roots(folder, &file);
    let list = PackageList {
        folder: folder.to_owned(),
        source,
        entries: file.packages,
        roots,
        default_root: default_root(folder),
        rules,
    };
    Ok((list, warnings))
}

fn default_root(folder: &Path) -> &'static str {
    let recipe = !folder.join(STAGES_FILE).is_file() && find_dockerfile(folder).is_some();
    DEFAULT_ROOTS[usize::from(recipe)]
}

/// The folders to search: the declared ones, else the default one.
pub(super) fn roots(folder: &Path, packages: &PackagesFile) -> Vec<PathBuf> {
    if packages.roots.is_empty() {
        return vec![folder.join(default_root(folder))];
    }
    packages.roots.iter().map(|root| below(folder, &root.value)).collect()
}

/// A path relative to `folder`, as a person would write it: no `.` in it.
pub(super) fn below(folder: &Path, path: &str) -> PathBuf {
    folder.join(path).components().collect()
}
