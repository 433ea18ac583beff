//! How many of an image's layers are its base's.
//!
//! 1. Its own label says it, whatever became of the base.
//! 2. The base that it was built on, by its content id.
//! 3. The base that the project names, as long as the image begins with its layers.

use std::collections::HashMap;

use super::subject::{NOTHING, Subject};
use crate::engine::{DockerEngine, Make};
use crate::error::{Problem, Result};
use crate::run::{BASE_DIGEST, BASE_LAYERS, BASE_NAME, PROJECT};

/// How many of the image's lowest layers are its base's; none where nobody knows of a base. `None` where it
/// has one that is not to be told from what was built on it.
///
/// # Errors
/// The engine's failure.
pub(super) async fn layers(
    engine: &DockerEngine,
    own: &Make,
    named: Option<&str>,
) -> Result<Option<usize>> {
    if let Some(told) = told(own) {
        return Ok(Some(told));
    }
    let digest = own.labels.get(BASE_DIGEST).map(String::as_str);
    for base in [digest, named].into_iter().flatten() {
        let below = engine.make(base).await?.unwrap_or_default().layers;
        // A base that was changed since is not what this image was built on.
        if !below.is_empty() && own.layers.starts_with(&below) {
            return Ok(Some(below.len()));
        }
    }
    let has_base = named.is_some() || is_own(&own.labels);
    Ok((!has_base).then_some(0))
}

/// What the image's own labels say.
fn told(own: &Make) -> Option<usize> {
    if is_own(&own.labels) && own.labels.get(BASE_NAME).is_some_and(|name| name == NOTHING) {
        return Some(0);
    }
    let count = own.labels.get(BASE_LAYERS)?.parse().ok()?;
    Some(count).filter(|count| *count <= own.layers.len())
}

fn is_own(labels: &HashMap<String, String>) -> bool {
    labels.contains_key(PROJECT)
}

/// That the base's layers count as the project's.
pub(super) fn unknown(subject: &Subject) -> Problem {
    let message = format!(
        "the base of `{}` is not known: all its layers count as the project's own",
        subject.reference
    );
    Problem::warning(message)
        .note("the image does not say how many of its layers are the base's, and the engine has not got that base, or has another one under its name")
        .hint("get the base that it was built on, or build the image anew (`--no-cache`): then it says so itself")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(labels: &[(&str, &str)], expected: Option<usize>) {
        let labels = labels.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        let layers = vec!["sha256:1".to_owned(), "sha256:2".to_owned()];
        assert_eq!(told(&Make { layers, labels: labels.collect() }), expected);
    }

    #[test]
    fn an_image_tells_of_its_base() {
        check(&[], None);
        check(&[(BASE_LAYERS, "1")], Some(1));
        check(&[(BASE_LAYERS, "3")], None);
        check(&[(BASE_LAYERS, "many")], None);
        check(&[(PROJECT, "p"), (BASE_NAME, "scratch")], Some(0));
        check(&[(BASE_NAME, "scratch")], None);
    }
}
