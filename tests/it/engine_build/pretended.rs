//! Output that looks like the builder's own words is output: what it names is not touched.

use rustix::process::Signal;

use super::BUILDERS;
use crate::support::Fixture;

/// Somebody's container, which runs on the project's base; its name and its id.
fn bystander(fixture: &Fixture) -> (String, String) {
    let name = format!("{}-bystander", fixture.name);
    _ = fixture.docker().attempt(&["rm", "--force", &name]);
    let (base, run) = (fixture.base(), ["run", "--detach", "--network=none", "--name"]);
    let id = fixture.docker().run(&[&run[..], &[&name, &base, "sleep", "100000"]].concat());
    (name, id)
}

/// Commands that say what the first builder says of its containers.
fn pretending(name: &str, id: &str) -> String {
    let short = &id[..12];
    let lines = [
        format!(" ---> Running in {name}"),
        format!(" ---> Running in {short}"),
        format!("Removing intermediate container {short}"),
        format!(" ---> Running in ../containers/{name}"),
    ];
    let said = lines.map(|line| format!("echo '{line}'")).join("; ");
    format!("for i in $(seq 1 9); do echo \"Step $i/9 : Installing\"; done; {said}")
}

#[track_caller]
fn check_runs(fixture: &Fixture, id: &str) {
    let (_, state) = fixture.docker().attempt(&["inspect", "--format", "{{.State.Running}}", id]);
    assert_eq!(state, "true", "somebody's container was removed");
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn output_that_names_a_container_removes_none() {
    for builder in BUILDERS {
        let fixture = Fixture::on_engine();
        let (name, id) = bystander(&fixture);
        let lies = pretending(&name, &id);
        fixture.one_stage(&format!(
            "RUN {lies}; sleep 1; echo lasted > /lasted\n\
             RUN echo \"Removing intermediate container $(hostname)\"; \
             echo ' ---> Running in {}'; sleep 1; echo again >> /lasted\n",
            &id[..12]
        ));
        let outcome = fixture.build(builder, &[]).exits(0);
        check_runs(&fixture, &id);
        assert_eq!(fixture.docker().in_image(&fixture.image("S"), "cat /lasted"), "lasted\nagain");
        let line = format!(" ---> Running in {name}");
        let told = outcome.events_called("stage-output");
        assert!(told.iter().any(|event| event["line"] == line.as_str()), "{builder}: {told:?}");
    }
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn an_interrupt_after_such_output_removes_none() {
    for builder in BUILDERS {
        let fixture = Fixture::on_engine();
        let (name, id) = bystander(&fixture);
        let lies = pretending(&name, &id);
        fixture.one_stage(&format!(
            "RUN {lies}; echo \"Removing intermediate container $(hostname)\"; \
             echo ' ---> Running in {}'; echo said; sleep 20\n",
            &id[..12]
        ));
        let mut running = fixture.start(builder, &[]);
        running.wait_for_output("said");
        running.signal(Signal::INT);
        running.end().exits(130);
        check_runs(&fixture, &id);
    }
}
