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
/// of the 2 GiB that their `/dev/shm` can be made large.
const MOST_SHARED: u64 = 5 << 28;

impl<E: Engine, M> Job<'_, E, M> {
    /// Bytes of `packages`, all that a stage fetches, that are kept in memory while it is built; 0 where it is too much.
    pub fn in_memory<'a>(&self, packages: impl Iterator<Item = &'a VerifiedPackage>) -> u64 {
        let kept = packages.filter(|package| may_be_in_memory(self.builder, &package.file));
        let bytes = kept.map(|package| package.size).sum();
        let most = most(self.builder, self.engine.facts().product, self.memory);
        if bytes <= most { bytes } else { 0 }
    }

    /// Whether an instruction's packages are among those.
    pub fn keeps_in_memory(&self, instruction: &PlannedInstruction) -> bool {
        let may_be = |file: &String| may_be_in_memory(self.builder, file);
        instruction.text.contains("--package") && instruction.packages.iter().all(may_be)
    }

    /// Whether a stage is built with a `/dev/shm` of the largest size. That goes by its instructions alone:
    /// what one of them finds there must not depend on how much memory a machine has free.
    pub(super) fn has_large_shm(&self, stage: &PlannedStage) -> bool {
        let is_first = self.builder == Builder::Classic;
        is_first
            && self.engine.facts().product == Product::Docker
            && stage.pieces.contains(&Piece::PackageMount)
    }
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
        let kept = ["torch.whl", "ascend.run", "models.tar.gz", "driver.deb"]
            .map(|file| may_be_in_memory(Builder::Classic, file));
        assert_eq!(kept, [true, false, false, true]);
        assert!(may_be_in_memory(Builder::BuildKit, "ascend.run"));
    }

    #[test]
    fn the_container_judges_by_the_same_endings() {
        let (_, cases) = include_str!("../plan/fetch.sh").split_once("case $2 in\n").unwrap();
        let patterns = cases.split_once(')').unwrap().0.trim();
        let known: Vec<_> = patterns.split('|').map(|pattern| &pattern[1..]).collect();
        assert_eq!(known, NEVER_CALLED);
    }
}
