//! Installers whose exit code the RUN throws away.

use super::commands::{Ran, Run, is_script_option};
use super::lint::Judged;
use super::prefixes::without_prefixes;
use super::shell_words::Kind;
use super::simple::Joint;
use crate::error::Problem;

/// How deep shells within shells are followed.
const DEEPEST: usize = 4;

/// The warnings `exit-code-lost` of a stage.
pub(super) fn lost(judged: &Judged<'_, '_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for run in judged.runs {
        lost_in(judged, run, DEEPEST, &mut problems);
    }
    problems
}

/// The warnings of a script, and of the shells that it runs.
fn lost_in(judged: &Judged<'_, '_>, run: &Run<'_>, depth: usize, problems: &mut Vec<Problem>) {
    for place in 0..run.commands.len() {
        let inner = run.inside(place, judged.inputs).filter(|_| depth > 0);
        let installs_inside =
            inner.as_ref().is_some_and(|inner| inner.commands.iter().any(installs));
        let ran = &run.commands[place];
        let told = loss(run, place, installs_inside);
        if let Some((label, hint)) = told.filter(|_| !is_asked(judged, ran)) {
            let message = format!("the exit code of `{}` is thrown away", ran.title());
            let problem = Problem::warning(message).code("exit-code-lost").hint(hint);
            problems.push(judged.at(problem, ran.span.clone(), label));
        }
        if let Some(inner) = inner {
            lost_in(judged, &inner, depth - 1, problems);
        }
    }
}

/// Whether a condition asks for the exit code: `if ! bash install.sh; then exit 1; fi`.
fn is_asked(judged: &Judged<'_, '_>, ran: &Ran) -> bool {
    let before = judged.file.source().text.get(..ran.span.start).unwrap_or_default();
    let before = before.trim_end().trim_end_matches('!').trim_end();
    let word = before.rsplit(|c: char| c.is_whitespace() || c == ';').next();
    word.is_some_and(|word| matches!(word, "if" | "elif" | "while" | "until"))
}

/// How the exit code of the installer at `place` is lost: what to say, and what to do.
fn loss(
    run: &Run<'_>,
    place: usize,
    installs_inside: bool,
) -> Option<(&'static str, &'static str)> {
    let ran = &run.commands[place];
    if !installs(ran) && !installs_inside && !feeds_shell(run, place) {
        return None;
    }
    let end = list_end(run, place);
    let instead = alternatives(run, end);
    match run.commands[end].command.after {
        Joint::Or if instead.first().is_some_and(forgives) && !gives_up(instead) => {
            Some(("`||` makes a failure a success", "let the `RUN` fail: remove what follows `||`"))
        }
        Joint::Or
            if gives_up(instead) && !ends(instead) && goes_on(run, end + 1 + instead.len()) =>
        {
            Some(NOT_LAST)
        }
        Joint::Then if end == place && goes_on(run, place + 1) => Some(NOT_LAST),
        Joint::Pipe if end == place && !switch(run, place, '\0', "pipefail") => Some((
            "only the exit code after the `|` counts",
            "use bash with `set -o pipefail`, or write to a file first",
        )),
        Joint::Background if end == place => {
            Some(("nothing waits for it", "run it in the foreground"))
        }
        _ => None,
    }
}

/// What is said where another command follows that runs after a failure too.
const NOT_LAST: (&str, &str) = (
    "only the last command's exit code counts",
    "join the commands with `&&`, or start with `set -e`",
);

/// The last command of the `&&` list that begins at `place`: where one fails, the rest is left out.
fn list_end(run: &Run<'_>, place: usize) -> usize {
    let joined = |ran: &&Ran| ran.command.after == Joint::And;
    let end = place + run.commands[place..].iter().take_while(joined).count();
    // What follows a bracket belongs to another list.
    let same =
        run.commands.get(end).is_some_and(|last| end == place || last.command.before == Joint::And);
    if same { end } else { place }
}

/// The commands that run where the one at `place` fails.
fn alternatives<'a>(run: &'a Run<'_>, place: usize) -> &'a [Ran] {
    let later = &run.commands[place + 1..];
    let instead = later.iter().take_while(|ran| ran.command.doubt == Some("after `||`"));
    &later[..instead.count()]
}

/// Whether the RUN goes on at `place` after a failure, and nobody asks for it.
fn goes_on(run: &Run<'_>, place: usize) -> bool {
    let next = run.commands.get(place);
    next.is_some_and(|next| next.command.before == Joint::Then && !asks_status(next))
        && !switch(run, place - 1, 'e', "errexit")
}

/// Whether a command gives its output to a shell as a script.
fn feeds_shell(run: &Run<'_>, place: usize) -> bool {
    let ran = &run.commands[place];
    let shell = |next: &Ran| matches!(next.name(), "sh" | "bash" | "dash");
    matches!(ran.name(), "wget" | "curl")
        && ran.command.after == Joint::Pipe
        && run.commands.get(place + 1).is_some_and(shell)
}

/// Whether a command installs something that the image is made for, `nohup` and the like before
/// it or not: a script may well do.
fn installs(ran: &Ran) -> bool {
    let words = without_prefixes(&ran.words).to_vec();
    let ran = &Ran { words, ..Ran::default() };
    let name = ran.name();
    let says = |word: &str| ran.says(word);
    match name {
        "pip" | "pip3" | "apt-get" | "apt" | "yum" | "dnf" | "conda" | "mamba" | "make" => {
            says("install")
        }
        "python" | "python3" => says("pip") && says("install"),
        "dpkg" | "rpm" => ran
            .words
            .iter()
            .skip(1)
            .any(|word| matches!(word.text(), "-i" | "-ivh" | "-Uvh" | "--install")),
        "sh" | "bash" | "dash" => {
            ran.operands().next().is_some_and(|word| is_installer(word.text()))
                && !ran.words.iter().any(|word| is_script_option(word.text()))
        }
        _ => is_installer(name) && !matches!(name, "install"),
    }
}

fn is_installer(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.ends_with(".run") || name.ends_with(".sh")
}

/// Whether one of the commands that run after a failure ends the script, or fails.
fn gives_up(instead: &[Ran]) -> bool {
    ends(instead) || instead.iter().any(|ran| ran.name() == "false")
}

fn ends(instead: &[Ran]) -> bool {
    instead.iter().any(|ran| matches!(ran.name(), "exit" | "return"))
}

/// Commands after `||` that make a success of a failure.
fn forgives(ran: &Ran) -> bool {
    matches!(ran.name(), "true" | ":" | "echo" | "printf")
}

/// Whether a command looks at `$?`.
fn asks_status(ran: &Ran) -> bool {
    let assigned = ran.command.assignments.iter().map(|(_, word)| word);
    let mut words = ran.command.words.iter().chain(assigned);
    words.any(|word| word.parts.iter().any(|part| part.kind == Kind::Variable("$?".to_owned())))
}

/// Whether a `set` before `place`, or the shell's own options, switch an option on.
fn switch(run: &Run<'_>, place: usize, letter: char, name: &str) -> bool {
    let set = run.commands[..place].iter().filter(|ran| ran.name() == "set");
    let by_set = set.flat_map(|ran| ran.words.iter().skip(1));
    let by_shell = run.scope.shell.iter().skip(1);
    by_set.map(super::evaluate::Text::text).chain(by_shell.map(String::as_str)).any(|word| {
        let letters = word.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
        word == name || letters.is_some_and(|letters| letters.contains(letter))
    })
}
