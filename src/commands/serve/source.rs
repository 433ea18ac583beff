//! What is to be served: the declared packages, or the files of folders.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::commands::verification::planned;
use crate::error::{Exit, Problem, Result, Severity, SourceFile};
use crate::plan::{PlannedPackage, may_be_served, package_name};
use crate::project::{PackageList, load_packages};
use crate::store::{RootIndex, RootState};

/// Where the wanted files come from.
#[derive(Debug)]
pub(super) enum Source {
    /// The packages.toml of this folder or of one above it, as it was last read.
    Declared { folder: PathBuf, list: Box<PackageList>, refused: Option<Arc<SourceFile>> },
    /// Whatever may be served below these folders.
    Roots(Vec<PathBuf>),
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
        Ok(Self::Declared { folder: folder.to_owned(), list: Box::new(list), refused: None })
    }

    /// Reads the declarations again. A file that is wrong now is said once, and the last good one holds.
    pub(super) fn refresh(&mut self) -> Vec<Problem> {
        let Self::Declared { folder, list, refused } = self else { return Vec::new() };
        match load_packages(folder) {
            Ok((read, _)) if read.source.is_some() => {
                (**list, *refused) = (read, None);
                Vec::new()
            }
            Ok(_) => Vec::new(),
            Err(error) => {
                let text = error.problems.iter().find_map(|problem| problem.place.as_ref());
                let text = text.map(|place| Arc::clone(&place.file));
                let said = refused.is_some() && *refused == text;
                *refused = text;
                if said { Vec::new() } else { error.problems.into_iter().map(tolerated).collect() }
            }
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

fn existing(root: &Path) -> Result<PathBuf> {
    let walked = RootIndex::walk(&[root.to_owned()]);
    let state = walked.roots().first().map(|root| &root.state);
    if matches!(state, Some(RootState::Walked { .. })) {
        return Ok(root.to_owned());
    }
    Err(Problem::error(format!("`{}` is no folder that can be read", root.display()))
        .hint("name the folder that holds the files")
        .exit(Exit::Usage))
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
