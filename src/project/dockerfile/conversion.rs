//! A RUN that fetches packages by address, as one that names them with `--package`.
//!
//! 1. Every fetch of the instruction must be one whose file and target the text tells.
//! 2. Where the commands after the fetches name the files themselves, they get
//!    them from `$PACKAGES`, and fetches and removals go away.
//! 3. Else the files are put where the fetches would have put them: as links where the same RUN
//!    removes them and only reads them until then, as copies where it may do anything else.

use std::ops::Range;

use super::commands::{Ran, Run};
use super::downloads::{Output, output};
use super::evaluate::{Text, UNKNOWN};
use super::fetches::{Fetch, FetchPath};
use super::inputs::Inputs;
use super::lint::Judged;
use super::lint_layers::left;
use super::reading::{is_harmless, only_reads};
use super::script::{Program, program};
use super::simple::Joint;
use super::stages::{Stages, Step};
use super::{Instruction, Logical, pattern};

/// What changes in an instruction: bytes of the source, and what stands there instead.
pub type Edits = Vec<(Range<usize>, String)>;

/// The edits that make `instruction`, a RUN of `stage`, take the files of `fetches` by their
/// packages' names; `name` gives the name of a file's package.
///
/// # Errors
/// Why that cannot be done safely, as a lowercase fragment.
pub fn run_with_packages(
    stages: &Stages<'_>,
    stage: usize,
    inputs: &Inputs,
    fetches: &[&Fetch<'_>],
    name: &dyn Fn(&str) -> Option<String>,
) -> Result<Edits, String> {
    let instruction = fetches.first().ok_or("nothing is fetched")?.instruction;
    let steps = stages.steps(stage);
    let own = steps.iter().find(|step| std::ptr::eq(step.instruction, instruction));
    let step = own.filter(|step| step.trigger_of.is_none()).ok_or("a trigger fetches it")?;
    let text = shell_text(step)?;
    let runs: Vec<Run> = steps.iter().filter_map(|step| Run::read(step, inputs)).collect();
    let run = runs.iter().find(|run| std::ptr::eq(run.instruction, instruction));
    let run = run.ok_or("no shell runs it")?;
    let judged =
        Judged { file: stages.file(), inputs, steps: &steps, runs: &runs, size: &|_| None };
    let mut taken = Vec::new();
    for fetch in fetches {
        taken.push(taken_by(run, fetch, &judged)?);
    }
    let mut names: Vec<String> = Vec::new();
    for one in &taken {
        let package = name(&one.path).ok_or_else(|| format!("`{}` has no name", one.path))?;
        let other = |other: &&Taken| other.file == one.file && other.path != one.path;
        if let Some(other) = taken.iter().find(other) {
            return Err(format!("`{}` and `{}` have one name", other.path, one.path));
        }
        if !names.contains(&package) {
            names.push(package);
        }
    }
    let converted = Converted { run, text: &text, taken: &taken };
    let mut edits = converted.direct().unwrap_or_else(|| converted.placed());
    let flag = instruction.keyword_span.end;
    edits.push((flag..flag, format!(" --package={}", names.join(","))));
    edits.sort_by_key(|(span, _)| (span.start, span.end));
    Ok(edits)
}

fn shell_text(step: &Step<'_>) -> Result<Logical, String> {
    if step.instruction.keyword != "RUN" {
        return Err(format!("`{}` fetches it", step.instruction.keyword));
    }
    if !step.instruction.heredocs.is_empty() {
        return Err("a heredoc fetches it".to_owned());
    }
    match program(step.instruction, &step.scope) {
        Program::Shell(text) => Ok(text),
        _ => Err("no shell text fetches it".to_owned()),
    }
}

/// A file that a command fetches.
struct Taken {
    /// Its name.
    file: String,
    /// Its path below the server's root.
    path: String,
    /// The command's place among those of the RUN.
    command: usize,
    output: Output,
    /// Whether the RUN may leave it in its layer.
    left: bool,
}

fn taken_by(run: &Run<'_>, fetch: &Fetch<'_>, judged: &Judged<'_, '_>) -> Result<Taken, String> {
    if let FetchPath::Unknown { reason } = &fetch.path {
        return Err(reason.clone());
    }
    let file = fetch.path.file_name().filter(|file| !file.is_empty());
    let file =
        file.ok_or_else(|| format!("`{}` chooses among the files that it finds", fetch.tool))?;
    if let Some(doubt) = fetch.doubt {
        return Err(format!("it stands {doubt}"));
    }
    let holds =
        |ran: &Ran| ran.span.start <= fetch.url_span.start && fetch.url_span.end <= ran.span.end;
    let command = run.commands.iter().position(holds).ok_or("the text hides the command")?;
    let ran = &run.commands[command];
    if !ran.command.loops.is_empty() {
        return Err("it stands inside a loop".to_owned());
    }
    let output =
        output(ran).ok_or_else(|| format!("`{}` writes to a place not known", ran.title()))?;
    let joined = |joint: &Joint| matches!(joint, Joint::And | Joint::Then | Joint::Edge);
    let piped = ran.command.after == Joint::Pipe && output == Output::Stdout;
    if !joined(&ran.command.before) || !(joined(&ran.command.after) || piped) {
        return Err("it is part of a larger command".to_owned());
    }
    let left = left(judged, fetch, &file);
    let path = fetch.path.file().unwrap_or_else(|| file.clone());
    Ok(Taken { file, path, command, output, left })
}

struct Converted<'a, 'f> {
    run: &'a Run<'f>,
    text: &'a Logical,
    taken: &'a [Taken],
}

impl Converted<'_, '_> {
    fn fetches(&self, command: usize) -> bool {
        self.taken.iter().any(|one| one.command == command)
    }

    /// The files read straight from `$PACKAGES`; `None` where another command may look for them.
    fn direct(&self) -> Option<Edits> {
        if self.taken.iter().any(|one| one.left || one.output != Output::Here) {
            return None;
        }
        let first = self.taken.iter().map(|one| one.command).min()?;
        let mut edits = Edits::new();
        let mut gone: Vec<bool> = Vec::new();
        for (place, ran) in self.run.commands.iter().enumerate() {
            let goes = self.fetches(place) || place > first && self.removes_these(ran);
            if !goes && place > first {
                edits.extend(self.reads(ran)?);
            }
            gone.push(goes);
        }
        if gone.iter().all(|goes| *goes) {
            return None;
        }
        edits.extend(self.removals(&gone)?);
        Some(edits)
    }

    /// Whether `ran` does nothing but remove files that were fetched.
    fn removes_these(&self, ran: &Ran) -> bool {
        let fetched = |word: &str| {
            let name = word.strip_prefix("./").unwrap_or(word);
            !name.contains('/') && self.taken.iter().any(|one| pattern::matches(&one.file, name))
        };
        ran.name() == "rm"
            && matches!(ran.command.before, Joint::And | Joint::Then)
            && matches!(ran.command.after, Joint::And | Joint::Then | Joint::Edge)
            && ran.operands().all(|word| fetched(word.text()))
    }

    /// Where a command names the files; `None` where it may read them in another way.
    fn reads(&self, ran: &Ran) -> Option<Edits> {
        let mut edits = Edits::new();
        for (place, word) in ran.words.iter().enumerate() {
            let text = word.text();
            let name = text.strip_prefix("./").unwrap_or(text);
            let is_file = |one: &Taken| {
                (place != 0 || text.starts_with("./")) && pattern::matches(&one.file, name)
            };
            if !name.starts_with('*') && self.taken.iter().any(is_file) {
                let written = &self.text.text[word.span.clone()];
                let end = word.span.start + if written.starts_with("./") { 2 } else { 0 };
                let span = self.text.source_span(word.span.start..end);
                edits.push((span, "\"$PACKAGES\"/".to_owned()));
            } else if self.taken.iter().any(|one| text.contains(&one.file))
                || text == "."
                || text.contains(['*', '?', UNKNOWN])
            {
                return None;
            }
        }
        let named = !edits.is_empty();
        let first = ran.words.first().map_or("", Text::text);
        let runs_a_file = named && first.starts_with("./") && self.minds_itself(first);
        let knows = is_harmless(ran) || named && only_reads(ran, &|word| self.minds_itself(word));
        (knows || runs_a_file).then_some(edits)
    }

    /// Takes commands out, each with what joins it to a command that stays.
    fn removals(&self, gone: &[bool]) -> Option<Edits> {
        let commands = &self.run.commands;
        let mut edits = Edits::new();
        let mut place = 0;
        while place < commands.len() {
            if !gone[place] {
                place += 1;
                continue;
            }
            let end = (place..commands.len()).find(|next| !gone[*next]);
            let span = match end {
                Some(next) => commands[place].span.start..commands[next].span.start,
                None => commands[place.checked_sub(1)?].span.end..self.run.instruction.span.end,
            };
            edits.push((span, String::new()));
            place = end.unwrap_or(commands.len());
        }
        Some(edits)
    }

    /// Each fetch as a command that puts the file where the fetch did.
    fn placed(&self) -> Edits {
        let put = if self.bears_links() { "ln -s" } else { "cp" };
        let same_folder = !self.run.commands.iter().any(|ran| ran.name() == "cd");
        let all_here = same_folder && self.taken.iter().all(|one| one.output == Output::Here);
        let at_once = all_here && self.nothing_between();
        if let Some(edits) = at_once.then(|| self.all_at_once(put)).flatten() {
            return edits;
        }
        let mut edits = Edits::new();
        for (place, ran) in self.run.commands.iter().enumerate() {
            let of_this = self.taken.iter().filter(|one| one.command == place);
            let commands: Vec<String> = of_this.map(|one| one.as_command(put)).collect();
            if !commands.is_empty() {
                edits.push((ran.span.clone(), commands.join(" && ")));
            }
        }
        edits
    }

    /// Whether the RUN removes every file, and only reads them until then: what is moved, copied
    /// as it is or packed would be the link, which leads to nothing in the image.
    fn bears_links(&self) -> bool {
        let first = self.taken.iter().map(|one| one.command).min().unwrap_or_default();
        let later = self.run.commands.iter().enumerate().skip(first);
        let mut later = later.filter(|(place, _)| !self.fetches(*place)).map(|(_, ran)| ran);
        !self.taken.iter().any(|one| one.left) && later.all(|ran| self.leaves_links(ran))
    }

    fn leaves_links(&self, ran: &Ran) -> bool {
        let runs = |word: &str| self.minds_itself(word);
        let itself = ran.words.first().is_some_and(|word| word.text().contains('/'));
        is_harmless(ran)
            || matches!(ran.name(), "cd" | "rm")
            || only_reads(ran, &runs)
            || itself && runs(ran.words.first().map_or("", Text::text))
    }

    /// Whether a word names a fetched file that, where it is run, needs no other: an installer brings
    /// what it needs, another script may do anything with what is beside it.
    fn minds_itself(&self, word: &str) -> bool {
        let alone = self.taken.iter().filter(|one| one.output != Output::Stdout).count() == 1;
        self.is_taken(word) && (alone || word.ends_with(".run"))
    }

    /// Whether a word names a file that was fetched, wherever it was put.
    fn is_taken(&self, word: &str) -> bool {
        let name = word.rsplit('/').next().unwrap_or(word);
        self.taken.iter().any(|one| {
            let written = match &one.output {
                Output::Path { path, .. } => path,
                _ => &one.file,
            };
            pattern::matches(written.rsplit('/').next().unwrap_or(written), name)
        })
    }

    /// Whether nothing that may touch the files stands between the fetches: it would find those
    /// of later ones.
    fn nothing_between(&self) -> bool {
        let places = || self.taken.iter().map(|one| one.command);
        let (first, last) = (places().min().unwrap_or(0), places().max().unwrap_or(0));
        (first..last).all(|place| self.fetches(place) || is_harmless(&self.run.commands[place]))
    }

    /// One command in the place of the first fetch, where all are put into the same folder.
    fn all_at_once(&self, put: &str) -> Option<Edits> {
        let gone: Vec<bool> =
            (0..self.run.commands.len()).map(|place| self.fetches(place)).collect();
        let first = gone.iter().position(|goes| *goes)?;
        let mut rest = gone;
        rest[first] = false;
        let mut edits = self.removals(&rest)?;
        edits.push((self.run.commands[first].span.clone(), format!("{put} \"$PACKAGES\"/* .")));
        Some(edits)
    }
}

impl Taken {
    fn as_command(&self, put: &str) -> String {
        let file = format!("\"$PACKAGES\"/{}", quoted(&self.file));
        match &self.output {
            Output::Here => format!("{put} {file} ."),
            Output::Path { path, makes_folder } => {
                let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                made(folder, *makes_folder, format!("{put} {file} {path}"))
            }
            Output::Folder { path, makes_folder } => {
                let folder = path.trim_end_matches('/');
                made(folder, *makes_folder, format!("{put} {file} {folder}/"))
            }
            Output::Stdout => format!("cat {file}"),
        }
    }
}

/// A command after its folder is made, where the downloader makes it too.
fn made(folder: &str, makes_folder: bool, command: String) -> String {
    match folder {
        "" | "." | "/tmp" => command,
        _ if makes_folder => format!("mkdir -p {folder} && {command}"),
        _ => command,
    }
}

/// A file's name as one word of a shell.
fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-+,@%=:".contains(c);
    if name.chars().all(plain) {
        name.to_owned()
    } else {
        format!("'{}'", name.replace('\'', "'\\''"))
    }
}

/// An instruction with edits of its bytes made; `edits` in order, none within another.
pub fn edited(source: &str, instruction: &Instruction, edits: &Edits) -> String {
    let mut out = String::new();
    let mut position = instruction.span.start;
    for (span, text) in edits {
        if span.start < position {
            continue;
        }
        out.push_str(&source[position..span.start]);
        out.push_str(text);
        position = span.end;
    }
    out.push_str(&source[position..instruction.span.end]);
    out
}
