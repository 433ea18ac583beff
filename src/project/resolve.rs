//! Looking up every name that the project's files use, and refusing cycles.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use indexmap::IndexMap;

use super::dockerfile::{Dockerfile, Inputs, Instruction, Scope};
use super::load::Files;
use super::names::StageName;
use super::own_rules::OwnRules;
use super::package_list::roots;
use super::packages_file::PackageEntry;
use super::relocate::relocations;
use super::stage_body::{self, from_names};
use super::stages_file::{Base, StageEntry};
use super::table::Placed;
use super::{Parent, Project, Stage, find_stage};
use crate::error::{Problem, did_you_mean};

/// Makes a project of what was read; `None` only where `problems` says why.
pub(super) fn resolve(folder: &Path, files: Files, problems: &mut Vec<Problem>) -> Option<Project> {
    let names: IndexMap<StageName, ()> =
        files.stages.names.into_iter().map(|name| (name, ())).collect();
    refuse_alike(&files.bodies, problems);
    let bases = files.stages.bases;
    let mut stages = IndexMap::new();
    for (entry, body) in files.bodies {
        let stage = resolve_stage(entry, body, &names, &bases, &files.packages.packages, problems);
        stages.extend(stage.map(|stage| (stage.name.clone(), stage)));
    }
    let default_target =
        files.stages.default_target.and_then(|target| resolve_target(&target, &names, problems));
    refuse_cycles(&stages, problems);
    let roots = roots(folder, &files.packages);
    let rules = OwnRules::read(folder, &files.packages, problems);
    Some(Project {
        folder: folder.to_owned(),
        name: files.stages.name?,
        default_target,
        default_chip: files.stages.default_chip,
        context: folder.join("stages"),
        dockerfile: None,
        port: None,
        bases,
        stages,
        packages: files.packages.packages,
        roots,
        rules,
    })
}

/// Two names that differ only in case would share one image repository.
fn refuse_alike(bodies: &[(StageEntry, Dockerfile)], problems: &mut Vec<Problem>) {
    let mut seen: BTreeMap<String, &StageName> = BTreeMap::new();
    for (entry, _) in bodies {
        let name = &entry.name.value;
        if let Some(other) = seen.insert(name.lower(), name) {
            let problem =
                Problem::error(format!("stages `{other}` and `{name}` differ only in case"));
            problems.push(
                problem
                    .at(entry.name.place.clone(), "both would be tagged as one image")
                    .hint("rename one of them"),
            );
        }
    }
}

fn resolve_stage(
    entry: StageEntry,
    body: Dockerfile,
    names: &IndexMap<StageName, ()>,
    bases: &IndexMap<String, Base>,
    packages: &[PackageEntry],
    problems: &mut Vec<Problem>,
) -> Option<Stage> {
    stage_body::refuse_from(&body, problems);
    let uses = stage_body::package_uses(body.instructions(), &body, problems);
    for used in &uses {
        if !packages.iter().any(|package| package.name == used.name) {
            let problem = Problem::error(format!("package `{}` is not declared", used.name));
            let hint = did_you_mean(
                used.name.as_str(),
                packages.iter().map(|package| package.name.as_str()),
            );
            let hint = hint
                .unwrap_or_else(|| "declare it with a `[[package]]` in packages.toml".to_owned());
            problems.push(
                problem
                    .at(used.place.clone(), "no `[[package]]` of this name in packages.toml")
                    .hint(hint),
            );
        }
    }
    let copies = copies(&body, names, &entry.name.value);
    let sources = sources(&body);
    let scope = Scope::global(&Inputs::default(), body.escape());
    let scoped = body.instructions().map(|instruction| (instruction, scope.clone()));
    let relocations = relocations(scoped, &sources);
    let from = resolve_from(&entry.from, names, bases, problems);
    Some(Stage {
        name: entry.name.value,
        place: entry.name.place,
        description: entry.description,
        from: from?,
        span: 0..body.source().text.len(),
        preamble: directives(&body),
        from_flags: String::new(),
        sources,
        file: Arc::new(body),
        build_args: IndexMap::new(),
        fetches: Vec::new(),
        numbers: Vec::new(),
        relocations,
        args: entry.args,
        checks: entry.checks,
        check_timeout: entry.check_timeout,
        uses,
        copies,
    })
}

