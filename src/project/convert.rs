//! A Dockerfile as the files of a project: `stages/stages.toml` and one Dockerfile a stage.
//!
//! 1. Each stage's arguments that stand at its top become its `args` (`convert_arguments`).
//! 2. Fetches from the package server become `RUN --package` (see
//!    `dockerfile/conversion/`); numbers of stages become their names.
//! 3. Everything else stays as it is, comments above a `FROM` with their stage.

use std::ops::Range;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use super::convert_arguments::{Arguments, arguments_of};
use super::dockerfile::{
    Dockerfile, Edits, Fetch, Flag, Instruction, Stage, arguments_of_files, edited, fetches,
    installs_its_downloader, run_with_packages, trigger_fetches,
};
use super::recipe::{Reader, with_reader};
use super::{Parent, Project, Recipe, StageName};
use crate::error::{Error, Exit, Place, Problem, Result};

/// The files of a project, and what could not be converted.
#[derive(Debug)]
pub struct Converted {
    /// Paths relative to the project, and contents.
    pub files: Vec<(PathBuf, String)>,
    /// What stays as it is although a project serves it nothing.
    pub warnings: Vec<Problem>,
}

/// Converts the Dockerfile of `recipe`, which was read as `project`; `package` gives the name of
/// the package that a file is, `chip` the one that packages are chosen for.
///
/// # Errors
/// [`Exit::Project`]: the Dockerfile cannot be read any more.
pub fn convert(
    recipe: &Recipe,
    project: &Project,
    package: &dyn Fn(&str) -> Option<String>,
    chip: Option<&str>,
) -> Result<Converted> {
    let mut problems = Vec::new();
    let converted = with_reader(recipe, &project.roots, &mut problems, |reader| {
        let mut conversion = Conversion {
            reader,
            package,
            warnings: Vec::new(),
            args: Vec::new(),
            fixed: IndexMap::new(),
        };
        let mut files = conversion.bodies();
        conversion.tell_fixed();
        let manifest = conversion.manifest(project, chip);
        files.insert(0, (PathBuf::from("stages/stages.toml"), manifest));
        Converted { files, warnings: conversion.warnings }
    });
    converted.ok_or(Error { exit: Exit::Project, problems })
}

struct Conversion<'a> {
    reader: &'a Reader<'a>,
    package: &'a dyn Fn(&str) -> Option<String>,
    warnings: Vec<Problem>,
    /// The arguments of each stage that its manifest takes over.
    args: Vec<(StageName, IndexMap<String, String>)>,
    /// The arguments that no longer choose files, and where the first of these was named.
    fixed: IndexMap<String, Place>,
}

