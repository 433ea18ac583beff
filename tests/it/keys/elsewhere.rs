//! The same project on a machine of another name.

use std::process::Command;

use crate::support::Fixture;

/// The same command line where the machine is called `name`.
fn on_machine(name: &str, command: &Command) -> Command {
    let mut elsewhere = Command::new("unshare");
    let script = "hostname \"$0\" && exec \"$@\"";
    elsewhere.args(["--uts", "sh", "-c", script, name]).arg(command.get_program());
    elsewhere.args(command.get_args()).env_clear();
    elsewhere.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    elsewhere.current_dir(command.get_current_dir().expect("it runs in the project's folder"));
    elsewhere
}

/// The key of the only stage, as a plan tells it.
fn key(fixture: &Fixture, machine: &str) -> serde_json::Value {
    let plan = fixture.command(&["plan", "--format", "json"]);
    let output = on_machine(machine, &plan).output().expect("unshare runs; it needs root");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let plan: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a plan is JSON");
    plan["outlook"][0]["key"].clone()
}

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn machines_of_two_names_make_the_same_key() {
    let fixture = Fixture::on_engine();
    fixture.package("lib", "lib.run", 100);
    fixture.one_stage("RUN --package=lib hostname > /name\n");
    let one = key(&fixture, "one");
    assert!(one.is_string(), "{one}");
    assert_eq!(one, key(&fixture, "another"));
    fixture.dockerfile("S", "RUN --package=lib true\n");
    assert_ne!(one, key(&fixture, "one"));
}
