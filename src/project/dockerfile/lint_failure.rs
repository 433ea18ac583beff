//! What becomes of a command's failure: whether the RUN fails with it, or goes on.
//!
//! A failure is followed outwards: from the command to its list of `&&` and `||`, and where it is
//! the last word of brackets, a condition's arm or a loop, to what follows those.

use super::commands::{Ran, Run};
use super::shell_words::Kind;
use super::simple::{Compound, Joint};

/// How a failure is lost: what to say, and what to do.
pub(super) type Loss = (&'static str, &'static str);

const FORGIVEN: Loss =
    ("`||` makes a failure a success", "let the `RUN` fail: remove what follows `||`");

/// What is said where another command follows that runs after a failure too.
const NOT_LAST: Loss = (
    "only the last command's exit code counts",
    "join the commands with `&&`, or start with `set -e`",
);

const LEAVES_BRACKETS: Loss = (
    "`exit` leaves nothing but its brackets, and the `RUN` goes on",
    "use `{ …; exit 1; }`, or start with `set -e`",
);

const NOT_LAST_ROUND: Loss = (
    "only the last round's exit code counts",
    "end the command with `|| exit 1`, or start with `set -e`",
);

const PIPED: Loss = (
    "only the exit code after the `|` counts",
    "use bash with `set -o pipefail`, or write to a file first",
);

const UNWAITED: Loss = ("nothing waits for it", "run it in the foreground");

const WAITED_IN_VAIN: Loss = (
    "a `wait` without a process asks for no exit code",
    "use `wait $!`, or run it in the foreground",
);

/// Where a failure goes from a list of commands.
enum Fate {
    Lost(Loss),
    /// It fails the RUN, or somebody asks for it.
    Told,
    /// It is that of the compound command at this depth.
    Of(usize),
}

/// A command or a compound command that fails, or a list of them that begins with it.
struct Failed {
    /// How many compound commands it stands in.
    depth: usize,
    /// The first command behind it.
    end: usize,
    after: Joint,
    /// Whether the list is no more than it.
    alone: bool,
}

/// How the failure of the command at `place` is lost, where it is.
pub(super) fn loss(run: &Run<'_>, place: usize) -> Option<Loss> {
    let command = &run.commands[place].command;
    let depth = command.inside.len();
    let mut failed = Failed { depth, end: place + 1, after: command.after, alone: true };
    loop {
        let depth = match fate(run, place, &failed) {
            Fate::Lost(loss) => return Some(loss),
            Fate::Told => return None,
            Fate::Of(depth) => depth,
        };
        let (id, _) = *command.inside.get(depth)?;
        let enclosure = &run.enclosures[id];
        match enclosure.kind {
            Compound::Function => return None,
            Compound::Loop if loses_rounds(run, place, id) => return Some(NOT_LAST_ROUND),
            _ => {}
        }
        failed = Failed { depth, end: end_of(run, place, id), after: enclosure.after, alone: true };
    }
}

fn fate(run: &Run<'_>, place: usize, failed: &Failed) -> Fate {
    let list = list(run, place, failed);
    match list.after {
        Joint::Or => otherwise(run, place, &list),
        Joint::Pipe if list.alone && !switch(run, place, '\0', "pipefail") => Fate::Lost(PIPED),
        Joint::Background if list.alone => background(run, list.end),
        Joint::Then | Joint::Compound | Joint::Edge => {
            let rest = &run.commands[failed.end..list.end];
            match behind(run, place, list.depth, list.end, NOT_LAST) {
                Fate::Lost(_) if !list.alone => Fate::Told,
                Fate::Of(_) if rest.iter().any(is_answer) => Fate::Told,
                fate => fate,
            }
        }
        _ => Fate::Told,
    }
}

/// Whether a command takes note that those before it succeeded.
fn is_answer(ran: &Ran) -> bool {
    ran.words.is_empty() || matches!(ran.name(), "exit" | "return" | "continue")
}

/// The `&&` list that begins with `failed`: where one fails, the rest is left out.
fn list(run: &Run<'_>, place: usize, failed: &Failed) -> Failed {
    let Failed { depth, mut end, mut after, mut alone } = *failed;
    while after == Joint::And
        && let Some(next) = next(run, place, depth, end)
    {
        let command = &run.commands[next].command;
        (end, after) = match command.inside.get(depth) {
            Some((id, _)) => (end_of(run, next, *id), run.enclosures[*id].after),
            None => (next + 1, command.after),
        };
        alone = false;
    }
    Failed { depth, end, after, alone }
}

/// The first command from `from` on that stands in the same list as the one at `place`, seen from
/// `depth`. What a compound command's redirects are read as is none.
fn next(run: &Run<'_>, place: usize, depth: usize, from: usize) -> Option<usize> {
    let real = |ran: &Ran| !ran.words.is_empty() || !ran.command.assignments.is_empty();
    let next = from + run.commands.get(from..)?.iter().position(real)?;
    let around = &run.commands[place].command.inside[..depth];
    run.commands[next].command.inside.starts_with(around).then_some(next)
}