impl Conversion<'_> {
    fn bodies(&mut self) -> Vec<(PathBuf, String)> {
        let mut files = Vec::new();
        for stage in self.reader.stages.iter() {
            let Some(name) = self.reader.name(stage.index) else { continue };
            let text = self.body(stage, &name);
            files.push((Path::new("stages").join(format!("{name}.Dockerfile")), text));
        }
        files
    }

    fn body(&mut self, stage: &Stage<'_>, name: &StageName) -> String {
        let file = self.reader.file;
        let Arguments { taken, table, lines, edits } = arguments_of(self.reader, stage);
        self.args.push((name.clone(), table));
        self.platform(stage);
        let edits = self.stage_edits(stage, edits);
        let span = self.own_span(stage);
        let edit = |instruction: &Instruction| {
            if taken.contains(&instruction.span) {
                return Some(String::new());
            }
            let own: Vec<_> = edits
                .iter()
                .filter(|(span, _)| {
                    instruction.span.start <= span.start && span.end <= instruction.span.end
                })
                .cloned()
                .collect();
            (!own.is_empty()).then(|| edited(&file.source().text, instruction, &own))
        };
        let comment = match stage.index {
            0 => opening(file, stage.from),
            _ => above(file, stage.from).to_owned(),
        };
        let body = file.rewrite_within(span, edit);
        let newline = newline(&file.source().text);
        let directives: String = file
            .directives()
            .iter()
            .map(|directive| format!("# {}={}{newline}", directive.name, directive.value))
            .collect();
        let inherited: String = lines.iter().map(|line| format!("{line}{newline}")).collect();
        format!("{directives}{comment}{inherited}{}{newline}", body.trim())
    }

    /// The stage's body without the comments that belong to the next stage.
    fn own_span(&self, stage: &Stage<'_>) -> Range<usize> {
        let span = self.reader.body_span(stage);
        let next = self.reader.stages.get(stage.index + 1);
        let comment = next.map_or(0, |next| above(self.reader.file, next.from).len());
        span.start..span.end - comment
    }

    /// Every edit of a stage's instructions.
    fn stage_edits(&mut self, stage: &Stage<'_>, mut edits: Edits) -> Edits {
        let Reader { stages, inputs, addresses, .. } = self.reader;
        let found = fetches(stages, stage.index, inputs, addresses);
        for instruction in &stage.instructions {
            edits.extend(self.numbers(instruction));
            let own: Vec<&Fetch<'_>> =
                found.iter().filter(|fetch| fetch.instruction.span == instruction.span).collect();
            if own.is_empty() {
                continue;
            }
            match run_with_packages(stages, stage.index, inputs, &own, self.package) {
                Ok(converted) => {
                    edits.extend(converted);
                    self.downloader(stage, instruction);
                    self.fixed(stage, &own);
                }
                Err(reason) => {
                    self.warnings.push(self.unconverted(&instruction.keyword, own[0], &reason));
                }
            }
        }
        self.triggers(stage);
        edits.sort_by_key(|(span, _)| (span.start, span.end));
        edits
    }

    /// Notes which of the stage's arguments chose the files that the packages are now.
    fn fixed(&mut self, stage: &Stage<'_>, fetches: &[&Fetch<'_>]) {
        let Reader { stages, inputs, file, .. } = self.reader;
        let Some((_, table)) = self.args.last() else { return };
        let names = arguments_of_files(stages, stage.index, inputs, fetches, table.keys());
        for name in names {
            let place = || Place::new(file.source(), fetches[0].url_span.clone());
            self.fixed.entry(name.clone()).or_insert_with(place);
        }
    }

    /// Warns of the arguments that no longer choose files.
    fn tell_fixed(&mut self) {
        let fixed = std::mem::take(&mut self.fixed);
        let shown = |name: &String| format!("`--set {name}=…`");
        let names = fixed.keys().map(shown).collect::<Vec<_>>().join(", ");
        let Some(place) = fixed.into_values().next() else { return };
        self.warnings.push(
            Problem::warning(format!("{names} will not change which packages are taken"))
                .at(place, "`--package` names the file that this was, here and wherever an address has such an argument")
                .hint("change the packages in `--package=…` and packages.toml together with the argument"),
        );
    }

    /// What a stage gives to those built from it stays, whoever they are.
    fn triggers(&mut self, stage: &Stage<'_>) {
        let Reader { stages, inputs, addresses, .. } = self.reader;
        for fetch in trigger_fetches(stages, stage.index, inputs, addresses) {
            let warning = self.unconverted("ONBUILD", &fetch, "a trigger fetches it");
            self.warnings.push(warning);
        }
    }

    /// A platform of one stage alone, which a project has no place for.
    fn platform(&mut self, stage: &Stage<'_>) {
        let Some(flag) = stage.from.flag("platform") else { return };
        let value = flag.value.as_deref().unwrap_or_default();
        if matches!(value, "$TARGETPLATFORM" | "${TARGETPLATFORM}") {
            return;
        }
        let place = Place::new(self.reader.file.source(), flag.span.clone());
        let problem = Problem::warning(format!("`--platform={value}` is left out"));
        self.warnings.push(
            problem
                .at(place, "a project builds all of its stages for one platform")
                .hint("say which with `ascend-build --platform`, or name a base image of that platform in stages.toml"),
        );
    }

    /// A RUN that installs what `RUN --package` needs before it begins.
    fn downloader(&mut self, stage: &Stage<'_>, instruction: &Instruction) {
        let Reader { stages, inputs, .. } = self.reader;
        let Some(span) = installs_its_downloader(stages, stage.index, inputs, instruction) else {
            return;
        };
        let place = Place::new(self.reader.file.source(), span);
        let problem = Problem::warning("this `RUN` installs the downloader that it needs itself");
        self.warnings.push(
            problem.at(place, "`RUN --package` fetches before its command begins").hint(
                "install curl, wget or python3 in a `RUN` before, unless the base image has one",
            ),
        );
    }

    fn unconverted(&self, keyword: &str, fetch: &Fetch<'_>, reason: &str) -> Problem {
        let place = Place::new(self.reader.file.source(), fetch.url_span.clone());
        Problem::warning(format!("this `{keyword}` stays as it is"))
            .at(place, reason)
            .hint("give the `RUN` its packages by hand, with `--package=NAME`: a project serves nothing else")
    }

    /// `--from=0` and `from=0` of mounts, with the stage's name instead.
    fn numbers(&self, instruction: &Instruction) -> Edits {
        let named = |flag: &Flag| {
            let key = if flag.name == "mount" { ",from=" } else { "--from=" };
            let text = &self.reader.file.source().text[flag.span.clone()];
            let text = text.replacen("--mount=from=", "--mount,from=", 1);
            let start = text.find(key)? + key.len();
            let digits = text[start..].split(',').next()?;
            let name = self.reader.name(digits.parse().ok()?)?;
            let start = flag.span.start + start;
            Some((start..start + digits.len(), name.to_string()))
        };
        let flags = instruction.flags.iter();
        flags
            .filter(|flag| matches!(flag.name.as_str(), "from" | "mount"))
            .filter_map(named)
            .collect()
    }

    fn manifest(&self, project: &Project, chip: Option<&str>) -> String {
        let mut out = format!("[project]\nname = {}\n", quoted(&project.name));
        if let Some(target) = &project.default_target {
            out += &format!("default-target = {}\n", quoted(target.as_str()));
        }
        if let Some(chip) = chip {
            out += &format!("# What `--chip` overrides.\ndefault-chip = {}\n", quoted(chip));
        }
        let bases = base_names(project);
        for (image, name) in &bases {
            out += &format!("\n[bases.{}]\nimage = {}\n", key(name), quoted(image));
        }
        for stage in project.stages.values() {
            let from = match &stage.from {
                Parent::Stage(parent) => parent.to_string(),
                Parent::Base(image) => bases.get(image).unwrap_or(image).clone(),
            };
            out += &format!("\n[stages.{}]\nfrom = {}\n", key(stage.name.as_str()), quoted(&from));
            out += &self.arguments(&stage.name);
        }
        out
    }

    /// The arguments' table, which `--set NAME=VALUE` overrides.
    fn arguments(&self, stage: &StageName) -> String {
        let own = self.args.iter().find(|(name, args)| name == stage && !args.is_empty());
        let Some((name, args)) = own else { return String::new() };
        let lines: String = args
            .iter()
            .map(|(name, value)| format!("{} = {}\n", key(name), quoted(value)))
            .collect();
        format!("[stages.{}.args]\n{lines}", key(name.as_str()))
    }
}

