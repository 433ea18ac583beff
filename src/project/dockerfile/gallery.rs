//! The Dockerfiles of `tests/dockerfiles`, each read, planned and judged; what
//! comes out is held by a snapshot beside it.
//!
//! A line `#: build-arg NAME=VALUE` stands for an option of the command line, `#: there NAME` for
//! a file in the roots.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use super::*;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/dockerfiles")
}

fn inputs(text: &str) -> Inputs {
    let given = text.lines().filter_map(|line| line.trim_end().strip_prefix("#: build-arg "));
    let build_args = given.map(|one| one.split_once('=').unwrap());
    Inputs {
        build_args: build_args.map(|(name, value)| (name.into(), value.into())).collect(),
        platform: Some("linux/arm64".parse().unwrap()),
        ..Inputs::default()
    }
}

/// Everything that the room tells of a Dockerfile.
fn describe(name: &str, text: &str) -> String {
    let source = Arc::new(SourceFile { path: name.into(), text: text.to_owned() });
    let (file, mut problems) = Dockerfile::read(source);
    assert_eq!(file.text(), text);
    let inputs = inputs(text);
    let (stages, more) = Stages::read(&file, &inputs);
    problems.extend(more);
    let is_there = |file: &str| text.contains(&format!("\n#: there {file}\n"));
    let around = Around { is_there: &is_there, ..Around::NOTHING };
    let gateways = ["172.17.0.1".to_owned()];
    let addresses = Addresses::of(&stages, &inputs, &gateways, around);
    let mut out = String::new();
    for stage in stages.iter() {
        describe_stage(&stages, stage, &inputs, &addresses, &mut out);
    }
    describe_target(&stages, &mut out);
    let large =
        |path: &str| vec![LargeFile { path: path.into(), below: String::new(), bytes: LARGE }];
    let all: Vec<usize> = (0..stages.iter().len()).collect();
    problems.extend(lint(&stages, &all, &inputs, &addresses, &large));
    for problem in problems {
        describe_problem(&problem, &mut out);
    }
    out
}

fn describe_stage(
    stages: &Stages<'_>,
    stage: &Stage<'_>,
    inputs: &Inputs,
    addresses: &Addresses,
    out: &mut String,
) {
    let name = stage.name.as_deref().unwrap_or("-");
    writeln!(out, "stage {} {name} from {}", stage.index, origin(&stage.base)).unwrap();
    for one in &stage.uses {
        let line = one.instruction.line(stages.file().source());
        writeln!(out, "  {line}: uses {}", origin(&one.origin)).unwrap();
    }
    for step in stages.steps(stage.index) {
        let line = step.instruction.line(stages.file().source());
        match copy_sources(step.instruction, &step.scope) {
            Ok(sources) if sources.is_empty() => {}
            Ok(sources) => writeln!(out, "  {line}: takes {}", sources.join(" | ")).unwrap(),
            Err(reason) => writeln!(out, "  {line}: takes what is not known: {reason}").unwrap(),
        }
    }
    for fetch in fetches(stages, stage.index, inputs, addresses) {
        describe_fetch(stages, &fetch, out);
    }
}

fn describe_fetch(stages: &Stages<'_>, fetch: &Fetch<'_>, out: &mut String) {
    let source = stages.file().source();
    let line = crate::error::Place::new(source, fetch.url_span.clone()).line();
    let host = fetch.host.as_deref().unwrap_or("?");
    let port = fetch.port.map_or("?".to_owned(), |port| port.to_string());
    let path = match &fetch.path {
        FetchPath::Known(path) => path.clone(),
        FetchPath::Index(path) => format!("{path} (a list)"),
        FetchPath::Unknown { reason } => format!("? ({reason})"),
    };
    let doubt = fetch.doubt.map_or(String::new(), |doubt| format!(" [{doubt}]"));
    writeln!(out, "  {line}: {} fetches {host}:{port} {path}{doubt}", fetch.tool).unwrap();
    writeln!(out, "     written {}", &source.text[fetch.url_span.clone()]).unwrap();
    if let Some(span) = &fetch.authority_span {
        assert_eq!(&source.text[span.clone()], format!("{host}:{port}"));
    }
}

fn describe_target(stages: &Stages<'_>, out: &mut String) {
    let Some(target) = stages.last() else { return };
    let needed = stages.ancestors(target);
    let show = |one: &Needed| format!("{} {:?}", one.stage, one.because);
    let needed: Vec<String> = needed.iter().map(show).collect();
    writeln!(out, "target {target} needs {}", needed.join(", ")).unwrap();
}

fn describe_problem(problem: &Problem, out: &mut String) {
    let place = problem.place.as_ref().unwrap();
    let written = place.file.text[place.span.clone()].lines().next().unwrap_or_default();
    let code = problem.code.map_or(String::new(), |code| format!("[{code}] "));
    writeln!(out, "{}: {:?} {code}{}", place.line(), problem.severity, problem.message).unwrap();
    writeln!(out, "     at {written}").unwrap();
}

fn origin(origin: &Origin) -> String {
    match origin {
        Origin::Stage(index) => format!("stage {index}"),
        Origin::Image(name) => format!("image {name}"),
        Origin::Unknown { reason } => format!("unknown ({reason})"),
    }
}

fn paths() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let is_dockerfile = |path: &PathBuf| path.extension().is_some_and(|end| end == "Dockerfile");
    let mut paths: Vec<PathBuf> = entries.filter(is_dockerfile).collect();
    paths.sort();
    paths
}

/// The gallery gives each warning at least once, and none that is not listed.
#[test]
fn every_warning_has_a_listed_code() {
    let mut seen = BTreeSet::new();
    for path in paths() {
        let told = describe("Dockerfile", &std::fs::read_to_string(path).unwrap());
        let codes =
            told.lines().filter_map(|line| line.split_once(": Warning [")?.1.split_once(']'));
        seen.extend(codes.map(|(code, _)| code.to_owned()));
    }
    // Of arguments that nothing consumes only a command line tells.
    let expected: Vec<_> =
        WARNING_CODES.into_iter().filter(|code| *code != "argument-unused").collect();
    assert_eq!(seen.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

#[test]
fn every_dockerfile_is_read_as_its_snapshot_says() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder().join("snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let paths = paths();
    assert!(paths.len() >= 30);
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap();
        settings.bind(|| insta::assert_snapshot!(name, describe(name, &text)));
    }
}
