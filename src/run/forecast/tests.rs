//! Forecasts of a stage with three instructions: a setting, an installation of a
//! package of 1000 bytes that takes 10 s, and a command that takes 5 s.

use std::collections::BTreeMap;

use super::*;
use crate::plan::{KEY_FORMAT, Origin};
use crate::run::{StagePace, StepPace};

fn inputs(package: &str) -> Inputs {
    Inputs {
        format: KEY_FORMAT,
        fetch: None,
        platform: "linux/amd64".to_owned(),
        builder: "buildkit".to_owned(),
        from: Origin { name: "base".to_owned(), stage: false, content: "sha256:1".to_owned() },
        copied: BTreeMap::new(),
        arguments: BTreeMap::new(),
        instructions: Vec::new(),
        packages: BTreeMap::from([("p.run".to_owned(), package.to_owned())]),
        sources: BTreeMap::new(),
    }
}

fn steps(bytes: u64, texts: [&str; 3]) -> Vec<ExpectedStep> {
    let step = |text: &str| {
        let packages = if text.starts_with("install") { vec!["p.run".to_owned()] } else { vec![] };
        let bytes = if packages.is_empty() { 0 } else { bytes };
        let keyword = if text == "set" { "ENV" } else { "RUN" };
        ExpectedStep {
            identity: text.to_owned(),
            keyword: keyword.to_owned(),
            packages,
            bytes,
            copied: 0,
            on_disk: bytes,
        }
    };
    texts.map(step).to_vec()
}

/// Stage A, as it always was.
fn usual() -> Expected {
    Expected {
        stage: "A".parse().unwrap(),
        parents: Vec::new(),
        reused: false,
        inputs: inputs("1"),
        fresh: false,
        steps: steps(1000, ["set", "install", "run"]),
        context: 0,
    }
}

/// A build of A that began at instruction `first`, `age` runs ago; its checks took 2 s.
fn build(age: usize, first: usize) -> Sample {
    let took = [0.0, 10.0, 5.0];
    let pace = took.iter().enumerate().map(|(index, seconds)| StepPace {
        step: index + 1,
        seconds: if index < first { 0.0 } else { *seconds },
        cached: index < first,
    });
    Sample {
        stage: "A".to_owned(),
        run: age,
        age,
        image: Some("sha256:image".to_owned()),
        span: (100, 120),
        layers: 2,
        outcome: "built".to_owned(),
        builder: "classic".to_owned(),
        seconds: took[first..].iter().sum::<f64>() + 2.0,
        grown: Some(3000),
        bytes: 1000,
        context: None,
        inputs: Some(inputs("1")),
        identities: ["set", "install", "run"].map(str::to_owned).to_vec(),
        step_bytes: vec![0, 1000, 0],
        pace: StagePace { stage: "A".to_owned(), silence: 4.0, steps: pace.collect() },
    }
}

fn reuse(age: usize, seconds: f64) -> Sample {
    let outcome = "reused".to_owned();
    Sample { outcome, seconds, pace: StagePace::default(), ..build(age, 0) }
}

fn now() -> Circumstances {
    Circumstances {
        builder: "classic".to_owned(),
        jobs: 1,
        free: Some(10_000),
        bases: Vec::new(),
        images: ["sha256:image".to_owned()].into(),
        records: None,
    }
}

/// Seconds and lasting bytes of one stage.
fn check(expected: &Expected, samples: &[Sample], seconds: Option<f64>, disk: u64) {
    let forecast = forecast(std::slice::from_ref(expected), samples, &now());
    assert_eq!((forecast.stages[0].seconds, forecast.stages[0].disk), (seconds, disk));
    assert_eq!(forecast.seconds, seconds);
}

#[test]
fn nothing_is_guessed_of_a_stage_that_was_never_built() {
    check(&usual(), &[], None, 1000);
    check(&usual(), &[Sample { stage: "B".to_owned(), ..build(0, 0) }], None, 1000);
    check(&usual(), &[Sample { outcome: "failed".to_owned(), ..build(0, 0) }], None, 1000);
}

