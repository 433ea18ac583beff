//! Files for lines that fetch what only the run can tell.
//!
//! Where the line names a file and only its shell knows whether it asks for it,
//! that file, if it is in the roots. Where it does not tell the name, whatever
//! is in the roots and looks like a package, a script or a requirements file.

use crate::error::Problem;
use crate::plan::{Guess, Plan, PlannedPackage, may_be_served, package_name};
use crate::project::Project;
use crate::store::{Found, RootIndex, secret_in};

/// The code of the warning of a line that does not tell what it fetches.
const UNKNOWN: &str = "fetch-unknown";

/// The code of the warning of a file that may be asked for and is not there.
const MISSING: &str = "fetch-missing";

/// The codes of the warnings, in alphabetical order.
pub(super) const CODES: [&str; 2] = [MISSING, UNKNOWN];

/// Adds those files to the plan, and says for which lines.
pub(super) fn add(project: &Project, plan: &mut Plan) -> Vec<Problem> {
    let guesses: Vec<Guess> = plan.stages.iter().flat_map(|stage| stage.guesses.clone()).collect();
    if guesses.is_empty() {
        return Vec::new();
    }
    let index = RootIndex::walk(&project.roots);
    let mut problems = Vec::new();
    for guess in &guesses {
        match &guess.file {
            Some(file) if is_there(project, &index, file) => {
                serve(project, plan, file);
            }
            Some(file) => problems.push(missing(guess, file, &index)),
            None => {}
        }
    }
    problems.extend(unknown(&guesses));
    if guesses.iter().any(|guess| guess.file.is_none()) {
        let declared = |name: &str| project.packages.iter().any(|package| package.file == name);
        let shown = index.shown_files();
        let hidden = index.files().filter(|(name, _)| declared(name));
        let files = shown.chain(hidden).filter(|(name, _)| may_be_served(name));
        let files = files.filter(|(name, path)| declared(name) || secret_in(path).is_none());
        files.for_each(|(name, _)| serve(project, plan, name));
    }
    problems
}

/// Whether `file` is there to be served; a hidden one only where an entry declares it.
fn is_there(project: &Project, index: &RootIndex, file: &str) -> bool {
    let found = match project.declared(file) {
        Some(_) => index.find(file),
        None => index.find_shown(file),
    };
    matches!(found, Found::File { .. })
}

fn serve(project: &Project, plan: &mut Plan, file: &str) {
    if plan.packages.iter().all(|package| package.file != file) {
        plan.packages.extend(planned(project, file));
    }
}

fn planned(project: &Project, file: &str) -> Option<PlannedPackage> {
    let entry = project.declared(file);
    Some(PlannedPackage {
        name: package_name(file)?,
        file: file.to_owned(),
        sha256: entry.map(|entry| entry.sha256.clone()),
        size: entry.and_then(|entry| entry.size),
        url: None,
        place: entry.map(|entry| entry.place.clone()),
        asked: None,
    })
}

/// One warning for each line that does not tell its file, and one for all lines that lack the
/// value of the same argument.
fn unknown(guesses: &[Guess]) -> Vec<Problem> {
    let mut groups: Vec<Vec<&Guess>> = Vec::new();
    for guess in guesses.iter().filter(|guess| guess.file.is_none()) {
        let same = |group: &&mut Vec<&Guess>| {
            group[0].reason == guess.reason && argument(&guess.reason).is_some()
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(guess),
            None => groups.push(vec![guess]),
        }
    }
    groups.iter().map(|group| unknown_lines(group[0], &group[1..])).collect()
}

fn unknown_lines(first: &Guess, others: &[&Guess]) -> Problem {
    let mut lines: Vec<_> = others.iter().map(|guess| guess.place.line()).collect();
    lines.retain(|line| *line != first.place.line());
    lines.dedup();
    let message = match lines.len() {
        0 => "what this line fetches is only known when it runs".to_owned(),
        more => format!("what {} lines fetch is only known when they run", more + 1),
    };
    let problem = Problem::warning(message)
        .code(UNKNOWN)
        .at(first.place.clone(), &first.reason)
        .note("every package, script and requirements file in the roots is served to it, and a change of any of them runs it again");
    let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    let others = match lines.as_slice() {
        [] => None,
        [line] => Some(format!("the same in line {line}")),
        lines => Some(format!("the same in lines {}", lines.join(", "))),
    };
    others.into_iter().fold(problem, Problem::note).maybe_hint(argument(&first.reason))
}

/// What to do where only an argument's value is missing: "`ARCH` is an `ARG` without a value, …".
fn argument(reason: &str) -> Option<String> {
    let (name, rest) = reason.strip_prefix('`')?.split_once('`')?;
    let unset = rest.starts_with(" is an `ARG` without a value");
    unset.then(|| format!("give its value with `--build-arg {name}=…`"))
}

fn missing(guess: &Guess, file: &str, index: &RootIndex) -> Problem {
    let problem = Problem::warning(format!("`{file}` may be fetched, and is not there"))
        .code(MISSING)
        .at(guess.place.clone(), &guess.reason);
    let roots = index.roots().iter().map(|root| format!("looked in: {}", root.path.display()));
    let problem = roots.fold(problem, Problem::note);
    match index.nearest(file).as_slice() {
        [] => problem,
        near => problem.note(format!("nearest names found: `{}`", near.join("`, `"))),
    }
    .hint("put it there, or leave it so where this build never asks for it")
}
