//! Entries that a user names.

use crate::error::{Error, Exit, Problem, Result, did_you_mean};
use crate::project::PackageEntry;
use crate::ui::Printer;

/// The entries whose name or file is one of `names`; every entry where there is no name.
///
/// # Errors
/// [`Exit::Usage`] with every name that no entry has.
pub(super) fn chosen<'a>(
    entries: &'a [PackageEntry],
    names: &[String],
) -> Result<Vec<&'a PackageEntry>> {
    let is = |entry: &PackageEntry, name: &String| {
        entry.name.as_str() == name || entry.file == *name || entry.path() == *name
    };
    let unknown = names.iter().filter(|name| !entries.iter().any(|entry| is(entry, name)));
    let known = || entries.iter().flat_map(|entry| [entry.name.as_str(), entry.file.as_str()]);
    let problems = unknown.map(|name| {
        Problem::error(format!("no package or file `{name}` is declared")).hint(
            did_you_mean(name, known())
                .unwrap_or_else(|| "`ascend-build package list` shows what is declared".to_owned()),
        )
    });
    Error::check(Exit::Usage, problems.collect())?;
    let wanted =
        |entry: &&PackageEntry| names.is_empty() || names.iter().any(|name| is(entry, name));
    Ok(entries.iter().filter(wanted).collect())
}

/// Says that nothing is declared, and tells whether it did.
pub(super) fn say_if_empty(entries: &[PackageEntry], printer: Printer) -> bool {
    if entries.is_empty() {
        printer
            .talk("no package is declared: `ascend-build package scan DIR` declares what is there");
    }
    entries.is_empty()
}
