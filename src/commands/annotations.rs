//! The annotations of the OCI image specification that every stage's image gets as labels.

use indexmap::IndexMap;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::selection::DEFAULT_TAG;
use crate::run::Revision;

/// Created, revision, source and version, as far as they are known.
pub(super) fn annotations(
    tag: &str,
    revision: Option<&Revision>,
    now: OffsetDateTime,
) -> IndexMap<String, String> {
    let version = Some(tag).filter(|tag| *tag != DEFAULT_TAG);
    let known = [
        ("created", now.format(&Rfc3339).ok()),
        ("revision", revision.map(commit)),
        ("source", revision.and_then(|revision| revision.origin.clone())),
        ("version", version.map(str::to_owned)),
    ];
    let named = known
        .into_iter()
        .filter_map(|(name, value)| Some((format!("org.opencontainers.image.{name}"), value?)));
    named.collect()
}

/// The commit; what differs from it has no name of its own.
fn commit(revision: &Revision) -> String {
    format!("{}{}", revision.commit, if revision.dirty { "-dirty" } else { "" })
}