/// The first command behind the compound command `id` that the one at `place` stands in.
fn end_of(run: &Run<'_>, place: usize, id: usize) -> usize {
    let within = |ran: &&Ran| ran.command.inside.iter().any(|(own, _)| *own == id);
    place + run.commands[place..].iter().take_while(within).count()
}

/// What becomes of a failure that the commands from `from` on come behind.
fn behind(run: &Run<'_>, place: usize, depth: usize, from: usize, loss: Loss) -> Fate {
    match next(run, place, depth, from).map(|next| &run.commands[next]) {
        None => depth.checked_sub(1).map_or(Fate::Told, Fate::Of),
        Some(next)
            if next.command.before == Joint::Then
                && !asks_status(next)
                && !switch(run, place, 'e', "errexit") =>
        {
            Fate::Lost(loss)
        }
        Some(_) => Fate::Told,
    }
}

/// What becomes of a failure that `||` follows.
fn otherwise(run: &Run<'_>, place: usize, list: &Failed) -> Fate {
    let around = &run.commands[place].command.inside[..list.depth];
    let instead = run.commands[list.end..].iter().take_while(|ran| {
        ran.command.doubt == Some("after `||`") && ran.command.inside.starts_with(around)
    });
    let instead = &run.commands[list.end..][..instead.count()];
    let end = list.end + instead.len();
    if let Some(exit) = instead.iter().find(|ran| matches!(ran.name(), "exit" | "return")) {
        return match last_subshell(run, exit) {
            None => Fate::Told,
            Some(depth) if depth < list.depth => Fate::Of(depth),
            Some(_) => behind(run, place, list.depth, end, LEAVES_BRACKETS),
        };
    }
    if instead.iter().any(|ran| ran.name() == "false") {
        return behind(run, place, list.depth, end, NOT_LAST);
    }
    let forgives = |ran: &Ran| matches!(ran.name(), "true" | ":" | "echo" | "printf");
    if instead.first().is_some_and(forgives) { Fate::Lost(FORGIVEN) } else { Fate::Told }
}

/// How deep the innermost `( … )` around a command is.
fn last_subshell(run: &Run<'_>, ran: &Ran) -> Option<usize> {
    ran.command.inside.iter().rposition(|(id, _)| run.enclosures[*id].kind == Compound::Subshell)
}

/// What becomes of the failure of a command in the background.
fn background(run: &Run<'_>, from: usize) -> Fate {
    let mut waits = run.commands[from..].iter().filter(|ran| ran.name() == "wait").peekable();
    match (waits.peek().is_some(), waits.any(|wait| wait.words.len() > 1)) {
        (_, true) => Fate::Told,
        (true, false) => Fate::Lost(WAITED_IN_VAIN),
        (false, false) => Fate::Lost(UNWAITED),
    }
}

/// Whether a loop goes on after a round that failed in the command at `place`, and forgets it. One
/// that may try the same several times does not.
fn loses_rounds(run: &Run<'_>, place: usize, id: usize) -> bool {
    let own = || run.commands.iter().filter(|ran| ran.command.inside.iter().any(|one| one.0 == id));
    let several = match &run.enclosures[id].rounds {
        Some((_, values)) => values.len() > 1 || values.iter().any(|value| may_be_several(value)),
        None => own().any(|ran| ran.command.asked && ran.name() == "read"),
    };
    several && !own().any(|ran| ran.name() == "break") && !switch(run, place, 'e', "errexit")
}

fn may_be_several(value: &str) -> bool {
    value.contains(['*', '?', '$', '`', '{', '['])
        && (!value.starts_with(['"', '\'']) || value.contains('@'))
}

/// Whether a command looks at `$?`.
fn asks_status(ran: &Ran) -> bool {
    let assigned = ran.command.assignments.iter().map(|(_, word)| word);
    let mut words = ran.command.words.iter().chain(assigned);
    words.any(|word| word.parts.iter().any(|part| part.kind == Kind::Variable("$?".to_owned())))
}

/// Whether an option is on at `place`: the shell's own words say so, and each `set` before it in the
/// same shell.
fn switch(run: &Run<'_>, place: usize, letter: char, name: &str) -> bool {
    let around = &run.commands[place].command.inside;
    let is_around = |(id, _): &(usize, usize)| {
        run.enclosures[*id].kind != Compound::Subshell || around.iter().any(|own| own.0 == *id)
    };
    let set = run.commands[..place].iter().filter(|ran| ran.name() == "set");
    let set = set.filter(|ran| ran.command.inside.iter().all(is_around));
    let by_set = set.flat_map(|ran| ran.words.iter().skip(1)).map(super::evaluate::Text::text);
    let by_shell = run.scope.shell.iter().skip(1).map(String::as_str);
    let (mut is_on, mut sign) = (false, true);
    for word in by_shell.chain(by_set) {
        let letters = word.strip_prefix(['-', '+']).filter(|rest| !rest.starts_with('-'));
        if letters.is_some() {
            sign = word.starts_with('-');
        }
        if word == name || letters.is_some_and(|letters| letters.contains(letter)) {
            is_on = sign;
        }
    }
    is_on
}
