//! What keeps files of the roots from being served, said once and again only when it changes.
//!
//! A thousand files can have the same trouble, so each kind is one message with
//! the first few of them, whatever their number. What is wrong with a single file
//! is said when it is verified.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::error::{Problem, Severity};
use crate::plan::may_be_served;
use crate::store::{Found, Root, RootIndex, RootState};

/// How many of a kind are named.
const NAMED: usize = 5;

/// What was said by the last look.
#[derive(Debug, Default)]
pub(super) struct Notices {
    said: BTreeMap<Kind, BTreeSet<String>>,
}

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// A root is not there.
    Gone,
    /// A folder of a root cannot be read.
    Unreadable,
    /// The name of a file is no UTF-8.
    Unnamed,
    /// A link leads out of its root, or to nothing.
    LeadsOut,
    /// Several files have one name.
    Doubles,
}

impl Notices {
    /// What is to be said of a walk of the roots and was not said of the last one.
    pub(super) fn news(&mut self, index: &RootIndex) -> Vec<Problem> {
        let now = facts(index);
        let mut news: Vec<_> = self.returned(&now).collect();
        for (kind, facts) in &now {
            let before = self.said.get(kind);
            let is_new = |fact: &&String| before.is_none_or(|before| !before.contains(*fact));
            let new: Vec<_> = facts.iter().filter(is_new).collect();
            if !new.is_empty() {
                news.push(kind.problem(&new));
            }
        }
        self.remember(now);
        news
    }

    /// What was said of a root that is gone holds until it is there again.
    fn remember(&mut self, now: BTreeMap<Kind, BTreeSet<String>>) {
        let before = std::mem::replace(&mut self.said, now);
        if self.said.contains_key(&Kind::Gone) {
            let before = before.into_iter().filter(|(kind, _)| *kind != Kind::Gone);
            before.for_each(|(kind, facts)| self.said.entry(kind).or_default().extend(facts));
        }
    }

    /// Roots that were gone and are there again.
    fn returned(&self, now: &BTreeMap<Kind, BTreeSet<String>>) -> impl Iterator<Item = Problem> {
        let gone = |facts: &BTreeMap<Kind, BTreeSet<String>>| -> BTreeSet<String> {
            let facts = facts.get(&Kind::Gone).into_iter().flatten();
            facts.filter_map(|fact| Some(fact.split_once("`: ")?.0.to_owned())).collect()
        };
        let (before, now) = (gone(&self.said), gone(now));
        before.into_iter().filter(move |root| !now.contains(root)).map(|root| {
            let message = format!("{root}` is there again, and its files are served");
            Problem { severity: Severity::Note, ..Problem::error(message) }
        })
    }
}

impl Kind {
    /// The message for these facts, which are new.
    fn problem(self, facts: &[&String]) -> Problem {
        let (what, hint) = self.words();
        let message = format!("{what}: {}", facts.len());
        let severity = if self == Self::Doubles { Severity::Note } else { Severity::Warning };
        let mut problem = Problem { severity, ..Problem::error(message) };
        problem.notes.extend(facts.iter().take(NAMED).map(|fact| (*fact).clone()));
        if facts.len() > NAMED {
            problem.notes.push(format!("and {} more", facts.len() - NAMED));
        }
        problem.hint(hint)
    }

    /// The message, before how many there are, and what to do.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Gone => (
                "roots that cannot be read are left out",
                "put it back, or mount it: it is looked for every 2 seconds",
            ),
            Self::Unreadable => (
                "folders that cannot be read are left out",
                "let the user that serves read and enter them: `chmod o+rx FOLDER`",
            ),
            Self::Unnamed => (
                "files whose names are no UTF-8 are not served",
                "rename them; of names that were written in GBK, `convmv -f gbk -t utf8 -r --notest FOLDER` makes UTF-8",
            ),
            Self::LeadsOut => (
                "links that lead out of their root, or to nothing, are not followed",
                "put the file itself into the root, or serve the folder that holds it with a `--root` of its own",
            ),
            Self::Doubles => (
                "names that several files have stand for one of them",
                "the first root counts, and in a root the file that is least deep: rename the other, or name its root first",
            ),
        }
    }
}

