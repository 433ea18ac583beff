//! What `--tag` takes: a tag for every stage's image, or a whole reference for
//! the target's, by Docker's rules.

use std::str::FromStr;

use super::names::NameError;

/// The most characters that a tag has.
const TAG_LIMIT: usize = 128;
/// The most characters that a reference's name has, its host included.
const NAME_LIMIT: usize = 255;

/// What was given with `--tag`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tag {
    /// `1.0`: the tag of every stage's image.
    EveryStage(String),
    /// `host:port/name:1.0`, always with its tag: one more name of the target's image.
    Target(String),
}

impl FromStr for Tag {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let path_start = text.rfind('/').map_or(0, |slash| slash + 1);
        let name_and_tag = text[path_start..].split_once(':');
        match name_and_tag {
            None if path_start == 0 && is_tag(text) => Ok(Self::EveryStage(text.to_owned())),
            None if path_start > 0 && is_name(text) => Ok(Self::Target(format!("{text}:latest"))),
            Some((_, tag)) if is_tag(tag) && is_name(&text[..text.len() - tag.len() - 1]) => {
                Ok(Self::Target(text.to_owned()))
            }
            _ => Err(refused(text)),
        }
    }
}

fn refused(text: &str) -> NameError {
    NameError::new(format!(
        "`{}` is neither a tag nor a reference: expected TAG, NAME:TAG or HOST[:PORT]/NAME[:TAG]; \
         a tag is up to {TAG_LIMIT} letters, digits, `_`, `.` and `-`, starting with none of the last two; \
         a name is lower-case letters and digits, joined by `.`, `_`, `-` and `/`",
        text.escape_debug()
    ))
}

fn is_tag(text: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.starts_with(letter)
        && text.len() <= TAG_LIMIT
        && text.chars().all(|c| letter(c) || ".-".contains(c))
}

/// A first component with a dot or a port, or `localhost`, is a host.
fn is_name(text: &str) -> bool {
    let is_host_like = |first: &str| first.contains(['.', ':']) || first == "localhost";
    let path = match text.split_once('/') {
        Some((host, path)) if is_host_like(host) && is_host(host) => path,
        _ => text,
    };
    text.len() <= NAME_LIMIT && path.split('/').all(is_component)
}

fn is_host(text: &str) -> bool {
    let (name, port) = text.split_once(':').unwrap_or((text, "0"));
    let good = |part: &str| {
        let ends_well = !part.starts_with('-') && !part.ends_with('-') && !part.is_empty();
        ends_well && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    name.split('.').all(good) && port.parse::<u16>().is_ok()
}

/// Docker's rule for a component of a repository: `[a-z0-9]+` joined by `.`, `_`, `__` or dashes.
pub(super) fn is_component(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let mut joints = text.split(inner).filter(|joint| !joint.is_empty());
    text.starts_with(inner)
        && text.ends_with(inner)
        && joints.all(|joint| {
            matches!(joint, "." | "_" | "__") || joint.bytes().all(|byte| byte == b'-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `expected` is what is tagged, or `refused`.
    fn check(input: &str, expected: &str) {
        let actual = match input.parse() {
            Ok(Tag::EveryStage(tag)) => format!("every stage {tag}"),
            Ok(Tag::Target(reference)) => format!("target {reference}"),
            Err(error) => {
                assert!(error.to_string().contains("expected TAG, NAME:TAG"), "{error}");
                "refused".to_owned()
            }
        };
        assert_eq!(actual, expected, "{input}");
    }

    #[test]
    fn a_tag_and_a_reference_are_told_apart() {
        check("1.0", "every stage 1.0");
        check("_Nightly-1", "every stage _Nightly-1");
        check("mindie:1.0", "target mindie:1.0");
        check("team/mindie", "target team/mindie:latest");
        check("localhost:5000/mindie", "target localhost:5000/mindie:latest");
        check("Registry.Local:5000/a__b/c--d:X", "target Registry.Local:5000/a__b/c--d:X");
    }

    #[test]
    fn what_docker_refuses_is_refused() {
        check("", "refused");
        check("foo bar", "refused");
        check("UPPER/x:1", "refused");
        check("Upper:1", "refused");
        check("-1", "refused");
        check("a:", "refused");
        check(":1", "refused");
        check("a//b:1", "refused");
        check("a._b/c:1", "refused");
        check("host:port/x:1", "refused");
        check("x@sha256:12", "refused");
        check("1\n", "refused");
        check(&"a".repeat(129), "refused");
    }
}
