//! `stages/stages.toml`: the stages of the image and where they start.
//!
//! ```toml
//! [project]
//! name = "mindie"                        # image repository: <name>/<stage>
//! default-target = "C_stage"
//! default-chip = "910b"                  # when `--chip` is not given, optional
//!
//! [bases.debian]                         # tried in this order
//! image = "ubuntu:22.04"                 # in the engine already, else
//! archive = "ubuntu-22.04.tar"           # a `docker save` archive, or
//! rootfs = "ubuntu-base-22.04.tar.gz"    # a root file system, else `image` is pulled
//! archive-sha256 = "…"                   # required with `archive`
//! rootfs-sha256 = "…"                    # required with `rootfs`
//! python = "3.11"                        # what the base holds, so that packages can be judged
//! glibc = "2.36"                         # against it, optional; also `cann` and `torch`
//!
//! [stages.B_stage]
//! description = "CANN toolkit"
//! from = "A_stage"                       # a stage or a base
//! dockerfile = "B_stage.Dockerfile"      # default: <stage>.Dockerfile
//! args = { CANN_VERSION = "8.5.0" }      # defaults; `--set NAME=VALUE` overrides
//! check-timeout = 300                    # seconds for each check, default 300
//! [stages.B_stage.checks]
//! environment = "test -f /usr/local/Ascend/ascend-toolkit/set_env.sh"
//! ```
//!
//! `sha256` may stand for the one of `archive-sha256` and `rootfs-sha256` that is needed.

use std::sync::Arc;

use indexmap::IndexMap;

use super::names::{Sha256, StageName};
use super::table::{Placed, Table, parse, parse_placed};
use super::tag::is_component;
use crate::ascend::{Pair, Version};
use crate::error::{Place, Problem, SourceFile};

/// How long a check may take unless its stage says otherwise, in seconds.
const CHECK_TIMEOUT: u64 = 300;

/// The contents of one `stages.toml`.
#[derive(Debug, Default)]
pub(super) struct StagesFile {
    /// The image repository.
    pub name: Option<String>,
    /// What is built when nobody says.
    pub default_target: Option<Placed<String>>,
    /// The chip that packages are chosen for when nobody says.
    pub default_chip: Option<String>,
    /// Where first stages start.
    pub bases: IndexMap<String, Base>,
    /// The stages, in the order of the file.
    pub stages: Vec<StageEntry>,
    /// The names of all stages, those of broken entries included.
    pub names: Vec<Placed<StageName>>,
    /// The names of all bases, those of broken entries included.
    pub base_names: Vec<String>,
}

/// One `[bases.NAME]`.
#[derive(Debug, Clone)]
pub struct Base {
    /// The image's reference in the engine.
    pub image: String,
    /// A `docker save` archive that holds `image`.
    pub archive: Option<BaseFile>,
    /// A root file system to import as `image`.
    pub rootfs: Option<BaseFile>,
    /// What it holds, as far as the user says.
    pub facts: BaseFacts,
    /// Where it is declared.
    pub place: Place,
}

/// What a base holds that packages must go with; `None` is not judged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BaseFacts {
    /// Its Python, as (3, 11).
    pub python: Option<Pair>,
    /// Its glibc, as (2, 36).
    pub glibc: Option<Pair>,
    /// The CANN that it has already.
    pub cann: Option<Version>,
    /// The torch that it has already.
    pub torch: Option<Version>,
}

/// A file that a base comes from.
#[derive(Debug, Clone)]
pub struct BaseFile {
    /// The path as written; relative to `stages/`, else to one of the roots.
    pub path: String,
    /// The digest of its content.
    pub sha256: Sha256,
    /// Where it is declared.
    pub place: Place,
}

/// One `[stages.NAME]`, before its names are looked up.
#[derive(Debug)]
pub(super) struct StageEntry {
    /// The name.
    pub name: Placed<StageName>,
    /// For people.
    pub description: Option<String>,
    /// A stage or a base.
    pub from: Placed<String>,
    /// The file that holds its instructions.
    pub dockerfile: Option<Placed<String>>,
    /// Argument defaults.
    pub args: IndexMap<String, String>,
    /// Commands that must succeed in the built stage.
    pub checks: IndexMap<String, String>,
    /// Seconds that each check may take.
    pub check_timeout: u64,
}

/// Reads the text of a `stages.toml`.
pub(super) fn read(file: &Arc<SourceFile>, problems: &mut Vec<Problem>) -> StagesFile {
    let Some(parsed) = parse(file, file, problems) else { return StagesFile::default() };
    let mut table = Table::new("stages.toml", file, parsed.get_ref(), parsed.span());
    let mut stages_file = StagesFile::default();
    match table.table("project", problems) {
        Some(project) => read_project(project, &mut stages_file, problems),
        None => problems.push(no_project(file)),
    }
    if let Some(mut bases) = table.table("bases", problems) {
        let tables = bases.named_tables(problems);
        stages_file.base_names = tables.iter().map(|(name, _)| name.value.clone()).collect();
        stages_file.bases =
            tables.into_iter().filter_map(|base| read_base(base, problems)).collect();
    }
    if let Some(mut stages) = table.table("stages", problems) {
        let tables = stages.named_tables(problems);
        let names = tables.iter().filter_map(|(name, _)| {
            Some(Placed { value: name.value.parse().ok()?, place: name.place.clone() })
        });
        stages_file.names = names.collect();
        stages_file.stages =
            tables.into_iter().filter_map(|stage| read_stage(stage, problems)).collect();
    }
    table.finish(problems);
    if stages_file.stages.is_empty() && problems.is_empty() {
        problems.push(
            Problem::error(format!("`{}` declares no stage", file.path.display()))
                .hint("add a `[stages.NAME]` with `from = \"…\"`"),
        );
    }
    stages_file
}