/// What ends the lines of a text.
fn newline(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// Every comment line above the first `FROM`.
fn opening(file: &Dockerfile, from: &Instruction) -> String {
    let text = &file.source().text;
    let start = file.directives().iter().map(|one| one.span.end).max().unwrap_or(0);
    let lines = text[start..from.span.start].split_inclusive('\n');
    lines.filter(|line| line.trim_start().starts_with('#')).collect()
}

/// The comment lines right above an instruction.
fn above<'a>(file: &'a Dockerfile, instruction: &Instruction) -> &'a str {
    let before = &file.source().text[..instruction.span.start];
    let earlier = file.instructions().filter(|other| other.span.end <= instruction.span.start);
    let floor = earlier.map(|other| other.span.end).max().unwrap_or(0);
    let floor = file.directives().iter().map(|one| one.span.end).fold(floor, usize::max);
    let mut start = before.len();
    for line in before[floor..].split_inclusive('\n').rev() {
        if !line.trim_start().starts_with('#') {
            break;
        }
        start -= line.len();
    }
    &before[start..]
}

/// A name for each base image: its repository's last part, which no stage is called.
fn base_names(project: &Project) -> IndexMap<String, String> {
    let mut names: IndexMap<String, String> = IndexMap::new();
    for image in project.bases.keys() {
        let last = image.rsplit('/').next().unwrap_or(image);
        let plain: String = last
            .split('@')
            .next()
            .unwrap_or(last)
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        let mut name = plain;
        while project.stage(&name).is_some() || names.values().any(|other| *other == name) {
            name.push_str("-base");
        }
        names.insert(image.clone(), name);
    }
    names
}

/// A key of TOML, in quotes where it must be.
fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(bare) { name.to_owned() } else { quoted(name) }
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string().trim().to_owned()
}
