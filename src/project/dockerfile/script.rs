//! The shell text of a RUN, with the way back to the source.

use super::{Form, Instruction, Logical, Scope};

/// What a RUN gives to whom.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Program {
    /// Text for a POSIX-like shell.
    Shell(Logical),
    /// Words that are run as they are.
    Words(Vec<String>),
    /// Text for something else.
    Other(Logical),
}

/// Names of shells that read what `sh` reads.
const SHELLS: [&str; 6] = ["sh", "bash", "dash", "ash", "zsh", "ksh"];

/// What `instruction`, a RUN, runs at `scope`.
pub(super) fn program(instruction: &Instruction, scope: &Scope) -> Program {
    if let Form::Exec(words) = instruction.form() {
        return Program::Words(words);
    }
    let text = logical(instruction);
    let own = shebang(instruction, &text.text);
    let shell = own.as_ref().unwrap_or(&scope.shell);
    let interpreter = match shell.as_slice() {
        [env, rest @ ..] if basename(env) == "env" => {
            rest.iter().find(|word| !word.starts_with('-'))
        }
        words => words.first(),
    };
    let is_shell = interpreter.is_some_and(|program| is_shell(program));
    if is_shell { Program::Shell(text) } else { Program::Other(text) }
}

/// The words of the `#!` line that the text of a heredoc begins with: they take the shell's place.
pub(super) fn shebang(instruction: &Instruction, text: &str) -> Option<Vec<String>> {
    let line = text.strip_prefix("#!").filter(|_| !instruction.heredocs.is_empty())?;
    let words: Vec<String> = line.lines().next()?.split_whitespace().map(str::to_owned).collect();
    (!words.is_empty()).then_some(words)
}

/// Whether a command of that name or path reads shell text.
pub(super) fn is_shell(command: &str) -> bool {
    SHELLS.contains(&basename(command))
}

/// A command's name without its folder.
pub(super) fn basename(command: &str) -> &str {
    command.rsplit('/').next().unwrap_or(command)
}

/// The text of the shell form, heredocs after the line that announces them.
fn logical(instruction: &Instruction) -> Logical {
    let line = &instruction.arguments;
    let alone =
        matches!(instruction.heredocs.as_slice(), [only] if only.marker == (0..line.text.len()));
    let mut text = if alone { Logical::default() } else { line.clone() };
    for heredoc in &instruction.heredocs {
        if !alone {
            text.push("\n", heredoc.span.start.saturating_sub(1));
        }
        for (source, line) in heredoc.lines() {
            text.push(line, source);
        }
        if !alone && heredoc.ended {
            text.push(&heredoc.name, heredoc.span.end);
        }
    }
    text
}
