//! The package server's address, or a proxy, that stays in the image: in `ENV`, or in a file that
//! a RUN writes it to.

use std::ops::Range;

use super::addresses::{Addresses, is_proxy};
use super::assignments;
use super::commands::{Ran, Run};
use super::evaluate::Text;
use super::hosts::whole_matches;
use super::lint::Judged;
use super::scope::Value;
use super::simple::Joint;
use crate::error::Problem;

/// Programs whose `config` writes a file that stays.
const CONFIGURED: [&str; 6] = ["pip", "pip3", "npm", "yarn", "conda", "git"];

/// Where files of a build are rather thrown away.
const PASSING: [&str; 3] = ["/tmp/", "/dev/", "/var/tmp/"];

/// The warnings `address-baked` of a stage.
pub(super) fn baked(judged: &Judged<'_, '_>, addresses: &Addresses) -> Vec<Problem> {
    let mut problems = Vec::new();
    for step in judged.steps.iter().filter(|step| step.instruction.keyword == "ENV") {
        let escape = judged.file.escape();
        for one in assignments::environment(&step.instruction.arguments.text, escape) {
            let value = step.scope.expand(one.value.as_deref().unwrap_or_default());
            let span = step.instruction.arguments.source_span(one.span);
            problems.extend(bake(judged, &one.name, &value, addresses, span));
        }
    }
    for run in judged.runs {
        let places = 0..run.commands.len();
        problems.extend(places.filter_map(|place| written(judged, run, place, addresses)));
    }
    problems
}

fn bake(
    judged: &Judged<'_, '_>,
    name: &str,
    value: &Value,
    addresses: &Addresses,
    span: Range<usize>,
) -> Option<Problem> {
    let text = value.known().filter(|text| !text.is_empty())?;
    let holds_host = holds_host(text, addresses);
    let is_proxy = is_proxy(name);
    if !holds_host && !is_proxy {
        return None;
    }
    let what = if holds_host { "the package server's address" } else { "a proxy" };
    let problem = Problem::warning(format!("`{name}` keeps {what} in the image"))
        .code("address-baked")
        .hint(format!("use `ARG {name}`, or set it inside the `RUN` that needs it"));
    Some(judged.at(problem, span, "every container will see this"))
}

fn holds_host(text: &str, addresses: &Addresses) -> bool {
    addresses.hosts.iter().any(|host| whole_matches(text, host).next().is_some())
}

/// The warning of a command that writes the address into a file that stays.
fn written(
    judged: &Judged<'_, '_>,
    run: &Run<'_>,
    place: usize,
    addresses: &Addresses,
) -> Option<Problem> {
    let ran = &run.commands[place];
    if !ran.words.iter().any(|word| holds_host(word.text(), addresses)) {
        return None;
    }
    let configures = CONFIGURED.contains(&ran.name()) && ran.says("config");
    let what = if configures {
        format!("`{} config`", ran.name())
    } else {
        format!("`{}`", kept_file(run, place)?)
    };
    // What is set for one command may be taken back behind it.
    if configures && run.commands[place..].iter().any(|other| other.says("unset")) {
        return None;
    }
    let problem =
        Problem::warning(format!("{what} keeps the package server's address in the image"))
            .code("address-baked")
            .hint("give the address to the command that needs it, as an option or a variable");
    Some(judged.at(problem, ran.span.clone(), "written into a file that every container sees"))
}

/// The file that a command says something into, itself or through `tee`, unless it is one of the
/// build's own or removed again.
fn kept_file(run: &Run<'_>, place: usize) -> Option<String> {
    let ran = &run.commands[place];
    let says = matches!(ran.name(), "echo" | "printf");
    let tee = run.commands.get(place + 1);
    let tee = tee.filter(|next| ran.command.after == Joint::Pipe && next.name() == "tee");
    let teed = tee.and_then(|tee| tee.operands().next()).map(|word| word.text().to_owned());
    let redirected = ran.command.redirects.iter().filter(|(operator, _)| operator.starts_with('>'));
    let redirected = redirected.filter_map(|(_, file)| file.plain()).next().map(str::to_owned);
    let file = redirected.or(teed).filter(|_| says)?;
    let stays =
        file.starts_with(['/', '~']) && !PASSING.iter().any(|folder| file.starts_with(folder));
    let gone =
        |ran: &Ran| ran.name() == "rm" && ran.operands().map(Text::text).any(|word| word == file);
    (stays && !run.commands[place..].iter().any(gone)).then_some(file)
}
