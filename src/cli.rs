//! The command line: options, verbs, dispatch.

mod docker;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::error::{ContextKind, ContextValue};
use clap::{ArgAction, Args, CommandFactory, Parser, Subcommand};

use crate::commands::{
    build, check, doctor, history, image, init, logs, package, plan, serve, show, stage,
};
use crate::error::{Error, Exit, Problem, Result};
use crate::ui::{ColorChoice, Printer};

/// How long threads may take to end when everything is said.
const LEAVING: Duration = Duration::from_secs(5);

/// Build verified container images for Huawei Ascend NPUs, stage by stage
///
/// Reads packages.toml and stages/stages.toml, verifies the packages of the
/// target, serves them to the build containers alone, and builds, checks and
/// tags one image a stage.
#[derive(Debug, Parser)]
#[command(
    name = "ascend-build",
    version,
    disable_help_subcommand = true,
    subcommand_required = true,
    override_usage = "ascend-build [build] [--target STAGE] [OPTIONS]\n       ascend-build <COMMAND> [OPTIONS]",
    after_help = "`build` is the default: `ascend-build --target C_stage` builds C_stage.\n\
        `ascend-build <COMMAND> --help` tells more, with examples.\n\n\
        Exit codes: 0 done, 1 a stage or check failed, 2 wrong usage, 3 the project's files are wrong,\n\
        4 a package is missing or wrong, 5 the engine cannot be used, 70 a bug, 130 interrupted."
)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: Verb,
}

/// Options of every verb.
#[derive(Debug, Args)]
pub struct Common {
    /// Work in DIR instead of this folder
    #[arg(
        short = 'C',
        long = "directory",
        value_name = "DIR",
        global = true,
        help_heading = "Common options"
    )]
    pub directory: Option<PathBuf>,
    /// When to colour
    #[arg(
        long,
        value_enum,
        default_value_t,
        hide_possible_values = true,
        value_name = "auto|always|never",
        global = true,
        help_heading = "Common options"
    )]
    pub color: ColorChoice,
    /// Say more of what happens (can be repeated)
    #[arg(short, long, action = ArgAction::Count, global = true, help_heading = "Common options")]
    pub verbose: u8,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Build(build::Args),
    Plan(plan::Args),
    Check(check::Args),
    Serve(serve::Args),
    Package(package::Args),
    Stage(stage::Args),
    Image(image::Args),
    Init(init::Args),
    History(history::Args),
    Logs(logs::Args),
    Show(show::Args),
    Doctor(doctor::Args),
}

/// Runs the command line and says how the process ends.
pub fn main() -> ExitCode {
    let arguments = with_default_verb(std::env::args_os().collect());
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => match with_context(&error, &arguments) {
            Some(cli) => cli,
            None => return usage(&hinted(error, &arguments)),
        },
    };
    let printer = Printer::new(cli.common.color);
    trace(&cli, printer);
    match std::panic::catch_unwind(|| dispatch(&cli, printer)) {
        Ok(Ok(())) => written(printer),
        Ok(Err(error)) => {
            printer.error(&error);
            ExitCode::from(error.exit as u8)
        }
        Err(_) => {
            printer.talk(
                "error: this is a bug in ascend-build; please report it with the lines above",
            );
            ExitCode::from(Exit::Bug as u8)
        }
    }
}

/// What was printed must have arrived, or a script goes on with the half of it.
fn written(printer: Printer) -> ExitCode {
    let Some(cause) = printer.lost() else { return ExitCode::SUCCESS };
    let problem = Problem::error("what was printed could not be written to stdout")
        .cause(cause.to_string())
        .hint("free some space where stdout goes, and run the same command again");
    let error = problem.exit(Exit::Failed);
    printer.error(&error);
    ExitCode::from(error.exit as u8)
}

/// Help and version are answers; everything else that clap refuses is wrong usage.
fn usage(error: &clap::Error) -> ExitCode {
    let shown = error.print();
    if error.use_stderr() || shown.is_err() {
        ExitCode::from(Exit::Usage as u8)
    } else {
        ExitCode::SUCCESS
    }
}

/// What `docker build` calls PATH, taken for `--context`; `None` where the refused word is something else.
fn with_context(error: &clap::Error, arguments: &[OsString]) -> Option<Cli> {
    let rewritten = docker::with_context(error, arguments, own_options_end(arguments));
    rewritten.into_iter().find_map(|arguments| Cli::try_parse_from(arguments).ok())
}

fn hinted(error: clap::Error, arguments: &[OsString]) -> clap::Error {
    with_order_hint(docker::with_hint(with_target_hint(error, arguments)), arguments)
}

/// A word that stands where a verb should may be meant as the stage to build.
fn with_target_hint(mut error: clap::Error, arguments: &[OsString]) -> clap::Error {
    let word = arguments.get(own_options_end(arguments)).and_then(|word| word.to_str());
    let refused = match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(refused)) => Some(refused.as_str()),
        _ => None,
    };
    if let Some(word) = word.filter(|word| refused == Some(word)) {
        let hint = if docker::is_folder(word) {
            format!(
                "to work in the folder `{word}`, write `-C {word}`; to copy from it, `-f DOCKERFILE --context {word}`"
            )
        } else {
            format!("to build the stage `{word}`, write `--target {word}`")
        };
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![hint.into()]));
    }
    error
}

