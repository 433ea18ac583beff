//! From a stage to the Dockerfile that the engine is given.
//!
//! A stage becomes, in this order: its preamble, one `FROM` for each stage that
//! it copies from, its own `FROM`, its arguments, its body with `RUN --package`
//! replaced. What only the run knows (parents' images, digests of
//! files that nothing declares, the server's address) stays open as a [`Piece`].

use std::ops::Range;
use std::sync::Arc;

use indexmap::IndexMap;

use super::package_run::package_run;
use super::{Piece, PlannedPackage, Written};
use crate::error::SourceFile;
use crate::project::dockerfile::{Dockerfile, Form, Given, Instruction};
use crate::project::{Authority, Fetched, Parent, Project, Stage, StageName};

/// The argument that holds the digest of the files that an instruction fetches.
pub(super) const FILES_MARK: &str = "ASCEND_BUILD_FILES";

/// What runs a command where no `SHELL` says otherwise.
pub(super) const DEFAULT_SHELL: [&str; 2] = ["/bin/sh", "-c"];

/// A Dockerfile under way.
#[derive(Default)]
pub(super) struct Rendering {
    pub(super) pieces: Vec<Piece>,
    pub(super) written: Vec<Written>,
}

/// Renders `stage`; `resolve` gives the file that a package name means.
pub(super) fn render(
    project: &Project,
    stage: &Stage,
    args: impl Iterator<Item = (String, String)>,
    resolve: impl Fn(&str) -> Option<PlannedPackage>,
) -> Rendering {
    let mut out = Rendering::default();
    out.preamble(stage);
    out.write_from(project, stage);
    out.inherited_arguments(project, stage);
    for (name, value) in args {
        out.instruction("ARG", format!("ARG {name}={}\n", quote(&value, stage.file.escape())));
    }
    out.body(project, stage, resolve);
    out
}

impl Rendering {
    fn text(&mut self, text: impl Into<String>) {
        self.pieces.push(Piece::Text(text.into()));
    }

    /// An instruction that the user did not write.
    fn instruction(&mut self, keyword: &str, text: String) {
        self.text(text);
        self.written.push(Written { keyword: keyword.to_owned(), own: None, trigger: None });
    }

    fn preamble(&mut self, stage: &Stage) {
        self.text(stage.preamble.clone());
        let before =
            stage.file.instructions().take_while(|instruction| instruction.keyword != "FROM");
        let before = before.filter(|instruction| {
            instruction.span.end <= stage.preamble.len() && stage.span.start > 0
        });
        self.written.extend(before.map(|instruction| Written {
            keyword: instruction.keyword.clone(),
            own: None,
            trigger: None,
        }));
    }

    fn write_from(&mut self, project: &Project, stage: &Stage) {
        for copied in &stage.copies {
            self.write_one_from("", Piece::Reference(copied.clone()), copied);
        }
        let parent = match &stage.from {
            Parent::Stage(parent) => Piece::Reference(parent.clone()),
            Parent::Base(name) => Piece::Base(
                project.bases.get(name).map_or_else(|| name.clone(), |base| base.image.clone()),
            ),
        };
        self.write_one_from(&stage.from_flags, parent, &stage.name);
        self.written.extend(triggers(project, stage));
    }

    fn write_one_from(&mut self, flags: &str, image: Piece, name: &StageName) {
        self.text(format!("FROM {flags}"));
        self.pieces.push(image);
        self.instruction("FROM", format!(" AS {}\n", name.lower()));
    }

