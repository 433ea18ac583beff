//! The folders that commands of a RUN run in, and what their paths mean there.

use super::commands::Run;
use super::evaluate::{Text, UNKNOWN};

/// The folder that the command at `place` runs in, absolute, where the text tells.
pub(super) fn current(run: &Run<'_>, place: usize) -> Option<String> {
    let workdir = run.scope.workdir.known().map(str::to_owned);
    let entered = run.commands[..place].iter().filter(|ran| ran.name() == "cd");
    entered.fold(workdir, |folder, ran| {
        absolute(ran.operands().next().map(Text::text)?, folder.as_deref())
    })
}

/// A path from `folder` on, without parts that mean nothing; `None` where only the run knows.
pub(super) fn absolute(path: &str, folder: Option<&str>) -> Option<String> {
    let rooted = path.starts_with('/');
    let whole = if rooted { path.to_owned() } else { format!("{}/{path}", folder?) };
    let parts = whole.split('/').filter(|part| !matches!(*part, "" | "."));
    let parts: Vec<&str> = parts.collect();
    let told = |part: &&str| *part != ".." && !part.starts_with('~') && !part.contains(UNKNOWN);
    parts.iter().all(told).then(|| format!("/{}", parts.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_from_the_folder_that_a_command_runs_in() {
        for (path, folder, expected) in [
            ("a", Some("/w"), Some("/w/a")),
            ("./a/./b/", Some("/w/"), Some("/w/a/b")),
            ("/a//b", None, Some("/a/b")),
            (".", Some("/w"), Some("/w")),
            ("/", None, Some("/")),
            ("a", None, None),
            ("../a", Some("/w"), None),
            ("~/a", Some("/w"), None),
        ] {
            assert_eq!(absolute(path, folder).as_deref(), expected, "{path} in {folder:?}");
        }
    }
}
