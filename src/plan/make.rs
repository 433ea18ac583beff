//! Making a plan of a project and what the user wishes.

use std::collections::HashMap;

use indexmap::IndexMap;

use super::render::render;
use super::select::{Selection, select};
use super::{
    Guess, Plan, PlannedBase, PlannedInstruction, PlannedPackage, PlannedParent, PlannedStage,
    SCHEMA, graph,
};
use crate::error::{Error, Exit, Place, Problem, Result, did_you_mean};
use crate::project::dockerfile::{Instruction, USUAL_PORT};
use crate::project::{
    CONTEXT_FOLDER, Fetched, PackageEntry, PackageName, PackageUse, Parent, Project, Stage,
    StageName,
};

/// What the user wishes to build.
#[derive(Debug, Clone)]
pub struct Wishes {
    /// The stage; the project's default where `None`.
    pub target: Option<String>,
    /// What to build for.
    pub selection: Selection,
    /// Arguments given with `--set`.
    pub settings: Vec<(String, String)>,
    /// The tag of each stage's image.
    pub tag: String,
    /// References that the target's image gets besides.
    pub extra_tags: Vec<String>,
}

/// Makes the plan.
///
/// # Errors
/// [`Exit::Usage`] for an unknown target or setting, [`Exit::Project`] with every package that cannot be selected.
pub fn make(project: &Project, wishes: &Wishes) -> Result<Plan> {
    let target = find_target(project, wishes.target.as_deref())?;
    refuse_unknown_settings(project, &wishes.settings)?;
    let stages = graph::ancestors(project, target);
    let packages = select_all(project, &stages, &wishes.selection)?;
    let planned = stages
        .iter()
        .filter_map(|stage| plan_stage(project, stage, target, wishes, &packages))
        .collect();
    let mut needed = IndexMap::new();
    for package in packages.into_iter().flat_map(|(_, files)| files.into_values()) {
        needed.entry((package.file.clone(), package.sha256.clone())).or_insert(package);
    }
    Ok(Plan {
        schema: SCHEMA,
        project: project.name.clone(),
        target: target.name.clone(),
        platform: wishes.selection.platform.clone(),
        chip: wishes.selection.chip.clone(),
        tag: wishes.tag.clone(),
        extra_tags: wishes.extra_tags.clone(),
        stages: planned,
        packages: needed.into_values().collect(),
        port: project.port.or_else(|| usual_port(&stages)),
    })
}

/// The port that recipes usually ask, where one of `stages` asks an address that only its run
/// knows: that address is not written anew, so that no other port would be found.
fn usual_port(stages: &[&Stage]) -> Option<u16> {
    let mut fetches = stages.iter().flat_map(|stage| &stage.fetches);
    let is_open = |fetched: &Fetched| fetched.file.is_err() && fetched.authority.is_none();
    fetches.any(is_open).then_some(USUAL_PORT)
}

fn find_target<'a>(project: &'a Project, wished: Option<&str>) -> Result<&'a Stage> {
    let names = || project.stages.keys().map(StageName::as_str);
    let stages = || names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let Some(name) = wished else {
        let default = project.default_target.as_ref().and_then(|target| project.stages.get(target));
        let only = project.stages.values().next().filter(|_| project.stages.len() == 1);
        return default.or(only).ok_or_else(|| {
            let problem =
                Problem::error("no target was given, and the project has no `default-target`");
            problem
                .note(format!("stages: {}", stages()))
                .hint("say which with `--target STAGE`")
                .exit(Exit::Usage)
        });
    };
    project.stage(name).ok_or_else(|| {
        let problem = Problem::error(format!("there is no stage `{name}`"))
            .note(format!("stages: {}", stages()));
        problem.maybe_hint(did_you_mean(name, names())).exit(Exit::Usage)
    })
}

fn refuse_unknown_settings(project: &Project, settings: &[(String, String)]) -> Result<()> {
    let known: Vec<&str> =
        project.stages.values().flat_map(|stage| stage.args.keys()).map(String::as_str).collect();
    let unknown = settings.iter().filter(|(name, _)| !known.contains(&name.as_str()));
    let problems = unknown.map(|(name, _)| {
        let problem = Problem::error(format!("no stage has an argument `{name}`"));
        let hint = did_you_mean(name, known.iter().copied());
        problem.hint(hint.unwrap_or_else(|| {
            format!(
                "declare it with `args = {{ {name} = \"…\" }}` in a stage of stages/stages.toml"
            )
        }))
    });
    Error::check(Exit::Usage, problems.collect()).map(drop)
}

/// For each stage, the file of each package name that it uses.
type Selected<'a> = IndexMap<&'a StageName, IndexMap<String, PlannedPackage>>;

