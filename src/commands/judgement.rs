//! Judging a plan's packages, with what this host knows.

use std::path::{Path, PathBuf};

use super::selection::own_platform;
use crate::ascend::Version;
use crate::error::Problem;
use crate::plan::{self, Plan};
use crate::project::Project;

/// Where the NPU driver's installer says what it installed.
const DRIVER: &str = "/usr/local/Ascend/driver/version.info";

/// Names another host's file of this kind, or none where it is empty: builds seldom run where images do.
const VARIABLE: &str = "ASCEND_BUILD_DRIVER_INFO";

/// Everything that is wrong with the packages of `plan`, or worth knowing about them.
pub(super) fn judge(project: &Project, plan: &Plan) -> Vec<Problem> {
    let mut problems = plan::secrets(project, plan);
    let driver = driver_file(plan).and_then(|path| driver(&path));
    problems.extend(plan::judge(project, plan, driver));
    problems
}

/// The file that tells the driver of the hosts that the image is for.
fn driver_file(plan: &Plan) -> Option<PathBuf> {
    if let Some(path) = std::env::var_os(VARIABLE) {
        return Some(PathBuf::from(path));
    }
    // An image for another platform runs on other hosts than this one.
    let own = own_platform().is_ok_and(|own| own == plan.platform);
    own.then(|| PathBuf::from(DRIVER))
}

/// The file that tells the driver of this machine.
pub(super) fn own_driver_file() -> PathBuf {
    std::env::var_os(VARIABLE).map_or_else(|| PathBuf::from(DRIVER), PathBuf::from)
}

/// The version of the installed driver, where there is one.
pub(super) fn driver(path: &Path) -> Option<Version> {
    let text = std::fs::read_to_string(path).ok()?;
    let lines = text.lines().filter_map(|line| line.split_once('='));
    let mut versions = lines.filter(|(key, _)| key.trim().eq_ignore_ascii_case("version"));
    versions.next()?.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: Option<&str>, expected: Option<&str>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("version.info");
        if let Some(text) = text {
            std::fs::write(&path, text).unwrap();
        }
        assert_eq!(driver(&path).as_ref().map(Version::as_str), expected);
    }

    #[test]
    fn the_driver_says_its_version() {
        check(Some("Version=25.5.0\nascendhal_version=7.35.23\n"), Some("25.5.0"));
        check(Some("package_version=1.0\nversion = 24.1.RC3 \n"), Some("24.1.RC3"));
        check(Some("Version=\n"), None);
        check(Some("no such line"), None);
        check(None, None);
    }
}
