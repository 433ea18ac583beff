//! Looking up every name that the project's files use, and refusing cycles.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use indexmap::IndexMap;

use super::dockerfile::{Dockerfile, Inputs, Instruction, Scope};
use super::load::Files;
use super::names::{PackageName, StageName};
use super::own_rules::OwnRules;
use super::package_list::roots;
use super::relocate::relocations;
use super::stage_body::{self, PackageUse, from_names};
use super::stages_file::StageEntry;
use super::table::Placed;
use super::warnings::warnings;
use super::{Parent, Project, Stage, find_stage};
use crate::error::{Problem, did_you_mean};

/// Makes a project of what was read; `None` only where `problems` says why.
pub(super) fn resolve(folder: &Path, files: Files, problems: &mut Vec<Problem>) -> Option<Project> {
    refuse_alike(&files.stages.names, problems);
    let names: IndexMap<StageName, ()> =
        files.stages.names.into_iter().map(|name| (name.value, ())).collect();
    let known = Known {
        stages: &names,
        bases: &files.stages.base_names,
        packages: files.packages.names.as_deref().map(|names| names.iter().collect()),
    };
    let mut stages = IndexMap::new();
    for (entry, body) in files.bodies {
        let stage = resolve_stage(entry, body, &known, problems);
        stages.extend(stage.map(|stage| (stage.name.clone(), stage)));
    }
    let default_target =
        files.stages.default_target.and_then(|target| resolve_target(&target, &names, problems));
    let circles = problems.len();
    hand_down_triggers(&mut stages);
    refuse_cycles(&stages, problems);
    if problems.len() == circles {
        problems.extend(warnings(&folder.join("stages"), &stages));
    }
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
        bases: files.stages.bases,
        stages,
        packages: files.packages.packages,
        roots,
        rules,
    })
}

/// Two names that differ only in case would share one image repository.
fn refuse_alike(names: &[Placed<StageName>], problems: &mut Vec<Problem>) {
    let mut seen: BTreeMap<String, &StageName> = BTreeMap::new();
    for Placed { value: name, place } in names {
        if let Some(other) = seen.insert(name.lower(), name) {
            let problem =
                Problem::error(format!("stages `{other}` and `{name}` differ only in case"));
            problems.push(
                problem
                    .at(place.clone(), "both would be tagged as one image")
                    .hint("rename one of them"),
            );
        }
    }
}

/// The names that can be looked up, those of broken entries included.
struct Known<'a> {
    stages: &'a IndexMap<StageName, ()>,
    bases: &'a [String],
    /// `None` where packages.toml could not be read: it may declare any.
    packages: Option<BTreeSet<&'a PackageName>>,
}

fn resolve_stage(
    entry: StageEntry,
    body: Dockerfile,
    known: &Known<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Stage> {
    stage_body::refuse_from(&body, problems);
    let uses = stage_body::package_uses(body.instructions(), &body, problems);
    refuse_undeclared(&uses, known, problems);
    let copies = stages_among(body.instructions(), known.stages, &entry.name.value);
    let sources = sources(&body);
    let scope = Scope::global(&Inputs::default(), body.escape());
    let scoped = body.instructions().map(|instruction| (instruction, scope.clone()));
    let relocations = relocations(scoped, &sources);
    let from = resolve_from(&entry.from, known, problems);
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
        triggers: Vec::new(),
        instead_of: Vec::new(),
        numbers: Vec::new(),
        relocations,
        args: entry.args,
        checks: entry.checks,
        check_timeout: entry.check_timeout,
        uses,
        copies,
    })
}

/// What the `ONBUILD`s of a stage copy is copied in the stages that start from it.
fn hand_down_triggers(stages: &mut IndexMap<StageName, Stage>) {
    let names: IndexMap<StageName, ()> = stages.keys().map(|name| (name.clone(), ())).collect();
    for index in 0..stages.len() {
        let Parent::Stage(parent) = &stages[index].from else { continue };
        let Some(parent) = find_stage(stages, parent.as_str()) else { continue };
        let inner = || parent.instructions().filter_map(|one| one.inner.as_deref());
        if inner().next().is_none() {
            continue;
        }
        let scope = Scope::global(&Inputs::default(), parent.file.escape());
        let sources: Vec<String> = inner().flat_map(|one| sources_of(one, &scope)).collect();
        let copies = stages_among(inner(), &names, &stages[index].name);
        let stage = &mut stages[index];
        // A trigger is not written anew for a folder of the context.
        if !sources.is_empty() {
            stage.relocations.clear();
        }
        stage.sources.extend(sources);
        stage.copies.extend(copies);
        stage.copies.sort();
        stage.copies.dedup();
    }
}

fn refuse_undeclared(uses: &[PackageUse], known: &Known<'_>, problems: &mut Vec<Problem>) {
    let Some(packages) = &known.packages else { return };
    for used in uses.iter().filter(|used| !packages.contains(&used.name)) {
        let names = packages.iter().map(|name| name.as_str());
        let hint = did_you_mean(used.name.as_str(), names)
            .unwrap_or_else(|| "declare it with a `[[package]]` in packages.toml".to_owned());
        problems.push(
            Problem::error(format!("package `{}` is not declared", used.name))
                .at(used.place.clone(), "no `[[package]]` of this name in packages.toml")
                .hint(hint),
        );
    }
}

/// Parser directives must be said before `FROM`.
fn directives(body: &Dockerfile) -> String {
    body.directives()
        .iter()
        .map(|directive| format!("# {}={}\n", directive.name, directive.value))
        .collect()
}

/// What `COPY` and `ADD` take from the context.
fn sources(body: &Dockerfile) -> Vec<String> {
    let scope = Scope::global(&Inputs::default(), body.escape());
    body.instructions().flat_map(|instruction| sources_of(instruction, &scope)).collect()
}

/// The same of one instruction; the whole of the context where only the build can tell.
fn sources_of(instruction: &Instruction, scope: &Scope) -> Vec<String> {
    match instruction.arguments.text.contains('$') {
        true if matches!(instruction.keyword.as_str(), "COPY" | "ADD") => vec![".".to_owned()],
        _ => stage_body::context_sources(instruction, scope),
    }
}

/// `COPY --from=NAME` of a stage makes that stage a parent; any other name is an image, and the engine's matter.
fn stages_among<'a>(
    instructions: impl Iterator<Item = &'a Instruction>,
    names: &IndexMap<StageName, ()>,
    own: &StageName,
) -> Vec<StageName> {
    let known =
        |name: &str| names.keys().find(|stage| stage.as_str().eq_ignore_ascii_case(name)).cloned();
    let mut copies: Vec<StageName> =
        instructions.flat_map(from_names).filter_map(known).filter(|stage| stage != own).collect();
    copies.sort();
    copies.dedup();
    copies
}

fn resolve_from(
    from: &Placed<String>,
    known: &Known<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Parent> {
    let (names, bases) = (known.stages, known.bases);
    if let Some((stage, ())) = names.get_key_value(from.value.as_str()) {
        return Some(Parent::Stage(stage.clone()));
    }
    if bases.contains(&from.value) {
        return Some(Parent::Base(from.value.clone()));
    }
    let candidates = names.keys().map(StageName::as_str).chain(bases.iter().map(String::as_str));
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
