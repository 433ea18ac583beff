//! Files for lines that fetch what only the run can tell.
//!
//! Where the line names a file and only its shell knows whether it asks for it,
//! that file, if it is in the roots. Where it does not tell the name, whatever
//! is in the roots and looks like a package, a script or a requirements file.

use std::collections::{BTreeSet, HashSet};

use crate::error::{Place, Problem};
use crate::plan::{Guess, Plan, PlannedPackage, may_be_served, name_of_any};
use crate::project::Project;
use crate::store::{Found, RootIndex, names_password, secret_in};

/// The code of the warning of a line that does not tell what it fetches.
const UNKNOWN: &str = "fetch-unknown";

/// The code of the warning of a file that may be asked for and is not there.
const MISSING: &str = "fetch-missing";

/// The codes of the warnings, in alphabetical order.
pub(super) const CODES: [&str; 2] = [MISSING, UNKNOWN];

/// Adds those files to the plan, and says for which lines.
pub(super) fn add(project: &Project, plan: &mut Plan) -> Vec<Problem> {
    let all = plan.stages.iter().flat_map(|stage| stage.guesses.clone());
    let mut guesses: Vec<Guess> = Vec::new();
    // A loop asks for the same more than once.
    for guess in all {
        if !guesses.iter().any(|other| same(other, &guess)) {
            guesses.push(guess);
        }
    }
    if guesses.is_empty() {
        return Vec::new();
    }
    let index = RootIndex::walk(&project.roots);
    let mut problems = Vec::new();
    for guess in &guesses {
        match &guess.file {
            Some(file) if is_there(project, &index, file) => {
                serve(project, plan, file, Some(&guess.place));
            }
            Some(file) => problems.push(missing(guess, file, &index)),
            None => {}
        }
    }
    problems.extend(unknown(&guesses));
    if guesses.iter().any(|guess| guess.file.is_none()) {
        problems.extend(serve_all(project, plan, &index));
    }
    problems
}

fn same(one: &Guess, other: &Guess) -> bool {
    (&one.file, &one.reason, &one.place) == (&other.file, &other.reason, &other.place)
}

/// Serves whatever looks by its name as if it were meant to be; says what is kept back.
fn serve_all(project: &Project, plan: &mut Plan, index: &RootIndex) -> Option<Problem> {
    let declared = |file: &str| project.declared(file).is_some();
    let hidden = index.files().map(|(name, path)| (name.to_owned(), path));
    let files = index.addressed().chain(hidden.filter(|(name, _)| declared(name)));
    let files = files.filter(|(file, _)| may_be_served(last_part(file)));
    let files = files.filter(|(file, path)| declared(file) || secret_in(path).is_none());
    let mut known: HashSet<String> = plan.packages.iter().map(|one| one.file.clone()).collect();
    let fresh = files.filter(|(file, _)| known.insert(file.clone()));
    let (kept, served): (Vec<_>, Vec<_>) =
        fresh.partition(|(file, path)| !declared(file) && names_password(path));
    plan.packages.extend(served.into_iter().map(|(file, _)| planned(project, &file, None)));
    kept_back(kept.iter().map(|(file, _)| last_part(file)).collect())
}

/// Files that nobody names, and that hold a password.
fn kept_back(files: BTreeSet<&str>) -> Option<Problem> {
    let files: Vec<_> = files.into_iter().map(|file| format!("`{file}`")).collect();
    let message = format!("not served, because a password stands in it: {}", files.join(", "));
    let problem = Problem::warning(message).code(UNKNOWN);
    (!files.is_empty())
        .then(|| problem.hint("where a line fetches it all the same, declare it in packages.toml"))
}

fn last_part(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether `file` is there to be served; a hidden one only where an entry declares it.
fn is_there(project: &Project, index: &RootIndex, file: &str) -> bool {
    let found = match project.declared(file) {
        Some(_) => index.find(file),
        None => index.find_shown(file),
    };
    matches!(found, Found::File { .. })
}

fn serve(project: &Project, plan: &mut Plan, file: &str, place: Option<&Place>) {
    if plan.packages.iter().all(|package| package.file != file) {
        plan.packages.push(planned(project, file, place));
    }
}

/// A file to serve; `place` is the line that names it, where one does.
fn planned(project: &Project, file: &str, place: Option<&Place>) -> PlannedPackage {
    let entry = project.declared(file);
    PlannedPackage {
        name: name_of_any(file),
        file: file.to_owned(),
        sha256: entry.map(|entry| entry.sha256.clone()),
        size: entry.and_then(|entry| entry.size),
        url: None,
        place: entry.map(|entry| &entry.place).or(place).cloned(),
        asked: None,
    }
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
