//! The image that a new project starts from: what the engine has already builds without a registry.

use std::time::Duration;

use crate::engine::{DockerEngine, Engine, ListedImage};

/// What a project starts from where nothing better is known.
pub(super) const USUAL: &str = "ubuntu:22.04";

/// How long the engine may take to answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// A larger image is somebody's application, in bytes.
const LARGEST: u64 = 1_000_000_000;

/// Releases of Debian and Ubuntu, as tags name them.
const RELEASES: [&str; 9] =
    ["bullseye", "bookworm", "trixie", "focal", "jammy", "noble", "ubuntu", "debian", "22.04"];

/// A reference of an Ubuntu or Debian image for the engine's platform that the engine has; `None`
/// where it has none, or does not answer soon.
pub(super) async fn at_hand() -> Option<String> {
    tokio::time::timeout(PATIENCE, of_engine()).await.ok()?
}

async fn of_engine() -> Option<String> {
    let engine = DockerEngine::connect().await.ok()?;
    for reference in candidates(&engine.images().await.ok()?) {
        let facts = engine.image(&reference).await.ok()?;
        let own = engine.facts().platform.as_ref();
        if facts.is_some_and(|facts| facts.platform.as_ref() == own && !facts.triggers) {
            return Some(reference);
        }
    }
    None
}

/// The references that may serve, the best one first.
fn candidates(images: &[ListedImage]) -> Vec<String> {
    let fit = images.iter().filter(|image| image.project.is_none() && image.size <= LARGEST);
    let references =
        fit.flat_map(|image| image.references.iter().map(|reference| (image.size, reference)));
    let mut ranked: Vec<_> = references
        .filter_map(|(size, reference)| Some((rank(reference)?, size, reference.clone())))
        .collect();
    ranked.sort();
    ranked.into_iter().map(|(_, _, reference)| reference).collect()
}

/// How well an image of this name serves, the lower the better.
fn rank(reference: &str) -> Option<u8> {
    let last = reference.rsplit('/').next().unwrap_or(reference);
    let (name, tag) = last.split_once(':').unwrap_or((last, ""));
    match name {
        _ if reference == USUAL => Some(0),
        "ubuntu" => Some(1),
        "debian" => Some(2),
        _ => RELEASES.iter().any(|release| tag.contains(release)).then_some(3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Images by reference and megabytes; `mine/x` are a project's own.
    fn check(images: &[(&str, u64)], expected: &[&str]) {
        let image = |(reference, size): &(&str, u64)| ListedImage {
            id: String::new(),
            references: vec![(*reference).to_owned()],
            project: reference.starts_with("mine/").then(|| "mine".to_owned()),
            size: size * 1_000_000,
        };
        let images: Vec<_> = images.iter().map(image).collect();
        assert_eq!(candidates(&images), expected);
    }

    #[test]
    fn what_is_like_ubuntu_comes_first() {
        let images = [
            ("alpine:3", 8),
            ("base:bookworm", 190),
            ("debian:12", 120),
            ("registry.local/ubuntu:24.04", 90),
            ("ubuntu:22.04", 80),
            ("ubuntu:20.04", 70),
        ];
        let expected = [
            "ubuntu:22.04",
            "ubuntu:20.04",
            "registry.local/ubuntu:24.04",
            "debian:12",
            "base:bookworm",
        ];
        check(&images, &expected);
    }

    #[test]
    fn applications_and_own_stages_are_no_bases() {
        check(&[("cann:8.1-ubuntu22.04", 9000), ("mine/ubuntu:22.04", 80), ("busybox:1", 4)], &[]);
    }
}
