//! `.dockerignore`, with Docker's rules and not those of git.
//!
//! Every pattern starts at the context's folder, a match of a parent folder
//! counts for all that is in it, `!` brings back, and the last match wins.
//! `<Dockerfile>.dockerignore` beside the Dockerfile takes the place of the
//! `.dockerignore` of the context, and so does `stages.toml.dockerignore` in a project's `stages/`.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::glob::{Glob, clean};
use crate::error::{Error, Exit, Place, Problem, SourceFile};

/// What runs leave behind in a project: it is no part of any context, or `COPY .`
/// would copy logs and never be cached.
const OWN_STATE: &str = ".ascend-build";

/// What stands in the place of a Dockerfile in the folder of a project's stages.
const MANIFEST: &str = "stages.toml";

/// Which files of a folder do not belong to the build context.
#[derive(Debug, Clone, Default)]
pub struct IgnoreRules {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    /// Cleaned, relative to the context.
    pattern: String,
    glob: Glob,
    /// `!`: what matches is kept.
    keeps: bool,
}

impl IgnoreRules {
    /// Reads the rules that hold for `dockerfile`, or for a project's stages, in the folder `context`.
    /// Where there is no such file, nothing is ignored.
    ///
    /// # Errors
    /// [`Exit::Project`] when a file cannot be read or a pattern is malformed.
    pub fn read(context: &Path, dockerfile: Option<&Path>) -> Result<Self, Error> {
        let manifest = context.join(MANIFEST);
        let mut own = dockerfile.unwrap_or(&manifest).as_os_str().to_owned();
        own.push(".dockerignore");
        for path in [PathBuf::from(own), context.join(".dockerignore")] {
            match fs::read(&path) {
                Ok(bytes) => {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    return Self::parse(&Arc::new(SourceFile { path, text }));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(unreadable(&path, error)),
            }
        }
        Ok(Self::default())
    }

    /// Reads the rules of one file.
    ///
    /// # Errors
    /// [`Exit::Project`] with each malformed pattern.
    pub fn parse(file: &Arc<SourceFile>) -> Result<Self, Error> {
        let mut rules = Vec::new();
        let mut problems = Vec::new();
        for (span, line) in lines(&file.text) {
            match Rule::parse(line) {
                Ok(rule) => rules.extend(rule),
                Err(reason) => {
                    let problem = Problem::error(format!("`{}` is not a pattern", line.trim()));
                    problems.push(problem.at(Place::new(file, span), reason));
                }
            }
        }
        Error::check(Exit::Project, problems).map(|_| Self { rules })
    }

    /// Whether `path`, relative to the context and with `/`, is left out.
    pub fn excludes(&self, path: &str) -> bool {
        if path.split('/').next() == Some(OWN_STATE) {
            return true;
        }
        let mut excluded = false;
        for rule in &self.rules {
            // Only a rule that would change the answer needs to be asked.
            if rule.keeps == excluded && rule.matches_path_or_parent(path) {
                excluded = !rule.keeps;
            }
        }
        excluded
    }

    /// Whether something inside of the excluded folder `path` may be kept after all.
    pub(super) fn may_keep_below(&self, path: &str) -> bool {
        let below = format!("{path}/");
        self.rules.iter().filter(|rule| rule.keeps).any(|rule| {
            let wildcard = rule.pattern.find(['*', '?', '[', '\\']);
            let literal = &rule.pattern[..wildcard.unwrap_or(rule.pattern.len())];
            literal.starts_with(&below) || (wildcard.is_some() && below.starts_with(literal))
        })
    }
}

impl Rule {
    /// The rule of one line, where it holds one.
    fn parse(line: &str) -> Result<Option<Self>, String> {
        let text = line.trim();
        if line.starts_with('#') || text.is_empty() {
            return Ok(None);
        }
        let (keeps, text) = match text.strip_prefix('!') {
            Some(rest) => (true, rest.trim()),
            None => (false, text),
        };
        if text.is_empty() {
            return Err("expected a pattern after `!`".to_owned());
        }
        let mut pattern = clean(text);
        if pattern.len() > 1 && pattern.starts_with('/') {
            pattern.remove(0);
        }
        let glob = Glob::ignore(&pattern).map_err(|error| error.to_string())?;
        Ok(Some(Self { pattern, glob, keeps }))
    }

