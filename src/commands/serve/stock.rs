//! The files that were looked at: what each was when it was, and what came of it.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::plan::{FileIdentity, PlannedPackage, VerifiedPackage};
use crate::store::{Found, RootIndex};

/// A file that was written within this time may still be on its way here.
const RESTED: Duration = Duration::from_secs(2);

/// A wanted file as it is now: whatever changes of it makes it another one.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) wanted: PlannedPackage,
    pub(super) file: Option<(PathBuf, FileIdentity)>,
}

impl Seen {
    /// Looks the file up, without reading it.
    pub(super) fn look(wanted: PlannedPackage, index: &RootIndex) -> Self {
        let file = match index.find(&wanted.file) {
            Found::File { path, .. } => path
                .metadata()
                .ok()
                .map(|metadata| (path.to_owned(), FileIdentity::from(&metadata))),
            _ => None,
        };
        Self { wanted, file }
    }

    /// Its size in bytes, as far as it is there.
    pub(super) fn size(&self) -> u64 {
        self.file.as_ref().map_or(0, |(_, identity)| identity.size)
    }

    fn is(&self, other: &Self) -> bool {
        let (one, two) = (&self.wanted, &other.wanted);
        self.file == other.file
            && (&one.name, &one.file, &one.sha256, one.size)
                == (&two.name, &two.file, &two.sha256, two.size)
    }

    /// Whether what was verified is what was seen, and nothing put in its place meanwhile.
    fn is_of(&self, verified: &VerifiedPackage) -> bool {
        self.file.as_ref().is_some_and(|(_, identity)| *identity == verified.identity)
    }

    /// Whether nobody has written into it of late.
    fn rests(&self, now: SystemTime) -> bool {
        self.file.as_ref().is_none_or(|(_, identity)| is_old(identity.modified, now))
    }
}

/// Whether what was modified then (nanoseconds since the epoch) has come to rest by now.
pub(super) fn is_old(modified: i128, now: SystemTime) -> bool {
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as i128;
    now < modified || now - modified >= RESTED.as_nanos() as i128
}

/// A file that was looked at, and what came of it.
type Known = (Seen, Option<Arc<VerifiedPackage>>);

/// What is known of every wanted file, by its name.
#[derive(Debug, Default)]
pub(super) struct Stock {
    known: HashMap<String, Vec<Known>>,
    /// The names of files that are still to be looked at, and of how many wanted ones it is.
    awaited: HashMap<String, usize>,
    /// What is being verified, by its name.
    in_hand: HashMap<String, Vec<Seen>>,
}

/// Of which files the verification begins.
#[derive(Debug)]
pub(super) struct Begins {
    pub(super) now: SystemTime,
    /// Whether files that are being written are left to come to rest.
    pub(super) patient: bool,
    /// Whether any begins now.
    pub(super) any: bool,
}

/// What a look has found.
#[derive(Debug)]
pub(super) struct Compared {
    /// What is to be looked at.
    pub(super) fresh: Vec<Seen>,
    /// Whether something was forgotten, or something else is awaited than before.
    pub(super) differs: bool,
}

impl Stock {
    /// Forgets what is not wanted any more or has changed. What is to be looked at now, or when it
    /// has come to rest, is awaited.
    pub(super) fn compare(&mut self, seen: Vec<Seen>, begins: &Begins) -> Compared {
        let mut before = std::mem::take(&mut self.known);
        let in_hand = std::mem::take(&mut self.in_hand);
        let (mut fresh, mut awaited) = (Vec::new(), HashMap::new());
        for one in seen {
            let known = before.get_mut(&one.wanted.file);
            let known = known.and_then(|known| {
                let place = known.iter().position(|(known, _)| known.is(&one))?;
                Some(known.swap_remove(place))
            });
            if let Some((seen, verified)) = known {
                self.put(seen, verified);
                continue;
            }
            *awaited.entry(one.wanted.file.clone()).or_default() += 1;
            let is_begun = in_hand
                .get(&one.wanted.file)
                .is_some_and(|all| all.iter().any(|other| other.is(&one)));
            let begins = begins.any && (!begins.patient || one.rests(begins.now));
            if is_begun || begins {
                self.in_hand.entry(one.wanted.file.clone()).or_default().push(one.clone());
            }
            if begins && !is_begun {
                fresh.push(one);
            }
        }
        let forgotten = before.values().any(|known| !known.is_empty());
        let differs = forgotten || awaited != self.awaited;
        self.awaited = awaited;
        Compared { fresh, differs }
    }

    /// Whether it is still wanted, as it was when its verification began.
    pub(super) fn is_in_hand(&self, seen: &Seen) -> bool {
        self.in_hand.get(&seen.wanted.file).is_some_and(|all| all.iter().any(|one| one.is(seen)))
    }