/// What there is to be said, by kind.
fn facts(index: &RootIndex) -> BTreeMap<Kind, BTreeSet<String>> {
    let mut facts: BTreeMap<Kind, BTreeSet<String>> = BTreeMap::new();
    let mut add = |kind, fact| _ = facts.entry(kind).or_default().insert(fact);
    for root in index.roots() {
        let why = why_left_out(&root.state);
        let gone = why.map(|why| format!("`{}`: {why}", root.path.display()));
        gone.into_iter().for_each(|fact| add(Kind::Gone, fact));
        for (folder, error) in &root.unreadable {
            add(Kind::Unreadable, format!("`{}`: {error}", folder.display()));
        }
        unnamed(root).for_each(|fact| add(Kind::Unnamed, fact));
    }
    links(index).into_iter().for_each(|fact| add(Kind::LeadsOut, fact));
    doubles(index).for_each(|fact| add(Kind::Doubles, fact));
    facts
}

/// Why nothing of a root is served, where that is so.
pub(super) fn why_left_out(state: &RootState) -> Option<String> {
    match state {
        RootState::Walked { .. } => None,
        RootState::Missing => Some("it does not exist".to_owned()),
        RootState::NotAFolder => Some("it is no folder".to_owned()),
        RootState::Unreadable(error) => Some(error.to_string()),
    }
}

/// Files that would be served if anybody could ask for them.
fn unnamed(root: &Root) -> impl Iterator<Item = String> {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let files = root.unnamed.iter().filter(move |path| may_be_served(&name(path)));
    files.map(|path| format!("`{}`", path.display()))
}

/// Links to nothing that is served, neither here nor in another root.
fn links(index: &RootIndex) -> Vec<String> {
    let real = |root: &Root| fs::canonicalize(&root.path).ok();
    let roots: Vec<PathBuf> = index.roots().iter().filter_map(real).collect();
    let told = |link: &Path, target: &Path| {
        let is_served = roots.iter().any(|root| target.starts_with(root));
        let shown = || format!("`{}` leads to `{}`", link.display(), target.display());
        (!is_served).then(shown)
    };
    let files = index.others().filter(|(name, _)| may_be_served(name));
    let files = files.filter_map(|(_, found)| match found {
        Found::LeadsOut { link, target } => told(&link, &target),
        Found::BrokenLink(link) => Some(format!("`{}` leads to nothing", link.display())),
        _ => None,
    });
    let folders = index.roots().iter().flat_map(|root| &root.links_out);
    let folders = folders.filter_map(|link| told(link, &fs::canonicalize(link).ok()?));
    files.chain(folders).collect()
}

