//! `stage`: the stages of a project or a Dockerfile, as a list or a graph.

use std::path::Path;

use indexmap::IndexSet;
use serde::Serialize;

use super::output::Output;
use super::presence::missing_yet;
use super::selection::{Source, own_platform};
use crate::error::{Error, Exit, Result};
use crate::project::{Parent, Project, Stage};
use crate::ui::{Printer, Table};

/// Show the stages: a list, or what is built from what
#[derive(Debug, clap::Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = "Examples:\n  ascend-build stage list\n  ascend-build stage list -f Dockerfile --format json | jq '.[].name'\n  ascend-build stage graph --format dot | dot -Tsvg > stages.svg"
)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    List(List),
    Graph(Graph),
}

/// List the stages with what each starts from and the packages that it needs
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ascend-build stage list\n  ascend-build stage list -f Dockerfile --format json | jq '.[].name'"
)]
struct List {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    output: Output,
}

/// Draw what is built from what, and what is copied
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ascend-build stage graph\n  ascend-build stage graph --format dot | dot -Tsvg > stages.svg\n  ascend-build stage graph --format mermaid"
)]
struct Graph {
    #[command(flatten)]
    source: Source,
    /// How to draw it
    #[arg(
        long,
        value_enum,
        default_value_t,
        hide_possible_values = true,
        value_name = "text|dot|mermaid"
    )]
    format: GraphFormat,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum GraphFormat {
    /// A tree for the terminal
    #[default]
    Text,
    /// For Graphviz
    Dot,
    /// For Markdown pages
    Mermaid,
}

/// One stage of `stage list --format json`.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    name: &'a str,
    /// A stage's name, or a base image's reference.
    from: String,
    /// Names of packages, and of files that are fetched by address.
    packages: IndexSet<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    copies: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
}

/// Prints on stdout what was asked for.
///
/// # Errors
/// The project's files or the command line are wrong.
pub fn run(args: &Args, folder: &Path, printer: Printer) -> Result<()> {
    let source = match &args.verb {
        Verb::List(list) => &list.source,
        Verb::Graph(graph) => &graph.source,
    };
    let (project, warnings) = source.load(folder, &own_platform()?)?;
    // What the instructions get wrong is `check`'s matter, unless it was denied by name.
    Error::check(Exit::Project, source.denied(warnings))?;
    if let Verb::List(_) = &args.verb {
        printer.problems(&missing_yet(&project, &crate::plan::fetched(&project)));
    }
    printer.data(&match &args.verb {
        Verb::List(list) => list.output.text(|| table(&project), || all(&project))?,
        Verb::Graph(graph) => match graph.format {
            GraphFormat::Text => text(&project),
            GraphFormat::Dot => dot(&project),
            GraphFormat::Mermaid => mermaid(&project),
        },
    });
    Ok(())
}

fn listed<'a>(project: &'a Project, stage: &'a Stage) -> Listed<'a> {
    let named = stage.uses.iter().map(|used| used.name.to_string());
    let fetched = stage.fetches.iter().filter_map(|fetched| fetched.certain().map(str::to_owned));
    let packages: IndexSet<String> = named.chain(fetched).collect();
    Listed {
        name: stage.name.as_str(),
        from: from(project, stage),
        packages,
        copies: stage.copies.iter().map(crate::project::StageName::as_str).collect(),
        description: stage.description.as_deref(),
    }
}

/// The stage's name, or the image's reference.
fn from(project: &Project, stage: &Stage) -> String {
    match &stage.from {
        Parent::Stage(name) => name.to_string(),
        Parent::Base(name) => {
            project.bases.get(name).map_or_else(|| name.clone(), |base| base.image.clone())
        }
    }
}

fn table(project: &Project) -> String {
    let mut table = Table::new(&["STAGE", "FROM", "PACKAGES", "DESCRIPTION"]);
    for stage in project.stages.values() {
        let listed = listed(project, stage);
        table.row([
            listed.name.to_owned(),
            listed.from,
            listed.packages.len().to_string(),
            listed.description.unwrap_or_default().to_owned(),
        ]);
    }
    table.to_string()
}

fn all(project: &Project) -> Vec<Listed<'_>> {
    project.stages.values().map(|stage| listed(project, stage)).collect()
}

/// The bases, each with the tree that grows on it; `<- a, b` names what a stage copies from.
fn text(project: &Project) -> String {
    let mut lines = String::new();
    let first = project.stages.values().filter(|stage| matches!(stage.from, Parent::Base(_)));
    let bases: IndexSet<String> = first.map(|stage| from(project, stage)).collect();
    for base in bases {
        lines += &format!("{base}\n");
        let on_base =
            |stage: &&Stage| matches!(stage.from, Parent::Base(_)) && from(project, stage) == base;
        branch(project, project.stages.values().filter(on_base).collect(), "", &mut lines);
    }
    lines
}

fn branch(project: &Project, stages: Vec<&Stage>, indent: &str, lines: &mut String) {
    let last = stages.len().saturating_sub(1);
    for (index, stage) in stages.into_iter().enumerate() {
        let (mark, deeper) = if index == last { ("`-- ", "    ") } else { ("|-- ", "|   ") };
        let copies: Vec<_> = stage.copies.iter().map(ToString::to_string).collect();
        let copies =
            if copies.is_empty() { String::new() } else { format!(" <- {}", copies.join(", ")) };
        *lines += &format!("{indent}{mark}{}{copies}\n", stage.name);
        let children = project.stages.values();
        let children = children.filter(|child| child.from == Parent::Stage(stage.name.clone()));
        branch(project, children.collect(), &format!("{indent}{deeper}"), lines);
    }
}

/// Every edge: from what, to which stage, and whether it is only copied from.
fn edges(project: &Project) -> Vec<(String, String, bool)> {
    let mut edges = Vec::new();
    for stage in project.stages.values() {
        edges.push((from(project, stage), stage.name.to_string(), false));
        let copies = stage.copies.iter();
        edges.extend(copies.map(|copied| (copied.to_string(), stage.name.to_string(), true)));
    }
    edges
}

fn dot(project: &Project) -> String {
    let quoted = |name: &str| format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""));
    let mut out = format!("digraph {} {{\n  rankdir=LR;\n", quoted(&project.name));
    for (parent, stage, copied) in edges(project) {
        let style = if copied { " [style=dashed]" } else { "" };
        out += &format!("  {} -> {}{style};\n", quoted(&parent), quoted(&stage));
    }
    out + "}\n"
}

/// Names of images hold what Mermaid's ids cannot, so nodes are numbered.
fn mermaid(project: &Project) -> String {
    let edges = edges(project);
    let names: IndexSet<&String> =
        edges.iter().flat_map(|(parent, stage, _)| [parent, stage]).collect();
    let mut out = "flowchart LR\n".to_owned();
    for (number, name) in names.iter().enumerate() {
        out += &format!("  n{number}[\"{}\"]\n", name.replace('"', "#quot;"));
    }
    let number = |name: &String| names.get_index_of(name).unwrap_or_default();
    for (parent, stage, copied) in &edges {
        let arrow = if *copied { "-.->" } else { "-->" };
        out += &format!("  n{} {arrow} n{}\n", number(parent), number(stage));
    }
    out
}
