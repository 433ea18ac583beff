//! A fetch as a file that a RUN takes from `$PACKAGES`, or why it cannot be.

use super::super::commands::{Ran, Run};
use super::super::downloads::{Output, output};
use super::super::evaluate::Text;
use super::super::fetches::{Fetch, FetchPath};
use super::super::lint::Judged;
use super::super::lint_layers::left;
use super::super::options::Options;
use super::super::plain_options::odd_option;
use super::super::simple::Joint;
use super::line::Line;

/// A file that a command fetches.
pub(super) struct Taken {
    /// Its name.
    pub(super) file: String,
    /// Its path below the server's root.
    pub(super) path: String,
    /// The command's place among those of the RUN.
    pub(super) command: usize,
    pub(super) output: Output,
    /// The path of `output`, as the user wrote it.
    pub(super) written: String,
    /// Whether the RUN may leave it in its layer.
    pub(super) left: bool,
}

/// What `fetch`, one of `fetches`, takes.
///
/// # Errors
/// Why the text does not tell what it does.
pub(super) fn taken_by(
    run: &Run<'_>,
    line: &Line<'_>,
    fetch: &Fetch<'_>,
    fetches: &[&Fetch<'_>],
    judged: &Judged<'_, '_>,
) -> Result<Taken, String> {
    let file = file_of(fetch)?;
    let holds =
        |ran: &Ran| ran.span.start <= fetch.url_span.start && fetch.url_span.end <= ran.span.end;
    let command = run.commands.iter().position(holds).ok_or("the text hides the command")?;
    let ran = &run.commands[command];
    if !ran.command.loops.is_empty() {
        return Err("it stands inside a loop".to_owned());
    }
    let output = output(ran).ok_or_else(|| why_not(ran))?;
    let written = written(ran, line, &output)?;
    stands_alone(ran, &output)?;
    gives_its_name(ran, line, fetch, &output)?;
    if !takes_all(ran, line, fetches) {
        return Err(format!("`{}` fetches other files too", ran.title()));
    }
    let left = left(judged, fetch, &file);
    let path = fetch.path.file().unwrap_or_else(|| file.clone());
    Ok(Taken { file, path, command, output, written, left })
}

/// Why it is not told where `ran` writes which file.
fn why_not(ran: &Ran) -> String {
    let options = Options::read(ran.name(), ran.words.iter().skip(1).map(Text::text));
    match odd_option(ran.name(), &options).filter(|_| matches!(ran.name(), "wget" | "curl")) {
        Some(option) => format!("what `{option}` of `{}` changes is not known", ran.name()),
        None => format!("`{}` writes to a place not known", ran.title()),
    }
}

/// The path that a command writes to, in the user's words: a variable in it may be given another
/// value.
fn written(ran: &Ran, line: &Line<'_>, output: &Output) -> Result<String, String> {
    let (Output::Path { path, .. } | Output::Folder { path, .. }) = output else {
        return Ok(String::new());
    };
    let options = Options::read(ran.name(), ran.words.iter().skip(1).map(Text::text));
    let words = ran.words.iter().skip(1).filter(|word| !options.operands.contains(&word.text()));
    let words: Vec<&Text> = words.collect();
    let naming: Vec<_> = words.iter().filter(|word| word.text().ends_with(path.as_str())).collect();
    match naming.as_slice() {
        all if all.iter().all(|word| word.literal)
            && (!all.is_empty() || words.iter().all(|word| word.literal)) =>
        {
            Ok(path.clone())
        }
        [word] => in_own_words(ran, line, word, path)
            .ok_or_else(|| format!("`{}` writes to a place not known", ran.title())),
        _ => Err(format!("`{}` writes to a place not known", ran.title())),
    }
}

/// The end of a word that is `path` when it is expanded; `None` where it is not one plain word.
fn in_own_words(ran: &Ran, line: &Line<'_>, word: &Text, path: &str) -> Option<String> {
    let option = word.text().strip_suffix(path)?;
    let written = line.text.text.get(word.span.clone())?.strip_prefix(option)?;
    let split = ran.words.iter().filter(|other| other.span == word.span).count() > 1;
    let quoted = written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    (!split && is_plain(quoted.unwrap_or(written))).then(|| written.to_owned())
}

/// Whether a text is nothing but letters and `$NAME`s.
fn is_plain(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-+,@%=:/".contains(c);
    let is_name = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let mut pieces = text.split('$');
    let first = pieces.next().unwrap_or_default();
    first.chars().all(plain)
        && pieces.all(|piece| match piece.strip_prefix('{') {
            Some(braced) => braced
                .split_once('}')
                .is_some_and(|(name, rest)| is_name(name) && rest.chars().all(plain)),
            None => piece.chars().all(plain),
        })
}

fn file_of(fetch: &Fetch<'_>) -> Result<String, String> {
    if let FetchPath::Unknown { reason } = &fetch.path {
        return Err(reason.clone());
    }
    let file = fetch.path.file_name().filter(|file| !file.is_empty());
    let file =
        file.ok_or_else(|| format!("`{}` chooses among the files that it finds", fetch.tool))?;
    match fetch.doubt {
        Some(doubt) => Err(format!("it stands {doubt}")),
        None => Ok(file),
    }
}

/// Whether the file that the command writes is called as its package is.
fn gives_its_name(
    ran: &Ran,
    line: &Line<'_>,
    fetch: &Fetch<'_>,
    output: &Output,
) -> Result<(), String> {
    if !matches!(output, Output::Here | Output::Folder { .. }) {
        return Ok(());
    }
    let last = fetch.full_path.rsplit('/').next().unwrap_or_default();
    let asks = |word: &&Text| {
        let span = line.text.source_span(word.span.clone());
        span.start <= fetch.url_span.start && fetch.url_span.end <= span.end
    };
    let query = ran.words.iter().filter(asks).any(|word| word.text().contains('?'));
    match ran.name() {
        "curl" if last.contains('%') => Err("`curl` keeps the `%` in the file's name".to_owned()),
        "wget" if query => Err("`wget` keeps the `?` in the file's name".to_owned()),
        _ => Ok(()),
    }
}

/// Whether another command can stand in the place of `ran` alone.
fn stands_alone(ran: &Ran, output: &Output) -> Result<(), String> {
    let command = &ran.command;
    let joined = |joint: &Joint| matches!(joint, Joint::And | Joint::Then | Joint::Edge);
    let piped = command.after == Joint::Pipe && *output == Output::Stdout;
    if !joined(&command.before) || !(joined(&command.after) || piped) || command.negated {
        return Err("it is part of a larger command".to_owned());
    }
    let mut redirects = command.redirects.iter();
    let between = redirects.any(|(_, file)| {
        command.span.start < file.span.start && file.span.start < command.span.end
    });
    if between || !command.bodies.is_empty() || !command.substitutions().is_empty() {
        return Err("its command holds more than words".to_owned());
    }
    Ok(())
}

/// Whether everything that `ran` fetches is among `fetches`.
fn takes_all(ran: &Ran, line: &Line<'_>, fetches: &[&Fetch<'_>]) -> bool {
    let options = Options::read(ran.name(), ran.words.iter().skip(1).map(Text::text));
    let addresses = ran.words.iter().skip(1).filter(|word| options.operands.contains(&word.text()));
    let is_fetched = |word: &Text| {
        let span = line.text.source_span(word.span.clone());
        let overlaps =
            |fetch: &&Fetch<'_>| fetch.url_span.start < span.end && span.start < fetch.url_span.end;
        fetches.iter().any(overlaps)
    };
    addresses.into_iter().all(is_fetched)
}

/// The command that puts files of one command where it did, all with one `output`.
pub(super) fn put_command(taken: &[&Taken], put: &str) -> String {
    let files: Vec<String> =
        taken.iter().map(|one| format!("\"$PACKAGES\"/{}", quoted(&one.file))).collect();
    let files = files.join(" ");
    let Some(first) = taken.first() else { return String::new() };
    let path = &first.written;
    match first.output {
        Output::Here => format!("{put} {files} ."),
        Output::Path { makes_folder, .. } => {
            made(&around(path), makes_folder, format!("{put} {files} {path}"))
        }
        Output::Folder { makes_folder, .. } => {
            let folder = path.trim_end_matches('/');
            made(folder, makes_folder, format!("{put} {files} {folder}/"))
        }
        Output::Stdout => format!("cat {files}"),
    }
}

/// The folder of a path, in the path's quotes; empty where it names none.
fn around(path: &str) -> String {
    let quote = if path.starts_with('"') { "\"" } else { "" };
    let folder = path.trim_matches('"').rsplit_once('/').map_or("", |(folder, _)| folder);
    if folder.is_empty() { String::new() } else { format!("{quote}{folder}{quote}") }
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
