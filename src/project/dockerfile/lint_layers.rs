//! Packages that a RUN fetches and leaves in its layer.

use super::commands::{Ran, Run};
use super::evaluate::{Text, UNKNOWN};
use super::fetches::Fetch;
use super::lint::Judged;
use super::options::Options;
use super::pattern;
use crate::error::Problem;

/// What packages end with.
const PACKAGES: [&str; 9] =
    [".run", ".whl", ".zip", ".deb", ".rpm", ".tgz", ".tar", ".tar.gz", ".tar.xz"];

/// The warnings `package-not-removed` of a stage.
pub(super) fn packages(judged: &Judged<'_, '_>, fetches: &[Fetch<'_>]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for fetch in fetches {
        let Some(name) = fetch.path.file_name().filter(|name| is_package(name)) else { continue };
        let span = fetch.url_span.clone();
        let message = format!("`{name}` stays in the layer");
        let problem = Problem::warning(message).code("package-not-removed");
        if fetch.tool == "ADD" {
            let hint = "fetch it in the `RUN` that installs it, and remove it there";
            problems.push(judged.at(problem.hint(hint), span, "`ADD` makes a layer of its own"));
        } else if let Some(file) = kept(judged, fetch, &name) {
            let path = if file.path.contains(UNKNOWN) { &name } else { &file.path };
            let hint = format!("end the `RUN` with `rm -f {path}`");
            problems.push(judged.at(problem.hint(hint), span, "the same `RUN` does not remove it"));
        }
    }
    problems
}

fn is_package(name: &str) -> bool {
    PACKAGES.iter().any(|end| name.ends_with(end))
}

/// Whether the RUN of a fetch writes the file into its layer and leaves it there.
pub(super) fn left(judged: &Judged<'_, '_>, fetch: &Fetch<'_>, name: &str) -> bool {
    kept(judged, fetch, name).is_some()
}

/// The file that the RUN of a fetch writes into its layer and leaves there.
fn kept(judged: &Judged<'_, '_>, fetch: &Fetch<'_>, name: &str) -> Option<Written> {
    let same = |run: &&Run<'_>| std::ptr::eq(run.instruction, fetch.instruction);
    let run = judged.runs.iter().find(same)?;
    let holds =
        |ran: &Ran| ran.span.start <= fetch.url_span.start && fetch.url_span.end <= ran.span.end;
    let place = run.commands.iter().position(holds)?;
    let file = written(run, place, name)?;
    let covered = run.mounted().iter().any(|target| file.is_inside(target));
    let stays = !covered && !run.commands[place..].iter().any(|ran| takes_away(ran, &file));
    stays.then_some(file)
}

/// A file that a command writes: its name, the folders that it may be in, and its path as a later
/// command of the same RUN would write it.
struct Written {
    path: String,
    name: String,
    folders: Vec<String>,
}

impl Written {
    fn is_inside(&self, target: &str) -> bool {
        self.folders.iter().any(|folder| is_or_holds(target, folder))
    }
}

/// Where the downloader at `place` writes; `None` where it writes no file.
fn written(run: &Run<'_>, place: usize, name: &str) -> Option<Written> {
    let ran = &run.commands[place];
    let (to_file, to_folder) = output_options(ran.name())?;
    let options = Options::read(ran.name(), ran.words.iter().skip(1).map(Text::text));
    let file = options.values(to_file).last().copied();
    let own_names = options.count(&["-O", "--remote-name", "--remote-name-all"]) > 0;
    let redirects = ran.command.redirects.iter();
    let redirected = redirects.clone().any(|(operator, _)| matches!(*operator, ">" | ">>"));
    let kept = ran.name() != "curl" || own_names || file.is_some();
    if !kept && !redirected || file.is_some_and(|file| file == "-" || file.starts_with("/dev/")) {
        return None;
    }
    let options_file = file;
    let path = file.unwrap_or(name);
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let directory = options.values(to_folder);
    let mut folders: Vec<String> = [Some(folder), directory.last().copied()]
        .into_iter()
        .flatten()
        .map(str::to_owned)
        .collect();
    folders.extend(current_folders(run, place));
    folders.retain(|folder| !folder.is_empty());
    // wget passes over its folder where a file is named.
    let below = directory.last().filter(|_| options_file.is_none() || ran.name() != "wget");
    let path = match below {
        Some(folder) => format!("{}/{path}", folder.trim_end_matches('/')),
        None => path.to_owned(),
    };
    Some(Written { path, name: file.to_owned(), folders })
}

/// The options of a downloader for the file and the folder that it writes to.
fn output_options(tool: &str) -> Option<(&'static [&'static str], &'static [&'static str])> {
    Some(match tool {
        "wget" => (&["-O", "--output-document"], &["-P", "--directory-prefix"]),
        "curl" => (&["-o", "--output"], &["--output-dir"]),
        "aria2c" => (&["-o", "--out"], &["-d", "--dir"]),
        "axel" => (&["-o", "--output"], &[]),
        _ => return None,
    })
}

/// Where a command may run: the folder of the last `cd` before it, and the stage's.
fn current_folders(run: &Run<'_>, place: usize) -> Vec<String> {
    let last = run.commands[..place].iter().rev().find(|ran| ran.name() == "cd");
    let entered = last.and_then(|ran| ran.operands().next()).map(|word| word.text().to_owned());
    let workdir = run.scope.workdir.known().map(str::to_owned);
    entered.into_iter().chain(workdir).collect()
}

/// Whether a command removes the file, or may: what it removes is not told by the text.
fn takes_away(ran: &Ran, file: &Written) -> bool {
    match ran.name() {
        "rm" => ran.operands().any(|word| covers(word.text(), file)),
        "mv" => ran.operands().any(|word| word.text().contains(&file.name)),
        "find" => ran.says("-delete") || ran.says("rm"),
        "unlink" | "shred" => true,
        _ => false,
    }
}

/// Whether `rm target` removes the file: it names the file where the file may
/// be, or a folder around it.
fn covers(target: &str, file: &Written) -> bool {
    if target.contains(UNKNOWN) {
        return true;
    }
    let (folder, name) = target.rsplit_once('/').unwrap_or(("", target));
    let absolute = folder.starts_with(['/', '~']);
    let here =
        !absolute || file.folders.iter().any(|inside| inside.trim_end_matches('/') == folder);
    let whole = target.trim_end_matches("/*").trim_end_matches('/');
    (here && pattern::matches(&file.name, name))
        || file.folders.iter().any(|inside| is_or_holds(whole, inside))
}

/// Whether `folder` is `inner` or one around it.
fn is_or_holds(folder: &str, inner: &str) -> bool {
    let (folder, inner) = (folder.trim_end_matches('/'), inner.trim_end_matches('/'));
    !folder.is_empty()
        && (inner == folder || inner.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
}