#[test]
fn an_image_that_is_used_again_takes_what_it_took() {
    let expected = Expected { reused: true, ..usual() };
    check(&expected, &[], Some(0.2), 0);
    check(&expected, &[build(0, 0), reuse(1, 0.5), reuse(2, 0.4), reuse(3, 9.0)], Some(0.5), 0);
    check(&expected, &[Sample { stage: "B".to_owned(), ..reuse(0, 0.3) }], Some(0.3), 0);
}

#[test]
fn what_the_cache_has_takes_nothing() {
    let same_again = Expected { inputs: inputs("1"), ..usual() };
    check(&same_again, &[build(0, 0)], Some(2.0), 0);
    check(&Expected { fresh: true, ..usual() }, &[build(0, 0)], Some(17.0), 3000);
    let last_edited = Expected { steps: steps(1000, ["set", "install", "new"]), ..usual() };
    check(&last_edited, &[build(0, 0)], Some(7.0), 0);
    let first_edited = Expected { steps: steps(1000, ["set", "install2", "run"]), ..usual() };
    check(&first_edited, &[build(0, 0)], Some(17.0), 3000);
    let mut parent_rebuilt = usual();
    parent_rebuilt.inputs.from.content = "sha256:2".to_owned();
    check(&parent_rebuilt, &[build(0, 0)], Some(17.0), 3000);
    check(&parent_rebuilt, &[build(0, 2), build(1, 0)], Some(17.0), 3000);
}

/// Seconds, lasting bytes, and whether they are an upper bound, of stage A as it always was.
fn check_cache(samples: &[Sample], now: &Circumstances, expected: (f64, u64, bool)) {
    let forecast = forecast(&[usual()], samples, now);
    let stage = &forecast.stages[0];
    assert_eq!(
        (stage.seconds, stage.disk, stage.at_most),
        (Some(expected.0), expected.1, expected.2)
    );
}

#[test]
fn a_cache_is_believed_in_as_long_as_its_images_are_there() {
    check_cache(&[build(0, 0)], &now(), (2.0, 0, false));
    let removed = Circumstances { images: BTreeSet::new(), ..now() };
    check_cache(&[build(0, 0)], &removed, (17.0, 3000, true));
    let other = Sample { image: Some("sha256:other".to_owned()), ..build(0, 0) };
    check_cache(std::slice::from_ref(&other), &now(), (17.0, 3000, true));
    check_cache(&[other, build(1, 0)], &now(), (2.0, 0, false));
}

#[test]
fn buildkits_cache_is_believed_in_as_long_as_its_records_are_there() {
    let with = |records: &[i64]| Circumstances {
        builder: "buildkit".to_owned(),
        images: BTreeSet::new(),
        records: Some(records.to_vec()),
        ..now()
    };
    let built = |age, first| Sample { builder: "buildkit".to_owned(), ..build(age, first) };
    check_cache(&[built(0, 0)], &with(&[100, 120]), (2.0, 0, false));
    check_cache(&[built(0, 0)], &with(&[99, 110, 121]), (17.0, 3000, true));
    check_cache(&[built(0, 0)], &with(&[]), (17.0, 3000, true));
    // The last build took the package's layer from the one before, whose records are gone.
    let last = Sample { layers: 1, ..built(0, 2) };
    let before = Sample { span: (50, 60), ..built(1, 0) };
    check_cache(&[last.clone(), before.clone()], &with(&[110, 50, 51]), (2.0, 0, false));
    check_cache(&[last, before], &with(&[110]), (17.0, 3000, true));
}

#[test]
fn one_builder_has_not_the_cache_of_the_other() {
    let other = Sample { builder: "buildkit".to_owned(), ..build(0, 0) };
    check_cache(&[other], &now(), (17.0, 3000, false));
}

