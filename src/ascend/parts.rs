//! A file name cut into its parts, before anybody asks which family it is of.
//!
//! `Ascend-cann-kernels-910b_8.3.RC1_linux-x86_64.run` becomes the words
//! `ascend cann kernels 910b`, the fields `8.3.RC1` and `linux-x86_64` (the `_`
//! of `x86_64` and of `910_93` do not separate fields) and the container.

use super::chip::is_variant;
use super::{Chip, Container, Identity, NearMiss, Version};

/// Endings of packages, longest first.
const CONTAINERS: [(&str, Container); 8] = [
    (".tar.gz", Container::TarGz),
    (".tgz", Container::TarGz),
    (".tar", Container::Tar),
    (".run", Container::Run),
    (".zip", Container::Zip),
    (".deb", Container::Deb),
    (".rpm", Container::Rpm),
    (".whl", Container::Wheel),
];

/// Spellings of architectures, each before those that it ends with.
const ARCHITECTURES: [&str; 7] = ["aarch64", "x86_64", "x86-64", "arm64", "amd64", "x64", "x86"];

/// A name in its parts; `written` parts keep the case of the name.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    /// What stands before the first `_`, cut at `-`, in lower case.
    pub(super) words: Vec<String>,
    /// What stands before the first `_`, as written.
    pub(super) head: &'a str,
    /// The rest, cut at `_`, as written.
    pub(super) fields: Vec<&'a str>,
    /// How the file is packed.
    pub(super) container: Option<Container>,
}

impl<'a> Parts<'a> {
    /// Cuts a decoded name.
    pub(super) fn cut(name: &'a str) -> Self {
        let (stem, container) = split_container(name);
        let mut fields = joined_fields(stem);
        let head = if fields.is_empty() { "" } else { fields.remove(0) };
        let words = head.to_ascii_lowercase().split('-').map(str::to_owned).collect();
        Self { words, head, fields, container }
    }

    /// The words as a slice that patterns can match.
    pub(super) fn words(&self) -> Vec<&str> {
        self.words.iter().map(String::as_str).collect()
    }

    /// The first word that is a chip.
    pub(super) fn chip(&self) -> Option<Chip> {
        self.words.iter().find_map(|word| word.parse().ok())
    }

    /// Every fact that the fields hold.
    pub(super) fn read_fields(&self) -> Identity {
        let mut identity = Identity { container: self.container, ..Identity::default() };
        let mut rest = Vec::new();
        for field in &self.fields {
            if !read_field(&mut identity, field) {
                rest.push(*field);
            }
        }
        identity.suffix = (!rest.is_empty()).then(|| rest.join("_"));
        identity
    }
}

/// The name without its ending, and what the ending says.
pub(super) fn split_container(name: &str) -> (&str, Option<Container>) {
    for (ending, container) in CONTAINERS {
        if let Some(stem) = strip_ending(name, ending) {
            return (stem, Some(container));
        }
    }
    (name, None)
}

/// `name` without `ending`, whose letters may be of either case.
pub(super) fn strip_ending<'a>(name: &'a str, ending: &str) -> Option<&'a str> {
    let (stem, tail) = name.split_at_checked(name.len().checked_sub(ending.len())?)?;
    tail.eq_ignore_ascii_case(ending).then_some(stem)
}

/// The architecture at the end of `text`, as written, where one stands by itself there.
pub(super) fn arch_at_end(text: &str) -> Option<&str> {
    ARCHITECTURES.iter().find_map(|arch| {
        let before = strip_ending(text, arch)?;
        let alone = !before.ends_with(|c: char| c.is_ascii_alphanumeric());
        alone.then(|| &text[before.len()..])
    })
}

/// The stem cut at `_`, with the `_` of architectures and chips left alone.
fn joined_fields(stem: &str) -> Vec<&str> {
    let mut fields: Vec<&str> = Vec::new();
    let mut start = 0;
    for piece in stem.split('_') {
        let end = start + piece.len();
        match fields.last_mut() {
            Some(last) if belongs_to(last, piece) => {
                *last = &stem[end - piece.len() - 1 - last.len()..end];
            }
            _ => fields.push(piece),
        }
        start = end + 1;
    }
    fields
}

/// Whether `piece` goes on what `last` began: `x86` + `64`, `…910` + `93`.
fn belongs_to(last: &str, piece: &str) -> bool {
    let variant = piece.split('-').next().is_some_and(is_variant);
    (strip_ending(last, "x86").is_some() && piece == "64") || (last.ends_with("-910") && variant)
}

/// Reads one field into `identity`; `false` where it holds no fact.
fn read_field(identity: &mut Identity, field: &str) -> bool {
    let lower = field.to_ascii_lowercase();
    if let Some(torch) = lower.strip_prefix("torch") {
        return read_torch(identity, torch);
    }
    if let Some(abi) = abi_of(&lower) {
        identity.abi = Some(abi);
        return true;
    }
    if let Some(python) = python_of(&lower) {
        note_python(identity, field, &python);
        identity.python = Some(python);
        return true;
    }
    if let Some(arch) = arch_at_end(field) {
        identity.arch.get_or_insert_with(|| arch.to_owned());
        return true;
    }
    read_version(identity, field) || lower == "linux"
}

/// `2.1.0-abi0` of `torch2.1.0-abi0`.
fn read_torch(identity: &mut Identity, text: &str) -> bool {
    let (version, abi) = text.split_once("-abi").unwrap_or((text, ""));
    identity.torch = version.parse().ok();
    identity.abi = abi_digit(abi).or(identity.abi);
    identity.torch.is_some()
}

fn read_version(identity: &mut Identity, field: &str) -> bool {
    if identity.version.is_some() || !field.contains('.') {
        return false;
    }
    let number = field.strip_prefix(['v', 'V']).unwrap_or(field);
    identity.version = number.parse::<Version>().ok();
    identity.version.is_some()
}

/// The digit of `abi0` and `abi1`.
pub(super) fn abi_of(lower: &str) -> Option<u8> {
    abi_digit(lower.strip_prefix("abi")?)
}

fn abi_digit(text: &str) -> Option<u8> {
    match text {
        "0" => Some(0),
        "1" => Some(1),
        _ => None,
    }
}

/// `311` of `py311`, `py3.11`, `cp311` and `python3.11`.
fn python_of(lower: &str) -> Option<String> {
    let prefixes = ["python", "py", "cp"];
    let number = prefixes.iter().find_map(|prefix| lower.strip_prefix(prefix))?;
    let digits: String = number.chars().filter(|c| *c != '.').collect();
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    (plain && digits.starts_with('3') && (2..=3).contains(&digits.len())).then_some(digits)
}

fn note_python(identity: &mut Identity, written: &str, python: &str) {
    let usual = format!("py{python}");
    if usual != written {
        let written = written.to_owned();
        identity.notes.push(NearMiss::PythonSpelling { written, usual });
    }
}