    /// In one file, BuildKit shows a stage the arguments of the stage it is built
    /// from; built by itself it would not see them. What the parent has made its
    /// environment is in its image already.
    fn inherited_arguments(&mut self, project: &Project, stage: &Stage) {
        if project.dockerfile.is_none() {
            return;
        }
        let ancestors = ancestors(project, stage);
        let of = |keyword: &'static str| {
            let instructions = ancestors.iter().flat_map(|stage| stage.instructions());
            instructions.filter(move |instruction| instruction.keyword == keyword)
        };
        let environment: Vec<&str> =
            of("ENV").flat_map(|env| set_names(&env.arguments.text)).collect();
        for argument in of("ARG") {
            let text = &argument.arguments.text;
            if !set_names(text).any(|name| environment.contains(&name)) {
                self.instruction("ARG", format!("ARG {text}\n"));
            }
        }
    }

    fn body(
        &mut self,
        project: &Project,
        stage: &Stage,
        resolve: impl Fn(&str) -> Option<PlannedPackage>,
    ) {
        let source = &stage.file.source().text;
        let mut shell = inherited_shell(project, stage);
        let mut position = stage.span.start;
        for (index, instruction) in stage.instructions().enumerate() {
            self.text(&source[position..instruction.span.start]);
            position = instruction.span.end;
            shell = shell_after(shell, instruction);
            self.cache_mark(stage, instruction);
            match package_run(instruction, &shell, stage.file.escape(), &resolve) {
                Some(pieces) => self.pieces.extend(pieces),
                None => self.verbatim(project, stage, instruction),
            }
            let keyword = instruction.keyword.clone();
            self.written.push(Written { keyword, own: Some(index), trigger: None });
        }
        let rest = &source[position..stage.span.end];
        self.text(rest);
        if !source[..stage.span.end].ends_with('\n') {
            self.text("\n");
        }
    }

    /// An engine caches `RUN wget` by its text alone: an argument that holds the
    /// files' digest makes a changed file a changed instruction, whatever its form.
    fn cache_mark(&mut self, stage: &Stage, instruction: &Instruction) {
        let fetched: Vec<_> = fetched_by(stage, instruction).collect();
        if fetched.is_empty() {
            return;
        }
        let known: Result<Vec<String>, ()> =
            fetched.iter().map(|one| one.file.clone().map_err(drop)).collect();
        // A trigger's mark is a trigger: it runs before it, in the stages built from this one.
        let (prefix, keyword) =
            if instruction.inner.is_some() { ("ONBUILD ", "ONBUILD") } else { ("", "ARG") };
        self.text(format!("{prefix}ARG {FILES_MARK}="));
        self.pieces.push(known.map_or(Piece::AllFiles, Piece::Files));
        self.instruction(keyword, "\n".to_owned());
    }

    /// The instruction as it is, but for the server's address, numbers of stages and
    /// the context's folder.
    fn verbatim(&mut self, project: &Project, stage: &Stage, instruction: &Instruction) {
        let source = &stage.file.source().text;
        let mut position = instruction.span.start;
        let mut cuts: Vec<_> = fetched_by(stage, instruction)
            .filter_map(|one| one.authority.as_ref())
            .flat_map(server_pieces)
            .collect();
        // One pip may ask several addresses.
        for cut in fetched_by(stage, instruction).flat_map(|one| one.given.iter().map(given)) {
            if !cuts.contains(&cut) {
                cuts.push(cut);
            }
        }
        cuts.extend(copied_from(project, stage, instruction));
        let relocated = |(span, found): &(Range<usize>, String)| {
            let written = source.get(span.clone()).unwrap_or_default().to_owned();
            (span.clone(), Piece::Relocated { written, found: found.clone() })
        };
        cuts.extend(stage.relocations.iter().map(relocated));
        cuts.sort_by_key(|(span, _)| span.start);
        for (span, replacement) in cuts.into_iter().filter(|(span, _)| {
            instruction.span.start <= span.start && span.end <= instruction.span.end
        }) {
            if span.start < position {
                continue;
            }
            self.text(&source[position..span.start]);
            position = span.end;
            self.pieces.push(replacement);
        }
        self.text(&source[position..instruction.span.end]);
    }
}

/// What to write in place of the server's address in the user's file.
fn server_pieces(authority: &Authority) -> impl Iterator<Item = (Range<usize>, Piece)> {
    let span = authority.span.clone();
    let beside = |place: usize, text: &str| (place..place, Piece::Text(text.to_owned()));
    let before = authority.held_path.as_ref().map(|_| beside(span.start, "http://"));
    let after = authority.held_path.as_ref().map(|path| beside(span.end, path));
    let server = (span, Piece::Authority(authority.address.clone()));
    before.into_iter().chain([server]).chain(after)
}

/// What a command is given before it.
fn given((given, written): &(Given, String)) -> (Range<usize>, Piece) {
    let Given { start, before, after } = given.clone();
    (start..start, Piece::Given { written: written.clone(), before, after })
}

fn fetched_by<'a>(
    stage: &'a Stage,
    instruction: &Instruction,
) -> impl Iterator<Item = &'a Fetched> {
    let start = instruction.span.start;
    let all = stage.fetches.iter().chain(&stage.triggers);
    all.filter(move |fetched| fetched.instruction == start)
}

