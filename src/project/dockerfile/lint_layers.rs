//! Files that stay in a layer although nobody needs them there.

use super::commands::{Ran, Run};
use super::evaluate::{Text, UNKNOWN};
use super::fetches::Fetch;
use super::lint::{Judged, first_line};
use super::options::Options;
use super::pattern;
use super::scope::Value;
use super::sources::copy_sources;
use super::stages::Step;
use crate::error::Problem;

/// From this size on, a file that is copied and then removed is worth a warning: 100 MB.
pub const LARGE: u64 = 100_000_000;

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

/// The warnings `copy-then-remove` of a stage.
pub(super) fn copies(judged: &Judged<'_, '_>) -> Vec<Problem> {
    let copied =
        judged.steps.iter().enumerate().filter(|(_, step)| step.instruction.keyword == "COPY");
    copied.filter_map(|(place, step)| copied_in_vain(judged, place, step)).collect()
}

fn copied_in_vain(judged: &Judged<'_, '_>, place: usize, step: &Step<'_>) -> Option<Problem> {
    let sources = copy_sources(step.instruction, &step.scope).ok()?;
    let folder = destination(step)?;
    for source in sources {
        let Some(size) = (judged.size)(&source).filter(|size| *size >= LARGE) else { continue };
        let name = source.trim_end_matches('/').rsplit('/').next().unwrap_or(&source).to_owned();
        let file = Written { path: source.clone(), name, folders: vec![folder.clone()] };
        let later = judged.steps[place + 1..].iter().map(|step| step.instruction);
        let removes = |run: &Run<'_>| {
            later.clone().any(|instruction| std::ptr::eq(instruction, run.instruction))
                && run.commands.iter().any(|ran| takes_away(ran, &file))
        };
        if judged.runs.iter().any(removes) {
            let megabytes = size / 1_000_000;
            let problem = Problem::warning(format!("`{source}` is copied and removed again"))
                .code("copy-then-remove")
                .note(format!("its {megabytes} MB stay in the image: a layer cannot give back what one below it holds"))
                .hint("use `RUN --package=…`, or fetch and remove it in one `RUN`");
            let span = first_line(judged.file, step.instruction);
            return Some(judged.at(problem, span, "its layer keeps the file"));
        }
    }
    None
}

/// The folder that a COPY writes into, where it is known.
fn destination(step: &Step<'_>) -> Option<String> {
    let text = &step.instruction.arguments.text;
    let last = match step.instruction.json() {
        Some(words) => words.last()?.clone(),
        None => text.split_whitespace().next_back()?.to_owned(),
    };
    let Value::Known(path) = step.scope.expand(&last) else { return None };
    if path.starts_with('/') {
        return Some(path);
    }
    let workdir = step.scope.workdir.known()?;
    Some(format!("{}/{}", workdir.trim_end_matches('/'), path.trim_start_matches("./")))
}
