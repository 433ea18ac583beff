//! Commands that take everything in a folder, where the packages may be in it.
//!
//! `RUN --package` puts its files into a folder of its own below `/tmp`, or where that is better or
//! the only way, below another one. A fetch would not have put it there: what moves or copies all
//! that is in `/tmp` would take it into the image, and what empties `/tmp` would remove the files.

use super::super::commands::Ran;
use super::super::evaluate::Text;
use super::super::folders::{absolute, current};
use super::super::pattern;
use super::super::reading::is_harmless;
use super::Converted;

/// Where the folder of the packages may stand.
const FOLDERS: [&str; 3] = ["/tmp", "/dev/shm", "/var/tmp"];

/// What it is called.
const NAME: &str = "ascend-build-packages";

impl Converted<'_, '_> {
    /// Whether no command takes the packages' folder along, or away before its last use.
    ///
    /// # Errors
    /// Which one does.
    pub(super) fn spares_packages(&self) -> Result<(), String> {
        let last = self.taken.iter().map(|one| one.command).max().unwrap_or_default();
        for (place, ran) in self.run.commands.iter().enumerate() {
            let removes = removes(ran);
            if !self.fetches(place) && self.sweeps(place) && !(removes && place > last) {
                let verb = if removes { "empties" } else { "takes all that is in" };
                return Err(format!("`{}` {verb} the folder that packages come into", ran.title()));
            }
        }
        Ok(())
    }

    /// Whether links would lead to nothing for a command behind one that empties the folder.
    pub(super) fn outlives_links(&self) -> bool {
        let first = (0..self.run.commands.len()).find(|place| self.sweeps(*place));
        let later = &self.run.commands[first.unwrap_or(self.run.commands.len())..];
        later.iter().all(|ran| removes(ran) || is_harmless(ran))
    }

    /// Whether the command at `place` takes whatever is in one of the folders.
    fn sweeps(&self, place: usize) -> bool {
        let ran = &self.run.commands[place];
        let folder = current(self.run, place);
        if is_harmless(ran) || matches!(ran.name(), "chmod" | "chown") {
            return false;
        }
        let whole = takes_folders(ran);
        let mut words: Vec<&str> = ran.operands().map(Text::text).collect();
        if whole == Whole::Sources {
            words.pop();
        }
        words.into_iter().any(|word| {
            let path = absolute(word, folder.as_deref()).unwrap_or_default();
            let is_folder = FOLDERS.contains(&path.as_str()) && whole != Whole::Nothing;
            let (around, name) = path.rsplit_once('/').unwrap_or_default();
            is_folder
                || FOLDERS.contains(&around)
                    && name.contains(['*', '?', '['])
                    && pattern::matches(NAME, name)
        })
    }
}

/// Which of a command's words mean all that is in a folder.
#[derive(PartialEq, Eq)]
enum Whole {
    All,
    /// All but the last one, which it writes to.
    Sources,
    Nothing,
}

fn takes_folders(ran: &Ran) -> Whole {
    let makes = |word: &Text| !word.text().starts_with("--") && word.text().contains('c');
    match ran.name() {
        "rm" | "find" | "zip" => Whole::All,
        "cp" | "mv" | "rsync" => Whole::Sources,
        "tar" if ran.words.get(1).is_some_and(makes) || ran.says("--create") => Whole::All,
        _ => Whole::Nothing,
    }
}

fn removes(ran: &Ran) -> bool {
    ran.name() == "rm" || ran.name() == "find" && (ran.says("-delete") || ran.says("rm"))
}
