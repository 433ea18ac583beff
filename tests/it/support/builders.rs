//! The builders that a test holds for: both, or those that the engine under test has.

/// Names the builders of an engine that lacks one, such as `classic` for podman (docs/engines.md).
const VARIABLE: &str = "ASCEND_BUILD_IT_BUILDERS";

/// What `--builder` takes.
const ALL: [&str; 2] = ["classic", "buildkit"];

/// Every builder of the engine under test.
pub(crate) struct Builders;

impl Builders {
    /// One after the other.
    pub(crate) fn iter(&self) -> std::vec::IntoIter<&'static str> {
        let wanted = std::env::var(VARIABLE).unwrap_or_else(|_| ALL.join(" "));
        let present = |builder: &&str| wanted.split_whitespace().any(|wanted| wanted == *builder);
        let builders: Vec<_> = ALL.into_iter().filter(present).collect();
        assert!(!builders.is_empty(), "{VARIABLE} names no builder: {wanted}");
        builders.into_iter()
    }

    /// Those of `wanted` that the engine under test has. A test without any would hold whatever happens.
    pub(crate) fn among(&self, wanted: &[&'static str]) -> Vec<&'static str> {
        let present: Vec<_> = self.iter().filter(|builder| wanted.contains(builder)).collect();
        assert!(
            !present.is_empty(),
            "none of {wanted:?} is here: list the test in scripts/lib/engine-tests.sh"
        );
        present
    }
}

impl IntoIterator for Builders {
    type Item = &'static str;
    type IntoIter = std::vec::IntoIter<&'static str>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
