//! The files that were looked at: what each was when it was, and what came of it.

use std::path::PathBuf;
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

    fn is(&self, other: &Self) -> bool {
        let (one, two) = (&self.wanted, &other.wanted);
        self.file == other.file
            && (&one.name, &one.file, &one.sha256, one.size)
                == (&two.name, &two.file, &two.sha256, two.size)
    }

    /// Whether nobody has written into it of late.
    fn rests(&self, now: SystemTime) -> bool {
        let Some((_, identity)) = &self.file else { return true };
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as i128;
        now < identity.modified || now - identity.modified >= RESTED.as_nanos() as i128
    }
}

/// What is known of every wanted file, in the order in which they are wanted.
#[derive(Debug, Default)]
pub(super) struct Stock {
    known: Vec<(Seen, Option<VerifiedPackage>)>,
}

/// What a look has found.
#[derive(Debug)]
pub(super) struct Compared {
    /// What is to be looked at.
    pub(super) fresh: Vec<Seen>,
    /// Whether something was forgotten.
    pub(super) forgotten: bool,
    /// Whether something is left to come to rest first.
    pub(super) restless: bool,
}

impl Stock {
    /// Forgets what is not wanted any more or has changed.
    pub(super) fn compare(&mut self, seen: &[Seen], now: SystemTime, patient: bool) -> Compared {
        let before = self.known.len();
        let mut kept: Vec<(Seen, Option<VerifiedPackage>)> = Vec::new();
        let (mut fresh, mut restless) = (Vec::new(), false);
        for one in seen {
            match self.known.iter().position(|(known, _)| known.is(one)) {
                Some(place) => kept.push(self.known.swap_remove(place)),
                None if !patient || one.rests(now) => fresh.push(one.clone()),
                None => restless = true,
            }
        }
        let forgotten = before != kept.len();
        self.known = kept;
        Compared { fresh, forgotten, restless }
    }

    /// Keeps what came of a look.
    pub(super) fn keep(&mut self, seen: Seen, verified: Option<VerifiedPackage>) {
        self.known.push((seen, verified));
    }

    /// What can be served, by name.
    pub(super) fn files(&self) -> Vec<VerifiedPackage> {
        let mut files: Vec<_> =
            self.known.iter().filter_map(|(_, verified)| verified.clone()).collect();
        files.sort_by(|one, two| (&one.file, &one.sha256).cmp(&(&two.file, &two.sha256)));
        files
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

    /// What is new at second 100, where `a` as of second 10 and `b` are known.
    fn check(now_seen: &[Seen], patient: bool, expected: (&[&str], bool, bool)) {
        let mut stock = Stock::default();
        stock.keep(seen("a", 10), None);
        stock.keep(seen("b", 10), None);
        let now = UNIX_EPOCH + Duration::from_secs(100);
        let compared = stock.compare(now_seen, now, patient);
        let fresh: Vec<_> = compared.fresh.iter().map(|one| one.wanted.file.as_str()).collect();
        assert_eq!((&*fresh, compared.forgotten, compared.restless), expected);
    }

    #[test]
    fn what_changed_is_looked_at_when_it_has_come_to_rest() {
        check(&[seen("a", 10), seen("b", 10)], true, (&[], false, false));
        check(&[seen("b", 10), seen("a", 10), seen("c", 98)], true, (&["c"], false, false));
        check(&[seen("a", 11), seen("b", 10)], true, (&["a"], true, false));
        check(&[seen("a", 99), seen("b", 10)], true, (&[], true, true));
        check(&[seen("a", 99), seen("b", 10)], false, (&["a"], true, false));
        check(&[seen("b", 10)], true, (&[], true, false));
        check(&[seen("a", 500), seen("b", 10)], true, (&["a"], true, false));
    }
}