    fn matches_path_or_parent(&self, path: &str) -> bool {
        let parents = path.match_indices('/').map(|(slash, _)| &path[..slash]);
        parents.chain([path]).any(|path| self.glob.matches(path))
    }
}

/// The lines of `text` with their places, the byte order mark left out.
fn lines(text: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    let mut offset = 0;
    text.split_inclusive('\n').map(move |line| {
        let start = offset;
        offset += line.len();
        let mark =
            if start == 0 && line.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let line = line[mark..].trim_end_matches(['\n', '\r']);
        (start + mark..start + mark + line.len(), line)
    })
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    Problem::error(format!("`{}` cannot be read", path.display())).cause(error).exit(Exit::Project)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<IgnoreRules, Error> {
        IgnoreRules::parse(&Arc::new(SourceFile {
            path: ".dockerignore".into(),
            text: text.into(),
        }))
    }

    /// Which of `paths` (parted by spaces) are left out.
    fn check(text: &str, paths: &str, expected: &str) {
        let rules = parse(text).unwrap();
        let excluded: Vec<&str> = paths.split(' ').filter(|path| rules.excludes(path)).collect();
        assert_eq!(excluded.join(" "), expected, "{text}");
    }

    fn check_broken(text: &str, expected: &[&str]) {
        let problems = parse(text).unwrap_err().problems;
        let actual: Vec<String> = problems
            .iter()
            .map(|p| {
                let place = p.place.as_ref().unwrap();
                format!("{place}: {}: {}", p.message, p.label.as_deref().unwrap())
            })
            .collect();
        assert_eq!(actual, expected);
    }

    #[test]
    fn patterns_start_at_the_context() {
        check("foo", "foo foo/a a/foo", "foo foo/a");
        check("/foo", "foo a/foo", "foo");
        check("*.run", "a.run a/b.run", "a.run");
        check("**/*.run", "a.run a/b.run", "a.run a/b.run");
        check("a/../b//c/", "b/c b/c/d b", "b/c b/c/d");
        check("# foo\n #bar\n\n  x  \n", "foo #bar x", "#bar x");
        check("\u{feff}foo\r\nbar", "foo bar", "foo bar");
    }

    #[test]
    fn the_last_match_wins() {
        check("*\n!a", "a b a/x b/x", "b b/x");
        check("!a\n*", "a b", "a b");
        check(
            "*.md\n!README*.md\nREADME-secret.md",
            "x.md README.md README-secret.md",
            "x.md README-secret.md",
        );
        check("a\n! a/b", "a/b a/b/c a/c", "a/c");
        check("**\n!**/keep", "a/b/keep a/b/x keep", "a/b/x");
        check(".\n", "a", "");
    }

    #[test]
    fn every_malformed_pattern_is_shown() {
        check_broken(
            "ok\n[a\n!\n",
            &[
                ".dockerignore:2: `[a` is not a pattern: `[` without `]`",
                ".dockerignore:3: `!` is not a pattern: expected a pattern after `!`",
            ],
        );
    }

    #[test]
    fn folders_are_entered_where_something_may_be_kept() {
        let rules = parse("*\n!src/app/main.py\n!**/x.txt").unwrap();
        assert!(rules.may_keep_below("src") && rules.may_keep_below("any"));
        let rules = parse("*\n!src/app/main.py\n!docs/*.md").unwrap();
        assert!(rules.may_keep_below("src/app") && rules.may_keep_below("docs"));
        assert!(!rules.may_keep_below("packages") && !rules.may_keep_below("srcs"));
    }

    #[test]
    fn the_dockerfiles_own_rules_come_first() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        assert!(!IgnoreRules::read(folder.path(), None).unwrap().excludes("a"));
        fs::write(at(".dockerignore"), "a").unwrap();
        fs::write(at("prod.Dockerfile.dockerignore"), "b").unwrap();
        let read = |name: &str| IgnoreRules::read(folder.path(), Some(&at(name))).unwrap();
        let (own, shared) = (read("prod.Dockerfile"), read("other.Dockerfile"));
        assert!(own.excludes("b") && !own.excludes("a"));
        assert!(shared.excludes("a") && !shared.excludes("b"));
    }
}
