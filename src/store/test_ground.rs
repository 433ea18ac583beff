//! A project's folders and packages for the tests of this room.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use sha2::Digest;

use super::verify::{VerifyOptions, verify};
use crate::error::{Error, Place, Problem, SourceFile};
use crate::plan::{PlannedPackage, VerifiedPackage};
use crate::project::Sha256;

pub(super) const FILE: &str = "Ascend-cann-toolkit_8.5.0_linux-aarch64.run";
pub(super) const GOOD: &[u8] = b"#!/bin/sh\ngood\n";

/// Two roots, `packages` and `data`, in a folder of their own.
pub(super) struct Ground {
    folder: tempfile::TempDir,
}

impl Ground {
    pub(super) fn new() -> Self {
        let ground = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(ground.path("packages")).unwrap();
        ground
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        fs::canonicalize(self.folder.path()).unwrap().join(name)
    }

    pub(super) fn write(&self, name: &str, content: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(super) fn options(&self) -> VerifyOptions {
        let roots = vec![self.path("packages"), self.path("data")];
        VerifyOptions { roots, jobs: 2, rehash: false, memory: None }
    }

    pub(super) fn verify(&self, planned: &[PlannedPackage]) -> Result<Vec<VerifiedPackage>, Error> {
        verify(planned, &self.options(), &|_| (), &AtomicBool::new(false))
    }

    /// The result as text, with folders relative to this ground.
    pub(super) fn text(&self, planned: &[PlannedPackage]) -> String {
        let text = match self.verify(planned) {
            Ok(packages) => packages.iter().map(describe).collect(),
            Err(error) => error.problems.iter().map(render).collect::<String>(),
        };
        text.replace(&format!("{}/", self.path("").display()).replace("//", "/"), "")
    }
}

pub(super) fn describe(package: &VerifiedPackage) -> String {
    let vouched = if package.declared { "declared" } else { "not verified" };
    format!("{} {} bytes, {vouched}\n", package.path.display(), package.size)
}

pub(super) fn render(problem: &Problem) -> String {
    let mut text = format!("{}\n", problem.message);
    if let (Some(place), Some(label)) = (&problem.place, &problem.label) {
        text += &format!("  at {place}: {label}\n");
    }
    text.extend(problem.notes.iter().map(|note| format!("  {note}\n")));
    text.extend(problem.source.iter().map(|cause| format!("  cause: {cause}\n")));
    text.extend(problem.hints.iter().map(|hint| format!("  hint: {hint}\n")));
    text
}

pub(super) fn sha256(content: &[u8]) -> Sha256 {
    Sha256::from_bytes(sha2::Sha256::digest(content).into())
}

pub(super) fn planned(content: Option<&[u8]>, size: Option<u64>) -> PlannedPackage {
    let text = format!("[[package]]\nfile = \"{FILE}\"\n");
    let source = Arc::new(SourceFile { path: "packages.toml".into(), text });
    PlannedPackage {
        name: "cann-toolkit".parse().unwrap(),
        file: FILE.to_owned(),
        sha256: content.map(sha256),
        size,
        url: None,
        place: Some(Place::new(&source, 19..20)),
        asked: None,
    }
}
