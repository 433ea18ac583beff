//! The ledger of a build: who fetched what, what was refused, and what was named and never fetched.

use std::fs;

use serde_json::Value;

use crate::support::{Builders, Fixture, Outcome};

const BUILDERS: Builders = Builders;

fn report(fixture: &Fixture) -> Value {
    let json = fs::read(fixture.last_run().join("report.json")).expect("a run leaves a report");
    serde_json::from_slice(&json).expect("the report is JSON")
}

/// The fields of each object of a list, as one line an object.
fn lines(list: &Value, fields: &[&str]) -> Vec<String> {
    let line = |object: &Value| {
        let words = fields.iter().map(|field| match &object[field] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        words.collect::<Vec<_>>().join(" ")
    };
    list.as_array().expect("a list").iter().map(line).collect()
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn downloads_are_kept_with_their_stages() {
    for builder in BUILDERS {
        let fixture = Fixture::on_engine();
        fixture.package("plain", "plain.run", 5000);
        fixture.package("big", "big.run", 900_000);
        fixture.stages("[stages.A]\nfrom = \"tiny\"\n[stages.B]\nfrom = \"A\"\n");
        fixture.dockerfile("A", "RUN --package=plain true\n");
        fixture.dockerfile("B", "RUN --package=big,plain true\n");
        fixture.build(builder, &["--target", "B"]).exits(0);
        let report = report(&fixture);
        let fields = ["stage", "file", "length", "sent", "outcome"];
        assert_eq!(
            lines(&report["transfers"], &fields),
            [
                "A plain.run 5000 5000 whole",
                "B big.run 900000 900000 whole",
                "B plain.run 5000 5000 whole"
            ]
        );
        assert_eq!(report["refused"], Value::Array(Vec::new()));
    }
}

/// A Dockerfile that names a declared file on the server at `port` and has a `wget` that fetches
/// nothing, and then asks for a name that is almost the file's.
fn lazy_recipe(port: u16) -> Fixture {
    let fixture = Fixture::on_engine();
    fixture.package("named", "named.sh", 100);
    fixture.write(
        "Dockerfile",
        format!(
            "FROM {}\n\
             RUN rm /bin/wget && printf '#!/bin/sh\\nexit 0\\n' > /bin/wget && chmod 755 /bin/wget\n\
             RUN wget -q http://172.17.0.1:{port}/named.sh\n\
             RUN busybox wget -q http://172.17.0.1:{port}/$(echo nomed).sh; true\n",
            fixture.base()
        ),
    );
    fixture
}

fn warned(outcome: &Outcome) -> bool {
    let warnings = lines(&Value::Array(outcome.events_called("warning")), &["message"]);
    warnings.iter().any(|warning| warning.contains("never fetched `named.sh`"))
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn what_is_named_and_never_fetched_is_a_warning() {
    for builder in BUILDERS {
        let fixture = lazy_recipe(3917);
        let outcome = fixture.build(builder, &["-f", "Dockerfile"]).exits(0);
        assert!(warned(&outcome), "{}", outcome.stdout);
        let refused = report(&fixture)["refused"].clone();
        let fields = ["stage", "path", "status", "nearest"];
        assert_eq!(lines(&refused, &fields), ["stage-0 /nomed.sh 404 named.sh"]);
        // What comes from the cache fetches nothing, and is not asked.
        let again = fixture.build(builder, &["-f", "Dockerfile"]).exits(0);
        assert!(!warned(&again), "{}", again.stdout);
    }
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn strictly_it_is_an_error_and_the_stage_is_not_tagged() {
    for builder in BUILDERS {
        let fixture = lazy_recipe(3918);
        let strict = ["build", "--builder", builder, "--strict", "-f", "Dockerfile"];
        // The second time the engine's cache has what the instruction made.
        for _ in 0..2 {
            let outcome = fixture.run(&strict).exits(1);
            let expected = "stage `stage-0` never fetched `named.sh`, which its instruction names";
            assert!(outcome.stderr.contains(expected), "{}", outcome.stderr);
        }
        assert_eq!(fixture.docker().references(&fixture.name), Vec::<String>::new());
    }
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn what_ran_before_the_failed_line_is_judged_by_the_next_run() {
    for builder in BUILDERS {
        let fixture = lazy_recipe(3927);
        let recipe = fs::read_to_string(fixture.path("Dockerfile")).expect("it is there");
        fixture.write("Dockerfile", format!("{recipe}RUN exit 1\n"));
        let strict = ["--strict", "-f", "Dockerfile"];
        let failed = fixture.build(builder, &strict).exits(1);
        assert!(warned(&failed) && failed.stderr.contains("RUN exit 1"), "{}", failed.stderr);
        fixture.write("Dockerfile", format!("{recipe}RUN true\n"));
        let outcome = fixture.build(builder, &strict).exits(1);
        assert!(outcome.stderr.contains("never fetched `named.sh`"), "{}", outcome.stderr);
    }
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_container_that_asks_without_end_fills_neither_terminal_nor_report() {
    let fixture = Fixture::on_engine();
    fixture.package("named", "named.sh", 100);
    let address = "http://172.17.0.1:3919";
    let ask = format!("u={address}; for n in $(seq 300); do wget -q -O /dev/null $u/no-$n; done");
    fixture.write(
        "Dockerfile",
        format!("FROM {}\nRUN wget -q {address}/named.sh\nRUN {ask}; true\n", fixture.base()),
    );
    let outcome = fixture.build("auto", &["-f", "Dockerfile"]).exits(0);
    let transfers = outcome.events_called("transfer");
    let refused = transfers.iter().filter(|event| event["state"] == "refused").count();
    assert_eq!(refused, 5, "{}", outcome.stdout);
    let warnings = lines(&Value::Array(outcome.events_called("warning")), &["message"]);
    let said = "the package server refused 295 more requests: 295 of 1";
    assert!(warnings.iter().any(|warning| warning.starts_with(said)), "{warnings:?}");
    let report = report(&fixture);
    let kept = report["refused"].as_array().expect("a list").len();
    assert_eq!((kept, &report["refused_count"]), (100, &Value::from(300)));
}
