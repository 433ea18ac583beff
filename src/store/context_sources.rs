//! What one `COPY` source stands for: paths in the context, links resolved.
//!
//! Nothing here leaves the context: `..` stops at its top, and a link with an
//! absolute target starts again at the context's top, as Docker has it.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};

use super::glob::{Glob, clean, has_wildcard};

/// Links that are followed for one source; the kernel follows as many.
const MOST_LINKS: usize = 40;

/// A path in the context and the links that led to it, all relative to it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Resolved {
    pub(super) links: Vec<PathBuf>,
    pub(super) path: PathBuf,
}

/// What exists in `folder` under the names that `source` stands for.
pub(super) fn expand(folder: &Path, source: &str) -> Vec<Resolved> {
    let cleaned = clean(&format!("/{source}"));
    let path = cleaned.trim_start_matches('/');
    if !has_wildcard(path) {
        return resolve(folder, Path::new(path)).into_iter().collect();
    }
    let mut found = vec![PathBuf::new()];
    for segment in path.split('/') {
        found = found.iter().flat_map(|above| step(folder, above, segment)).collect();
    }
    found.iter().filter_map(|path| resolve(folder, path)).collect()
}

/// The entries of the folder `above` that a segment of a pattern matches.
fn step(folder: &Path, above: &Path, segment: &str) -> Vec<PathBuf> {
    // A malformed pattern matches nothing; the engine says so in its own words.
    let Ok(glob) = Glob::plain(segment) else { return Vec::new() };
    let Some(real) = resolve(folder, above) else { return Vec::new() };
    let Ok(entries) = fs::read_dir(folder.join(real.path)) else { return Vec::new() };
    let names = entries.filter_map(|entry| Some(entry.ok()?.file_name()));
    let matching = names.filter(|name| glob.matches(&name.to_string_lossy()));
    let mut paths: Vec<PathBuf> = matching.map(|name| above.join(name)).collect();
    paths.sort();
    paths
}

/// Follows the links of `path` inside `folder`. `None` where it leads to nothing
/// and no link is on the way.
fn resolve(folder: &Path, path: &Path) -> Option<Resolved> {
    let mut rest: VecDeque<PathBuf> = parts(path);
    let mut resolved = Resolved { links: Vec::new(), path: PathBuf::new() };
    while let Some(part) = rest.pop_front() {
        if part.as_os_str() == ".." {
            resolved.path.pop();
            continue;
        }
        let here = resolved.path.join(&part);
        let Ok(metadata) = fs::symlink_metadata(folder.join(&here)) else {
            return dangling(resolved);
        };
        if !metadata.is_symlink() {
            resolved.path = here;
            continue;
        }
        let target = fs::read_link(folder.join(&here)).ok()?;
        if target.is_absolute() {
            resolved.path = PathBuf::new();
        }
        for part in parts(&target).into_iter().rev() {
            rest.push_front(part);
        }
        resolved.links.push(here);
        if resolved.links.len() > MOST_LINKS {
            return dangling(resolved);
        }
    }
    Some(resolved)
}

/// A link to nothing is itself what is copied.
fn dangling(mut resolved: Resolved) -> Option<Resolved> {
    resolved.path = resolved.links.pop()?;
    Some(resolved)
}

fn parts(path: &Path) -> VecDeque<PathBuf> {
    let text = path.components().filter(|part| {
        matches!(part, std::path::Component::Normal(_) | std::path::Component::ParentDir)
    });
    text.map(|part| PathBuf::from(part.as_os_str())).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// What a source stands for: `link->…->path`, parted by spaces.
    fn check(source: &str, expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("src/deep")).unwrap();
        for file in ["a.whl", "b.whl", "src/c.whl", "src/deep/d.whl", "we[ird"] {
            fs::write(at(file), file).unwrap();
        }
        symlink("src", at("link")).unwrap();
        symlink("/src/c.whl", at("absolute")).unwrap();
        symlink("../../../../a.whl", at("src/up")).unwrap();
        symlink("/etc/passwd", at("out")).unwrap();
        symlink("turn", at("turn")).unwrap();
        let shown = |path: &Path| path.display().to_string();
        let found = expand(folder.path(), source).into_iter().map(|resolved| {
            let mut steps: Vec<String> = resolved.links.iter().map(|link| shown(link)).collect();
            steps.push(shown(&resolved.path));
            steps.join("->")
        });
        assert_eq!(found.collect::<Vec<_>>().join(" "), expected, "{source}");
    }

    #[test]
    fn sources_stay_in_the_context() {
        check("a.whl", "a.whl");
        check("/a.whl", "a.whl");
        check("../../a.whl", "a.whl");
        check("src/../src//c.whl", "src/c.whl");
        check("./", "");
        check("absent", "");
        check("out", "out");
        check("src/up", "src/up->a.whl");
        check("absolute", "absolute->src/c.whl");
    }

    #[test]
    fn wildcards_match_one_folder_each() {
        check("*.whl", "a.whl b.whl");
        check("s*/*.whl", "src/c.whl");
        check("*/*/*.whl", "link->src/deep/d.whl src/deep/d.whl");
        check("l*", "link->src");
        check("link/*.whl", "link->src/c.whl");
        check("we[[]ird", "we[ird");
        check("[a", "");
    }

    #[test]
    fn links_that_lead_nowhere_are_themselves() {
        check("turn", &["turn"; 41].join("->"));
    }
}
