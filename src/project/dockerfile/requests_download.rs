//! What a downloader's words ask for: addresses, patterns of addresses, lists of them.

use super::evaluate::{Text, UNKNOWN};
use super::options::{Meaning, valued_option};
use super::requests::{Finder, RequestKind, bodies};
use super::simple::Command;
use super::url::Address;

/// Why it is not known what `wget -i FILE` fetches.
const LISTED: &str = "read from a file of addresses";

impl Finder<'_> {
    /// Every word that is neither an option nor an option's value is an address.
    pub(super) fn downloader(
        &mut self,
        tool: &str,
        words: &[Text],
        command: &Command,
        script: &str,
    ) {
        let recursive = tool == "wget" && words.iter().any(follows);
        let told = told(tool, words);
        let of_base = |(meaning, base): &&(Meaning, Text)| {
            *meaning == Meaning::Base && Address::read(base.text()).is_some()
        };
        let base = told.iter().rfind(of_base).map(|(_, base)| base);
        for (meaning, text) in &told {
            match meaning {
                Meaning::Address => self.download(tool, text.clone(), recursive),
                Meaning::List => self.list(tool, text, base, &bodies(command, script)),
                Meaning::Base | Meaning::Other => {}
            }
        }
    }

    /// `wget -i FILE`: what a file holds, only the run knows; `lines` are those of a heredoc, which
    /// the text tells. A list that is an address is fetched itself, and names files of its server.
    fn list(&mut self, tool: &str, file: &Text, base: Option<&Text>, lines: &[Text]) {
        if matches!(file.text(), "-" | "/dev/stdin") && base.is_none() {
            lines.iter().for_each(|one| self.addresses(tool, one, &RequestKind::File));
            if !lines.is_empty() && lines.iter().all(names_addresses) {
                return;
            }
        }
        let itself = Some(file).filter(|file| file.text().contains("://"));
        if let Some(address) = itself {
            self.add(tool, address.clone(), RequestKind::File);
        }
        let anywhere = || Text::unknown_at(file.span.clone(), LISTED);
        let address = base.or(itself).cloned().unwrap_or_else(anywhere);
        self.add(tool, address, RequestKind::Unclear(LISTED.to_owned()));
    }

    fn download(&mut self, tool: &str, address: Text, recursive: bool) {
        let alternatives = if tool == "curl" { braced(&address) } else { Vec::new() };
        if !alternatives.is_empty() {
            let kind = if recursive { RequestKind::Index } else { RequestKind::File };
            return alternatives.into_iter().for_each(|one| self.add(tool, one, kind.clone()));
        }
        let globbed = tool == "curl" && address.text().contains(['[', '{']);
        let kind = match (recursive, globbed) {
            (true, _) => RequestKind::Index,
            (_, true) => RequestKind::Unclear("a pattern that curl expands".to_owned()),
            _ => RequestKind::File,
        };
        self.add(tool, address, kind);
    }
}

/// What the words after a downloader's name say of what is fetched, in order.
fn told(tool: &str, words: &[Text]) -> Vec<(Meaning, Text)> {
    let mut told = Vec::new();
    let mut options = true;
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let text = word.text();
        let is_option = options && text.starts_with('-') && text.len() > 1;
        match valued_option(tool, text).filter(|_| is_option) {
            _ if is_option && text == "--" => options = false,
            Some((meaning, Some(start))) => told.push((meaning, word.part(start, text.len()))),
            Some((meaning, None)) => told.extend(rest.next().map(|value| (meaning, value.clone()))),
            None if is_option => {}
            None => told.push((Meaning::Address, word.clone())),
        }
    }
    told
}

/// Whether every line is an address, as far as it stands in the text.
fn names_addresses(lines: &Text) -> bool {
    let mut lines = lines.text().lines().filter(|line| !line.trim().is_empty());
    lines.all(|line| line.contains("://"))
}

/// Whether an option makes wget fetch what a page leads to.
fn follows(word: &Text) -> bool {
    matches!(word.text(), "-r" | "-m" | "-p" | "--recursive" | "--mirror" | "--page-requisites")
}

/// The addresses that curl, or the shell before it, makes of `{a,b}`; none where there is no such
/// pattern, or where it is more than one plain list.
fn braced(address: &Text) -> Vec<Text> {
    let text = address.text();
    let parts = text.split_once('{').and_then(|(before, rest)| {
        let (inner, after) = rest.split_once('}')?;
        let plain = !text.contains([UNKNOWN, '[']) && !inner.contains('{') && !after.contains('{');
        (plain && inner.contains(',')).then_some((before, inner, after))
    });
    let Some((before, inner, after)) = parts else { return Vec::new() };
    let one = |name: &str| Text {
        span: address.span.clone(),
        literal: false,
        ..Text::literal(&format!("{before}{name}{after}"), address.span.start)
    };
    inner.split(',').map(one).collect()
}
