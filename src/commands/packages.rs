//! Package files by name: a plan of thousands is asked for those of each of its stages.

use std::collections::{BTreeSet, HashMap};

use crate::plan::{PlannedStage, VerifiedPackage};

/// Package files in their order.
#[derive(Debug, Clone, Default)]
pub(super) struct Packages {
    all: Vec<VerifiedPackage>,
    places: HashMap<String, Vec<usize>>,
}

impl Packages {
    /// These files.
    pub(super) fn new(files: Vec<VerifiedPackage>) -> Self {
        let mut packages = Self::default();
        packages.add(files);
        packages
    }

    /// Adds more behind them.
    pub(super) fn add(&mut self, files: Vec<VerifiedPackage>) {
        for file in files {
            self.places.entry(file.file.clone()).or_default().push(self.all.len());
            self.all.push(file);
        }
    }

    /// All of them.
    pub(super) fn all(&self) -> &[VerifiedPackage] {
        &self.all
    }

    /// Those that `stage` may fetch.
    pub(super) fn of(&self, stage: &PlannedStage) -> Vec<VerifiedPackage> {
        if stage.may_fetch_any() {
            return self.all.clone();
        }
        let places: BTreeSet<usize> =
            stage.files().filter_map(|file| self.places.get(file)).flatten().copied().collect();
        places.into_iter().map(|place| self.all[place].clone()).collect()
    }
}
