//! The kinds of waste, and where each lies.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::ascend::{Container, identify};

/// Why bytes of an image are of no use to who runs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Waste {
    /// A package file: what it holds is installed already.
    Package,
    /// A later layer removes it; its bytes stay.
    Removed,
    /// A later layer has another content for it; its bytes stay.
    Overwritten,
    /// What pip and its kin keep of their downloads.
    PipCache,
    /// What `apt-get update` fetched.
    AptLists,
    /// What apt keeps of its downloads.
    AptCache,
    /// Packages that conda has unpacked already.
    CondaCache,
    /// What npm and yarn keep of their downloads.
    NpmCache,
    /// What other installers and compilers keep.
    OtherCache,
    /// Logs of the build.
    Log,
    /// Files in folders for temporary ones.
    Temporary,
    /// Python's compiled modules: made anew where they are missing.
    Bytecode,
}

/// Every kind with its name and what to do about it, in the order of the enum.
const KINDS: [(Waste, &str, &str); 12] = [
    (
        Waste::Package,
        "package",
        "give packages to the instruction that installs them with `RUN --package=NAME`",
    ),
    (
        Waste::Removed,
        "removed",
        "remove files in the instruction that makes them: a later one only hides them",
    ),
    (
        Waste::Overwritten,
        "overwritten",
        "make files once: give mode and owner in the instruction that makes them (`COPY --chown`)",
    ),
    (Waste::PipCache, "pip-cache", "`pip install --no-cache-dir`, or `ENV PIP_NO_CACHE_DIR=1`"),
    (
        Waste::AptLists,
        "apt-lists",
        "`&& rm -rf /var/lib/apt/lists/*` behind `apt-get install`, in the same RUN",
    ),
    (
        Waste::AptCache,
        "apt-cache",
        "`&& apt-get clean && rm -f /var/cache/apt/*.bin` in the same RUN",
    ),
    (Waste::CondaCache, "conda-cache", "`&& conda clean -afy` in the same RUN"),
    (Waste::NpmCache, "npm-cache", "`&& npm cache clean --force` in the same RUN"),
    (Waste::OtherCache, "cache", "remove the cache in the RUN that fills it"),
    (
        Waste::Log,
        "log",
        "remove logs in the RUN that writes them: `&& rm -rf /var/log/ascend* /root/ascend/log`",
    ),
    (Waste::Temporary, "temporary", "remove temporary files in the RUN that makes them"),
    (
        Waste::Bytecode,
        "bytecode",
        "`ENV PYTHONDONTWRITEBYTECODE=1` and `pip install --no-compile`, where a slower first import is fine",
    ),
];

/// A text that names no kind of waste.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected one of {}", Waste::all().map(Waste::as_str).collect::<Vec<_>>().join(", "))]
pub struct UnknownWaste;

/// Folders below the root that hold nothing but waste.
const ROOTED: [(&str, Waste); 9] = [
    ("var/lib/apt/lists", Waste::AptLists),
    ("var/cache/apt", Waste::AptCache),
    ("var/cache/yum", Waste::OtherCache),
    ("var/cache/dnf", Waste::OtherCache),
    ("var/cache/apk", Waste::OtherCache),
    ("var/cache/ldconfig", Waste::OtherCache),
    ("var/log", Waste::Log),
    ("tmp", Waste::Temporary),
    ("var/tmp", Waste::Temporary),
];

/// Folders that hold nothing but waste in whatever home or prefix they lie.
const ANYWHERE: [(&str, Waste); 14] = [
    (".cache/pip", Waste::PipCache),
    (".cache/uv", Waste::PipCache),
    (".cache/pypoetry", Waste::PipCache),
    ("conda/pkgs", Waste::CondaCache),
    ("conda3/pkgs", Waste::CondaCache),
    (".conda/pkgs", Waste::CondaCache),
    ("miniforge3/pkgs", Waste::CondaCache),
    ("mambaforge/pkgs", Waste::CondaCache),
    (".npm", Waste::NpmCache),
    (".cache/yarn", Waste::NpmCache),
    (".cache/ccache", Waste::OtherCache),
    (".ccache", Waste::OtherCache),
    (".cache/go-build", Waste::OtherCache),
    ("ascend/log", Waste::Log),
];

/// How many folders of a path name the place of compiled modules: `usr/lib/python3`.
const BYTECODE_DEPTH: usize = 3;

impl Waste {
    /// Every kind.
    pub fn all() -> impl Iterator<Item = Self> {
        KINDS.iter().map(|(kind, ..)| *kind)
    }

