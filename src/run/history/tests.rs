//! Listing, finding and removing runs, also where their records are spoilt.

use std::fs;
use std::path::Path;

use serde_json::json;
use time::{Duration, OffsetDateTime};

use super::*;

/// The second in which the first run of a test starts.
const START: i64 = 1_795_242_400;

fn time(after: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(START + after).unwrap()
}

/// A run that started `after` seconds, as its report tells.
fn report(after: i64, target: &str, result: &str) -> serde_json::Value {
    let id = RunId::new(time(after), 1, 0);
    let started = time(after).format(&time::format_description::well_known::Rfc3339).unwrap();
    json!({
        "schema": 1, "run": id.as_str(), "started": started, "seconds": 2.5, "result": result,
        "exit_code": u8::from(result != "done"), "problems": [], "builder": "classic",
        "stages": [{"stage": target, "outcome": "built", "seconds": 2.0, "size": 10, "tags": []}],
        "plan": {"project": "demo", "target": target, "platform": "linux/amd64"},
        "unknown": {"to": "this version"},
    })
}

/// Writes a run's folder with this report.
fn write(state: &Path, after: i64, report: &str) -> String {
    let id = RunId::new(time(after), 1, 0);
    let folder = run_folder(state, &id);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("report.json"), report).unwrap();
    id.to_string()
}

/// Three runs that are whole: B failed after A, then A again.
fn three(state: &Path) -> Vec<String> {
    [(0, "A", "done"), (60, "B", "failed"), (120, "A", "done")]
        .map(|(after, target, result)| {
            write(state, after, &report(after, target, result).to_string())
        })
        .to_vec()
}

/// `target result` of each run, and how many records cannot be read: twice, the
/// second time by what the first one has put into the index.
fn check(state: &Path, expected: &[&str], unread: usize) {
    for _ in 0..2 {
        let history = History::read(state);
        let seen: Vec<_> =
            history.runs.iter().map(|run| format!("{} {}", run.target, run.result)).collect();
        assert_eq!(seen, expected);
        assert_eq!(history.unread.len(), unread, "{:?}", history.unread);
    }
}

#[test]
fn runs_are_listed_with_an_index_and_without() {
    let state = tempfile::tempdir().unwrap();
    check(state.path(), &[], 0);
    three(state.path());
    check(state.path(), &["A done", "B failed", "A done"], 0);
    write(state.path(), 180, &report(180, "C", "interrupted").to_string());
    check(state.path(), &["A done", "B failed", "A done", "C interrupted"], 0);
}

/// What is listed after the record of the middle one of three runs has become `record`.
fn check_spoilt(record: &str, expected: &[&str], unread: usize) {
    let state = tempfile::tempdir().unwrap();
    three(state.path());
    write(state.path(), 60, record);
    check(state.path(), expected, unread);
}

#[test]
fn a_record_that_cannot_be_read_costs_nothing_but_itself() {
    let whole = report(60, "B", "failed").to_string();
    let others = ["A done", "A done"];
    check_spoilt("", &others, 1);
    check_spoilt("null", &others, 1);
    check_spoilt("\u{0}\u{0}", &others, 1);
    (1..whole.len()).step_by(40).for_each(|end| check_spoilt(&whole[..end], &others, 1));
    check_spoilt(&whole.replacen("\"schema\":1", "\"schema\":2", 1), &others, 1);
    check_spoilt("{\"schema\":99,\"all\":\"is new\"}", &others, 1);
    check_spoilt(&whole, &["A done", "B failed", "A done"], 0);
}

/// What is listed after the index has become `index`.
fn check_index(spoil: impl Fn(&str) -> String) {
    let state = tempfile::tempdir().unwrap();
    three(state.path());
    History::read(state.path());
    let path = state.path().join("history.jsonl");
    let index = fs::read_to_string(&path).unwrap();
    fs::write(&path, spoil(&index)).unwrap();
    check(state.path(), &["A done", "B failed", "A done"], 0);
}

