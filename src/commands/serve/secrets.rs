//! The token and the unguessable path, given or made up.
//!
//! They are printed for the user once, and never to the journal.

use std::fs::File;
use std::io::Read;

use super::place::Place;
use super::systemd;
use crate::error::{Exit, Problem, Result};

/// Random bytes of a secret: enough that nobody guesses one.
const BYTES: usize = 16;

/// What clients must know.
#[derive(Debug)]
pub(super) struct Secrets {
    pub(super) token: Option<String>,
    pub(super) prefix: Option<String>,
    /// Whether what is printed is kept in a log.
    logged: bool,
}

impl Secrets {
    /// The given token, or a new one where the place wants one; a path where one is asked for.
    ///
    /// # Errors
    /// [`Exit::Usage`]: an empty token, or one that could only be made up and told to the journal.
    pub(super) fn choose(given: Option<String>, private: bool, place: &Place) -> Result<Self> {
        let given = given.or_else(|| std::env::var("ASCEND_BUILD_TOKEN").ok());
        let logged = systemd::is_journalled();
        if given.as_deref().is_some_and(str::is_empty) {
            return Err(Problem::error("the token is empty")
                .hint("leave it out, and one is made up where one is wanted")
                .exit(Exit::Usage));
        }
        if logged && (private || (given.is_none() && place.is_open())) {
            return Err(Problem::error("a secret would have to be made up, and be told to the journal alone")
                .note(format!("listening on `{}`", place.address()))
                .hint("set `ASCEND_BUILD_TOKEN` in a file that the unit names with `EnvironmentFile=`, and leave `--private` out")
                .exit(Exit::Usage));
        }
        let token = match given {
            None if place.is_open() => Some(made_up()?),
            given => given,
        };
        let prefix = private.then(made_up).transpose()?;
        Ok(Self { token, prefix, logged })
    }

    /// The first part of the path with its slash, or what stands for it in a log.
    pub(super) fn shown_prefix(&self) -> String {
        self.prefix.as_ref().map(|prefix| format!("/{}", self.shown(prefix))).unwrap_or_default()
    }

    /// `?token=…`, or what stands for it in a log.
    pub(super) fn shown_query(&self) -> String {
        let encode = |token: &String| crate::server::encode_path(token).replace('/', "%2F");
        let token = self.token.as_ref().map(encode);
        token.map(|token| format!("?token={}", self.shown(&token))).unwrap_or_default()
    }

    fn shown<'a>(&self, secret: &'a str) -> &'a str {
        if self.logged { "***" } else { secret }
    }
}

/// An unguessable text of letters and digits.
///
/// # Errors
/// [`Exit::Bug`]: the kernel gives no random bytes.
pub(in crate::commands) fn made_up() -> Result<String> {
    let mut bytes = [0; BYTES];
    File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(|error| Problem::error("no secret can be made up").cause(error).exit(Exit::Bug))?;
    Ok(hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(token: Option<&str>, logged: bool, expected: (&str, &str)) {
        let prefix = token.map(|_| "p1".to_owned());
        let secrets = Secrets { token: token.map(str::to_owned), prefix, logged };
        assert_eq!((&*secrets.shown_prefix(), &*secrets.shown_query()), expected);
    }

    #[test]
    fn secrets_are_shown_to_people_only() {
        check(None, false, ("", ""));
        check(Some("a/b&c+"), false, ("/p1", "?token=a%2Fb%26c+"));
        check(Some("a/b&c+"), true, ("/***", "?token=***"));
    }

    #[test]
    fn what_is_made_up_is_long_and_never_the_same() {
        let (one, other) = (made_up().unwrap(), made_up().unwrap());
        assert_eq!(one.len(), 2 * BYTES);
        assert_ne!(one, other);
    }
}
