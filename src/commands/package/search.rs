//! `package search`: which official files exist.

use std::path::Path;

use serde::Serialize;

use super::wanted::{Narrowing, Wanted};
use crate::ascend::{Catalogue, Chip, Entry, Kind, Query, Version};
use crate::commands::output::Output;
use crate::error::Result;
use crate::project::load_packages;
use crate::ui::{Printer, Table};

/// Search the official files
///
/// Every word must be in the product, the kind or the file name. NAME@VERSION
/// finds that version of that kind alone. Without words, everything is listed.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ascend-build package search cann --version 8.5\n  ascend-build package search torch-npu@2.7.1.post2 --arch aarch64\n  ascend-build package search ops --chip 910b --format json"
)]
pub(super) struct Args {
    /// What to look for
    #[arg(value_name = "WORDS")]
    words: Vec<String>,
    /// Of this version, or of a release that begins so
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
    #[command(flatten)]
    narrowing: Narrowing,
    #[command(flatten)]
    output: Output,
}

/// An official file, for programs.
#[derive(Serialize)]
struct Official<'a> {
    file: &'a str,
    kind: Option<Kind>,
    version: Option<&'a Version>,
    arch: Option<&'static str>,
    chip: Option<&'a Chip>,
    python: Option<&'a str>,
    product: &'a str,
    releases: &'a [String],
    requires: &'a [String],
    sha256: &'a str,
    url: Option<&'a str>,
    source: &'a str,
}

/// Prints what is found on stdout; what is not found is said on stderr.
///
/// # Errors
/// The project's files are wrong.
pub(super) fn run(args: &Args, folder: &Path, printer: Printer) -> Result<()> {
    let (list, warnings) = load_packages(folder)?;
    printer.problems(&warnings);
    let catalogue = list.rules.catalogue();
    let found = catalogue.search(&args.query());
    if found.is_empty() {
        printer.talk(&nothing(args, catalogue));
    }
    if !found.is_empty() || !args.output.is_table() {
        let officials = || found.iter().map(|entry| official(entry)).collect::<Vec<_>>();
        args.output.print(printer, || table(&found).to_string(), officials)?;
    }
    Ok(())
}

impl Args {
    fn query(&self) -> Query {
        let query = match self.words.as_slice() {
            [word] if word.contains('@') => Query::named(word),
            words => Query::of_words(&words.join(" ")),
        };
        self.narrowing.of(Query { version: self.version.clone(), ..query })
    }
}

fn nothing(args: &Args, catalogue: &Catalogue) -> String {
    let versions = Wanted { name: args.words.join(" "), version: None }.known_versions(catalogue);
    let known = if versions.is_empty() {
        format!("kinds: {}", Kind::all().map(Kind::as_str).collect::<Vec<_>>().join(", "))
    } else {
        format!("versions of what the words find: {versions}")
    };
    format!("no official file is known that fits; {known}")
}

fn table(found: &[&Entry]) -> Table {
    let mut table = Table::new(&["FILE", "KIND", "VERSION", "ARCH", "CHIP", "RELEASES", "SHA256"]);
    for entry in found {
        let [file, kind, version, arch, chip, _] = entry.identity.row(&entry.file);
        let digest = entry.sha256.chars().take(12).collect();
        table.row([file, kind, version, arch, chip, entry.releases.join(" "), digest]);
    }
    table
}

fn official(entry: &Entry) -> Official<'_> {
    let identity = &entry.identity;
    Official {
        file: &entry.file,
        kind: identity.kind,
        version: identity.version.as_ref(),
        arch: identity.platform_arch(),
        chip: identity.chip.as_ref(),
        python: identity.python.as_deref(),
        product: &entry.product,
        releases: &entry.releases,
        requires: &entry.requires,
        sha256: &entry.sha256,
        url: entry.url.as_deref(),
        source: &entry.source,
    }
}
