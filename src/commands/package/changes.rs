//! What became of each file, as the verbs that change packages.toml tell it.

use super::standing::Standing;
use crate::project::{Change, NewEntry, PackageEntry, Sha256};
use crate::ui::{Table, bytes};

/// What became of one file.
#[derive(Debug)]
pub(super) struct Row {
    /// In a word or two.
    pub(super) what: String,
    /// The name that stages use.
    pub(super) name: String,
    /// The file.
    pub(super) file: String,
    size: Option<u64>,
    sha256: Option<Sha256>,
    standing: Option<Standing>,
}

impl Row {
    /// An entry that was set.
    pub(super) fn changed(change: Change, entry: &NewEntry, standing: Standing) -> Self {
        let what = match change {
            Change::Added => "added",
            Change::Updated => "updated",
            Change::Unchanged => "unchanged",
        };
        Self {
            what: what.to_owned(),
            name: entry.name.to_string(),
            file: entry.file.clone(),
            size: entry.size,
            sha256: Some(entry.sha256.clone()),
            standing: Some(standing),
        }
    }

    /// An entry that stays as it is.
    pub(super) fn kept(entry: &PackageEntry, standing: Standing) -> Self {
        Self {
            what: "unchanged".to_owned(),
            name: entry.name.to_string(),
            file: entry.file.clone(),
            size: entry.size,
            sha256: Some(entry.sha256.clone()),
            standing: Some(standing),
        }
    }

    /// A file of which only this can be said.
    pub(super) fn only(what: &str, name: &str, file: &str) -> Self {
        Self {
            what: what.to_owned(),
            name: name.to_owned(),
            file: file.to_owned(),
            size: None,
            sha256: None,
            standing: None,
        }
    }
}

/// What became of each file, and whether that is only what would become of it; nothing where there is none.
pub(super) fn table(rows: &[Row], dry_run: bool) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let change = if dry_run { "WOULD BE" } else { "CHANGE" };
    let mut table = Table::new(&[change, "NAME", "FILE", "SIZE", "SHA256", "CATALOGUE"]);
    for row in rows {
        table.row([
            row.what.clone(),
            row.name.clone(),
            row.file.clone(),
            row.size.map(bytes).unwrap_or_default(),
            row.sha256.as_ref().map(|sha256| sha256.short().to_owned()).unwrap_or_default(),
            row.standing.as_ref().map(ToString::to_string).unwrap_or_default(),
        ]);
    }
    table.to_string()
}