#[test]
fn times_and_bytes_follow_the_packages() {
    let bigger =
        Expected { inputs: inputs("2"), steps: steps(2000, ["set", "install", "run"]), ..usual() };
    check(&bigger, &[build(0, 0)], Some(27.0), 6000);
    check(&bigger, &[build(0, 0), build(1, 2)], Some(27.0), 6000);
}

#[test]
fn the_latest_runs_weigh_most() {
    let took = |age, seconds| {
        let mut sample = build(age, 0);
        sample.pace.steps[2].seconds = seconds;
        sample.seconds = seconds + 12.0;
        sample
    };
    let fresh = Expected { fresh: true, ..usual() };
    check(&fresh, &[took(0, 7.0), took(1, 5.0), took(2, 5.0)], Some(17.0), 3000);
    check(&fresh, &[took(0, 7.0), took(1, 7.0), took(2, 5.0), took(3, 5.0)], Some(19.0), 3000);
    check(&fresh, &[took(0, 90.0), took(1, 5.0), took(2, 5.0), took(3, 5.0)], Some(17.0), 3000);
}

/// Seconds and the most bytes of stages `name parent seconds disk passing`, built by `jobs`.
fn check_together(stages: &[(&str, &str, f64, u64, u64)], jobs: usize, seconds: f64, disk: u64) {
    let expected = stages.iter().map(|(name, parent, ..)| Expected {
        stage: name.parse().unwrap(),
        parents: parent.parse().into_iter().collect(),
        ..usual()
    });
    let expected: Vec<_> = expected.collect();
    let each = stages.iter().map(|(name, _, seconds, disk, passing)| StageForecast {
        stage: name.parse().unwrap(),
        reused: false,
        seconds: Some(*seconds),
        disk: *disk,
        passing: *passing,
        context: 0,
        silence: None,
        at_most: false,
    });
    let together = schedule::simulate(&expected, &each.collect::<Vec<_>>(), jobs);
    assert_eq!((together.seconds, together.disk), (seconds, disk));
}

#[test]
fn stages_side_by_side_take_less_time_and_more_disk() {
    let chain = [("A", "", 5.0, 10, 100), ("B", "A", 7.0, 20, 30)];
    check_together(&chain, 1, 12.0, 110);
    check_together(&chain, 4, 12.0, 110);
    let beside = [("A", "", 5.0, 10, 100), ("B", "", 7.0, 20, 30), ("C", "", 1.0, 1, 0)];
    check_together(&beside, 1, 13.0, 110);
    check_together(&beside, 2, 7.0, 161);
    check_together(&[], 1, 0.0, 0);
}

#[test]
fn a_disk_that_is_too_small_is_known_to_be() {
    let of = |free| {
        let now = Circumstances { free, ..now() };
        let expected = Expected { fresh: true, ..usual() };
        forecast(&[expected], &[build(0, 0)], &now).does_not_fit()
    };
    // 3000 bytes stay, and as many lie there twice while the classic builder keeps them.
    assert_eq!([of(None), of(Some(6000)), of(Some(5999))], [false, false, true]);
}

/// Stage A with a `COPY` of 800 bytes and a `RUN` of 5 s that writes as much once more.
fn copying(fresh: bool) -> Expected {
    let copy = ExpectedStep {
        identity: "copy".to_owned(),
        keyword: "COPY".to_owned(),
        copied: 800,
        ..ExpectedStep::default()
    };
    let run = ExpectedStep {
        identity: "chmod".to_owned(),
        keyword: "RUN".to_owned(),
        ..ExpectedStep::default()
    };
    Expected { fresh, steps: vec![copy, run], context: 800, ..usual() }
}

/// Lasting and passing bytes of [`copying`], after a build in which the files had `then` bytes.
fn check_copying(expected: &Expected, then: Option<u64>, builder: &str, bytes: (u64, u64)) {
    let sample = then.map(|then| Sample {
        grown: Some(2 * then),
        bytes: 0,
        context: Some(then),
        identities: vec!["copy".to_owned(), "chmod".to_owned()],
        step_bytes: vec![0, 0],
        ..build(0, 0)
    });
    let now = Circumstances { builder: builder.to_owned(), ..now() };
    let forecast =
        forecast(std::slice::from_ref(expected), &sample.into_iter().collect::<Vec<_>>(), &now);
    assert_eq!((forecast.stages[0].disk, forecast.stages[0].passing), bytes, "{builder}");
}

