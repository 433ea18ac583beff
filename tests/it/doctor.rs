//! `doctor`: each fault is made for real, and is found with its mend.

mod documents;
mod elsewhere;
mod engine;
mod machine;
mod project;
mod way;

use serde_json::Value;

use crate::support::{Fixture, Outcome};

/// A disk in memory with more room than doctor wants; it takes none before it is written to.
const LARGE: &str = "size=60g";

/// What was found, as `level code`; nothing else may be found.
#[track_caller]
fn check(outcome: Outcome, expected: &[&str]) -> Vec<Value> {
    let (stdout, stderr) = (outcome.stdout.as_str(), outcome.stderr.as_str());
    let answer: Value =
        serde_json::from_str(stdout).unwrap_or_else(|error| panic!("{error}:\n{stdout}\n{stderr}"));
    let findings = answer["findings"].as_array().expect("findings are a list").clone();
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or("?").to_owned();
    let actual: Vec<_> = findings
        .iter()
        .map(|finding| format!("{} {}", text(finding, "level"), text(finding, "code")))
        .collect();
    assert_eq!(actual, expected, "{stdout}");
    let is_ill = actual.iter().any(|line| line.starts_with("error "));
    assert_eq!(answer["healthy"], !is_ill);
    for finding in &findings {
        let mends = finding["mend"].as_array().expect("mends are a list");
        let told = |mend: &Value| stderr.contains(mend.as_str().expect("a mend is a text"));
        assert!(mends.iter().all(told), "{stderr}");
    }
    outcome.exits(if is_ill { 5 } else { 0 });
    findings
}

/// Runs doctor in the fixture's project, with more environment.
fn doctor(fixture: &Fixture, environment: &[(&str, &str)]) -> Outcome {
    doctor_with(fixture, &[], environment)
}

fn doctor_with(fixture: &Fixture, arguments: &[&str], environment: &[(&str, &str)]) -> Outcome {
    fixture.run_with(&[&["doctor", "--format", "json"], arguments].concat(), environment)
}

/// The commands between backticks in the first mend of the first finding.
fn mend(findings: &[Value]) -> String {
    let mend = findings[0]["mend"][0].as_str().expect("a finding has a mend");
    mend.split('`').nth(1).expect("a mend holds a command").to_owned()
}

/// Runs doctor in mounts of its own, in which `script` was run before.
fn doctor_in(fixture: &Fixture, script: &str, arguments: &[&str]) -> Outcome {
    let command = fixture.command(&[&["doctor", "--format", "json"], arguments].concat());
    let mut wrapped = std::process::Command::new("unshare");
    wrapped.args(["--mount", "sh", "-c", &format!("set -e; {script}; exec \"$0\" \"$@\"")]);
    wrapped.arg(command.get_program()).args(command.get_args());
    wrapped.current_dir(fixture.path("")).env_clear();
    wrapped.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    wrapped.output().expect("unshare runs; it needs root").into()
}