    /// The kind's stable name.
    pub fn as_str(self) -> &'static str {
        KINDS[self as usize].1
    }

    /// What to do about it.
    pub fn mend(self) -> &'static str {
        KINDS[self as usize].2
    }

    /// What a file is by its path, with the place that a person would remove.
    pub(super) fn of_path(path: &str) -> Option<(Self, &str)> {
        if Self::is_package(path) {
            return Some((Self::Package, path));
        }
        rooted(path).or_else(|| anywhere(path)).or_else(|| bytecode(path))
    }

    /// Whether a name is that of a package that is installed from a file. Those that Python makes
    /// virtual environments of are needed.
    pub(super) fn is_package(path: &str) -> bool {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let identity = identify(name);
        match identity.container {
            Some(Container::Wheel) => {
                !folder.ends_with("ensurepip/_bundled") && !folder.ends_with("share/python-wheels")
            }
            Some(_) => identity.kind.is_some(),
            None => false,
        }
    }
}

fn rooted(path: &str) -> Option<(Waste, &str)> {
    let (folder, kind) = ROOTED.iter().find(|(folder, _)| is_below(path, folder))?;
    // What lies in a folder for anything is told by its own name.
    if *kind == Waste::Temporary {
        let rest = &path[folder.len() + 1..];
        let own = rest.find('/').unwrap_or(rest.len());
        return Some((*kind, &path[..folder.len() + 1 + own]));
    }
    Some((*kind, &path[..folder.len()]))
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// The folder may be the end of a longer name only where that is a prefix: `miniconda/pkgs`.
fn anywhere(path: &str) -> Option<(Waste, &str)> {
    ANYWHERE.iter().find_map(|(folder, kind)| {
        let whole = !folder.contains("conda") || folder.starts_with('.');
        let start = path.match_indices(folder).map(|(start, _)| start).find(|start| {
            let begins = *start == 0 || path[..*start].ends_with('/') || !whole;
            begins && path[start + folder.len()..].starts_with('/')
        })?;
        Some((*kind, &path[..start + folder.len()]))
    })
}

fn bytecode(path: &str) -> Option<(Waste, &str)> {
    let (before, _) = path.split_once("__pycache__/")?;
    let ends = before.match_indices('/').map(|(end, _)| end);
    let end = ends.take(BYTECODE_DEPTH).last().unwrap_or(0);
    Some((Waste::Bytecode, &path[..end]))
}

impl fmt::Display for Waste {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Waste {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl FromStr for Waste {
    type Err = UnknownWaste;

    fn from_str(text: &str) -> Result<Self, UnknownWaste> {
        Self::all().find(|kind| kind.as_str() == text).ok_or(UnknownWaste)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: Option<(&str, &str)>) {
        let actual = Waste::of_path(path).map(|(kind, place)| (kind.as_str(), place));
        assert_eq!(actual, expected, "{path}");
    }

    #[test]
    fn every_kind_stands_at_its_place() {
        for (position, kind) in Waste::all().enumerate() {
            assert_eq!(kind as usize, position, "{kind}");
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
    }

    #[test]
    fn a_path_tells_what_is_waste_and_where_it_lies() {
        check("root/.cache/pip/http/a/b", Some(("pip-cache", "root/.cache/pip")));
        check("home/a/.cache/pip/x", Some(("pip-cache", "home/a/.cache/pip")));
        check("root/.cache/pipx/x", None);
        check("var/lib/apt/lists/deb_Packages", Some(("apt-lists", "var/lib/apt/lists")));
        check("var/lib/apt/extended_states", None);
        check("var/cache/apt/archives/a.deb", Some(("apt-cache", "var/cache/apt")));
        check("opt/miniconda/pkgs/a.conda", Some(("conda-cache", "opt/miniconda/pkgs")));
        check("opt/miniconda3/pkgs/a/b", Some(("conda-cache", "opt/miniconda3/pkgs")));
        check("opt/conda/lib/a", None);
        check("root/.npm/_cacache/a", Some(("npm-cache", "root/.npm")));
        check("opt/a.npm/x", None);
        check("var/log/ascend_seclog/a.log", Some(("log", "var/log")));
        check("root/ascend/log/run/a", Some(("log", "root/ascend/log")));
        check("tmp/selfgz12/a/b", Some(("temporary", "tmp/selfgz12")));
        check("var/tmp/a", Some(("temporary", "var/tmp/a")));
        check("opt/tmp/a", None);
        check(
            "usr/lib/python3/dist-packages/a/__pycache__/b.pyc",
            Some(("bytecode", "usr/lib/python3")),
        );
        check("opt/__pycache__/b.pyc", Some(("bytecode", "opt")));
        check("__pycache__/b.pyc", Some(("bytecode", "")));
        check("opt/a.py", None);
    }

    #[test]
    fn package_files_are_known_by_their_names() {
        let run = "opt/Ascend-cann-toolkit_8.5.0_linux-aarch64.run";
        check(run, Some(("package", run)));
        check("tmp/a-1.0-py3-none-any.whl", Some(("package", "tmp/a-1.0-py3-none-any.whl")));
        check("usr/lib/python3.11/ensurepip/_bundled/pip-23.0-py3-none-any.whl", None);
        check("opt/install.run", None);
        check("opt/models.tar.gz", None);
    }
}
