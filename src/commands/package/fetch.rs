//! `package fetch`: get the declared files that are missing.
//!
//! 1. See which of the wanted files are here and right.
//! 2. Fetch the others, several at a time; each gets its name when it is right.
//! 3. Unpack those that come in a zip.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::choice::{chosen, say_if_empty};
use super::import::import_shown;
use super::referers;
use crate::commands::interrupt::Interrupt;
use crate::commands::selection::{Source, own_platform};
use crate::commands::verification::{options, planned, verify_each_shown};
use crate::error::{Error, Exit, Problem, Result};
use crate::plan::{Wishes, make};
use crate::project::{PackageEntry, PackageList, load_packages};
use crate::store::{
    FetchEvent, FetchItem, FetchOptions, Fetched, Found, ImportOptions, RootIndex, fetch,
};
use crate::ui::{Downloads, Printer};

/// Fetch the declared files that are missing from their `url`s
///
/// Transfers go on where they were cut, also after an interruption; only a file
/// with its declared sha256 gets its name. Proxies are those of the environment.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ascend-build package fetch\n  ascend-build package fetch --target C_stage --platform linux/arm64\n  ascend-build package fetch torch-npu --jobs 1\n  ascend-build package fetch --referer mirror.example.com=https://mirror.example.com/"
)]
pub(super) struct Args {
    /// Names of packages or of files [default: all]
    #[arg(value_name = "NAME", conflicts_with = "target")]
    names: Vec<String>,
    /// Fetch what this stage and those before it need
    #[arg(long, value_name = "STAGE")]
    target: Option<String>,
    #[command(flatten)]
    source: Source,
    /// Put the files into DIR [default: the first root]
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
    /// Files fetched at a time
    #[arg(long, value_name = "N", default_value_t = 4)]
    jobs: usize,
    /// Send a `Referer` to a host and its subdomains (can be repeated)
    #[arg(long, value_name = "HOST=URL", value_parser = referers::parse)]
    referer: Vec<(String, String)>,
}

/// A name was given, and every file of it is for another platform or chip.
fn nothing_fits(entry: &PackageEntry, chosen: &[&PackageEntry]) -> Error {
    let files = chosen.iter().filter(|one| one.name == entry.name);
    let problem = Problem::error(format!("no file of package `{}` fits", entry.name));
    files
        .fold(problem, |problem, file| problem.note(format!("`{}` ({})", file.path(), file.place)))
        .hint("choose another `--platform` or `--chip`, or leave them out")
        .exit(Exit::Usage)
}

/// Fetches; says what it did on stderr, and prints the path of each file that it got.
///
/// # Errors
/// [`Exit::Package`] with every file that cannot be had; the others are there.
pub(super) async fn run(args: &Args, folder: &Path, printer: Printer) -> Result<()> {
    let interrupt = Interrupt::listen()?;
    let (list, warnings) = load_packages(folder)?;
    printer.problems(&warnings);
    let wanted = args.wanted(&list)?;
    let here = here(&wanted, &list, &interrupt).await?;
    let missing: Vec<_> =
        wanted.iter().copied().filter(|entry| !here.contains(&entry.path())).collect();
    if missing.is_empty() {
        if !say_if_empty(&list.entries, printer) {
            printer.talk("nothing is missing");
        }
        return Ok(());
    }
    let into = args.into.as_ref().map(|into| folder.join(into));
    let into = into.or_else(|| list.roots.first().cloned()).unwrap_or_else(|| folder.to_owned());
    let fetcher = Fetcher { args, printer, interrupt: &interrupt, into };
    let (got, problems) = fetcher.fetch_all(&missing, &list).await?;
    for file in &got {
        printer.data(&format!("{}\n", file.display()));
    }
    Error::check(Exit::Package, problems).map(drop)
}

