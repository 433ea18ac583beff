//! The declared wheels as a simple index for pip: PEP 503 (HTML) and PEP 691 (JSON).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::json;

use super::links::Links;
use super::markup::escape;
use crate::plan::VerifiedPackage;

/// The media type of PEP 691.
pub(super) const JSON: &str = "application/vnd.pypi.simple.v1+json";
/// The media type of PEP 503 that every version of pip takes.
pub(super) const HTML: &str = "text/html; charset=utf-8";

/// Wheels by the normalised name of their project.
pub(super) struct SimpleIndex<'a>(BTreeMap<String, Vec<&'a VerifiedPackage>>);

impl<'a> SimpleIndex<'a> {
    /// The index of those `packages` that are wheels.
    pub(super) fn new(packages: impl IntoIterator<Item = &'a VerifiedPackage>) -> Self {
        let mut projects: BTreeMap<String, Vec<&VerifiedPackage>> = BTreeMap::new();
        for package in packages {
            if let Some(project) = wheel_project(package.file_name()) {
                projects.entry(project).or_default().push(package);
            }
        }
        projects.values_mut().for_each(|files| files.sort_by(|a, b| a.file.cmp(&b.file)));
        Self(projects)
    }

    /// The list of projects.
    pub(super) fn projects(&self, kind: &str, links: &Links) -> String {
        if kind == JSON {
            let names: Vec<_> = self.0.keys().map(|name| json!({ "name": name })).collect();
            return json!({ "meta": { "api-version": "1.0" }, "projects": names }).to_string();
        }
        let line = |name: &String| (links.to(&format!("simple/{name}/")), name.clone());
        html("Simple index", self.0.keys().map(line))
    }

    /// The files of one project, whichever way its name is written; nothing if there are none.
    pub(super) fn files(&self, project: &str, kind: &str, links: &Links) -> Option<String> {
        let name = normalised(project);
        let files = self.0.get(&name)?;
        if kind == JSON {
            let files: Vec<_> = files.iter().map(|file| json_file(file, links)).collect();
            let meta = json!({ "api-version": "1.0" });
            return Some(json!({ "meta": meta, "name": name, "files": files }).to_string());
        }
        let line = |file: &&VerifiedPackage| {
            (format!("{}#sha256={}", links.to_file(file), file.sha256), file.file_name().to_owned())
        };
        Some(html(&name, files.iter().map(line)))
    }
}

/// A plain list of all files, as `pip --find-links` reads one.
pub(super) fn listing<'a>(
    packages: impl IntoIterator<Item = &'a VerifiedPackage>,
    links: &Links,
) -> String {
    let line = |file: &VerifiedPackage| (links.to_file(file), file.file.clone());
    let lines: BTreeMap<_, _> =
        packages.into_iter().map(line).map(|(to, name)| (name, to)).collect();
    html("Packages", lines.into_iter().map(|(name, to)| (to, name)))
}

/// The media type that an `Accept` header leads to: JSON for whoever names it.
pub(super) fn kind_for(accept: &str) -> &'static str {
    let names_json = accept.split(',').any(|item| {
        let mut words = item.split(';').map(str::trim);
        words.next() == Some(JSON) && !words.any(|word| matches!(word, "q=0" | "q=0.0"))
    });
    if names_json { JSON } else { HTML }
}

fn json_file(file: &VerifiedPackage, links: &Links) -> serde_json::Value {
    json!({
        "filename": file.file_name(),
        "url": links.to_file(file),
        "hashes": { "sha256": file.sha256.as_str() },
        "size": file.size,
    })
}

fn html(title: &str, lines: impl Iterator<Item = (String, String)>) -> String {
    let title = escape(title);
    let mut text = format!(
        "<!DOCTYPE html>\n<html><head><meta name=\"pypi:repository-version\" content=\"1.0\"><title>{title}</title></head><body>\n"
    );
    for (address, name) in lines {
        // Writing into a string cannot fail.
        let _ok = writeln!(text, "<a href=\"{}\">{}</a><br>", escape(&address), escape(&name));
    }
    text + "</body></html>\n"
}

/// The project of a wheel's name (PEP 427: `name-version[-build]-python-abi-platform.whl`).
fn wheel_project(file: &str) -> Option<String> {
    let parts: Vec<_> = file.strip_suffix(".whl")?.split('-').collect();
    matches!(parts.len(), 5 | 6).then(|| normalised(parts[0]))
}

/// PEP 503: lower case, and each run of `-`, `_` and `.` is one `-`.
fn normalised(name: &str) -> String {
    let mut parts: Vec<_> = name.split(['-', '_', '.']).collect();
    let last = parts.len() - 1;
    let mut at = 0;
    parts.retain(|part| {
        at += 1;
        !part.is_empty() || at == 1 || at == last + 1
    });
    parts.join("-").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::fixtures::package;

    #[test]
    fn names_are_normalised() {
        let check = |name: &str, expected: &str| assert_eq!(normalised(name), expected);
        check("Torch_NPU", "torch-npu");
        check("a.-_b", "a-b");
        check("a", "a");
        check("-a-", "-a-");
        check("", "");
    }

    #[test]
    fn wheels_are_listed_by_project_and_nothing_else_is() {
        let files = ["torch_npu-2.7.1-cp311-cp311-linux_x86_64.whl", "a&b-1.whl", "c.run"]
            .map(|name| package(name, b""));
        let index = SimpleIndex::new(&files);
        let links = Links::default();
        let check = |project: &str, kind: &str, expected: Option<&str>| {
            let actual = index.files(project, kind, &links);
            assert_eq!(actual.is_some(), expected.is_some(), "{project}");
            assert!(actual.unwrap_or_default().contains(expected.unwrap_or_default()), "{project}");
        };
        let digest = &files[0].sha256;
        let url = format!("/sha256/{digest}/{}", files[0].file);
        check("torch-npu", HTML, Some(&format!("<a href=\"{url}#sha256={digest}\">")));
        check("Torch_NPU", JSON, Some(&format!("\"url\":\"{url}\"")));
        check("c", HTML, None);
        check("a&b", JSON, None);
        assert!(index.projects(JSON, &links).contains("[{\"name\":\"torch-npu\"}]"));
        assert!(index.projects(HTML, &links).contains("<a href=\"/simple/torch-npu/\">"));
    }

    #[test]
    fn pip_gets_json_and_a_browser_gets_html() {
        let check = |accept: &str, expected: &str| assert_eq!(kind_for(accept), expected);
        check(
            &format!("{JSON}, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01"),
            JSON,
        );
        check(&format!("{JSON}; q=0, text/html"), HTML);
        check("text/html,*/*", HTML);
        check("", HTML);
    }
}