/// Parser directives must be said before `FROM`.
fn directives(body: &Dockerfile) -> String {
    body.directives()
        .iter()
        .map(|directive| format!("# {}={}\n", directive.name, directive.value))
        .collect()
}

/// What `COPY` and `ADD` take from the context; the whole of it where only the build can tell.
fn sources(body: &Dockerfile) -> Vec<String> {
    let scope = Scope::global(&Inputs::default(), body.escape());
    let of = |instruction: &Instruction| match instruction.arguments.text.contains('$') {
        true if matches!(instruction.keyword.as_str(), "COPY" | "ADD") => vec![".".to_owned()],
        _ => stage_body::context_sources(instruction, &scope),
    };
    body.instructions().flat_map(of).collect()
}

/// `COPY --from=NAME` of a stage makes that stage a parent; any other name is an image, and the engine's matter.
fn copies(body: &Dockerfile, names: &IndexMap<StageName, ()>, own: &StageName) -> Vec<StageName> {
    let known =
        |name: &str| names.keys().find(|stage| stage.as_str().eq_ignore_ascii_case(name)).cloned();
    let mut copies: Vec<StageName> = body
        .instructions()
        .flat_map(from_names)
        .filter_map(known)
        .filter(|stage| stage != own)
        .collect();
    copies.sort();
    copies.dedup();
    copies
}

fn resolve_from(
    from: &Placed<String>,
    names: &IndexMap<StageName, ()>,
    bases: &IndexMap<String, Base>,
    problems: &mut Vec<Problem>,
) -> Option<Parent> {
    if let Some(stage) = names.keys().find(|stage| stage.as_str() == from.value) {
        return Some(Parent::Stage(stage.clone()));
    }
    if bases.contains_key(&from.value) {
        return Some(Parent::Base(from.value.clone()));
    }
    let candidates = names.keys().map(StageName::as_str).chain(bases.keys().map(String::as_str));
    let hint = did_you_mean(&from.value, candidates).unwrap_or_else(|| {
        format!("declare `[bases.NAME]` with `image = \"{}\"`, and start from `NAME`", from.value)
    });
    let problem = Problem::error(format!("`{}` is neither a stage nor a base", from.value));
    problems.push(problem.at(from.place.clone(), "not declared in stages/stages.toml").hint(hint));
    None
}

fn resolve_target(
    target: &Placed<String>,
    names: &IndexMap<StageName, ()>,
    problems: &mut Vec<Problem>,
) -> Option<StageName> {
    let found = names.keys().find(|name| name.as_str() == target.value);
    if found.is_none() {
        let problem =
            Problem::error(format!("`default-target` names no stage: `{}`", target.value));
        let hint = did_you_mean(&target.value, names.keys().map(StageName::as_str));
        problems.push(problem.at(target.place.clone(), "not a stage").maybe_hint(hint));
    }
    found.cloned()
}

/// Reports each cycle once, as the path that it takes.
pub(super) fn refuse_cycles(stages: &IndexMap<StageName, Stage>, problems: &mut Vec<Problem>) {
    let mut done: Vec<&StageName> = Vec::new();
    for stage in stages.values() {
        let mut path = Vec::new();
        if let Some(cycle) = walk(stage, stages, &mut path, &mut done) {
            let shown: Vec<_> = cycle.iter().map(|name| format!("`{name}`")).collect();
            let problem = Problem::error(format!(
                "stages build on each other in a cycle: {}",
                shown.join(" → ")
            ));
            problems.push(
                problem
                    .at(stage.place.clone(), "part of the cycle")
                    .hint("let one of them start from a base"),
            );
        }
    }
}

fn walk<'a>(
    stage: &'a Stage,
    stages: &'a IndexMap<StageName, Stage>,
    path: &mut Vec<&'a StageName>,
    done: &mut Vec<&'a StageName>,
) -> Option<Vec<&'a StageName>> {
    if let Some(start) = path.iter().position(|name| **name == stage.name) {
        let mut cycle = path[start..].to_vec();
        cycle.push(&stage.name);
        done.extend(&cycle);
        return Some(cycle);
    }
    if done.contains(&&stage.name) {
        return None;
    }
    path.push(&stage.name);
    let parents = stage.parents().filter_map(|name| find_stage(stages, name.as_str()));
    let cycle = parents.map(|parent| walk(parent, stages, path, done)).find_map(|cycle| cycle);
    path.pop();
    done.push(&stage.name);
    cycle
}
