//! `/for/<run>/<path>`: a path that says for which run it is fetched, so that a
//! server that several builds share can tell each what it fetched.

/// The first part of such a path.
const FOR: &str = "/for/";

/// The longest name of a run.
const LONGEST: usize = 64;

/// The run that a path says, and the path without it.
pub(super) fn split(path: &str) -> (Option<&str>, &str) {
    let named = path.strip_prefix(FOR).and_then(|rest| rest.split_at_checked(rest.find('/')?));
    match named {
        Some((run, rest)) if is_run(run) => (Some(run), rest),
        _ => (None, path),
    }
}

/// The first part of every path that `run` fetches.
pub(super) fn prefix(run: &str) -> String {
    format!("{FOR}{run}")
}

fn is_run(run: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=LONGEST).contains(&run.len()) && run.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: (Option<&str>, &str)) {
        assert_eq!(split(path), expected, "{path}");
    }

    #[test]
    fn a_path_may_say_its_run() {
        check("/a.run", (None, "/a.run"));
        check(&format!("{}/a.run", prefix("20261121-1-2")), (Some("20261121-1-2"), "/a.run"));
        check("/for/r/sha256/0/a.run", (Some("r"), "/sha256/0/a.run"));
        check("/for/r/", (Some("r"), "/"));
        check("/for/r", (None, "/for/r"));
        check("/for//a.run", (None, "/for//a.run"));
        check("/for/r%2e/a.run", (None, "/for/r%2e/a.run"));
        let long = format!("/for/{}/a.run", "r".repeat(65));
        check(&long, (None, &long));
    }
}
