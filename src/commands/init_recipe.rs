//! `init --from`: a Dockerfile made a project.
//!
//! 1. Read it as a build would, and hash what it fetches.
//! 2. Name each file's package by what the file is.
//! 3. Convert the stages, copy what they copy from the context, declare the packages.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use super::given::{folders, given};
use super::init::{Args, cannot_write, refuse_existing, tell, write_all};
use super::interrupt::Interrupt;
use super::package;
use super::selection::{dockerfile, existing, own_platform, shown};
use super::verification::{options, verify_shown};
use crate::ascend::identify;
use crate::error::{Exit, Problem, Result};
use crate::plan::{PlannedPackage, VerifiedPackage, package_name};
use crate::project::dockerfile::Dialect;
use crate::project::{
    NewEntry, PackageName, PackagesEdit, Project, Recipe, convert, load_recipe, takes_all,
};
use crate::store::{Context, ContextEntry, CopySource, EntryKind, IgnoreRules};
use crate::ui::Printer;

/// How many bytes of the context are copied into the project: more belongs into packages.
const COPIED: u64 = 100_000_000;

/// The rules of what `COPY` leaves out in a project, in the place of `.dockerignore`.
const IGNORED: &str = "stages.toml.dockerignore";

/// Converts the Dockerfile at `file`.
///
/// # Errors
/// Whatever is wrong with the Dockerfile, its packages, or the folder to write into.
pub(super) async fn run(args: &Args, file: &Path, folder: &Path, printer: Printer) -> Result<()> {
    let interrupt = Interrupt::listen()?;
    let recipe = recipe(args, file, folder)?;
    let (project, _) = load_recipe(&recipe)?;
    let planned = planned(&project);
    let verified = verify_shown(planned, options(project.roots.clone(), false), &interrupt).await?;
    let names: IndexMap<&str, &PackageName> =
        verified.iter().map(|package| (package.file.as_str(), &package.name)).collect();
    let name = |file: &str| names.get(file).map(ToString::to_string);
    let converted = convert(&recipe, &project, &name, chip(&verified).as_deref())?;
    let mut files: Vec<_> =
        converted.files.into_iter().map(|(path, text)| (path, text.into_bytes())).collect();
    files.extend(own_ignore_rules(&project, files.iter().map(|(path, _)| path.as_path())));
    let copied = copied(&project)?;
    refuse_same_names(&copied, &files)?;
    let into = into(args, &recipe, folder)?;
    let beside: Vec<_> = copied.iter().map(|entry| Path::new("stages").join(&entry.path)).collect();
    let written = || files.iter().map(|(path, _)| path).chain(&beside).map(PathBuf::as_path);
    refuse_existing(&into, written())?;
    write_all(&into, &files)?;
    copied.iter().try_for_each(|entry| {
        let to = into.join("stages").join(&entry.path);
        copy(&project.context.join(&entry.path), &to, entry)
            .map_err(|error| cannot_write(&to, error))
    })?;
    declare(&into, &project, &verified)?;
    printer.problems(&converted.warnings);
    printer.problems(proxies(&recipe).as_slice());
    let target = project.default_target.as_ref().map(ToString::to_string).unwrap_or_default();
    tell(printer, &into, folder, written().chain([Path::new("packages.toml")]), &target);
    Ok(())
}

fn recipe(args: &Args, file: &Path, folder: &Path) -> Result<Recipe> {
    let file = dockerfile(file)?;
    let context = match &args.context {
        Some(context) => existing(&folder.join(context), "the context")?,
        None => file.parent().map_or_else(|| folder.to_owned(), Path::to_owned),
    };
    let platform = args.platform.clone().map_or_else(own_platform, Ok)?;
    let roots = folders(&args.roots, folder)?;
    Ok(Recipe {
        shown: shown(args.from.as_deref(), &file, folder),
        file,
        context,
        roots,
        build_args: given(&args.build_args),
        platform,
        skip: Vec::new(),
        dialect: Dialect::default(),
    })
}

/// What is said of the proxies of the command line: they are the network's, not the project's.
fn proxies(recipe: &Recipe) -> Option<Problem> {
    let given = recipe.build_args.keys().filter(|name| name.to_lowercase().ends_with("_proxy"));
    let given: Vec<String> = given.map(|name| format!("`--build-arg {name}`")).collect();
    let verb = if given.len() == 1 { "is" } else { "are" };
    let message = format!("{} {verb} no part of the project", given.join(", "));
    let problem = Problem::warning(message).hint("set proxies and `no_proxy` in the environment of the build, or as `proxies` in Docker's config.json");
    (!given.is_empty()).then_some(problem)
}

fn into(args: &Args, recipe: &Recipe, folder: &Path) -> Result<PathBuf> {
    let Some(into) = &args.into else { return Ok(recipe.context.clone()) };
    let into = folder.join(into);
    fs::create_dir_all(&into).map_err(|error| cannot_write(&into, error))?;
    into.canonicalize().map_err(|error| cannot_write(&into, error))
}

/// Every file that a stage fetches, each once, under the name that its package gets.
fn planned(project: &Project) -> Vec<PlannedPackage> {
    let fetched = project.stages.values().flat_map(|stage| &stage.fetches);
    let mut planned: Vec<PlannedPackage> = Vec::new();
    for (file, place) in fetched.filter_map(|one| Some((one.certain()?, &one.place))) {
        if planned.iter().any(|package| package.file == file) {
            continue;
        }
        let entry = project.declared(file);
        let taken = |name: &PackageName| planned.iter().any(|package| package.name == *name);
        // Two files of one name are told apart by their folders.
        let last = file.rsplit('/').next().unwrap_or(file);
        let mut names = [named_by_kind(last), package_name(last), package_name(file)].into_iter();
        let free = || names.find_map(|name| name.filter(|name| !taken(name)));
        let Some(name) = entry.map(|entry| entry.name.clone()).or_else(free) else { continue };
        planned.push(PlannedPackage {
            name,
            file: file.to_owned(),
            sha256: entry.map(|entry| entry.sha256.clone()),
            size: entry.and_then(|entry| entry.size),
            url: entry.and_then(|entry| entry.url.clone()),
            place: Some(entry.map_or(place, |entry| &entry.place).clone()),
            asked: None,
        });
    }
    planned
}

