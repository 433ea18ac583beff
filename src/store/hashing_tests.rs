//! What is read, what is remembered, and what is told of it.

use std::fs;

use super::super::test_ground::{FILE, GOOD, Ground, planned, render, sha256};
use super::super::verify::{verify, verify_by};
use super::*;
use crate::error::Exit;
use crate::plan::PlannedPackage;

#[test]
fn events_add_up_and_a_shared_file_is_read_once() {
    let ground = Ground::new();
    let content = vec![3; (2 << 20) + 5];
    ground.write(&format!("packages/{FILE}"), &content);
    let package = planned(Some(&content), None);
    let events = Mutex::new(Vec::new());
    let observer = |event| events.lock().unwrap().push(event);
    let planned = [package.clone(), package];
    let verified = verify(&planned, &ground.options(), &observer, &AtomicBool::new(false)).unwrap();
    assert_eq!(verified.len(), 2);
    let events = events.into_inner().unwrap();
    let read: u64 = events
        .iter()
        .map(|event| if let VerifyEvent::Read { bytes } = event { *bytes } else { 0 })
        .sum();
    assert_eq!(read, content.len() as u64);
    assert_eq!(events[0], VerifyEvent::Started { files: 1, bytes: read });
    let last = VerifyEvent::Finished { file: FILE.to_owned(), remembered: false };
    assert_eq!(events.last(), Some(&last));
}

/// How one file is finished in each of two runs, `between` them something happens.
fn remembered(rehash: bool, between: impl Fn(&Path)) -> Vec<bool> {
    let ground = Ground::new();
    let path = ground.path("packages").join(FILE);
    ground.write(&format!("packages/{FILE}"), GOOD);
    let memory = Some(ground.path("cache"));
    let options = VerifyOptions { rehash, memory, ..ground.options() };
    let finished = Mutex::new(Vec::new());
    let observer = |event| {
        if let VerifyEvent::Finished { remembered, .. } = event {
            finished.lock().unwrap().push(remembered);
        }
    };
    let cancelled = AtomicBool::new(false);
    let planned = [planned(None, None)];
    let run = || verify_by(in_an_hour, &planned, &options, &observer, &cancelled);
    let first = run().unwrap();
    between(&path);
    assert_eq!(first[0].sha256, run().unwrap()[0].sha256);
    finished.into_inner().unwrap()
}

/// A clock by which every file has been at rest for an hour.
fn in_an_hour() -> SystemTime {
    SystemTime::now() + std::time::Duration::from_secs(3600)
}

#[test]
fn an_unchanged_file_is_not_read_again() {
    let touch = |path: &Path| {
        let file = fs::File::open(path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1)).unwrap();
    };
    assert_eq!(remembered(false, |_| ()), [false, true]);
    assert_eq!(remembered(true, |_| ()), [false, false]);
    assert_eq!(remembered(false, touch), [false, false]);
}

#[test]
fn a_cancelled_run_ends_as_interrupted() {
    let ground = Ground::new();
    ground.write(&format!("packages/{FILE}"), &vec![3; 3 << 20]);
    let cancelled = AtomicBool::new(false);
    let observer = |event| {
        if matches!(event, VerifyEvent::Read { .. }) {
            cancelled.store(true, Ordering::Relaxed);
        }
    };
    let planned = [planned(None, None)];
    let error = verify(&planned, &ground.options(), &observer, &cancelled).unwrap_err();
    assert_eq!(error.exit, Exit::Interrupted);
}

#[test]
fn two_verifications_of_one_folder_both_end_right() {
    let ground = Ground::new();
    let names: Vec<String> = (0..40).map(|index| format!("package-{index}.run")).collect();
    let planned: Vec<PlannedPackage> = names
        .iter()
        .map(|file| {
            ground.write(&format!("packages/{file}"), file.as_bytes());
            PlannedPackage { file: file.clone(), ..planned(Some(file.as_bytes()), None) }
        })
        .collect();
    let options = VerifyOptions { memory: Some(ground.path("cache")), ..ground.options() };
    let run = || {
        let cancelled = AtomicBool::new(false);
        (0..3)
            .map(|_| verify_by(in_an_hour, &planned, &options, &|_| (), &cancelled).unwrap().len())
            .sum::<usize>()
    };
    std::thread::scope(|scope| {
        let threads = [scope.spawn(run), scope.spawn(run)];
        assert_eq!(threads.map(|thread| thread.join().unwrap()), [120, 120]);
    });
}

#[test]
fn files_are_hashed_whatever_declares_them() {
    let ground = Ground::new();
    ground.write("packages/a", GOOD);
    let paths = [ground.path("packages/a"), ground.path("packages/none"), ground.path("packages")];
    let cancelled = AtomicBool::new(false);
    let (files, problems) = hash_files(&paths, &ground.options(), &|_| (), &cancelled).unwrap();
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].sha256, sha256(GOOD));
    let text: String = problems.iter().map(render).collect();
    assert_eq!(
        text.replace(&ground.path("packages").display().to_string(), "P"),
        "`P` is not a regular file
  hint: put a file there
`P/none` disappeared while it was being read
  hint: put it back, then run again\n"
    );
}
