//! Verifying files that do not wait for each other, each told as soon as it is known.
//!
//! The roots were walked before, and remembered digests are read once: what a
//! file costs does not grow with the number of the others.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::digest::HashError;
use super::hashing::hash_one;
use super::index::RootIndex;
use super::memory::Memory;
use super::verify::{judge, locate};
use crate::error::Problem;
use crate::plan::{PlannedPackage, VerifiedPackage};

/// Hears of the file at a place of what was planned; called from several threads.
type Tell<'a> = &'a (dyn Fn(usize, Result<VerifiedPackage, Problem>) + Sync);

/// Looks each planned file up in `index` and checks its content, `jobs` at a time and in the order
/// of `planned`. `memory` is the folder of remembered digests.
///
/// Blocking; `cancelled` is looked at after every piece of 1 MiB, and nothing more is told then.
pub fn verify_one_by_one(
    planned: &[PlannedPackage],
    index: &RootIndex,
    (jobs, memory): (usize, Option<PathBuf>),
    tell: &(dyn Fn(usize, Result<VerifiedPackage, Problem>) + Sync),
    cancelled: &AtomicBool,
) {
    let memory = memory.as_deref().map(Memory::read);
    let queue = Queue { planned, index, memory, next: AtomicUsize::new(0), tell, cancelled };
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1).min(planned.len()) {
            scope.spawn(|| queue.work());
        }
    });
}

struct Queue<'a> {
    planned: &'a [PlannedPackage],
    index: &'a RootIndex,
    memory: Option<Memory>,
    next: AtomicUsize,
    tell: Tell<'a>,
    cancelled: &'a AtomicBool,
}

impl Queue<'_> {
    /// Takes files until there are none, or nobody wants to hear of them.
    fn work(&self) {
        let mut buffer = Vec::new();
        loop {
            let place = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(package) = self.planned.get(place) else { return };
            let verified = self.verify(package, &mut buffer);
            if self.cancelled.load(Ordering::Relaxed) {
                return;
            }
            (self.tell)(place, verified.map_err(|problem| *problem));
        }
    }

    fn verify(
        &self,
        package: &PlannedPackage,
        buffer: &mut Vec<u8>,
    ) -> Result<VerifiedPackage, Box<Problem>> {
        let located = locate(package, self.index)?;
        let memory = self.memory.as_ref();
        let hashed: Result<_, HashError> = hash_one(&located.path, memory, buffer, self.cancelled);
        judge(package, &located, &hashed)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Mutex;

    use super::*;
    use crate::store::test_ground::{Ground, describe, planned, render};

    /// What is told of `files`, in their order, after the roots were walked and `meanwhile` happened.
    fn check(files: &[&str], meanwhile: impl Fn(&Ground, &AtomicBool), expected: &[&str]) {
        let ground = Ground::new();
        for file in ["one.sh", "two.sh"] {
            ground.write(&format!("packages/{file}"), file.as_bytes());
        }
        let index = RootIndex::walk(&ground.options().roots);
        let cancelled = AtomicBool::new(false);
        meanwhile(&ground, &cancelled);
        let undeclared =
            |file: &&str| PlannedPackage { file: (*file).to_owned(), ..planned(None, None) };
        let wanted: Vec<_> = files.iter().map(undeclared).collect();
        let told = Mutex::new(vec![String::new(); files.len()]);
        let tell = |place: usize, verified: Result<VerifiedPackage, Problem>| {
            let text = verified.map_or_else(|problem| render(&problem), |file| describe(&file));
            told.lock().unwrap()[place] = text.lines().next().unwrap_or_default().to_owned();
        };
        verify_one_by_one(&wanted, &index, (2, None), &tell, &cancelled);
        let told = told.into_inner().unwrap();
        let folder = format!("{}/", ground.path("packages").display());
        let told: Vec<_> = told.iter().map(|text| text.replace(&folder, "")).collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn each_file_is_told_at_its_place() {
        let (one, two) = ("one.sh 6 bytes, not verified", "two.sh 6 bytes, not verified");
        check(&["one.sh", "two.sh"], |_, _| (), &[one, two]);
        check(&["two.sh", "three.sh"], |_, _| (), &[two, "package file `three.sh` is missing"]);
        check(&[], |_, _| (), &[]);
    }

    #[test]
    fn the_roots_are_not_walked_again() {
        let come = |ground: &Ground, _: &AtomicBool| ground.write("packages/new.sh", b"new");
        check(&["new.sh"], come, &["package file `new.sh` is missing"]);
        let go = |ground: &Ground, _: &AtomicBool| {
            fs::remove_file(ground.path("packages/one.sh")).unwrap();
        };
        check(&["one.sh"], go, &["`one.sh` disappeared while it was being read"]);
    }

    #[test]
    fn nothing_is_told_to_whoever_has_left() {
        let leave = |_: &Ground, cancelled: &AtomicBool| cancelled.store(true, Ordering::Relaxed);
        check(&["one.sh"], leave, &[""]);
    }
}
