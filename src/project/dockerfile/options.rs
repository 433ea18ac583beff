//! Options of downloaders and pip: which take a value, and which values are addresses.

use super::requests::RequestKind;

/// What a word of a downloader, or the value of an option, is to who asks what is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// An address.
    Address,
    /// A file of addresses, or the address of one.
    List,
    /// What the addresses of such a file are relative to.
    Base,
    /// Nothing of it.
    Other,
}

/// An option of a downloader with a value: what that is, and where it starts where it stands in
/// the same word.
pub(super) fn valued_option(tool: &str, text: &str) -> Option<(Meaning, Option<usize>)> {
    if text.starts_with("--") {
        let name = text.split('=').next().unwrap_or_default();
        let start = (name.len() < text.len()).then_some(name.len() + 1);
        let valued = start.is_some() || LONG_WITH_VALUE.contains(&name);
        return valued.then(|| (meaning(tool, name), start));
    }
    let (letter, value) = short_with_value(tool, text)?;
    let start = (!value.is_empty()).then_some(text.len() - value.len());
    Some((meaning(tool, &format!("-{letter}")), start))
}

fn meaning(tool: &str, option: &str) -> Meaning {
    match (tool, option) {
        (_, "--url") => Meaning::Address,
        ("wget" | "aria2c", "-i" | "--input-file") => Meaning::List,
        ("wget", "-B" | "--base") => Meaning::Base,
        _ => Meaning::Other,
    }
}

/// The letter of `option` (`-qP`, `-fsSLo`, `-qO-`) that takes a value, and the value as far as it
/// stands in the same word: the first such letter ends the others.
fn short_with_value<'a>(tool: &str, option: &'a str) -> Option<(char, &'a str)> {
    let with_value = match tool {
        // `-nv`, `-nc` and their kin are one option each, with the value behind the `n`.
        "wget" => "OoaPUTtwQeBDRAXIiln",
        "curl" => "oxeuAHdFXTmyYCcbDEKwrtzUPQ",
        "aria2c" => "dijosxkm",
        _ => "onU",
    };
    let mut letters = option.strip_prefix('-')?.char_indices();
    let (place, letter) = letters.find(|(_, letter)| with_value.contains(*letter))?;
    Some((letter, &option[place + 1 + letter.len_utf8()..]))
}

/// The words of a downloader's command line, told apart.
#[derive(Debug, Default)]
pub(super) struct Options<'a> {
    /// Options with their values, short ones as `-P`, in order.
    values: Vec<(String, &'a str)>,
    /// Options without a value, short ones one by one.
    flags: Vec<String>,
    /// Everything else: what is fetched.
    pub(super) operands: Vec<&'a str>,
}

impl<'a> Options<'a> {
    /// Reads the words after the command's name.
    pub(super) fn read(tool: &str, words: impl Iterator<Item = &'a str>) -> Self {
        let mut options = Self::default();
        let mut words = words;
        while let Some(word) = words.next() {
            if word == "--" {
                options.operands.extend(words.by_ref());
            } else if word.starts_with("--") {
                options.long(word, &mut words);
            } else if word.len() > 1 && word.starts_with('-') {
                options.short(tool, word, &mut words);
            } else {
                options.operands.push(word);
            }
        }
        options
    }

    fn long(&mut self, word: &'a str, rest: &mut impl Iterator<Item = &'a str>) {
        match word.split_once('=') {
            Some(("--url", value)) => self.operands.push(value),
            Some((name, value)) => self.values.push((name.to_owned(), value)),
            None if word == "--url" => self.operands.extend(rest.next()),
            None if LONG_WITH_VALUE.contains(&word) => {
                self.values.extend(rest.next().map(|value| (word.to_owned(), value)));
            }
            None => self.flags.push(word.to_owned()),
        }
    }

    fn short(&mut self, tool: &str, word: &'a str, rest: &mut impl Iterator<Item = &'a str>) {
        let valued = short_with_value(tool, word);
        let alone =
            word.len() - valued.map_or(0, |(letter, value)| letter.len_utf8() + value.len());
        self.flags.extend(word[1..alone].chars().map(|letter| format!("-{letter}")));
        let Some((letter, value)) = valued else { return };
        let value = if value.is_empty() { rest.next() } else { Some(value) };
        self.values.extend(value.map(|value| (format!("-{letter}"), value)));
    }

    /// The values of an option, whichever of its names is used, in order.
    pub(super) fn values(&self, names: &[&str]) -> Vec<&'a str> {
        let named = self.values.iter().filter(|(name, _)| names.contains(&name.as_str()));
        named.map(|(_, value)| *value).collect()
    }

    /// Every option, with its value where it has one.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, Option<&'a str>)> {
        let flags = self.flags.iter().map(|flag| (flag.as_str(), None));
        self.values.iter().map(|(name, value)| (name.as_str(), Some(*value))).chain(flags)
    }

    /// How often one of these is said.
    pub(super) fn count(&self, names: &[&str]) -> usize {
        self.flags.iter().filter(|flag| names.contains(&flag.as_str())).count()
    }
}

