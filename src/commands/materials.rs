//! What a run takes from this machine's disks: build contexts and base files; and the word of a
//! package server that others use as well.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Seek, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;

use super::interrupt::unless_dropped;
use super::packages::Packages;
use super::supply::Shared;
use crate::error::{Exit, Problem, Result, Severity};
use crate::plan::{Plan, PlannedPackage, PlannedStage, VerifiedPackage};
use crate::project::{BaseFile, PackageName, Project};
use crate::run::forecast::unpacked;
use crate::run::{Job, Materials};
use crate::store::{Context, CopySource, IgnoreRules, VerifyOptions, verify};

/// What file systems give to files, in bytes: their blocks.
const BLOCK: u64 = 4096;

/// The disks of this machine.
pub(super) struct Disk {
    /// The build context.
    pub(super) context: PathBuf,
    /// The Dockerfile, whose own `.dockerignore` may hold.
    pub(super) dockerfile: Option<PathBuf>,
    /// How base files are verified.
    pub(super) options: VerifyOptions,
    /// The plan's files, by what is declared of those that are still to be verified.
    pub(super) expected: Packages,
    /// Those that are verified until now.
    pub(super) verified: watch::Receiver<Packages>,
    /// The package server, where it is another process's.
    pub(super) shared: Option<Arc<Shared>>,
}

/// The `COPY` sources of a stage that stand for nothing, as problems; what is left out of them, as notes.
pub(super) fn missing_sources(project: &Project, stage: &PlannedStage) -> Vec<Problem> {
    match collect(&project.context, project.dockerfile.as_deref(), stage) {
        Ok(context) => {
            let mut problems = unmatched(&project.context, stage, &context);
            problems.extend(context.left_out().iter().map(|path| left_out(path)));
            problems
        }
        Err(error) => error.problems,
    }
}

fn left_out(path: &Path) -> Problem {
    let message = format!("`{}` is left out of the build context", path.display());
    let note = Problem { severity: Severity::Note, ..Problem::error(message) };
    note.note("it is a socket or a pipe, which images do not hold")
}

/// What a later stage copies is looked for before the first one is built.
///
/// # Errors
/// [`Exit::Project`]: something is not there.
pub(super) fn refuse_missing_sources(project: &Project, plan: &Plan) -> Result<()> {
    let missing = |stage| missing_sources(project, stage);
    let problems = plan.stages.iter().flat_map(missing).collect();
    crate::error::Error::check(Exit::Project, problems).map(drop)
}

fn unmatched(folder: &Path, stage: &PlannedStage, context: &Context) -> Vec<Problem> {
    let problem = |unmatched: &crate::store::UnmatchedSource| {
        let source = unmatched.source.as_str();
        let problem =
            Problem::error(format!("stage `{}` copies `{source}`, which is not there", stage.name));
        let problem = problem.note(format!("looked for it in `{}`", folder.display()));
        let copying = stage
            .instructions
            .iter()
            .find(|instruction| instruction.text.split_whitespace().any(|word| word == source));
        let problem = match copying {
            Some(instruction) => problem.at(instruction.place.clone(), "copied here"),
            None => problem,
        };
        let left_out = |path: &PathBuf| path.to_str() == Some(source.trim_start_matches("./"));
        problem.hint(if context.left_out().iter().any(left_out) {
            "it is a socket or a pipe, which images do not hold: copy something else"
        } else if unmatched.ignored {
            "`.dockerignore` leaves it out: mend one of the two"
        } else {
            "`COPY` sources are relative to the context: `stages/`, the Dockerfile's folder, or `--context`"
        })
    };
    context.unmatched().iter().map(problem).collect()
}

fn collect(folder: &Path, dockerfile: Option<&Path>, stage: &PlannedStage) -> Result<Context> {
    let sources: Vec<_> = stage.context.iter().map(CopySource::new).collect();
    Context::collect(folder, &sources, &IgnoreRules::read(folder, dockerfile)?)
}

/// A digest over mode, kind and content of everything that `stage` copies, by path.
pub(super) fn sources(
    folder: &Path,
    dockerfile: Option<&Path>,
    stage: &PlannedStage,
) -> Result<BTreeMap<String, String>> {
    if stage.context.is_empty() {
        return Ok(BTreeMap::new());
    }
    let digests = collect(folder, dockerfile, stage)?.digests(stage.takes_parents())?;
    Ok(digests.into_iter().map(|entry| (told(&entry.path), entry.told())).collect())
}

/// A path as text. What is not UTF-8 is told by its digits, so that two names never become one.
fn told(path: &Path) -> String {
    let chunks = path.as_os_str().as_bytes().utf8_chunks();
    let told = chunks.map(|chunk| {
        let digits = chunk.invalid().iter().map(|byte| format!("\u{FFFD}{byte:02x}"));
        format!("{}{}", chunk.valid(), digits.collect::<String>())
    });
    told.collect()
}