impl Args {
    fn wanted<'a>(&self, list: &'a PackageList) -> Result<Vec<&'a PackageEntry>> {
        let Some(target) = &self.target else { return self.declared(list) };
        let platform = own_platform()?;
        let (project, _) = self.source.load(&list.folder, &platform)?;
        let wishes = Wishes {
            target: Some(target.clone()),
            selection: self.source.selection(&project, &platform),
            settings: Vec::new(),
            tag: String::new(),
            extra_tags: Vec::new(),
        };
        let plan = make(&project, &wishes)?;
        let needed = |entry: &&PackageEntry| {
            plan.packages.iter().any(|package| {
                package.file == entry.path() && package.sha256.as_ref() == Some(&entry.sha256)
            })
        };
        Ok(list.entries.iter().filter(needed).collect())
    }

    /// Those of these names, else all, that are for the platform and the chip.
    fn declared<'a>(&self, list: &'a PackageList) -> Result<Vec<&'a PackageEntry>> {
        if let Some(option) = self.source.of_a_target() {
            return Err(Problem::error(format!("`{option}` means nothing without `--target`"))
                .hint("name the stage whose packages are to be fetched with `--target STAGE`")
                .exit(Exit::Usage));
        }
        let chosen = chosen(&list.entries, &self.names)?;
        let admitted: Vec<_> =
            chosen.iter().copied().filter(|entry| self.source.admits(entry)).collect();
        match chosen.iter().find(|one| !admitted.iter().any(|other| other.name == one.name)) {
            Some(entry) if !self.names.is_empty() => Err(nothing_fits(entry, &chosen)),
            _ => Ok(admitted),
        }
    }
}

/// The files that are here and right.
async fn here(
    wanted: &[&PackageEntry],
    list: &PackageList,
    interrupt: &Interrupt,
) -> Result<Vec<String>> {
    let index = RootIndex::walk(&list.roots);
    let present = |entry: &&&PackageEntry| matches!(index.find(&entry.path()), Found::File { .. });
    let present: Vec<_> = wanted.iter().filter(present).copied().collect();
    let all = present.iter().map(|entry| planned(entry)).collect();
    let options = options(list.roots.clone(), false);
    let (right, _) = verify_each_shown(all, options, interrupt).await?;
    let is_right = |entry: &&&PackageEntry| {
        right.iter().any(|file| file.name == entry.name && file.file == entry.path())
    };
    Ok(present.iter().filter(is_right).map(|entry| entry.path()).collect())
}

struct Fetcher<'a> {
    args: &'a Args,
    printer: Printer,
    interrupt: &'a Interrupt,
    into: PathBuf,
}