/// Long options of wget, curl and aria2c with a value in the next word.
const LONG_WITH_VALUE: [&str; 48] = [
    "--url",
    "--input-file",
    "--base",
    "--output",
    "--output-document",
    "--output-file",
    "--output-dir",
    "--directory-prefix",
    "--header",
    "--user-agent",
    "--referer",
    "--proxy",
    "--preproxy",
    "--noproxy",
    "--user",
    "--proxy-user",
    "--data",
    "--request",
    "--retry",
    "--retry-delay",
    "--retry-max-time",
    "--max-time",
    "--connect-timeout",
    "--timeout",
    "--tries",
    "--wait",
    "--limit-rate",
    "--cacert",
    "--cert",
    "--key",
    "--resolve",
    "--interface",
    "--dir",
    "--out",
    "--proto",
    "--speed-limit",
    "--speed-time",
    "--continue-at",
    "--range",
    "--write-out",
    "--dump-header",
    "--form",
    "--cookie",
    "--read-timeout",
    "--dns-timeout",
    "--waitretry",
    "--execute",
    "--ca-certificate",
];

/// An option of pip with a value: what an address in it is, and where the value
/// starts where it stands in the same word.
pub(super) fn pip_option(text: &str) -> Option<(Option<RequestKind>, Option<usize>)> {
    let long = [
        ("--find-links", Some(RequestKind::Index)),
        ("--index-url", Some(RequestKind::Index)),
        ("--extra-index-url", Some(RequestKind::Index)),
        // pip's names besides, short and old ones, and uv's.
        ("--index", Some(RequestKind::Index)),
        ("--extra-index", Some(RequestKind::Index)),
        ("--pypi-url", Some(RequestKind::Index)),
        ("--default-index", Some(RequestKind::Index)),
        ("--requirement", Some(RequestKind::File)),
        ("--constraint", Some(RequestKind::File)),
        ("--proxy", None),
        ("--trusted-host", None),
        ("-f", Some(RequestKind::Index)),
        ("-i", Some(RequestKind::Index)),
        ("-r", Some(RequestKind::File)),
        ("-c", Some(RequestKind::File)),
    ];
    for (name, kind) in long {
        let Some(rest) = text.strip_prefix(name) else { continue };
        match rest.strip_prefix('=') {
            _ if rest.is_empty() => return Some((kind, None)),
            Some(_) => return Some((kind, Some(name.len() + 1))),
            None if name.len() == 2 => return Some((kind, Some(2))),
            None => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An option, what its value is, and the value where it stands in the same word.
    fn check(tool: &str, text: &str, expected: Option<(Meaning, &str)>) {
        let actual = valued_option(tool, text)
            .map(|(meaning, start)| (meaning, start.map_or("", |start| &text[start..])));
        assert_eq!(actual, expected, "{tool} {text}");
    }

    #[test]
    fn values_are_addresses_lists_or_neither() {
        for (text, value) in [
            ("-i", ""),
            ("-qi", ""),
            ("-ilist", "list"),
            ("--input-file", ""),
            ("--input-file=list", "list"),
        ] {
            check("wget", text, Some((Meaning::List, value)));
        }
        check("curl", "-i", None);
        check("aria2c", "-i", Some((Meaning::List, "")));
        check("wget", "-B", Some((Meaning::Base, "")));
        check("wget", "--base=http://h/", Some((Meaning::Base, "http://h/")));
        check("curl", "--url", Some((Meaning::Address, "")));
        check("curl", "--url=http://h/a=b", Some((Meaning::Address, "http://h/a=b")));
        check("wget", "-qO-", Some((Meaning::Other, "-")));
        check("wget", "-nv", Some((Meaning::Other, "v")));
        check("wget", "--quiet", None);
    }

    /// An option of pip, whether its value is an index, and the value where it stands in the word.
    fn check_pip(text: &str, expected: Option<(bool, &str)>) {
        let actual = pip_option(text).map(|(kind, start)| {
            (kind == Some(RequestKind::Index), start.map_or("", |start| &text[start..]))
        });
        assert_eq!(actual, expected, "{text}");
    }

    #[test]
    fn an_index_has_many_names() {
        for name in [
            "--index-url",
            "--extra-index-url",
            "--extra-index",
            "--index",
            "--default-index",
            "--pypi-url",
            "--find-links",
        ] {
            check_pip(name, Some((true, "")));
            check_pip(&format!("{name}=http://h/simple"), Some((true, "http://h/simple")));
        }
        check_pip("-ihttp://h/simple", Some((true, "http://h/simple")));
        check_pip("--requirement=http://h/r.txt", Some((false, "http://h/r.txt")));
        check_pip("--index-strategy", None);
    }
}
