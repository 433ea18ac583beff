//! Why a build does not use a server that runs.

use std::fmt;

/// Why no running server is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unusable {
    /// None was looked for.
    Unwanted(String),
    /// Nobody listens there.
    Nobody,
    /// Neither this user nor root has opened the socket.
    Stranger(u32),
    /// It is no package server, or one that wants a token, a private path or TLS.
    Other(String),
    /// It has not these files.
    Lacks(Vec<String>),
    /// It has other contents of these files, or several of one name.
    Differs(Vec<String>),
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |files: &[String]| {
            let named: Vec<_> = files.iter().take(3).map(|file| format!("`{file}`")).collect();
            let more = files.len() - named.len();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            named.join(", ") + &more
        };
        match self {
            Self::Unwanted(why) => write!(f, "this build needs a server of its own: {why}"),
            Self::Nobody => f.write_str("nobody listens there"),
            Self::Stranger(user) => {
                write!(
                    f,
                    "the user with number {user} has opened the port, and only this user's and root's servers are used"
                )
            }
            Self::Other(why) => write!(f, "it cannot be used as a package server: {why}"),
            Self::Lacks(files) => write!(f, "it has no {}", names(files)),
            Self::Differs(files) => write!(f, "it has other contents of {}", names(files)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_names_files_but_not_all_of_them() {
        let check = |unusable: Unusable, expected: &str| assert_eq!(unusable.to_string(), expected);
        let files = |count: usize| (1..=count).map(|number| number.to_string()).collect();
        check(Unusable::Lacks(files(1)), "it has no `1`");
        check(Unusable::Differs(files(5)), "it has other contents of `1`, `2`, `3` and 2 more");
    }
}