fn no_project(file: &SourceFile) -> Problem {
    Problem::error(format!("`{}` has no `[project]`", file.path.display()))
        .hint("add `[project]` with `name = \"…\"`, the repository of the images")
}

fn read_project(mut table: Table<'_>, stages_file: &mut StagesFile, problems: &mut Vec<Problem>) {
    stages_file.name =
        table.required_text("name", problems).and_then(|name| repository(name, problems));
    stages_file.default_target = table.text("default-target", problems);
    stages_file.default_chip = table.text("default-chip", problems).map(|chip| chip.value);
    table.finish(problems);
}

/// A repository: components with `/` between, after a host or not.
fn repository(name: Placed<String>, problems: &mut Vec<Problem>) -> Option<String> {
    let path = name
        .value
        .split_once('/')
        .filter(|(host, _)| host.contains([':', '.']))
        .map_or(name.value.as_str(), |(_, path)| path);
    if path.split('/').all(is_component) {
        return Some(name.value);
    }
    let problem = Problem::error(format!("`{}` is not an image repository", name.value));
    problems.push(
        problem.at(
            name.place,
            "expected lower-case letters and digits, joined by `.`, `_`, `-` and `/`",
        ),
    );
    None
}

fn read_base(
    (name, mut table): (Placed<String>, Table<'_>),
    problems: &mut Vec<Problem>,
) -> Option<(String, Base)> {
    let image = table.required_text("image", problems);
    let archive = table.text("archive", problems);
    let rootfs = table.text("rootfs", problems);
    let shared = table
        .parsed::<Sha256>("sha256", problems)
        .filter(|_| archive.is_some() != rootfs.is_some());
    let archive_sha256 = table.parsed("archive-sha256", problems).or_else(|| shared.clone());
    let rootfs_sha256 = table.parsed("rootfs-sha256", problems).or(shared);
    let facts = read_facts(&mut table, problems);
    table.finish(problems);
    let archive = base_file(archive, archive_sha256, "archive", problems);
    let rootfs = base_file(rootfs, rootfs_sha256, "rootfs", problems);
    Some((name.value, Base { image: image?.value, archive, rootfs, facts, place: name.place }))
}

fn read_facts(table: &mut Table<'_>, problems: &mut Vec<Problem>) -> BaseFacts {
    BaseFacts {
        python: table.parsed("python", problems).map(|python| python.value),
        glibc: table.parsed("glibc", problems).map(|glibc| glibc.value),
        cann: table.parsed("cann", problems).map(|cann| cann.value),
        torch: table.parsed("torch", problems).map(|torch| torch.value),
    }
}

fn base_file(
    path: Option<Placed<String>>,
    sha256: Option<Placed<Sha256>>,
    key: &str,
    problems: &mut Vec<Problem>,
) -> Option<BaseFile> {
    let path = path?;
    if sha256.is_none() {
        let problem = Problem::error(format!("`{key}` has no checksum"));
        problems.push(
            problem.at(path.place.clone(), format!("expected `{key}-sha256 = \"…\"` beside it")),
        );
    }
    Some(BaseFile { path: path.value, sha256: sha256?.value, place: path.place })
}

fn read_stage(
    (name, mut table): (Placed<String>, Table<'_>),
    problems: &mut Vec<Problem>,
) -> Option<StageEntry> {
    let parsed_name = parse_placed::<StageName>(&name, "stage name", problems);
    let description = table.text("description", problems).map(|text| text.value);
    let from = table.required_text("from", problems);
    let dockerfile = table.text("dockerfile", problems);
    let check_timeout = table
        .whole_number("check-timeout", problems)
        .map_or(CHECK_TIMEOUT, |seconds| seconds.value);
    let args =
        table.table("args", problems).map(|args| read_args(args, problems)).unwrap_or_default();
    let checks = table
        .table("checks", problems)
        .map(|mut checks| pairs(&mut checks, problems))
        .unwrap_or_default();
    table.finish(problems);
    Some(StageEntry {
        name: parsed_name?,
        description,
        from: from?,
        dockerfile,
        args,
        checks,
        check_timeout,
    })
}

fn pairs(table: &mut Table<'_>, problems: &mut Vec<Problem>) -> IndexMap<String, String> {
    table.text_pairs(problems).into_iter().map(|(name, value)| (name.value, value.value)).collect()
}

fn read_args(mut table: Table<'_>, problems: &mut Vec<Problem>) -> IndexMap<String, String> {
    let mut args = IndexMap::new();
    for (name, value) in table.text_pairs(problems) {
        if !is_one_line(&value.value) {
            let problem = Problem::error(format!("the value of `{}` is not one line", name.value));
            problems
                .push(problem.at(value.place, "expected no line break and no control character"));
        } else if is_variable(&name.value) {
            args.insert(name.value, value.value);
        } else {
            let problem = Problem::error(format!("`{}` is not an argument name", name.value));
            problems.push(
                problem
                    .at(name.place, "expected letters, digits and `_`, not starting with a digit"),
            );
        }
    }
    args
}

/// Whether `value` stays within the line of a Dockerfile that it is written into.
pub fn is_one_line(value: &str) -> bool {
    !value.chars().any(|c| c.is_control() && c != '\t')
}

/// Whether a shell and Docker take `name` as a variable's name.
pub fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