/// A verb that stands behind its options is meant, but `build` was put in front of these.
fn with_order_hint(mut error: clap::Error, arguments: &[OsString]) -> clap::Error {
    let Some(ContextValue::String(refused)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    let is_verb = |word: &str| Cli::command().find_subcommand(word).is_some();
    let words: Vec<_> = arguments.iter().filter_map(|word| word.to_str()).collect();
    let default = own_options_end(arguments);
    let place = words.iter().rposition(|word| word == refused);
    if let Some(place) = place.filter(|place| is_verb(refused) && default < *place) {
        let before = words[default + 1..place].iter().chain(&words[place + 1..]);
        let rest: Vec<_> = before.copied().collect();
        let own = words[1..default].iter().map(|word| format!("{word} ")).collect::<String>();
        let hint =
            format!("the command comes first: `ascend-build {own}{refused} {}`", rest.join(" "));
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![hint.into()]));
    }
    error
}

/// Diagnostics of the tool itself, for `-v` and `RUST_LOG`, and the access log of `serve`; they go to stderr.
fn trace(cli: &Cli, printer: Printer) {
    let quiet = match cli.verb {
        Verb::Serve(_) => "error,ascend_build=warn,ascend_build::access=info",
        _ => "ascend_build=warn",
    };
    let level = [quiet, "ascend_build=info", "ascend_build=debug", "debug"]
        [usize::from(cli.common.verbose.min(3))];
    let filter =
        tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| level.into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(printer.colors())
        .with_writer(std::io::stderr)
        // It would tell a stderr that has gone away of it, and panic.
        .log_internal_errors(false)
        .init();
}

fn dispatch(cli: &Cli, printer: Printer) -> Result<()> {
    let folder = working_folder(cli.common.directory.as_deref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| Problem::error("cannot start").cause(error).exit(Exit::Bug))?;
    let done = match &cli.verb {
        Verb::Build(args) => runtime.block_on(build::run(args, &folder, printer)),
        Verb::Plan(args) => runtime.block_on(plan::run(args, &folder, printer)),
        Verb::Check(args) => check::run(args, &folder, printer),
        Verb::Serve(args) => runtime.block_on(serve::run(args, &folder, printer)),
        Verb::Package(args) => runtime.block_on(package::run(args, &folder, printer)),
        Verb::Stage(args) => stage::run(args, &folder, printer),
        Verb::History(args) => history::run(args, &folder, printer),
        Verb::Logs(args) => logs::run(args, &folder, printer),
        Verb::Show(args) => show::run(args, &folder, printer),
        Verb::Image(args) => runtime.block_on(image::run(args, &folder, printer)),
        Verb::Init(args) => runtime.block_on(init::run(args, &folder, printer)),
        Verb::Doctor(args) => runtime.block_on(doctor::run(args, &folder, printer)),
    };
    // A thread that reads from a disk that does not answer hears no signal.
    runtime.shutdown_timeout(LEAVING);
    done
}

fn working_folder(directory: Option<&std::path::Path>) -> Result<PathBuf> {
    let folder = directory.unwrap_or(std::path::Path::new("."));
    folder.canonicalize().map_err(|error| -> Error {
        Problem::error(format!("cannot work in `{}`", folder.display()))
            .cause(error)
            .hint("name the project's folder with `-C DIR`, or leave `-C` out to work in this one")
            .exit(Exit::Usage)
    })
}

/// Puts `build` in front of options that no verb precedes, so that it is the default verb.
fn with_default_verb(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let index = own_options_end(&arguments).min(arguments.len());
    match arguments.get(index).and_then(|argument| argument.to_str()) {
        Some("-h" | "--help" | "-V" | "--version") => return arguments,
        Some(word) if !word.starts_with('-') => return arguments,
        _ => {}
    }
    arguments.insert(index, "build".into());
    arguments
}

/// The index behind the options that every verb has; the verb's, where there is one.
fn own_options_end(arguments: &[OsString]) -> usize {
    let mut index = 1;
    while let Some(argument) = arguments.get(index).and_then(|argument| argument.to_str()) {
        match argument {
            "-C" | "--directory" | "--color" => index += 2,
            "--verbose" => index += 1,
            own if ["-C", "--directory=", "--color="].iter().any(|name| own.starts_with(name)) => {
                index += 1;
            }
            own if own.starts_with("-v") && own[1..].chars().all(|c| c == 'v') => index += 1,
            _ => break,
        }
    }
    index
}

#[cfg(test)]
mod tests {

    use super::*;

    fn check(input: &str, expected: &str) {
        let arguments = input.split_whitespace().map(OsString::from).collect();
        let actual: Vec<_> = with_default_verb(arguments)
            .into_iter()
            .filter_map(|word| word.into_string().ok())
            .collect();
        assert_eq!(actual.join(" "), expected);
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn build_is_the_default_verb() {
        check("ascend-build", "ascend-build build");
        check("ascend-build --target C", "ascend-build build --target C");
        check("ascend-build -C dir --target C", "ascend-build -C dir build --target C");
        check("ascend-build -vv -C dir", "ascend-build -vv -C dir build");
        check("ascend-build plan --target C", "ascend-build plan --target C");
        check("ascend-build -C dir check", "ascend-build -C dir check");
        check("ascend-build biuld", "ascend-build biuld");
        check("ascend-build --help", "ascend-build --help");
    }
}
