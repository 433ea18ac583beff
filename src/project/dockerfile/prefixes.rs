//! What stands before a command and runs it: `sudo`, `env A=B`, `exec`, `timeout 5` and the like.

use super::Logical;
use super::evaluate::{Text, UNKNOWN};
use super::script::basename;
use super::shell_names::is_name;

/// The options of `xargs` with a value.
const XARGS: [&str; 13] = [
    "-E",
    "-I",
    "-L",
    "-P",
    "-a",
    "-d",
    "-n",
    "-s",
    "--arg-file",
    "--delimiter",
    "--max-args",
    "--max-chars",
    "--max-procs",
];

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
            "xargs" => (&XARGS, 0),
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
        length += 1 + usize::from(value_follows(word.text(), valued));
    }
    length.min(words.len())
}

/// Whether the value of an option is the word behind it: `-u root` and `-Eu root`, not `-uroot`.
fn value_follows(option: &str, valued: &[&str]) -> bool {
    let letters = option.strip_prefix('-').filter(|letters| !letters.starts_with('-'));
    let Some(letters) = letters else { return valued.contains(&option) };
    let is_valued = |letter: char| valued.iter().any(|one| one[1..].starts_with(letter));
    letters.find(is_valued).is_some_and(|place| place + 1 == letters.len())
}

/// The text in whose place an `xargs` before the command puts what it reads: `{}` in `xargs -I {}`.
pub(super) fn mark_of_xargs(words: &[Text]) -> Option<&str> {
    let before = &words[..words.len() - without_prefixes(words).len()];
    let place = before.iter().position(|word| basename(word.text()) == "xargs")?;
    let options = &before[place + 1..];
    let options = &options[..options_length(options, &XARGS)];
    let mut marks = options.iter().enumerate().filter_map(|(place, option)| {
        let next = options.get(place + 1).map(Text::text);
        mark(option.text(), next)
    });
    marks.next_back().filter(|mark| !mark.is_empty())
}

/// The mark that an option of `xargs` names: `-I X`, `-IX`, `-i`, `-iX`, `--replace`, `--replace=X`.
fn mark<'a>(option: &'a str, next: Option<&'a str>) -> Option<&'a str> {
    if let Some(long) = option.strip_prefix("--replace") {
        return Some(long.strip_prefix('=').unwrap_or("{}"));
    }
    let letters = option.strip_prefix('-').filter(|letters| !letters.starts_with('-'))?;
    let place = letters.find(['I', 'i', 'E', 'L', 'P', 'a', 'd', 'e', 'l', 'n', 's'])?;
    let (letter, value) = letters[place..].split_at(1);
    let value = Some(value).filter(|value| !value.is_empty());
    match letter {
        "I" => value.or(next),
        "i" => value.or(Some("{}")),
        _ => None,
    }
}

/// The text with each `mark` in it unknown, as `xargs` puts something else in its place; `None`
/// where it has none.
pub(super) fn filled(text: &Text, mark: &str) -> Option<Text> {
    let mut logical = Logical::default();
    let mut done = 0;
    for (start, _) in text.text().match_indices(mark) {
        logical.append(&text.logical.slice(done..start));
        let source = text.logical.source_span(start..start).start;
        logical.push(UNKNOWN.encode_utf8(&mut [0; 4]), source);
        done = start + mark.len();
    }
    logical.append(&text.logical.slice(done..text.text().len()));
    let reason = format!("`{mark}` is what `xargs` reads, known when the shell runs");
    let unknown = text.unknown.clone().or(Some(reason));
    (done > 0).then_some(Text { logical, unknown, literal: false, span: text.span.clone() })
}

/// A number or a time: `3`, `1.5h`; what only the run knows may be one.
fn is_number(word: &Text) -> bool {
    word.text().starts_with(|c: char| c.is_ascii_digit() || c == UNKNOWN)
}

fn is_option_or_assignment(text: &str) -> bool {
    text.starts_with('-')
        || text.split_once('=').is_some_and(|(name, _)| !name.contains(['/', ':']))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the words behind all prefixes are, `?` for what only the run knows.
    fn check(command: &str, expected: &str) {
        let words: Vec<Text> = command.split(' ').map(|word| Text::literal(word, 0)).collect();
        let mark = mark_of_xargs(&words);
        let told = without_prefixes(&words).iter().map(|word| {
            let word = mark.and_then(|mark| filled(word, mark)).unwrap_or_else(|| word.clone());
            assert_eq!(word.text().contains(UNKNOWN), word.unknown.is_some());
            word.text().replace(UNKNOWN, "?")
        });
        assert_eq!(told.collect::<Vec<_>>().join(" "), expected, "{command}");
    }

    #[test]
    fn what_xargs_fills_in_is_unknown() {
        for xargs in
            ["-I {}", "-I{}", "-i", "-i{}", "--replace", "--replace={}", "-0rI {}", "-tI{}"]
        {
            check(&format!("xargs -n 1 {xargs} wget u/{{}}_8.run"), "wget u/?_8.run");
        }
        check("sudo xargs -P4 -I@ wget u/@/@.run v", "wget u/?/?.run v");
        check("xargs -I % sudo -Eu root sh -c wget%", "sh -c wget?");
        check("xargs --max-procs 4 -I X timeout 5 wget X", "wget ?");
    }

    #[test]
    fn without_a_mark_everything_is_as_it_stands() {
        check("xargs -n1 wget u/{}", "wget u/{}");
        check("wget -i {} u/{}", "wget -i {} u/{}");
        check("env A=B nice -n5 wget u", "wget u");
        check("sudo -uroot wget u", "wget u");
    }
}
