//! `package identify`: what file names say.

use std::fmt::Write;
use std::io::Read;

use serde::Serialize;

use super::near_misses::{near_misses, noted};
use crate::ascend::{Chip, Identity, Kind, Version, identify};
use crate::commands::output::json;
use crate::error::{Exit, Problem, Result};
use crate::ui::{Printer, Table};

/// The columns of a list of names, in their order.
const COLUMNS: [&str; 6] = ["file", "kind", "version", "arch", "chip", "python"];

/// What stands for the standard input among the names.
const STDIN: &str = "-";

/// Tell what file names say: kind, version, architecture, chip, Python
///
/// Nothing is opened: a name is enough. Folders before a name are left out.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ascend-build package identify Ascend-cann-toolkit_8.5.0_linux-aarch64.run\n  ls /data/ascend | ascend-build package identify - --format tsv\n  ascend-build package identify *.whl --format json | jq '.[].torch'"
)]
pub(super) struct Args {
    /// The names; `-` reads names from standard input, one a line
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    /// How to print it
    #[arg(
        long,
        value_enum,
        default_value_t,
        hide_possible_values = true,
        value_name = "table|tsv|json"
    )]
    format: Layout,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum Layout {
    /// For people
    #[default]
    Table,
    /// One line a name, its columns separated by tabs
    Tsv,
    /// For programs (docs/packages.md)
    Json,
}

/// What a name says, for programs.
#[derive(Serialize)]
struct Told<'a> {
    file: &'a str,
    kind: Option<Kind>,
    version: Option<&'a Version>,
    arch: Option<&'a str>,
    chip: Option<&'a Chip>,
    python: Option<&'a str>,
    torch: Option<&'a Version>,
    abi: Option<u8>,
    glibc: Option<String>,
    host_only: bool,
    notes: Vec<String>,
}

/// Prints what each name says.
///
/// # Errors
/// The standard input cannot be read.
pub(super) fn run(args: &Args, printer: Printer) -> Result<()> {
    let mut names = Vec::new();
    for name in &args.names {
        if name == STDIN {
            names.extend(names_from_stdin()?);
        } else {
            names.push(name.clone());
        }
    }
    let files: Vec<&str> = names.iter().map(|name| file_name(name)).collect();
    match args.format {
        Layout::Table => table(&files, printer),
        Layout::Tsv => printer.data(&tsv(&files)),
        Layout::Json => printer.data(&as_json(&files)?),
    }
    Ok(())
}

fn names_from_stdin() -> Result<Vec<String>> {
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes).map_err(|error| {
        Problem::error("the names on standard input cannot be read").cause(error).exit(Exit::Usage)
    })?;
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty());
    Ok(lines.map(str::to_owned).collect())
}

/// A path without its folders.
fn file_name(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}

/// One line a name; a tab or a line break inside a name would look like another column or row.
fn tsv(files: &[&str]) -> String {
    let mut text = COLUMNS.join("\t") + "\n";
    for file in files {
        let row = identify(file).row(file).map(|cell| cell.replace(['\t', '\n', '\r'], " "));
        text.push_str(&row.join("\t"));
        text.push('\n');
    }
    text
}

fn as_json(files: &[&str]) -> Result<String> {
    let identities: Vec<_> = files.iter().map(|file| (*file, identify(file))).collect();
    let told: Vec<_> = identities.iter().map(|(file, identity)| told(file, identity)).collect();
    json(&told)
}

fn told<'a>(file: &'a str, identity: &'a Identity) -> Told<'a> {
    Told {
        file,
        kind: identity.kind,
        version: identity.version.as_ref(),
        arch: identity.arch.as_deref(),
        chip: identity.chip.as_ref(),
        python: identity.python.as_deref(),
        torch: identity.torch.as_ref(),
        abi: identity.abi,
        glibc: identity.glibc.map(|(major, minor)| format!("{major}.{minor}")),
        host_only: identity.host_only(),
        notes: identity.notes.iter().map(ToString::to_string).collect(),
    }
}

fn table(files: &[&str], printer: Printer) {
    let headings = COLUMNS.map(str::to_uppercase);
    let headings: Vec<_> = headings.iter().map(String::as_str).chain(["ALSO"]).collect();
    let mut table = Table::new(&headings);
    let mut notes = Vec::new();
    for file in files {
        let identity = identify(file);
        table.row(identity.row(file).into_iter().chain([also(&identity)]));
        notes.extend(near_misses(file, &identity));
        if identity.kind.is_none() && identity.notes.is_empty() {
            notes.push(noted(format!("`{file}` is of no known kind")));
        }
    }
    printer.data(&table.to_string());
    printer.problems(&notes);
}

/// The facts that have no column of their own.
fn also(identity: &Identity) -> String {
    let mut text = String::new();
    let mut add = |what: &str, value: String| {
        let separator = if text.is_empty() { "" } else { ", " };
        _ = write!(text, "{separator}{what}{value}");
    };
    if let Some(torch) = &identity.torch {
        add("torch ", torch.to_string());
    }
    if let Some(abi) = identity.abi {
        add("abi", abi.to_string());
    }
    if let Some((major, minor)) = identity.glibc {
        add("glibc ", format!("{major}.{minor}"));
    }
    if identity.stable_abi {
        add("abi3", String::new());
    }
    text
}