impl Fetcher<'_> {
    /// Fetches what has an address. Returns the paths of what was got, and what is wrong with the rest.
    async fn fetch_all(
        &self,
        missing: &[&PackageEntry],
        list: &PackageList,
    ) -> Result<(Vec<PathBuf>, Vec<Problem>)> {
        let mut problems: Vec<_> = missing.iter().filter_map(|entry| no_address(entry)).collect();
        let mut got = Vec::new();
        for (into, entries) in self.by_folder(missing, list) {
            match self.fetch_into(&into, &entries).await {
                Ok(fetched) => got.extend(fetched),
                Err(error) if error.exit == Exit::Interrupted => return Err(error),
                Err(error) => problems.extend(error.problems),
            }
        }
        Ok((got, problems))
    }

    /// A wrong file is replaced where it is; everything else goes into one folder.
    fn by_folder<'a>(
        &self,
        missing: &[&'a PackageEntry],
        list: &PackageList,
    ) -> BTreeMap<PathBuf, Vec<&'a PackageEntry>> {
        let index = RootIndex::walk(&list.roots);
        let mut folders: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for entry in missing.iter().copied().filter(|entry| entry.url.is_some()) {
            let folder = match index.find(&entry.path()) {
                Found::File { path, .. } => path.parent().map(Path::to_owned),
                _ => entry.folder.as_ref().map(|folder| self.into.join(folder)),
            };
            folders.entry(folder.unwrap_or_else(|| self.into.clone())).or_default().push(entry);
        }
        folders
    }

    async fn fetch_into(&self, into: &Path, entries: &[&PackageEntry]) -> Result<Vec<PathBuf>> {
        let mut items: Vec<FetchItem> = entries.iter().filter_map(|entry| item(entry)).collect();
        // Two entries may come out of one zip.
        items.sort_by(|a, b| a.file.cmp(&b.file));
        items.dedup_by(|a, b| a.file == b.file);
        let options = FetchOptions {
            jobs: self.args.jobs,
            referers: referers::with_vendors(&self.args.referer),
            cancelled: self.interrupt.token(),
            ..FetchOptions::default()
        };
        let downloads = Downloads::new(self.printer);
        let fetched = fetch(&items, into, &options, &|event| show(&downloads, &event)).await?;
        let mut paths = Vec::new();
        for file in &fetched {
            paths.extend(self.unpack(file, into, entries).await?);
        }
        Ok(paths)
    }

    /// The file itself, or what the wanted entries take out of it.
    async fn unpack(
        &self,
        file: &Fetched,
        into: &Path,
        entries: &[&PackageEntry],
    ) -> Result<Vec<PathBuf>> {
        let comes_out = |entry: &&&PackageEntry| {
            entry.archive.as_ref().is_some_and(|archive| archive.file == file.file)
        };
        let wanted: Vec<_> = entries.iter().filter(comes_out).collect();
        if wanted.is_empty() {
            return Ok(vec![file.path.clone()]);
        }
        let options = ImportOptions {
            into: into.to_owned(),
            sha256: Some(file.sha256.clone()),
            replace: true,
        };
        let imported = import_shown(file.path.clone(), options, self.interrupt).await?;
        let wrong = wanted.iter().filter_map(|entry| {
            let inside = imported.packages.iter().find(|package| package.file == entry.file);
            let right = inside.is_some_and(|package| package.sha256 == entry.sha256);
            (!right).then(|| not_inside(entry, &file.file))
        });
        Error::check(Exit::Package, wrong.collect())?;
        Ok(imported.packages.into_iter().map(|package| package.path).collect())
    }
}

fn item(entry: &PackageEntry) -> Option<FetchItem> {
    let url = entry.url.clone()?;
    let place = Some(entry.file_place.clone());
    Some(match &entry.archive {
        Some(archive) => FetchItem {
            file: archive.file.clone(),
            url,
            sha256: Some(archive.sha256.clone()),
            size: None,
            place,
        },
        None => FetchItem {
            file: entry.file.clone(),
            url,
            sha256: Some(entry.sha256.clone()),
            size: entry.size,
            place,
        },
    })
}

fn no_address(entry: &PackageEntry) -> Option<Problem> {
    let problem = Problem::error(format!("`{}` is missing and has no address", entry.file));
    entry.url.is_none().then(|| {
        problem
            .at(entry.file_place.clone(), "declared here without `url`")
            .hint("put the file into a root by hand, or say where it is: `url = \"…\"`")
    })
}

fn not_inside(entry: &PackageEntry, zip: &str) -> Problem {
    Problem::error(format!("`{zip}` does not hold `{}` with its sha256", entry.file))
        .note(format!("expected sha256: {}", entry.sha256))
        .at(entry.file_place.clone(), "declared here")
        .hint(format!("`package import {zip}` declares what it holds"))
}

fn show(downloads: &Downloads, event: &FetchEvent) {
    match event {
        FetchEvent::Started { file, from, size } => downloads.started(file, *from, *size),
        FetchEvent::Read { file, bytes } => downloads.read(file, *bytes),
        FetchEvent::Retrying { file, reason, pause } => {
            let pause = crate::ui::seconds(pause.as_secs_f64());
            downloads.say(&format!("{file}: {reason}; trying again in {pause}"));
        }
        FetchEvent::Waiting { file } => {
            downloads.say(&format!("{file}: another process is fetching it; waiting"));
        }
        FetchEvent::Finished { file, .. } => downloads.finished(file),
    }
}