    /// Keeps what came of a look. What has changed since it was seen is awaited still: the next
    /// look sees it.
    pub(super) fn keep(&mut self, seen: Seen, verified: Option<VerifiedPackage>) {
        if let Some(all) = self.in_hand.get_mut(&seen.wanted.file) {
            all.retain(|one| !one.is(&seen));
        }
        if verified.as_ref().is_some_and(|verified| !seen.is_of(verified)) {
            return;
        }
        self.await_no_more(&seen.wanted.file);
        self.put(seen, verified.map(Arc::new));
    }

    fn await_no_more(&mut self, file: &str) {
        let Some(count) = self.awaited.get_mut(file) else { return };
        *count -= 1;
        if *count == 0 {
            self.awaited.remove(file);
        }
    }

    fn put(&mut self, seen: Seen, verified: Option<Arc<VerifiedPackage>>) {
        self.known.entry(seen.wanted.file.clone()).or_default().push((seen, verified));
    }

    /// What can be served, by name.
    pub(super) fn files(&self) -> Vec<Arc<VerifiedPackage>> {
        let known = self.known.values().flatten();
        let mut files: Vec<_> = known.filter_map(|(_, verified)| verified.clone()).collect();
        files.sort_by(|one, two| (&one.file, &one.sha256).cmp(&(&two.file, &two.sha256)));
        files
    }

    /// The names of files that may be served soon.
    pub(super) fn awaited(&self) -> HashSet<String> {
        self.awaited.keys().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file whose content was last changed `modified` seconds after the epoch.
    fn seen(file: &str, modified: i128) -> Seen {
        let wanted = PlannedPackage {
            name: "a".parse().unwrap(),
            file: file.to_owned(),
            sha256: None,
            size: None,
            url: None,
            place: None,
            asked: None,
        };
        let modified = modified * 1_000_000_000;
        let identity = FileIdentity { device: 1, inode: 2, size: 3, modified, changed: modified };
        Seen { wanted, file: Some((PathBuf::from(file), identity)) }
    }

    /// What a look has verified of a file that was changed so many seconds after the epoch.
    fn verified(file: &str, modified: i128) -> VerifiedPackage {
        let Seen { wanted, file: on_disk } = seen(file, modified);
        let (path, identity) = on_disk.unwrap();
        let sha256 = crate::project::Sha256::from_bytes([0; 32]);
        VerifiedPackage {
            name: wanted.name,
            file: wanted.file,
            path,
            sha256,
            size: 3,
            declared: false,
            identity,
        }
    }

    /// A stock of `a` and `b` as of second 10.
    fn stock() -> Stock {
        let mut stock = Stock::default();
        for file in ["a", "b"] {
            stock.keep(seen(file, 10), Some(verified(file, 10)));
        }
        stock
    }

    fn sorted(names: HashSet<String>) -> String {
        let mut names: Vec<_> = names.into_iter().collect();
        names.sort();
        names.concat()
    }

    /// What is new at second 100, whether it differs, and what is awaited then.
    fn check(now_seen: &[Seen], patient: bool, expected: (&str, bool, &str)) {
        let mut stock = stock();
        let now = UNIX_EPOCH + Duration::from_secs(100);
        let compared = stock.compare(now_seen.to_vec(), &Begins { now, patient, any: true });
        let fresh: String = compared.fresh.iter().map(|one| one.wanted.file.as_str()).collect();
        let awaited = sorted(stock.awaited());
        assert_eq!((&*fresh, compared.differs, &*awaited), expected);
    }

    #[test]
    fn what_changed_is_looked_at_when_it_has_come_to_rest() {
        check(&[seen("a", 10), seen("b", 10)], true, ("", false, ""));
        check(&[seen("b", 10), seen("a", 10), seen("c", 98)], true, ("c", true, "c"));
        check(&[seen("a", 11), seen("b", 10)], true, ("a", true, "a"));
        check(&[seen("a", 99), seen("b", 10)], true, ("", true, "a"));
        check(&[seen("a", 99), seen("b", 10)], false, ("a", true, "a"));
        check(&[seen("b", 10)], true, ("", true, ""));
        check(&[seen("a", 500), seen("b", 10)], true, ("a", true, "a"));
    }

    #[test]
    fn what_was_put_in_a_files_place_while_it_was_verified_is_not_served() {
        let check = |modified: i128, expected: (usize, &str)| {
            let mut stock = stock();
            let now = UNIX_EPOCH + Duration::from_secs(100);
            let compared =
                stock.compare(vec![seen("a", 20)], &Begins { now, patient: true, any: true });
            let fresh = compared.fresh.into_iter().next().unwrap();
            stock.keep(fresh, Some(verified("a", modified)));
            assert_eq!((stock.files().len(), &*sorted(stock.awaited())), expected);
        };
        check(20, (1, ""));
        check(21, (0, "a"));
    }
}