/// The kind of an Ascend package, the distribution of a wheel; scripts and lists keep their files' names.
fn named_by_kind(file: &str) -> Option<PackageName> {
    let identity = identify(file);
    let known = identity.kind.is_some() || file.ends_with(".whl");
    known.then(|| package::package_name(file, &identity)).flatten()
}

/// The chip that the packages are for, where they are for one.
fn chip(verified: &[VerifiedPackage]) -> Option<String> {
    let chips = verified.iter().filter_map(|package| identify(package.file_name()).chip);
    let chips: BTreeSet<String> = chips.map(|chip| chip.as_str().to_lowercase()).collect();
    chips.iter().next().filter(|_| chips.len() == 1).cloned()
}

/// What the stages copy from the context, which becomes a part of `stages/`.
fn copied(project: &Project) -> Result<Vec<ContextEntry>> {
    let sources = project.stages.values().flat_map(|stage| &stage.sources);
    let sources: Vec<_> = sources.map(CopySource::new).collect();
    let ignored = IgnoreRules::read(&project.context, project.dockerfile.as_deref())?;
    let context = Context::collect(&project.context, &sources, &ignored)?;
    let bytes: u64 = context.entries().iter().map(|entry| entry.size).sum();
    if bytes > COPIED {
        return Err(Problem::error("the Dockerfile copies too much to be moved into `stages/`")
            .note(format!("expected at most {COPIED} bytes, actual {bytes}"))
            .hint("leave packages out of what `COPY` takes, with `.dockerignore` or narrower sources: `RUN --package` brings them")
            .exit(Exit::Project));
    }
    Ok(context.entries().to_vec())
}

/// What keeps the project's own files, which stand beside those that the stages copy, out of a
/// `COPY` of everything.
fn own_ignore_rules<'a>(
    project: &Project,
    files: impl Iterator<Item = &'a Path>,
) -> Option<(PathBuf, Vec<u8>)> {
    let mut sources = project.stages.values().flat_map(|stage| &stage.sources);
    if !sources.any(|source| takes_all(source)) {
        return None;
    }
    let names = files.filter_map(|path| path.file_name()?.to_str());
    let lines: String = names.chain([IGNORED]).map(|name| format!("{name}\n")).collect();
    let text = format!(
        "# The project's own files, which no `COPY` takes; holds in the place of .dockerignore.\n{lines}"
    );
    Some((Path::new("stages").join(IGNORED), text.into_bytes()))
}

/// Refuses where a file that the Dockerfile copies would stand where one of the project's own does.
fn refuse_same_names(copied: &[ContextEntry], files: &[(PathBuf, Vec<u8>)]) -> Result<()> {
    let own = |entry: &&ContextEntry| {
        files.iter().any(|(path, _)| *path == Path::new("stages").join(&entry.path))
    };
    let Some(entry) = copied.iter().find(own) else { return Ok(()) };
    let name = entry.path.display();
    Err(Problem::error(format!("the Dockerfile copies `{name}`, and the project has a `stages/{name}` of its own"))
        .note("what `COPY` takes comes into `stages/`, beside the project's own files")
        .hint("give the file another name, there and in its `COPY`, or leave it out of what `COPY` takes, with `.dockerignore`")
        .exit(Exit::Project))
}

fn copy(from: &Path, to: &Path, entry: &ContextEntry) -> io::Result<()> {
    fs::create_dir_all(to.parent().unwrap_or(to))?;
    match &entry.kind {
        EntryKind::Link(target) => return symlink(target, to),
        EntryKind::Folder => fs::create_dir_all(to)?,
        EntryKind::File => _ = fs::copy(from, to)?,
    }
    fs::set_permissions(to, fs::Permissions::from_mode(entry.mode))
}

/// Declares the packages in `packages.toml`, beside what it declares already.
fn declare(into: &Path, project: &Project, verified: &[VerifiedPackage]) -> Result<()> {
    let exists = into.join("packages.toml").exists();
    let mut edit = PackagesEdit::open(into)?;
    for root in &project.roots {
        let inside = root.strip_prefix(into).ok().map(|inside| inside.display().to_string());
        let written = inside.unwrap_or_else(|| root.display().to_string());
        let written = if written.is_empty() { ".".to_owned() } else { written };
        edit.add_root(&written, exists.then_some("packages"));
    }
    for package in verified {
        let entry = NewEntry {
            name: package.name.clone(),
            file: below_root(project, package),
            sha256: package.sha256.clone(),
            size: Some(package.size),
            url: None,
            archive: None,
        };
        if !package.declared {
            _ = edit.set(&entry);
        }
    }
    edit.save()
}

/// How packages.toml names a file: as its address does, or where that has a folder, by where the
/// file is below a root.
fn below_root(project: &Project, package: &VerifiedPackage) -> String {
    let inside = |root: &PathBuf| package.path.strip_prefix(root).ok()?.to_str().map(str::to_owned);
    let path = project.roots.iter().find_map(inside);
    path.filter(|_| package.file.contains('/')).unwrap_or_else(|| package.file.clone())
}