/// Names that several files of different places have. Of those that stand in folders alone the
/// store decides, and says so.
fn doubles(index: &RootIndex) -> impl Iterator<Item = String> {
    index.shown_files().filter_map(|(name, _)| {
        let Found::File { path, others } = index.find_shown(name) else { return None };
        // Nearly all names have one file, and what a name says takes longer to find out.
        if others.is_empty() || !may_be_served(name) || !index.rivals(name).is_empty() {
            return None;
        }
        let served = path.metadata().ok()?;
        others.into_iter().find_map(|other| {
            let facts = other.metadata().ok()?;
            let is_link = (facts.dev(), facts.ino()) == (served.dev(), served.ino());
            let alike = if facts.len() == served.len() { ", of the same size," } else { "" };
            let (path, other) = (path.display(), other.display());
            (!is_link).then(|| format!("`{path}` is served, `{other}`{alike} is not"))
        })
    })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;

    use super::*;

    type Act = fn(&Path);

    /// What is said after each of `acts`, of the roots `a` and `b` in a folder of their own.
    fn check(acts: &[Act], expected: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        let base = fs::canonicalize(folder.path()).unwrap();
        for root in ["a", "b", "outside"] {
            fs::create_dir(base.join(root)).unwrap();
        }
        let mut notices = Notices::default();
        let mut said = |act: &Act| {
            act(&base);
            let index = RootIndex::walk(&[base.join("a"), base.join("b")]);
            let told = notices.news(&index).into_iter().map(|problem| {
                assert!(!problem.hints.is_empty() || problem.severity == Severity::Note);
                std::iter::once(problem.message)
                    .chain(problem.notes)
                    .collect::<Vec<_>>()
                    .join(" | ")
            });
            told.collect::<Vec<_>>().join("\n").replace(&format!("{}/", base.display()), "")
        };
        let said: Vec<_> = acts.iter().map(&mut said).collect();
        assert_eq!(said, expected);
    }

    fn write(base: &Path, name: &str) {
        let path = base.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, name).unwrap();
    }

    const NOTHING: Act = |_| ();

    #[test]
    fn a_root_that_goes_and_comes_is_said() {
        check(
            &[
                NOTHING,
                |base| fs::remove_dir(base.join("a")).unwrap(),
                NOTHING,
                |base| write(base, "a"),
                |base| {
                    fs::remove_file(base.join("a")).unwrap();
                    fs::create_dir(base.join("a")).unwrap();
                },
            ],
            &[
                "",
                "roots that cannot be read are left out: 1 | `a`: it does not exist",
                "",
                "roots that cannot be read are left out: 1 | `a`: it is no folder",
                "`a` is there again, and its files are served",
            ],
        );
    }

    #[test]
    fn what_is_in_a_root_that_returns_is_not_said_again() {
        let link: Act = |base| symlink("nowhere", base.join("a/x.run")).unwrap();
        let go: Act = |base| fs::rename(base.join("a"), base.join("away")).unwrap();
        let come: Act = |base| fs::rename(base.join("away"), base.join("a")).unwrap();
        check(
            &[link, go, NOTHING, come],
            &[
                "links that lead out of their root, or to nothing, are not followed: 1 | `a/x.run` leads to nothing",
                "roots that cannot be read are left out: 1 | `a`: it does not exist",
                "",
                "`a` is there again, and its files are served",
            ],
        );
    }

    #[test]
    fn names_that_nobody_can_ask_for_are_said() {
        let gbk: Act = |base| {
            for name in [b"a/\xb0\xfc.run".as_slice(), b"a/\xb0\xfc.unknown"] {
                fs::write(base.join(OsStr::from_bytes(name)), "x").unwrap();
            }
        };
        let said = "files whose names are no UTF-8 are not served: 1 | `a/\u{fffd}\u{fffd}.run`";
        check(&[gbk, NOTHING], &[said, ""]);
    }

    #[test]
    fn links_that_lead_to_nothing_served_are_said() {
        let links: Act = |base| {
            for file in ["outside/x.run", "b/sub/y.run", "a/z.run"] {
                write(base, file);
            }
            for (target, link) in [
                ("../outside/x.run", "a/x.run"),
                ("../outside", "a/folder"),
                ("nowhere", "a/broken.run"),
                ("nowhere", "a/readme"),
                ("../b/sub", "a/known"),
                ("../b/sub/y.run", "a/y-too.run"),
                ("z.run", "a/z-too.run"),
            ] {
                symlink(target, base.join(link)).unwrap();
            }
        };
        check(
            &[links, NOTHING, |base| symlink("nowhere", base.join("b/more.run")).unwrap()],
            &[
                "links that lead out of their root, or to nothing, are not followed: 3 | `a/broken.run` leads to nothing | `a/folder` leads to `outside` | `a/x.run` leads to `outside/x.run`",
                "",
                "links that lead out of their root, or to nothing, are not followed: 1 | `b/more.run` leads to nothing",
            ],
        );
    }

    #[test]
    fn the_file_that_is_not_served_is_named() {
        let both: Act = |base| {
            for file in ["a/one.run", "b/one.run", "a/x/deep.run", "a/y/deep.run", "a/no.txt.x"] {
                write(base, file);
            }
            write(base, "a/same.run");
            fs::write(base.join("b/other.run"), "another size").unwrap();
            write(base, "a/other.run");
            fs::hard_link(base.join("a/same.run"), base.join("b/same.run")).unwrap();
        };
        let said = "names that several files have stand for one of them: 2 | `a/one.run` is served, `b/one.run`, of the same size, is not | `a/other.run` is served, `b/other.run` is not";
        check(&[both, NOTHING], &[said, ""]);
    }

    #[test]
    fn a_thousand_of_a_kind_are_one_message() {
        let many: Act =
            |base| (0..1000).for_each(|n| symlink("x", base.join(format!("a/{n}.run"))).unwrap());
        let said = "links that lead out of their root, or to nothing, are not followed: 1000 | `a/0.run` leads to nothing | `a/1.run` leads to nothing | `a/10.run` leads to nothing | `a/100.run` leads to nothing | `a/101.run` leads to nothing | and 995 more";
        check(&[many, NOTHING], &[said, ""]);
    }
}
