//! What is to be served: the declared packages, or the files of folders.

use std::collections::HashSet;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::notices::why_left_out;
use super::stock::is_old;
use crate::commands::verification::planned;
use crate::error::{Error, Exit, Problem, Result, Severity, SourceFile};
use crate::plan::{FileIdentity, PlannedPackage, may_be_served, package_name};
use crate::project::{PackageEntry, PackageList, load_packages};
use crate::store::RootIndex;

/// The file that declares packages.
const PACKAGES: &str = "packages.toml";

/// Where the wanted files come from.
#[derive(Debug)]
pub(super) enum Source {
    /// The packages.toml of this folder or of one above it, as it was last read.
    Declared { list: Box<PackageList>, trouble: Trouble },
    /// Whatever may be served below these folders.
    Roots(Vec<PathBuf>),
}

/// Why the declarations that hold are not those that were last looked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Trouble {
    /// They are.
    #[default]
    None,
    /// There was no file just now, as happens when one is replaced.
    Missing,
    /// There is no file, and that was said.
    Gone,
    /// The file is wrong, and that was said of this text of it.
    Refused(Option<Arc<SourceFile>>),
}

impl Source {
    /// The project of `folder`, or `roots` where there are any.
    ///
    /// # Errors
    /// [`Exit::Project`]: there is no packages.toml, or it is wrong; [`Exit::Usage`]: a root is no folder.
    pub(super) fn new(folder: &Path, roots: &[PathBuf]) -> Result<Self> {
        if !roots.is_empty() {
            let roots = roots.iter().map(|root| existing(&folder.join(root)));
            return Ok(Self::Roots(roots.collect::<Result<_>>()?));
        }
        let (list, _warnings) = load_packages(folder)?;
        if list.source.is_none() {
            return Err(Problem::error("there is nothing to serve: no packages.toml")
                .note(format!("looked in `{}` and the folders above it", folder.display()))
                .hint("serve the files of a folder with `--root DIR`, or declare them with `ascend-build package scan`")
                .exit(Exit::Project));
        }
        Ok(Self::Declared { list: Box::new(list), trouble: Trouble::None })
    }

    /// Reads the declarations again. A file that is wrong now or gone is said once, and the last
    /// good one holds. What a file lacks that was written a moment ago may still be on its way.
    pub(super) fn refresh(&mut self, now: SystemTime) -> Vec<Problem> {
        let Self::Declared { list, trouble } = self else { return Vec::new() };
        let path = list.folder.join(PACKAGES);
        let is_old = |facts: Metadata| is_old(FileIdentity::from(&facts).modified, now);
        let is_at_rest = path.metadata().is_ok_and(is_old);
        match load_packages(&list.folder) {
            Ok((read, _)) if read.source.is_none() || read.folder != list.folder => {
                trouble.gone(&path).into_iter().collect()
            }
            Ok((read, _)) if is_at_rest || !lacks(&read, list) => {
                let is_emptied = read.entries.is_empty() && !list.entries.is_empty();
                (**list, *trouble) = (read, Trouble::None);
                is_emptied.then(|| emptied(&path)).into_iter().collect()
            }
            Err(error) if is_at_rest => trouble.refused(error),
            Ok(_) | Err(_) => Vec::new(),
        }
    }

    /// The declarations, where there are any.
    pub(super) fn list(&self) -> Option<&PackageList> {
        match self {
            Self::Declared { list, .. } => Some(list),
            Self::Roots(_) => None,
        }
    }

    /// The folders that hold the files.
    pub(super) fn roots(&self) -> &[PathBuf] {
        match self {
            Self::Declared { list, .. } => &list.roots,
            Self::Roots(roots) => roots,
        }
    }

    /// Every file that is wanted, where `index` is a walk of the roots.
    pub(super) fn wanted(&self, index: &RootIndex) -> Vec<PlannedPackage> {
        match self {
            Self::Declared { list, .. } => list.entries.iter().map(planned).collect(),
            Self::Roots(_) => {
                let names =
                    index.shown_files().map(|(name, _)| name).filter(|name| may_be_served(name));
                names.filter_map(undeclared).collect()
            }
        }
    }
}

impl Trouble {
    /// There is no file.
    fn gone(&mut self, path: &Path) -> Option<Problem> {
        let (next, is_news) = match self {
            Self::Gone => (Self::Gone, false),
            Self::Missing => (Self::Gone, true),
            Self::None | Self::Refused(_) => (Self::Missing, false),
        };
        *self = next;
        let message =
            format!("`{}` is gone, and what it declared last is served on", path.display());
        is_news.then(|| {
            Problem::warning(message)
                .hint("put it back; where nothing is to be served any more, end this server or leave the file empty")
        })
    }

    /// The file is wrong.
    fn refused(&mut self, error: Error) -> Vec<Problem> {
        let place = error.problems.iter().find_map(|problem| problem.place.as_ref());
        let next = Self::Refused(place.map(|place| Arc::clone(&place.file)));
        let is_news = *self != next;
        *self = next;
        if is_news { error.problems.into_iter().map(tolerated).collect() } else { Vec::new() }
    }
}

/// Whether something is not declared any more.
fn lacks(read: &PackageList, before: &PackageList) -> bool {
    let what = |entry: &PackageEntry| (entry.path(), entry.sha256.clone());
    let declared: HashSet<_> = read.entries.iter().map(what).collect();
    before.entries.iter().any(|entry| !declared.contains(&what(entry)))
}

fn emptied(path: &Path) -> Problem {
    Problem::warning(format!("`{}` declares nothing any more: nothing is served", path.display()))
        .hint("declare what is to be served, with `ascend-build package scan` or `package add`")
}

fn existing(root: &Path) -> Result<PathBuf> {
    let walked = RootIndex::walk(&[root.to_owned()]);
    let state = walked.roots().first().map(|root| &root.state);
    match state.and_then(why_left_out) {
        None => Ok(root.to_owned()),
        Some(why) => {
            Err(Problem::error(format!("`{}` is no folder that can be read", root.display()))
                .note(why)
                .hint("name the folder that holds the files")
                .exit(Exit::Usage))
        }
    }
}

fn undeclared(file: &str) -> Option<PlannedPackage> {
    Some(PlannedPackage {
        name: package_name(file)?,
        file: file.to_owned(),
        sha256: None,
        size: None,
        url: None,
        place: None,
        asked: None,
    })
}

/// What keeps one file from being served does not keep the server from serving.
pub(super) fn tolerated(problem: Problem) -> Problem {
    match problem.severity {
        Severity::Error => Problem { severity: Severity::Warning, ..problem },
        _ => problem,
    }
}
