//! `doctor`: what could go wrong before a build, each with its mend.

mod firewall;
mod gather;
mod leftovers;
mod machine;
mod project;
mod proxies;
mod way;

use std::path::Path;

use serde::Serialize;

use super::selection::parse_platform;
use crate::doctor::{self, Asked, Facts, Finding, Level};
use crate::engine::Builder;
use crate::error::{Error, Exit, Problem, Result};
use crate::project::Platform;
use crate::ui::{Printer, Table};

/// Version of the JSON (docs/doctor.md).
const SCHEMA: u32 = 1;

/// Look for what could go wrong before a build, and say how to mend it
///
/// Asks the engine, tries the way from a container to this machine, and looks
/// at room, memory, proxies, clocks and the project. Nothing is changed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes: 0 when a build can work, warnings or not; 5 when it cannot.\n\
        docs/doctor.md tells what each code means.\n\n\
        Examples:\n  ascend-build doctor\n  ascend-build doctor --platform linux/arm64\n  \
        ascend-build doctor --format json | jq -r '.findings[].code'")]
pub struct Args {
    /// Judge a build for this platform [default: the engine's own]
    #[arg(long, value_name = "linux/arm64|linux/amd64", value_parser = parse_platform)]
    platform: Option<Platform>,
    /// Judge a build with this builder
    #[arg(
        long,
        value_enum,
        default_value_t,
        hide_possible_values = true,
        value_name = "auto|classic|buildkit"
    )]
    builder: super::selection::Wanted,
    /// How to print it
    #[arg(
        long,
        value_enum,
        default_value_t,
        hide_possible_values = true,
        value_name = "text|json"
    )]
    format: Format,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum Format {
    /// For people
    #[default]
    Text,
    /// For programs (docs/doctor.md)
    Json,
}

/// What `--format json` prints.
#[derive(Serialize)]
struct Diagnosis<'a> {
    schema: u32,
    healthy: bool,
    summary: serde_json::Map<String, serde_json::Value>,
    findings: &'a [Finding],
}

/// Prints what was looked at on stdout, and what was found on stderr; as JSON, both on stdout too.
///
/// # Errors
/// [`Exit::Engine`]: a build cannot work; [`Exit::Interrupted`].
pub async fn run(args: &Args, folder: &Path, printer: Printer) -> Result<()> {
    let facts = gather::facts(folder, args.asked()).await?;
    let findings = doctor::judge(&facts);
    match args.format {
        Format::Text => printer.page(&text(&facts, &findings)),
        Format::Json => printer.data(&json(&facts, &findings)?),
    }
    let problems = findings.iter().map(Finding::problem).collect();
    let warnings = Error::check(Exit::Engine, problems)?;
    printer.problems(&warnings);
    Ok(())
}

impl Args {
    fn asked(&self) -> Asked {
        let builder = match self.builder {
            super::selection::Wanted::Auto => None,
            super::selection::Wanted::Classic => Some(Builder::Classic),
            super::selection::Wanted::Buildkit => Some(Builder::BuildKit),
        };
        Asked { platform: self.platform.clone(), builder }
    }
}

fn is_healthy(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.level != Level::Error)
}

fn text(facts: &Facts, findings: &[Finding]) -> String {
    let mut table = Table::default();
    for (name, value) in doctor::summary(facts) {
        table.row([name.to_owned(), value]);
    }
    format!("{table}\n{}\n", verdict(findings))
}

fn verdict(findings: &[Finding]) -> String {
    let count = |level| findings.iter().filter(|finding| finding.level == level).count();
    let counted = |count: usize, noun: &str| match count {
        0 => None,
        1 => Some(format!("1 {noun}")),
        several => Some(format!("{several} {noun}s")),
    };
    let counts: Vec<_> = [(Level::Error, "error"), (Level::Warning, "warning")]
        .into_iter()
        .filter_map(|(level, noun)| counted(count(level), noun))
        .collect();
    let can =
        if is_healthy(findings) { "a build can work here" } else { "a build cannot work here" };
    let counts = if counts.is_empty() { "all clear".to_owned() } else { counts.join(", ") };
    format!("{counts}: {can}")
}

fn json(facts: &Facts, findings: &[Finding]) -> Result<String> {
    let summary = doctor::summary(facts).into_iter();
    let diagnosis = Diagnosis {
        schema: SCHEMA,
        healthy: is_healthy(findings),
        summary: summary.map(|(name, value)| (name.to_owned(), value.into())).collect(),
        findings,
    };
    let text = serde_json::to_string_pretty(&diagnosis);
    text.map(|text| text + "\n").map_err(|error| {
        Problem::error("the diagnosis cannot be written").cause(error).exit(Exit::Bug)
    })
}
