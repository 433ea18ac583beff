//! What a stage is just before one of its instructions: for somebody who wants to
//! look at what that instruction found.

use std::sync::Arc;

use indexmap::IndexMap;

use super::key::is_secret_argument;
use super::package_run::fetching;
use super::render::{FILES_MARK, label_instruction};
use super::{Bindings, PlannedStage};
use crate::error::SourceFile;
use crate::project::dockerfile::{Dockerfile, Form, Instruction};

/// A stage that stops before an instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Halt {
    /// A Dockerfile of everything before it; the arguments in force are its environment.
    pub dockerfile: String,
    /// The keyword of each of its instructions, in order.
    pub keywords: Vec<String>,
    /// What the instruction runs, to be given to a shell; `None` where it runs nothing.
    pub command: Option<String>,
    /// The words of a command that puts the instruction's packages into a folder, runs what
    /// follows them with the folder's path in `PACKAGES`, and removes the folder; none where the
    /// instruction names no packages.
    pub fetch: Vec<String>,
    /// The arguments that are left out, because they may be secrets.
    pub secrets: Vec<String>,
    /// Whether the instruction has mounts, which are not there.
    pub mounts: bool,
}

impl PlannedStage {
    /// The stage before the instruction at `index` of [`Self::dockerfile`], its image labelled
    /// with `labels`; `None` before the stage's `FROM` has ended and behind its last instruction.
    pub fn halt(
        &self,
        bindings: &Bindings<'_>,
        labels: &IndexMap<String, String>,
        index: usize,
    ) -> Option<Halt> {
        self.written.get(index)?.own?;
        let text = self.dockerfile(bindings);
        let source = SourceFile { path: self.name.as_str().into(), text };
        let (file, _) = Dockerfile::read(Arc::new(source));
        let is_trigger = |keyword: &str| keyword.starts_with("ONBUILD ");
        let before = self.written[..index].iter().filter(|one| !is_trigger(&one.keyword));
        let instruction = file.instructions().nth(before.count())?;
        let (environment, secrets) = self.environment(&file, instruction.span.start);
        let mut dockerfile = file.source().text[..instruction.span.start].to_owned();
        let mut keywords = self.keywords();
        keywords.truncate(index);
        if !environment.is_empty() {
            dockerfile += &format!("ENV{environment}\n");
            keywords.push("ENV".to_owned());
        }
        dockerfile += &label_instruction(&dockerfile, labels);
        keywords.push("LABEL".to_owned());
        let (fetch, words) = fetching(instruction).unwrap_or_default();
        let command = if fetch.is_empty() { own_command(instruction) } else { Some(told(&words)) };
        let user_mounts =
            self.instruction(index).is_some_and(|(_, own)| own.text.contains("--mount="));
        Some(Halt { dockerfile, keywords, command, fetch, secrets, mounts: user_mounts })
    }

    /// ` NAME="${NAME}"` of each argument that the stage declares before `end`, so that the builder
    /// itself says what it is; and the names of those that may be secrets.
    fn environment(&self, file: &Dockerfile, end: usize) -> (String, Vec<String>) {
        let before: Vec<_> = file.instructions().take_while(|one| one.span.start < end).collect();
        let from = before.iter().rposition(|one| one.keyword == "FROM").unwrap_or(0);
        let own = before[from..].iter().filter(|one| one.keyword == "ARG");
        let (mut environment, mut secrets) = (String::new(), Vec::new());
        for argument in own.flat_map(|one| one.argument_assignments(file.escape())) {
            let name = argument.name;
            let given = self.build_args.get(&name).or(argument.value.as_ref());
            let assignment = format!(" {name}=\"${{{name}}}\"");
            if name == FILES_MARK || environment.contains(&assignment) {
                continue;
            }
            if is_secret_argument(&name, given.map_or("", String::as_str)) {
                secrets.push(name);
            } else {
                environment += &assignment;
            }
        }
        secrets.dedup();
        (environment, secrets)
    }
}

fn own_command(instruction: &Instruction) -> Option<String> {
    (instruction.keyword == "RUN").then(|| match instruction.form() {
        Form::Shell(command) => command,
        Form::Exec(words) => told(&words),
    })
}

/// Words as a shell reads them; of a shell's own command only what it is to run.
fn told(words: &[String]) -> String {
    if let [shell, .., flag, command] = words {
        let shell = shell.rsplit('/').next().unwrap_or_default();
        let is_shell = matches!(shell, "sh" | "bash" | "ash" | "dash" | "ksh" | "zsh");
        if is_shell && flag.starts_with('-') && flag.ends_with('c') {
            return command.clone();
        }
    }
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./=:,+@%".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
