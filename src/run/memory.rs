//! Which package files are kept in memory while a stage is built.
//!
//! With BuildKit every file may be: an instruction has a tmpfs of its own. The first
//! builder can only make its containers' `/dev/shm` larger, which is mounted `noexec`:
//! what is called by its path, or unpacks beside itself what is, would fail there
//! and nowhere else. So only an instruction that installs nothing but wheels and the
//! like has them there. `plan/fetch.sh` looks again, in the container.

use super::Job;
use crate::engine::{Builder, Engine, Product};
use crate::plan::{Piece, PlannedInstruction, PlannedStage, VerifiedPackage};

/// How files end that are read where they lie, and never called.
const NEVER_CALLED: [&str; 3] = [".whl", ".deb", ".rpm"];

/// The most bytes that the first builder's containers keep in memory: half as much again is left free
/// of the 2 GiB that their `/dev/shm` gets.
const MOST_SHARED: u64 = 5 << 28;

impl<E: Engine, M> Job<'_, E, M> {
    /// Bytes of `packages`, all that a stage fetches, that are kept in memory while it is built; `None`
    /// where none of them may be, or they are too many.
    pub fn in_memory<'a>(
        &self,
        packages: impl Iterator<Item = &'a VerifiedPackage>,
    ) -> Option<u64> {
        let files = packages.map(|package| (package.file.as_str(), package.size));
        let most = most(self.builder, self.engine.facts().product, self.memory);
        kept(self.builder, most, files)
    }

    /// Whether an instruction's packages are among those.
    pub fn keeps_in_memory(&self, instruction: &PlannedInstruction) -> bool {
        let may_be = |file: &String| may_be_in_memory(self.builder, file);
        instruction.text.contains("--package") && instruction.packages.iter().all(may_be)
    }

    /// Whether a stage is built with a `/dev/shm` of the largest size. That goes by its instructions alone:
    /// what one of them finds there must not depend on how much memory a machine has free.
    pub(super) fn has_large_shm(&self, stage: &PlannedStage) -> bool {
        is_large(self.builder, self.engine.facts().product, &stage.pieces)
    }
}

fn is_large(builder: Builder, product: Product, pieces: &[Piece]) -> bool {
    (builder, product) == (Builder::Classic, Product::Docker)
        && pieces.contains(&Piece::PackageMount)
}

/// The bytes of those of a stage's files that may be kept in memory, where they are `most` or less.
fn kept<'a>(
    builder: Builder,
    most: u64,
    files: impl Iterator<Item = (&'a str, u64)>,
) -> Option<u64> {
    let kept = files.filter(|(file, _)| may_be_in_memory(builder, file));
    let bytes = kept.map(|(_, size)| size).sum();
    (1..=most).contains(&bytes).then_some(bytes)
}

fn may_be_in_memory(builder: Builder, file: &str) -> bool {
    match builder {
        Builder::BuildKit => true,
        Builder::Classic => NEVER_CALLED.iter().any(|ending| file.ends_with(ending)),
    }
}

/// The most bytes of packages that a stage keeps in memory, where `free` may be taken.
fn most(builder: Builder, product: Product, free: u64) -> u64 {
    match (builder, product) {
        (Builder::BuildKit, _) => free,
        (Builder::Classic, Product::Docker) => free.min(MOST_SHARED),
        (Builder::Classic, Product::Podman) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_much_is_kept_in_memory() {
        let check = |builder, product, free, expected| {
            assert_eq!(most(builder, product, free), expected, "{builder} {product:?} {free}");
        };
        check(Builder::BuildKit, Product::Docker, 8 << 30, 8 << 30);
        check(Builder::Classic, Product::Docker, 8 << 30, 5 << 28);
        check(Builder::Classic, Product::Docker, 1 << 20, 1 << 20);
        check(Builder::Classic, Product::Podman, 8 << 30, 0);
        const { assert!(MOST_SHARED + MOST_SHARED / 2 < 1 << 31) };
    }

    #[test]
    fn the_first_builder_keeps_what_nobody_calls() {
        let check = |builder, most, expected| {
            let files = [("torch.whl", 1), ("ascend.run", 10), ("a.tar.gz", 100), ("b.deb", 1000)];
            assert_eq!(kept(builder, most, files.into_iter()), expected, "{builder} {most}");
        };
        check(Builder::Classic, 1001, Some(1001));
        check(Builder::Classic, 1000, None);
        check(Builder::BuildKit, 1111, Some(1111));
        check(Builder::BuildKit, 1110, None);
    }

    #[test]
    fn only_a_stage_that_fetches_packages_has_a_large_shm() {
        let fetching = [Piece::Text("RUN ".to_owned()), Piece::PackageMount];
        let check = |builder, product, pieces: &[Piece], expected| {
            assert_eq!(is_large(builder, product, pieces), expected, "{builder} {product:?}");
        };
        check(Builder::Classic, Product::Docker, &fetching, true);
        check(Builder::Classic, Product::Docker, &fetching[..1], false);
        check(Builder::Classic, Product::Podman, &fetching, false);
        check(Builder::BuildKit, Product::Docker, &fetching, false);
    }

    #[test]
    fn the_container_judges_by_the_same_endings() {
        let (_, cases) = include_str!("../plan/fetch.sh").split_once("case $2 in\n").unwrap();
        let patterns = cases.split_once(')').unwrap().0.trim();
        let known: Vec<_> = patterns.split('|').map(|pattern| &pattern[1..]).collect();
        assert_eq!(known, NEVER_CALLED);
    }
}
