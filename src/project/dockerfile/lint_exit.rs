//! Installers whose exit code the RUN throws away.

use super::commands::{Ran, Run, is_script_option};
use super::evaluate::UNKNOWN;
use super::lint::Judged;
use super::lint_failure::loss;
use super::prefixes::without_prefixes;
use super::shell_words::{Kind, Word};
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
        let concerns = installs_inside
            || installs(ran)
            || feeds_shell(run, place)
            || installs_in_rounds(run, ran);
        let told = (concerns && !ran.command.asked).then(|| loss(run, place)).flatten();
        if let Some((label, hint)) = told {
            let message = format!("the exit code of `{}` is thrown away", ran.title());
            let problem = Problem::warning(message).code("exit-code-lost").hint(hint);
            problems.push(judged.at(problem, ran.span.clone(), label));
        }
        if let Some(inner) = inner {
            lost_in(judged, &inner, depth - 1, problems);
        }
    }
}

/// Whether a command gives its output to a shell as a script.
fn feeds_shell(run: &Run<'_>, place: usize) -> bool {
    let ran = &run.commands[place];
    let shell = |next: &Ran| is_script_reader(next.name());
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

/// Whether a command runs what the `for` around it names: `for f in *.run; do bash ./$f; done`.
fn installs_in_rounds(run: &Run<'_>, ran: &Ran) -> bool {
    let words = without_prefixes(&ran.words);
    let first = words.first().map_or("", |word| word.text());
    let shell = is_script_reader(first.rsplit('/').next().unwrap_or(first))
        && !words.iter().any(|word| is_script_option(word.text()));
    let around = ran.command.inside.iter().map(|(id, _)| &run.enclosures[*id].rounds);
    let named = around.flatten().filter(|(_, values)| values.iter().any(|one| is_listed(one)));
    let names: Vec<&str> = named.map(|(name, _)| name.as_str()).collect();
    (shell || first.contains(UNKNOWN))
        && ran.command.words.iter().any(|word| ends_with_one(word, &names))
}

/// Whether a value of a `for`, as written, gives installers: `*.run`, `"a.run"`, `$(ls *.run)`.
fn is_listed(value: &str) -> bool {
    is_installer(value.trim_end_matches(['"', '\'', ')', '`']))
}

fn ends_with_one(word: &Word, names: &[&str]) -> bool {
    let Some(Kind::Variable(raw)) = word.parts.last().map(|part| &part.kind) else { return false };
    names.contains(&raw.trim_start_matches(['$', '{']).trim_end_matches('}'))
}

fn is_script_reader(name: &str) -> bool {
    matches!(name, "sh" | "bash" | "dash")
}

fn is_installer(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.ends_with(".run") || name.ends_with(".sh")
}
