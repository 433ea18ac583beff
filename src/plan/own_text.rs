//! What of a stage's instructions decides its content: what the user wrote.
//!
//! The tool's own words are taken out: the arguments that it writes for the stage,
//! which are inputs of their own, the mark that tells an engine of changed files,
//! and around the command of a `RUN --package` the script that fetches its files.

use sha2::Digest as _;

use super::PlannedStage;
use super::key::InstructionInput;
use super::package_run::{fetched_files, fetching, script_digest};
use super::render::{DEFAULT_SHELL, FILES_MARK, shell_after};
use crate::project::dockerfile::{Dockerfile, Instruction};

/// The instructions as inputs.
pub(super) struct OwnText {
    /// In order; what the parser is told comes first.
    pub(super) instructions: Vec<InstructionInput>,
    /// The digest of the script that fetches packages, where an instruction is given some.
    pub(super) fetch: Option<String>,
}

impl OwnText {
    /// Reads the instructions of `stage`, each with its place in [`PlannedStage::written`].
    pub(super) fn read<'a>(
        file: &Dockerfile,
        stage: &PlannedStage,
        instructions: impl Iterator<Item = (usize, &'a Instruction)>,
    ) -> Self {
        let mut read = Self { instructions: directives(file).collect(), fetch: None };
        let mut shell = DEFAULT_SHELL.map(str::to_owned).to_vec();
        for (place, instruction) in instructions {
            shell = shell_after(shell, instruction);
            if !is_tools(stage, place, instruction) {
                read.take(file, stage, place, instruction, &shell);
            }
        }
        read
    }

    fn take(
        &mut self,
        file: &Dockerfile,
        stage: &PlannedStage,
        place: usize,
        instruction: &Instruction,
        shell: &[String],
    ) {
        let (words, command) = fetching(instruction).unzip();
        let command = command.map(|command| command_text(command, shell));
        self.fetch = self.fetch.take().or_else(|| script_digest(words.as_deref()?));
        let own = stage.instruction(place).map(|(_, own)| own);
        self.instructions.push(InstructionInput {
            keyword: instruction.keyword.clone(),
            digest: digest(&text(file, instruction, command)),
            fetches: words.as_deref().map(fetched_files).unwrap_or_default(),
            file: own.map(|own| own.file.clone()).unwrap_or_default(),
            line: own.map_or(0, |own| own.line),
        });
    }
}

/// Whether the tool wrote the instruction, from what is told elsewhere.
fn is_tools(stage: &PlannedStage, place: usize, instruction: &Instruction) -> bool {
    let by_user = stage.written.get(place).is_some_and(|written| written.own.is_some());
    let argument = instruction.innermost();
    let name = argument.arguments.text.split('=').next().unwrap_or_default();
    !by_user && argument.keyword == "ARG" && (stage.args.contains_key(name) || name == FILES_MARK)
}

/// The command of a `RUN --package` without its shell, which a `SHELL` or the parent tells.
fn command_text(mut words: Vec<String>, shell: &[String]) -> String {
    match words.strip_prefix(shell) {
        Some([_]) => format!("shell {}", words.pop().unwrap_or_default()),
        _ => format!("exec {}", serde_json::json!(words)),
    }
}

/// Keyword, flags, arguments and heredocs; `command` stands for the latter two, where it is known.
fn text(file: &Dockerfile, instruction: &Instruction, command: Option<String>) -> String {
    let source = &file.source().text;
    let mut text = instruction.keyword.clone();
    for flag in &instruction.flags {
        text += &format!(" {}", source[flag.span.clone()].trim());
    }
    if let Some(command) = command {
        return format!("{text} --package {command}");
    }
    // What `FROM` names is told elsewhere, its flags are not.
    if instruction.keyword != "FROM" {
        text += &format!(" {}", instruction.arguments.text);
    }
    for heredoc in &instruction.innermost().heredocs {
        text += &format!("\n{}\n{}", heredoc.name, heredoc.body);
    }
    text
}

/// What the parser is told.
fn directives(file: &Dockerfile) -> impl Iterator<Item = InstructionInput> {
    let told = file.directives().iter().filter(|directive| directive.name != "check");
    told.map(|directive| InstructionInput {
        keyword: format!("# {}", directive.name),
        digest: digest(&format!("# {}={}", directive.name, directive.value)),
        fetches: Vec::new(),
        file: String::new(),
        line: 0,
    })
}

fn digest(text: &str) -> String {
    hex::encode(sha2::Sha256::digest(text))
}
