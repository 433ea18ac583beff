//! What stands before a command and runs it: `sudo`, `env A=B`, `exec`, `timeout 5` and the like.

use super::evaluate::{Text, UNKNOWN};
use super::script::basename;
use super::shell_names::is_name;

/// The assignments of `env A=B …` before a command.
pub(super) fn given_by_env(words: &[Text]) -> Vec<(String, Text)> {
    let before = words.len() - without_prefixes(words).len();
    let given = words[..before].iter().filter_map(|word| {
        let (name, value) = word.text().split_once('=').filter(|(name, _)| is_name(name))?;
        let end = word.text().len();
        Some((name.to_owned(), word.part(end - value.len(), end)))
    });
    given.collect()
}

/// The words after `sudo`, `env A=B`, `exec`, `nohup`, `timeout 5` and the like.
pub(super) fn without_prefixes(mut words: &[Text]) -> &[Text] {
    while let Some((first, rest)) = words.split_first() {
        // What follows the options before the command: a time, a number of tries.
        let (valued, operands): (&[&str], usize) = match basename(first.text()) {
            "exec" | "nohup" | "command" | "busybox" | "setsid" | "time" => (&["-a"], 0),
            "sudo" => (&["-u", "-g", "-h", "-p", "-C", "-D", "-r", "-t", "-U"], 0),
            "env" => (&["-u", "-C", "-S", "--unset", "--chdir"], 0),
            "nice" => (&["-n"], 0),
            "ionice" => (&["-c", "-n"], 0),
            "stdbuf" => (&["-i", "-o", "-e"], 0),
            "xargs" => (&["-n", "-P", "-I", "-L", "-d", "-a", "-s"], 0),
            "timeout" => (&["-k", "-s", "--kill-after", "--signal"], 1),
            "retry" => (&["-t", "-d", "-n", "-s"], 1),
            _ => return words,
        };
        let skipped = options_length(rest, valued);
        let operands = rest[skipped..].iter().take(operands).take_while(|one| is_number(one));
        words = &rest[skipped + operands.count()..];
    }
    words
}

/// How many words the options and assignments before a command are, the values of `valued`
/// options included.
fn options_length(words: &[Text], valued: &[&str]) -> usize {
    let mut length = 0;
    while let Some(word) = words.get(length).filter(|word| is_option_or_assignment(word.text())) {
        length += 1 + usize::from(valued.contains(&word.text()));
    }
    length.min(words.len())
}

/// A number or a time: `3`, `1.5h`; what only the run knows may be one.
fn is_number(word: &Text) -> bool {
    word.text().starts_with(|c: char| c.is_ascii_digit() || c == UNKNOWN)
}

fn is_option_or_assignment(text: &str) -> bool {
    text.starts_with('-')
        || text.split_once('=').is_some_and(|(name, _)| !name.contains(['/', ':']))
}