fn select_all<'a>(
    project: &Project,
    stages: &[&'a Stage],
    selection: &Selection,
) -> Result<Selected<'a>> {
    let mut problems = Vec::new();
    let mut selected = IndexMap::new();
    let mut named: HashMap<_, Vec<_>> = HashMap::new();
    for package in &project.packages {
        named.entry(&package.name).or_default().push(package);
    }
    for stage in stages {
        let mut files = IndexMap::new();
        for used in &stage.uses {
            match select(used, named.get(&used.name).map_or(&[], Vec::as_slice), selection) {
                Ok(package) => {
                    files.insert(used.name.to_string(), planned_package(package, &used.place));
                }
                Err(problem) => problems.push(problem),
            }
        }
        problems.extend(same_names(stage, &files));
        files.extend(stage.fetches.iter().filter_map(|fetched| fetched_package(project, fetched)));
        selected.insert(&stage.name, files);
    }
    Error::check(Exit::Project, problems)?;
    Ok(selected)
}

/// Two files of one name cannot both come into `$PACKAGES` for one instruction.
fn same_names(stage: &Stage, files: &IndexMap<String, PlannedPackage>) -> Vec<Problem> {
    let named = |used: &PackageUse| Some((used.instruction, files.get(used.name.as_str())?));
    let all: Vec<_> = stage.uses.iter().filter_map(named).collect();
    let doubled = |place: usize| {
        let (instruction, file) = all[place];
        let other = |(of, other): &&(usize, &PlannedPackage)| {
            *of == instruction && other.file_name() == file.file_name() && other.file != file.file
        };
        all[..place].iter().find(other).map(|(_, other)| same_name(file, other))
    };
    (0..all.len()).filter_map(doubled).collect()
}

fn same_name(file: &PlannedPackage, other: &PlannedPackage) -> Problem {
    let problem = Problem::error(format!("`{}` and `{}` have one name", other.file, file.file));
    let problem =
        problem.note("`$PACKAGES` holds the files of an instruction without their folders");
    match &file.asked {
        Some(place) => problem.at(place.clone(), "needed here together"),
        None => problem,
    }
    .hint("name them in two `RUN`s, or give one of the files another name")
}

/// Every file that a stage of `project` certainly fetches by its address, each once.
pub fn fetched(project: &Project) -> Vec<PlannedPackage> {
    let all = project.stages.values().flat_map(|stage| &stage.fetches);
    let mut files = IndexMap::new();
    files.extend(all.filter_map(|fetched| fetched_package(project, fetched)));
    files.into_values().collect()
}

/// A file that is fetched by its address: an entry vouches for it, or nothing does.
fn fetched_package(project: &Project, fetched: &Fetched) -> Option<(String, PlannedPackage)> {
    let file = fetched.certain()?;
    let entry = project.declared(file);
    let undeclared = || PlannedPackage {
        name: name_of_any(file),
        file: file.to_owned(),
        sha256: None,
        size: None,
        url: None,
        place: Some(fetched.place.clone()),
        asked: None,
    };
    // An entry names the file alone, the address the folder below the root as well.
    let declared =
        |entry| PlannedPackage { file: file.to_owned(), ..planned_package(entry, &fetched.place) };
    Some((file.to_owned(), entry.map_or_else(undeclared, declared)))
}

/// The file's name with what a package's name cannot hold left out.
pub fn package_name(file: &str) -> Option<PackageName> {
    let plain: String = file
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "_-.+".contains(c) { c } else { '-' })
        .collect();
    plain.trim_start_matches(|c: char| !c.is_ascii_alphanumeric()).parse().ok()
}

/// The same, and where nothing is left of it a name made of the characters' numbers: what is
/// fetched is not left out because of its name.
pub fn name_of_any(file: &str) -> PackageName {
    package_name(file).unwrap_or_else(|| {
        let numbers: Vec<_> = file.chars().map(|c| format!("{:x}", u32::from(c))).collect();
        let name = format!("file-{}", numbers.join("-"));
        name.parse().expect("letters, digits and `-` make a name")
    })
}

fn planned_package(package: &PackageEntry, asked: &Place) -> PlannedPackage {
    PlannedPackage {
        asked: Some(asked.clone()),
        name: package.name.clone(),
        file: package.path(),
        sha256: Some(package.sha256.clone()),
        size: package.size,
        url: package.url.clone(),
        place: Some(package.place.clone()),
    }
}