impl Materials for Disk {
    fn context(&self, stage: &PlannedStage, dockerfile: &str) -> Result<File> {
        let context = collect(&self.context, self.dockerfile.as_deref(), stage)?;
        crate::error::Error::check(Exit::Project, unmatched(&self.context, stage, &context))?;
        let write = || -> std::io::Result<File> {
            let mut file = tempfile::tempfile()?;
            let folder = stage.context_folder.unwrap_or_default();
            let dockerfile = [(Job::<(), ()>::DOCKERFILE, dockerfile.as_bytes())];
            context.write_tar_below(folder, &dockerfile, std::io::BufWriter::new(&file))?;
            file.flush()?;
            file.rewind()?;
            Ok(file)
        };
        write().map_err(|error| {
            Problem::error(format!("cannot pack the files that stage `{}` copies", stage.name))
                .note(format!("into a temporary file in `{}`", std::env::temp_dir().display()))
                .cause(error)
                .hint("where there is no room, name a folder with more of it: `TMPDIR=DIR ascend-build …`")
                .exit(Exit::Failed)
        })
    }

    fn sources(&self, stage: &PlannedStage) -> Result<BTreeMap<String, String>> {
        sources(&self.context, self.dockerfile.as_deref(), stage)
    }

    fn copied(&self, sources: &[&str]) -> Result<u64> {
        if sources.is_empty() {
            return Ok(0);
        }
        let ignore = IgnoreRules::read(&self.context, self.dockerfile.as_deref())?;
        let sources: Vec<_> = sources.iter().copied().map(CopySource::new).collect();
        let context = Context::collect(&self.context, &sources, &ignore)?;
        Ok(context.entries().iter().map(|entry| entry.size.next_multiple_of(BLOCK)).sum())
    }

    fn base_size(&self, file: &BaseFile) -> Option<u64> {
        let (folders, name) = place(&self.context, &file.path);
        let roots = self.options.roots.iter();
        let mut folders = folders.iter().chain(roots);
        let found = folders.find_map(|folder| File::open(folder.join(&name)).ok());
        // The search of `base_file` looks deeper; what is missing is told there.
        unpacked(&mut found?).ok()
    }

    async fn settled(&self) -> Result<()> {
        match &self.shared {
            Some(shared) => shared.settle().await,
            None => Ok(()),
        }
    }

    fn expected(&self, stage: &PlannedStage) -> Vec<VerifiedPackage> {
        self.expected.of(stage)
    }

    async fn packages(&self, stage: &PlannedStage) -> Result<Vec<VerifiedPackage>> {
        let count = self.expected.of(stage).len();
        let mut verified = self.verified.clone();
        let all = verified.wait_for(|verified| verified.of(stage).len() == count).await;
        let all = all.map(|verified| verified.of(stage));
        all.map_err(|_| Problem::error("no more packages are verified").exit(Exit::Bug))
    }

    async fn base_file(&self, file: &BaseFile) -> Result<PathBuf> {
        let (folder, name) = place(&self.context, &file.path);
        let mut options = self.options.clone();
        options.roots.splice(0..0, folder);
        let planned = planned(file, name)?;
        let work = move |stopped: &_| verify(&[planned], &options, &|_| {}, stopped);
        let verified = unless_dropped(work).await.map_err(|error| {
            Problem::error("verifying a base's file ended early").cause(error).exit(Exit::Bug)
        })??;
        verified
            .into_iter()
            .next()
            .map(|file| file.path)
            .ok_or_else(|| Problem::error("a base's file was lost").exit(Exit::Bug))
    }
}

/// The folder that a path names, to be searched before the roots, and the file's name.
fn place(folder: &Path, path: &str) -> (Vec<PathBuf>, String) {
    let full = folder.join(path);
    let name = full.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    (full.parent().filter(|_| full.is_file()).map(Path::to_owned).into_iter().collect(), name)
}

fn planned(file: &BaseFile, name: String) -> Result<PlannedPackage> {
    let package: PackageName = "base".parse().map_err(|error| {
        Problem::error("a base's file has no name").cause(error).exit(Exit::Bug)
    })?;
    Ok(PlannedPackage {
        name: package,
        file: name,
        sha256: Some(file.sha256.clone()),
        size: None,
        url: None,
        place: Some(file.place.clone()),
        asked: None,
    })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    fn check(path: &[u8], expected: &str) {
        assert_eq!(told(Path::new(OsStr::from_bytes(path))), expected);
    }

    #[test]
    fn names_that_are_not_utf8_stay_apart() {
        check("a/名 b".as_bytes(), "a/名 b");
        check(b"a\xff", "a\u{FFFD}ff");
        check(b"a\xfe/b", "a\u{FFFD}fe/b");
    }
}