/// What the parent's `ONBUILD`s bring right behind `FROM`.
fn triggers(project: &Project, stage: &Stage) -> Vec<Written> {
    let Parent::Stage(parent) = &stage.from else { return Vec::new() };
    let Some(parent) = project.stages.get(parent) else { return Vec::new() };
    let mut written = Vec::new();
    for instruction in parent.instructions() {
        let Some(inner) = &instruction.inner else { continue };
        let place = instruction.place(parent.file.source());
        let one = |keyword: &str| Written {
            keyword: format!("ONBUILD {keyword}"),
            own: None,
            trigger: Some(place.clone()),
        };
        // See `cache_mark`.
        written.extend(fetched_by(parent, instruction).next().map(|_| one("ARG")));
        written.push(one(&inner.keyword));
    }
    written
}

/// `--from=0`, or `from=0` of a mount, counts the stages of the user's file; by itself a stage
/// needs their names, as they are written in its `FROM`s: podman compares them letter by letter.
fn copied_from(
    project: &Project,
    stage: &Stage,
    instruction: &Instruction,
) -> Vec<(Range<usize>, Piece)> {
    let source = &stage.file.source().text;
    let replacement = |flag: &crate::project::dockerfile::Flag| {
        let key = if flag.name == "mount" { ",from=" } else { "--from=" };
        let text = source.get(flag.span.clone())?.replacen("--mount=from=", "--mount,from=", 1);
        let start = text.find(key)? + key.len();
        let written = text[start..].split(',').next()?;
        let numbers = project.dockerfile.as_ref().map(|_| &stage.numbers);
        let name = match written.parse::<usize>() {
            Ok(number) => numbers?.get(number)?,
            Err(_) => stage.copies.iter().find(|stage| stage.lower() == written.to_lowercase())?,
        };
        let start = flag.span.start + start;
        Some((start..start + written.len(), Piece::Text(name.lower())))
    };
    let flags = instruction.flags.iter();
    flags
        .filter(|flag| matches!(flag.name.as_str(), "from" | "mount"))
        .filter_map(replacement)
        .collect()
}

/// The stages that a stage is built from, the first one first.
fn ancestors<'a>(project: &'a Project, stage: &Stage) -> Vec<&'a Stage> {
    let Parent::Stage(name) = &stage.from else { return Vec::new() };
    let Some(parent) = project.stages.get(name) else { return Vec::new() };
    let mut ancestors = ancestors(project, parent);
    ancestors.push(parent);
    ancestors
}

/// The names that an `ARG` or `ENV` sets: those before a `=`, else the first word.
fn set_names(text: &str) -> impl Iterator<Item = &str> {
    let old_form = !text.contains('=');
    let words = text.split_whitespace().take(if old_form { 1 } else { usize::MAX });
    words.filter_map(move |word| if old_form { Some(word) } else { word.split('=').next() })
}

/// `SHELL` holds for the stages that are built from a stage, too.
fn inherited_shell(project: &Project, stage: &Stage) -> Vec<String> {
    let default = DEFAULT_SHELL.map(str::to_owned).to_vec();
    let ancestors = ancestors(project, stage);
    ancestors.iter().flat_map(|stage| stage.instructions()).fold(default, shell_after)
}

/// The shell that holds after an instruction.
pub(super) fn shell_after(shell: Vec<String>, instruction: &Instruction) -> Vec<String> {
    if instruction.keyword != "SHELL" {
        return shell;
    }
    match instruction.form() {
        Form::Exec(words) => words,
        Form::Shell(_) => shell,
    }
}

/// A `LABEL` with all of `labels`, for the end of the Dockerfile `text`.
pub(super) fn label_instruction(text: &str, labels: &IndexMap<String, String>) -> String {
    let source = SourceFile { path: "Dockerfile".into(), text: text.to_owned() };
    let escape = Dockerfile::read(Arc::new(source)).0.escape();
    let quoted = labels.iter().map(|(name, value)| format!(" {name}={}", quote(value, escape)));
    format!("LABEL{}\n", quoted.collect::<String>())
}

/// A value that Docker's word expansion reads back as it is.
fn quote(value: &str, escape: char) -> String {
    let mut quoted = String::from("\"");
    for character in value.chars() {
        if character == '"' || character == '$' || character == escape {
            quoted.push(escape);
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}