fn plan_stage(
    project: &Project,
    stage: &Stage,
    target: &Stage,
    wishes: &Wishes,
    packages: &Selected<'_>,
) -> Option<PlannedStage> {
    let files = packages.get(&stage.name)?;
    let args = arguments(stage, &wishes.settings);
    let rendering =
        render(project, stage, args.clone().into_iter(), |name| files.get(name).cloned());
    let instructions =
        stage.instructions().map(|instruction| planned_instruction(stage, instruction, files));
    Some(PlannedStage {
        name: stage.name.clone(),
        description: stage.description.clone(),
        from: parent(project, stage)?,
        instead_of: stage.instead_of.clone(),
        copies: stage.copies.clone(),
        packages: files.values().map(|package| package.file.clone()).collect(),
        args,
        build_args: stage.build_args.clone(),
        checks: stage.checks.clone(),
        check_timeout: stage.check_timeout,
        reference: project.reference(stage, &wishes.tag),
        reason: reason(stage, target),
        guesses: stage.fetches.iter().filter_map(guess).collect(),
        pieces: rendering.pieces,
        written: rendering.written,
        instructions: instructions.collect(),
        context: stage.sources.clone(),
        context_folder: (!stage.relocations.is_empty()).then_some(CONTEXT_FOLDER),
    })
}

/// Why a stage is in the plan, and on what else it would stand.
fn reason(stage: &Stage, target: &Stage) -> String {
    let needed = match stage.name == target.name {
        true => "the target".to_owned(),
        false => format!("needed by `{}`", target.name),
    };
    let skipped: Vec<_> = stage.instead_of.iter().map(|name| format!("`{name}`")).collect();
    match skipped.as_slice() {
        [] => needed,
        [one] => format!("{needed}; {one} is skipped"),
        several => format!("{needed}; {} are skipped", several.join(", ")),
    }
}

/// What only the run can tell of a fetch: which file it is, or whether it happens.
fn guess(fetched: &Fetched) -> Option<Guess> {
    let place = fetched.place.clone();
    match (&fetched.file, fetched.doubt) {
        (Err(reason), _) => Some(Guess { reason: reason.clone(), file: None, place }),
        (Ok(file), Some(doubt)) => {
            Some(Guess { reason: format!("it stands {doubt}"), file: Some(file.clone()), place })
        }
        (Ok(_), None) => None,
    }
}

fn arguments(stage: &Stage, settings: &[(String, String)]) -> IndexMap<String, String> {
    let mut args = stage.args.clone();
    for (name, value) in settings {
        if let Some(argument) = args.get_mut(name) {
            argument.clone_from(value);
        }
    }
    args
}

fn parent(project: &Project, stage: &Stage) -> Option<PlannedParent> {
    Some(match &stage.from {
        Parent::Stage(stage) => PlannedParent::Stage(stage.clone()),
        Parent::Base(name) => {
            let base = project.bases.get(name)?;
            PlannedParent::Base(Box::new(PlannedBase {
                name: name.clone(),
                image: base.image.clone(),
                source: base.clone(),
            }))
        }
    })
}

fn planned_instruction(
    stage: &Stage,
    instruction: &Instruction,
    files: &IndexMap<String, PlannedPackage>,
) -> PlannedInstruction {
    let place = instruction.place(stage.file.source());
    let flags = instruction.flags.iter().map(|flag| &stage.file.source().text[flag.span.clone()]);
    let words = [instruction.keyword.as_str()]
        .into_iter()
        .chain(flags)
        .chain(instruction.arguments.text.split_whitespace());
    PlannedInstruction {
        keyword: instruction.keyword.clone(),
        text: words.collect::<Vec<_>>().join(" "),
        file: place.file.path.display().to_string(),
        line: place.line(),
        packages: fetched_files(stage, instruction, files),
        place,
    }
}

/// The files that an instruction fetches, with `--package` or by their address.
fn fetched_files(
    stage: &Stage,
    instruction: &Instruction,
    files: &IndexMap<String, PlannedPackage>,
) -> Vec<String> {
    let within = |used: &&PackageUse| {
        instruction.span.start <= used.place.span.start
            && used.place.span.end <= instruction.span.end
    };
    let used = stage.uses.iter().filter(within).filter_map(|used| files.get(used.name.as_str()));
    let used = used.map(|package| package.file.clone());
    let addressed =
        stage.fetches.iter().filter(|fetched| fetched.instruction == instruction.span.start);
    used.chain(addressed.filter_map(|fetched| fetched.certain().map(str::to_owned))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_a_name() {
        let check = |file, expected| assert_eq!(name_of_any(file).as_str(), expected);
        check("a.run", "a.run");
        check("sub/a b.run", "sub-a-b.run");
        check("安装.run", "run");
        check("安装", "file-5b89-88c5");
        check("__", "file-5f-5f");
    }
}
