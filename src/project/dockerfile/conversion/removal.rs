//! Which removals of fetched files happen in every RUN that succeeds.
//!
//! Only then a file need not be there at all, or may be a link: else a RUN that goes on after a
//! failure would leave something else in the image than it did before.

use super::super::commands::Ran;
use super::super::downloads::Output;
use super::super::evaluate::UNKNOWN;
use super::super::pattern;
use super::super::simple::Joint;
use super::Converted;
use super::taken::Taken;

impl Converted<'_, '_> {
    /// Whether the command at `place` runs wherever the RUN, a flat one, succeeds.
    pub(super) fn is_sure(&self, place: usize) -> bool {
        let commands = &self.run.commands;
        let after_all = || commands[place..].iter().all(|ran| is_last_or_and(ran.command.after));
        match commands[place].command.before {
            Joint::Edge | Joint::Then => commands[place].command.after != Joint::Or,
            Joint::And => after_all(),
            _ => false,
        }
    }

    /// Whether some command surely removes the file.
    pub(super) fn removes(&self, one: &Taken) -> bool {
        let mut later = self.run.commands.iter().enumerate().skip(one.command + 1);
        later.any(|(place, ran)| {
            ran.name() == "rm"
                && self.is_sure(place)
                && ran.operands().any(|word| self.covers(word.text(), one))
        })
    }

    /// Whether `rm target` removes the file.
    fn covers(&self, target: &str, one: &Taken) -> bool {
        if target.contains([UNKNOWN, '[', '{']) {
            return false;
        }
        let target = target.strip_prefix("./").unwrap_or(target);
        let Some(path) = self.path(one) else { return false };
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
        let (of, last) = target.rsplit_once('/').unwrap_or(("", target));
        let beside = of == folder && pattern::matches(name, last);
        let around = |whole: &str| {
            let whole = whole.trim_end_matches('/');
            whole.starts_with('/') && (folder == whole || folder.starts_with(&format!("{whole}/")))
        };
        let whole = target.strip_suffix("/*").unwrap_or(target);
        let absolute = self.absolute(one);
        let beside_absolute =
            absolute.as_deref().is_some_and(|folder| of == folder && pattern::matches(name, last));
        let around_absolute =
            absolute.as_deref().is_some_and(|folder| folder == whole.trim_end_matches('/'));
        beside || beside_absolute || (!whole.contains('*') && (around(whole) || around_absolute))
    }

    /// The path of the file as the commands behind the fetch write it; `None` where they run in
    /// another folder.
    fn path(&self, one: &Taken) -> Option<String> {
        let path = match &one.output {
            Output::Here => one.file.clone(),
            Output::Path { path, .. } => path.strip_prefix("./").unwrap_or(path).to_owned(),
            Output::Folder { path, .. } => {
                format!("{}/{}", path.trim_end_matches('/'), one.file)
            }
            Output::Stdout => return None,
        };
        let mut later = self.run.commands[one.command..].iter();
        (path.starts_with('/') || !later.any(|ran| ran.name() == "cd")).then_some(path)
    }

    /// The folder of a file that is put where the RUN starts.
    fn absolute(&self, one: &Taken) -> Option<String> {
        let here = one.output == Output::Here;
        let moved = self.run.commands.iter().any(|ran| ran.name() == "cd");
        let workdir = self.run.scope.workdir.known().filter(|_| here && !moved)?;
        (workdir.len() > 1).then(|| workdir.trim_end_matches('/').to_owned())
    }
}

fn is_last_or_and(joint: Joint) -> bool {
    matches!(joint, Joint::And | Joint::Edge)
}

/// Whether a redirect of a command says nothing to anybody: into `/dev/null`, or `2>&1`.
pub(super) fn is_silent(ran: &Ran) -> bool {
    ran.command.redirects.iter().all(|(operator, file)| {
        *operator == ">&" || operator.starts_with('>') && file.plain() == Some("/dev/null")
    })
}
