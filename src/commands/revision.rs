//! Where a project's revision comes from: the commit of the folder, whether its
//! files differ from it, and where it was cloned from.
//!
//! Files that git does not know do not make a project dirty: packages are big
//! and seldom committed, and `git describe --dirty` passes over them too.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::run::Revision;

/// Variables by which git would look at another project than the one in `folder`.
const ELSEWHERE: [&str; 4] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR"];

/// What git says of `folder`; `None` without git, without a commit, or where git refuses to look.
pub(super) fn revision(folder: &Path) -> Option<Revision> {
    let commit = git(folder, &["rev-parse", "--verify", "--quiet", "HEAD"])?;
    let changes = git(folder, &["status", "--porcelain", "--untracked-files=no", "--", "."])?;
    let origin = git(folder, &["config", "--get", "remote.origin.url"]);
    let origin = origin.filter(|url| !url.is_empty()).map(|url| without_user(&url));
    Some(Revision { commit, dirty: !changes.is_empty(), origin })
}

/// What git prints, without the end of its last line. It takes no lock, and runs
/// no program that the folder's own configuration names.
fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    for name in ELSEWHERE {
        command.env_remove(name);
    }
    command.args(["--no-optional-locks", "-c", "core.fsmonitor=false"]).args(arguments);
    let output = command.current_dir(folder).stdin(Stdio::null()).output().ok()?;
    let text = output.status.success().then(|| String::from_utf8(output.stdout).ok())??;
    Some(text.trim_end().to_owned())
}

/// The address without what may be a secret: user, password, query and fragment.
fn without_user(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return without_scp_user(url).to_owned();
    };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

/// `user@host:path` is an address; `./a@b` and `/srv/a@b` are folders.
fn without_scp_user(url: &str) -> &str {
    let host_end = url.find(':').filter(|colon| !url[..*colon].contains('/'));
    let at = host_end.and_then(|colon| url[..colon].rfind('@'));
    at.map_or(url, |at| &url[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, expected: &str) {
        assert_eq!(without_user(url), expected);
    }

    #[test]
    fn an_origin_holds_no_user() {
        check("https://host.example/team/images.git", "https://host.example/team/images.git");
        check("https://me:secret@host.example:8443/a.git", "https://host.example:8443/a.git");
        check("https://me:p@ss@host.example/a@b.git", "https://host.example/a@b.git");
        check("https://host.example/a.git?token=secret#x", "https://host.example/a.git");
        check("ssh://git@host.example/a.git", "ssh://host.example/a.git");
        check("git@host.example:team/images.git", "host.example:team/images.git");
        check("/srv/a@b:c/images.git", "/srv/a@b:c/images.git");
        check("../a@b", "../a@b");
    }

    fn run(folder: &Path, arguments: &[&str]) {
        let identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"];
        let mut command = Command::new("git");
        command.args(identity).args(arguments).current_dir(folder).stdout(Stdio::null());
        assert!(command.status().unwrap().success(), "git {arguments:?}");
    }

    /// Whether there is a revision, whether it is dirty, and where it comes from.
    fn check_of(folder: &Path, expected: Option<(bool, Option<&str>)>) {
        let found = revision(folder);
        let seen = found.as_ref().map(|found| (found.dirty, found.origin.as_deref()));
        assert_eq!(seen, expected);
        assert!(found.is_none_or(|found| found.commit.len() == 40));
    }

    #[test]
    fn a_folder_is_clean_dirty_or_of_no_commit() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        check_of(folder, None);
        run(folder, &["init", "--quiet"]);
        check_of(folder, None);
        std::fs::create_dir(folder.join("project")).unwrap();
        std::fs::write(folder.join("project/stages.toml"), "a").unwrap();
        std::fs::write(folder.join("elsewhere"), "a").unwrap();
        run(folder, &["add", "."]);
        run(folder, &["commit", "--quiet", "--message", "a"]);
        check_of(&folder.join("project"), Some((false, None)));
        run(folder, &["remote", "add", "origin", "https://me:secret@host.example/a.git"]);
        std::fs::write(folder.join("elsewhere"), "b").unwrap();
        std::fs::write(folder.join("project/package.run"), "a").unwrap();
        check_of(&folder.join("project"), Some((false, Some("https://host.example/a.git"))));
        std::fs::write(folder.join("project/stages.toml"), "b").unwrap();
        check_of(&folder.join("project"), Some((true, Some("https://host.example/a.git"))));
    }
}
