//! What the page says of each file: what its declaration and its name say, and
//! whether its content is official by the catalogue, the project's own part included.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::source::Source;
use crate::ascend::{Catalogue, identify};
use crate::commands::package::Standing;
use crate::plan::VerifiedPackage;
use crate::project::{PackageEntry, PackageList, Sha256};
use crate::server::{Describe, Facts};

/// What the declarations say, as they were last read.
#[derive(Debug, Default)]
pub(super) struct Knowledge {
    declared: RwLock<HashMap<(String, Sha256), Facts>>,
}

impl Knowledge {
    /// Takes what the declarations say now.
    pub(super) fn learn(&self, source: &Source) {
        let declared = source.list().map(facts).unwrap_or_default();
        *self.declared.write().unwrap_or_else(PoisonError::into_inner) = declared;
    }

    /// Tells it, for as long as somebody asks.
    pub(super) fn describe(self: &Arc<Self>) -> Describe {
        let known = Arc::clone(self);
        Arc::new(move |package| known.of(package))
    }

    fn of(&self, package: &VerifiedPackage) -> Facts {
        let declared = self.declared.read().unwrap_or_else(PoisonError::into_inner);
        let key = (package.file.clone(), package.sha256.clone());
        declared.get(&key).cloned().unwrap_or_else(|| {
            let standing = Standing::of(Catalogue::builtin(), &package.file, &package.sha256);
            Facts::new(&identify(&package.file), standing == Standing::Official)
        })
    }
}

fn facts(list: &PackageList) -> HashMap<(String, Sha256), Facts> {
    let of = |entry: &PackageEntry| {
        let standing = Standing::of_entry(list.rules.catalogue(), entry);
        let facts = Facts::new(&entry.identity(), standing == Standing::Official);
        ((entry.file.clone(), entry.sha256.clone()), facts)
    };
    list.entries.iter().map(of).collect()
}