#[test]
fn an_index_that_is_spoilt_is_mended() {
    check_index(|_| String::new());
    check_index(|index| index[..index.len() - 30].to_owned());
    check_index(|index| format!("{index}{index}"));
    check_index(|index| index.replace("\"schema\":1", "\"schema\":7"));
    check_index(|index| format!("\u{0}\n{{}}\n{index}"));
    // A run whose folder somebody has removed is not told of.
    check_index(|index| format!("{index}{}", index.replace("20261121-06", "20251121-06")));
}

#[test]
fn a_run_that_was_killed_is_told_by_its_folder() {
    let state = tempfile::tempdir().unwrap();
    let project = state.path().join("project");
    let folder = crate::run::RunFolder::create(&project, time(0)).unwrap();
    let begun = Begun { target: "B".to_owned(), ..Begun::default() };
    folder.write_begun(&begun).unwrap();
    fs::write(folder.log_path(&"A".parse().unwrap()), "=== stage A\n").unwrap();
    let state = folder.state().to_owned();
    check(&state, &["B running"], 0);
    drop(folder);
    check(&state, &["B killed"], 0);
    let stages = &History::read(&state).runs[0].stages;
    assert_eq!(stages.len(), 1);
    assert_eq!((stages[0].stage.as_str(), stages[0].outcome.as_str()), ("A", "killed"));
}

/// How a run stands that does `meanwhile` while it is asked whether it is alive, which says `alive`.
fn check_standing(alive: bool, meanwhile: impl Fn(&Path, &str), expected: &str) {
    let state = tempfile::tempdir().unwrap();
    let id = RunId::new(time(0), 1, 0);
    let folder = run_folder(state.path(), &id);
    fs::create_dir_all(&folder).unwrap();
    let asked = |_: &Path| {
        meanwhile(state.path(), id.as_str());
        alive
    };
    let standing = Standing::asking(&folder, asked).unwrap();
    assert_eq!(RunSummary::standing(&folder, &id, &standing).unwrap().result, expected);
}

#[test]
fn a_run_that_ends_while_it_is_looked_at_is_not_killed() {
    let ends = |state: &Path, _: &str| {
        write(state, 0, &report(0, "A", "failed").to_string());
    };
    check_standing(false, ends, "failed");
    check_standing(true, ends, "failed");
    check_standing(true, |_, _| {}, "running");
    check_standing(false, |_, _| {}, "killed");
}

#[test]
fn who_took_a_run_for_killed_never_overrules_its_report() {
    let killed = |index: &str| {
        let lines = index.lines().map(|line| {
            let line = line.replace("\"exit_code\":0", "\"exit_code\":null");
            line.replace("\"exit_code\":1", "\"exit_code\":null")
                .replace("\"result\":\"done\"", "\"result\":\"killed\"")
                .replace("\"result\":\"failed\"", "\"result\":\"killed\"")
        });
        lines.map(|line| line + "\n").collect::<String>()
    };
    check_index(|index| format!("{index}{}", killed(index)));
    check_index(|index| format!("{}{index}", killed(index)));
    check_index(killed);
}

#[test]
fn a_copied_folder_is_not_another_run() {
    let state = tempfile::tempdir().unwrap();
    three(state.path());
    let copy = RunId::new(time(60), 19, 0);
    let folder = run_folder(state.path(), &copy);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("report.json"), report(60, "B", "failed").to_string()).unwrap();
    check(state.path(), &["A done", "B failed", "A done"], 1);
    let index = fs::read_to_string(state.path().join("history.jsonl")).unwrap();
    assert_eq!(index.lines().count(), 3);
}

#[test]
fn several_programs_list_and_add_at_once() {
    let state = tempfile::tempdir().unwrap();
    let (state, runs) = (state.path(), 40);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for number in 0..runs / 4 {
                    let after = i64::from(number * 4 + thread);
                    let run = write(state, after, &report(after, "A", "done").to_string());
                    remember(state, &run).unwrap();
                    History::read(state);
                }
            });
        }
    });
    check(state, &vec!["A done"; usize::try_from(runs).unwrap()], 0);
    let index = fs::read_to_string(state.join("history.jsonl")).unwrap();
    let whole = |line: &str| serde_json::from_str::<RunSummary>(line).is_ok();
    assert!(index.lines().all(whole), "{index}");
}

