//! What a downloader's words ask for: addresses, patterns of addresses, lists of them.

use super::evaluate::{Text, UNKNOWN};
use super::options::{list_option, takes_value};
use super::requests::{Finder, RequestKind, bodies};
use super::simple::Command;

impl Finder<'_> {
    /// Every word that is neither an option nor an option's value is an address.
    pub(super) fn downloader(&mut self, tool: &str, words: &[Text]) {
        let follows = |word: &Text| {
            tool == "wget"
                && matches!(
                    word.text(),
                    "-r" | "-m" | "-p" | "--recursive" | "--mirror" | "--page-requisites"
                )
        };
        let recursive = words.iter().any(follows);
        let mut options = true;
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            let text = word.text();
            if options && text == "--" {
                options = false;
            } else if options && (text == "--url" || list_option(tool, text)) {
                let Some(value) = rest.next() else { return };
                self.download(tool, value.clone(), recursive, text != "--url");
            } else if let Some(url) = text.strip_prefix("--url=") {
                let value = word.part(text.len() - url.len(), text.len());
                self.download(tool, value, recursive, false);
            } else if options && text.starts_with('-') && text.len() > 1 {
                if takes_value(tool, text) {
                    rest.next();
                }
            } else {
                self.download(tool, word.clone(), recursive, false);
            }
        }
    }

    /// `wget -i - <<EOF`: each line is an address.
    pub(super) fn address_lists(
        &mut self,
        tool: &str,
        words: &[Text],
        command: &Command,
        script: &str,
    ) {
        let reads = words.windows(2).any(|pair| {
            list_option(tool, pair[0].text()) && matches!(pair[1].text(), "-" | "/dev/stdin")
        });
        for body in bodies(command, script).into_iter().filter(|_| reads) {
            self.addresses(tool, &body, &RequestKind::File);
        }
    }

    fn download(&mut self, tool: &str, address: Text, recursive: bool, list: bool) {
        if list && !address.text().contains("://") {
            return self.add(
                tool,
                address_list(address),
                RequestKind::Unclear("read from a file of addresses".to_owned()),
            );
        }
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

fn address_list(address: Text) -> Text {
    Text { unknown: Some("read from a file of addresses".to_owned()), ..address }
}
