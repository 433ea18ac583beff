//! What pip must be given in its environment where the package server is at another address than
//! the one that the user wrote: pip asks plain `http` of those hosts alone that it is told to trust,
//! and reads addresses from variables that an image may hold.

use super::requests::Pip;

/// An assignment to write before a command, with the server's `host:port` inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Where it belongs, in bytes of the source.
    pub start: usize,
    /// What stands before `host:port`.
    pub before: String,
    /// What stands behind it, the space before the command included.
    pub after: String,
}

impl Pip {
    /// What a pip needs whose address has `written` as its `host:port`.
    pub(super) fn given(&self, written: &str) -> Vec<Given> {
        let one = |before: String, after: &str| self.assignment(&before, after);
        let known = if self.trusted.is_empty() { "" } else { " " };
        let trusted = one(format!("PIP_TRUSTED_HOST={}{known}", self.trusted), "");
        let address = self.variable.iter().filter_map(|(name, value)| {
            let (before, after) = value.split_once(written)?;
            let once = !after.contains(written);
            one(format!("{name}={before}"), after).filter(|_| once)
        });
        trusted.into_iter().chain(address).collect()
    }

    fn assignment(&self, before: &str, after: &str) -> Option<Given> {
        let (before, after) = (escaped(before)?, format!("{} ", escaped(after)?));
        Some(Given { start: self.start, before, after })
    }
}

/// Text as a part of a word that means the same bare and inside quotes that another shell reads.
fn escaped(text: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/:.-_~%+=@,? ".contains(c);
    text.chars().all(plain).then(|| text.replace(' ', "\\ "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(variable: Option<(&str, &str)>, trusted: &str, expected: &str) {
        let variable = variable.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let pip = Pip { start: 0, variable, trusted: trusted.to_owned() };
        let given = pip.given("10.0.0.1:80");
        let text: String =
            given.iter().map(|one| format!("{}<>{}", one.before, one.after)).collect();
        assert_eq!(text, expected);
    }

    #[test]
    fn pip_is_told_whom_to_trust_and_where_to_look() {
        check(None, "", "PIP_TRUSTED_HOST=<> ");
        check(None, "a b", "PIP_TRUSTED_HOST=a\\ b\\ <> ");
        let links = |value| Some(("PIP_FIND_LINKS", value));
        let trusted = "PIP_TRUSTED_HOST=<> ";
        let expected = format!("{trusted}PIP_FIND_LINKS=/w\\ http://<>/x ");
        check(links("/w http://10.0.0.1:80/x"), "", &expected);
        check(links("http://10.0.0.1:80/a http://10.0.0.1:80/b"), "", trusted);
        check(links("http://10.0.0.1:80/it's"), "it's", "");
    }
}