/// The run that a text means, out of three and `20261121-062640-1-2`.
fn check_found(state: &Path, wanted: &str, expected: Result<&str, NotFound>) {
    let found = find(state, wanted).map(|id| id.to_string());
    assert_eq!(found, expected.map(str::to_owned), "{wanted}");
}

#[test]
fn a_run_is_found_by_the_beginning_of_its_id() {
    let state = tempfile::tempdir().unwrap();
    let state = state.path();
    check_found(state, "last", Err(NotFound::NoRuns));
    check_found(state, "2026", Err(NotFound::NoRuns));
    let runs = three(state);
    fs::create_dir(run_folder(state, &"20261121-062640-1-2".parse().unwrap())).unwrap();
    fs::write(state.join("runs/notes.txt"), "").unwrap();
    check_found(state, "last", Ok("20261121-062840-1"));
    check_found(state, "20261121-0627", Ok("20261121-062740-1"));
    check_found(state, "20261121-062640-1", Ok(&runs[0]));
    check_found(state, "20261121-062640-1-", Ok("20261121-062640-1-2"));
    check_found(state, "20261122", Err(NotFound::Unknown));
    check_found(state, "../..", Err(NotFound::Unknown));
    let several = find(state, "20261121-06264").unwrap_err();
    assert!(matches!(several, NotFound::Several(ids) if ids.len() == 2));
}

/// The targets of the runs that stay out of `runs` (target, days of age), oldest first.
fn check_kept(runs: &[(&str, i64)], count: usize, days: i64, expected: &[&str]) {
    let state = tempfile::tempdir().unwrap();
    let now = time(1000 * 86_400);
    for (number, (target, age)) in (0..).zip(runs) {
        let after = (1000 - age) * 86_400 + number;
        write(state.path(), after, &report(after, target, "done").to_string());
    }
    let removed = prune(state.path(), Keep { count, age: Duration::days(days) }, now);
    assert_eq!(removed, runs.len() - expected.len());
    let expected: Vec<_> = expected.iter().map(|target| format!("{target} done")).collect();
    check(state.path(), &expected.iter().map(String::as_str).collect::<Vec<_>>(), 0);
}

#[test]
fn old_runs_go_but_never_the_last_of_a_target() {
    let runs = [("A", 9), ("B", 8), ("A", 7), ("B", 6), ("B", 5)];
    check_kept(&runs, 100, 90, &["A", "B", "A", "B", "B"]);
    check_kept(&runs, 2, 90, &["A", "B", "B"]);
    check_kept(&runs, 100, 5, &["A", "B"]);
    check_kept(&runs, 0, 0, &["A", "B"]);
    check_kept(&[], 0, 0, &[]);
}

#[test]
fn neither_a_run_under_way_nor_an_unread_one_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let living = crate::run::RunFolder::create(folder.path(), time(0)).unwrap();
    let state = living.state();
    let unread = write(state, 5, "half of");
    write(state, 10, &report(10, "A", "done").to_string());
    write(state, 20, &report(20, "A", "done").to_string());
    let removed = prune(state, Keep { count: 0, age: Duration::ZERO }, time(86_400));
    assert_eq!(removed, 1);
    assert!(living.path.exists() && run_folder(state, &unread.parse().unwrap()).exists());
}

#[test]
fn a_spoilt_record_does_not_stand_for_a_run() {
    let state = tempfile::tempdir().unwrap();
    three(state.path());
    write(state.path(), 180, "{\"schema\": 1, \"ru");
    let history = History::last(state.path(), 2);
    let targets: Vec<_> = history.runs.iter().map(|run| run.target.as_str()).collect();
    assert_eq!((targets, history.unread.len(), history.earlier), (vec!["B", "A"], 1, 1));
    assert!(!history.unread[0].1.to_string().contains("EOF"), "{}", history.unread[0].1);
}