#[test]
fn what_is_copied_lies_on_the_disk_several_times() {
    // The context, and the second copy that the classic builder makes of a layer; or the context twice.
    check_copying(&copying(true), None, "classic", (800, 1600));
    check_copying(&copying(true), None, "buildkit", (800, 1600));
    check_copying(&copying(true), Some(800), "classic", (1600, 1600));
    check_copying(&copying(true), Some(800), "buildkit", (1600, 1600));
    check_copying(&copying(true), Some(400), "buildkit", (1600, 1600));
    // All is in the cache but the context, which is sent to find that out.
    check_copying(&copying(false), Some(800), "classic", (0, 800));
    let mut edited = copying(false);
    edited.steps[1].identity = "chown".to_owned();
    check_copying(&edited, Some(800), "classic", (800, 1600));
}

#[test]
fn what_is_no_longer_copied_takes_nothing() {
    let mut expected = copying(true);
    expected.steps.remove(0);
    expected.context = 0;
    // 800 bytes were copied and as many written by the other instruction, which writes them still.
    check_copying(&expected, Some(800), "buildkit", (800, 0));
}

#[test]
fn what_copying_takes_follows_its_bytes() {
    let sample = Sample {
        context: Some(400),
        identities: vec!["copy".to_owned(), "install".to_owned(), "chmod".to_owned()],
        ..build(0, 0)
    };
    let mut expected = copying(true);
    expected.steps[0].identity = "install".to_owned();
    let forecast = forecast(&[expected], &[sample], &now());
    // 10 s for half the bytes, 5 s for the other instruction, and 2 s for checks.
    assert_eq!(forecast.seconds, Some(27.0));
}

fn check_silence(silences: &[f64], expected: f64) {
    let sample = |(age, silence): (usize, &f64)| {
        let mut sample = build(age, 0);
        sample.pace.silence = *silence;
        sample
    };
    let samples: Vec<_> = silences.iter().enumerate().map(sample).collect();
    let forecast = forecast(&[usual()], &samples, &now());
    assert_eq!(forecast.stages[0].silence, Some(expected));
}

#[test]
fn one_silence_far_longer_than_all_others_is_left_out() {
    check_silence(&[4.0], 4.0);
    check_silence(&[4.0, 3600.0], 3600.0);
    check_silence(&[4.0, 3600.0, 9.0], 9.0);
    check_silence(&[4.0, 3600.0, 3500.0], 3600.0);
    check_silence(&[4.0, 60.0, 9.0], 60.0);
}

#[test]
fn what_the_cache_gave_says_nothing_of_silence() {
    let silent = |age, first, silence| {
        let mut sample = build(age, first);
        sample.pace.silence = silence;
        sample
    };
    let check = |samples: &[Sample], expected| {
        assert_eq!(forecast(&[usual()], samples, &now()).stages[0].silence, Some(expected));
    };
    check(&[silent(0, 3, 0.0), silent(1, 3, 0.0), silent(2, 0, 240.0)], 240.0);
    // Two edits of the last instruction do not make a whole build's silence strange.
    check(&[silent(0, 2, 1.0), silent(1, 2, 1.0), silent(2, 0, 240.0)], 240.0);
}

#[test]
fn a_silence_is_strange_only_far_beyond_the_longest_one() {
    let strange = [(61.0, 0.0), (95.0, 30.0), (540.0, 240.0)];
    assert!(strange.into_iter().all(|(silent, before)| is_strange(silent, before)));
    let usual = [(59.0, 0.0), (85.0, 30.0), (479.0, 240.0)];
    assert!(!usual.into_iter().any(|(silent, before)| is_strange(silent, before)));
}
