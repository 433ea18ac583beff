//! `/for/<run>/<stage>/<path>`: a path that says for which stage of which run it is
//! fetched, so that each build hears of its own and people see whose it is.

use super::transfer::Errand;

/// The first part of such a path.
const FOR: &str = "/for/";

/// The longest name of a run and of a stage: that of an image's repository.
const LONGEST: usize = 255;

/// The errand that a path says, and the path without it.
pub(super) fn split(path: &str) -> (Option<Errand>, &str) {
    named(path).map_or((None, path), |(errand, rest)| (Some(errand), rest))
}

fn named(path: &str) -> Option<(Errand, &str)> {
    let rest = path.strip_prefix(FOR)?;
    let (run, rest) = rest.split_once('/')?;
    let (stage, _) = rest.split_once('/')?;
    let errand = Errand { run: run.to_owned(), stage: stage.to_owned() };
    (is_name(run) && is_name(stage)).then(|| (errand, &rest[stage.len()..]))
}

fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let is_folder = text.bytes().all(|byte| byte == b'.');
    !is_folder && text.len() <= LONGEST && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: (Option<(&str, &str)>, &str)) {
        let (errand, rest) = split(path);
        let errand = errand.as_ref().map(|errand| (&*errand.run, &*errand.stage));
        assert_eq!((errand, rest), expected, "{path}");
    }

    #[test]
    fn a_path_may_say_its_run_and_its_stage() {
        check("/a.run", (None, "/a.run"));
        check("/for/20261121-1-2/C_stage/a.run", (Some(("20261121-1-2", "C_stage")), "/a.run"));
        check("/for/r/s/sha256/0/a.run", (Some(("r", "s")), "/sha256/0/a.run"));
        check("/for/r/s/", (Some(("r", "s")), "/"));
        for path in ["/for/r/s", "/for/r", "/for//s/a", "/for/r//a", "/for/r%2e/s/a", "/for/../s/a"]
        {
            check(path, (None, path));
        }
        let long = format!("/for/{}/s/a.run", "r".repeat(256));
        check(&long, (None, &long));
    }
}
