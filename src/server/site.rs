//! What the server answers beside files: health, the simple index, and, where
//! people are meant to look, the page, the API and metrics.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use http::{HeaderMap, header};
use serde_json::json;

use super::book::{Book, Report};
use super::links::{CERTIFICATE, Links, Origin};
use super::page;
use super::shelf::Shelf;
use super::simple_index::{self, SimpleIndex};
use super::tls::Tls;
use crate::ascend::Identity;
use crate::plan::VerifiedPackage;

/// Where builds that share this server hear of its transfers.
pub(super) const EVENTS: &str = "/api/events";

/// How transfers go, for the page.
pub(super) const TRANSFERS: &str = "/api/transfers";

/// Whether a path asks for the transfers of this server.
pub(super) fn is_events(path: &str) -> bool {
    path.strip_prefix(EVENTS).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Tells what is known of a file by its name, for the page and the API.
pub type Describe = Arc<dyn Fn(&VerifiedPackage) -> Facts + Send + Sync>;

/// What a file's name says, and whether its digest is an official one.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Facts {
    /// What it is: toolkit, kernels, wheel, …
    pub kind: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// `aarch64` or `x86_64`.
    pub arch: Option<String>,
    /// The chip that it is for.
    pub chip: Option<String>,
    /// The Python that it is for, as `3.11`.
    pub python: Option<String>,
    /// Whether the digest is that of an official release.
    pub official: bool,
}

impl Facts {
    /// What `identity` says, of a file whose digest is `official` or not.
    pub fn new(identity: &Identity, official: bool) -> Self {
        let dotted = |tag: &String| match tag.split_at_checked(1) {
            Some((major, minor)) if !minor.is_empty() => format!("{major}.{minor}"),
            _ => tag.clone(),
        };
        Self {
            kind: identity.kind.map(|kind| kind.to_string()),
            version: identity.version.as_ref().map(ToString::to_string),
            arch: identity.arch.clone(),
            chip: identity.chip.as_ref().map(ToString::to_string),
            python: identity.python.as_ref().map(dotted),
            official,
        }
    }
}

/// Everything that is not a file.
pub(super) struct Site {
    pub(super) book: Book,
    /// `None`: no page, API or metrics.
    pub(super) describe: Option<Describe>,
    pub(super) address: SocketAddr,
    pub(super) tls: Option<Tls>,
}

/// A text that a path answers with.
pub(super) struct Page {
    pub(super) kind: &'static str,
    pub(super) text: String,
}

/// One file and its facts, as `/api/packages` shows it.
#[derive(serde::Serialize)]
pub(super) struct Listed<'a> {
    #[serde(flatten)]
    pub(super) package: Public<'a>,
    #[serde(flatten)]
    pub(super) facts: Facts,
    /// The path at which exactly this content is.
    pub(super) path: String,
}

/// What others may know of a package: not where it lies on this machine.
#[derive(serde::Serialize)]
pub(super) struct Public<'a> {
    pub(super) name: &'a str,
    pub(super) file: &'a str,
    pub(super) sha256: &'a str,
    pub(super) size: u64,
    pub(super) declared: bool,
}

impl Site {
    /// The page at `path`, if there is one.
    pub(super) fn page(
        &self,
        path: &str,
        headers: &HeaderMap,
        shelf: &Shelf,
        links: &Links,
    ) -> Option<Page> {
        match path {
            "/healthz" => Some(Page::new("text/plain; charset=utf-8", "ok\n")),
            "/simple" | "/simple/" => Some(projects(headers, shelf, links)),
            _ => match path.strip_prefix("/simple/") {
                Some(project) => files(project, headers, shelf, links),
                None => self.people_page(path, headers, shelf, links),
            },
        }
    }

    /// This server's address as the reader knows it: nobody can ask for `0.0.0.0`.
    fn origin(&self, headers: &HeaderMap) -> Origin {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let address = match text(headers, &header::HOST) {
            host if self.address.ip().is_unspecified() && !host.is_empty() => {
                format!("{scheme}://{host}")
            }
            _ => format!("{scheme}://{}", self.address),
        };
        let made_up = self.tls.as_ref().filter(|tls| tls.made_up.is_some());
        Origin { address, made_up: made_up.map(|tls| tls.fingerprint().to_owned()) }
    }

    /// The made-up certificate, where there is one.
    fn certificate(&self) -> Option<Page> {
        let certificate = self.tls.as_ref()?.made_up.as_deref()?;
        Some(Page::new("application/x-pem-file", certificate))
    }

    fn people_page(
        &self,
        path: &str,
        headers: &HeaderMap,
        shelf: &Shelf,
        links: &Links,
    ) -> Option<Page> {
        let Some(describe) = self.describe.as_ref() else {
            // What `pip --find-links` and `wget -r` of a recipe look for.
            let listing = || simple_index::listing(shelf.packages(), links);
            return (path == "/").then(|| Page::new(simple_index::HTML, listing()));
        };
        match path {
            "/" => {
                let language = text(headers, &header::ACCEPT_LANGUAGE);
                let origin = self.origin(headers);
                let listed = listed(shelf, describe, links);
                let text = page::render(&listed, &self.book.report(), language, &origin, links);
                Some(Page::new("text/html; charset=utf-8", text))
            }
            CERTIFICATE => self.certificate(),
            "/api/packages" => Some(Page::json(&json!({
                "version": 1,
                "growing": shelf.is_growing,
                "packages": listed(shelf, describe, links),
            }))),
            TRANSFERS => {
                let mut report = json!(self.book.report());
                report["version"] = json!(1);
                Some(Page::json(&report))
            }
            _ if is_events(path) => self.events(path),
            "/metrics" => Some(Page::new(
                "text/plain; version=0.0.4; charset=utf-8",
                metrics(&self.book.report(), shelf),
            )),
            _ => None,
        }
    }

    /// `/api/events` is where the events stand; `/api/events/<number>` is what came since.
    fn events(&self, path: &str) -> Option<Page> {
        let number = match path.strip_prefix(EVENTS)? {
            "" => None,
            rest => Some(rest.strip_prefix('/')?.parse().ok()?),
        };
        let mut since = json!(self.book.since(number));
        since["version"] = json!(1);
        Some(Page::json(&since))
    }
}

impl Page {
    fn new(kind: &'static str, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    fn json(value: &serde_json::Value) -> Self {
        Self::new("application/json", format!("{value}\n"))
    }
}

fn projects(headers: &HeaderMap, shelf: &Shelf, links: &Links) -> Page {
    let kind = simple_index::kind_for(text(headers, &header::ACCEPT));
    Page::new(kind, SimpleIndex::new(shelf.packages()).projects(kind, links))
}

fn files(project: &str, headers: &HeaderMap, shelf: &Shelf, links: &Links) -> Option<Page> {
    let kind = simple_index::kind_for(text(headers, &header::ACCEPT));
    let project = project.strip_suffix('/').unwrap_or(project);
    let text = SimpleIndex::new(shelf.packages()).files(project, kind, links)?;
    Some(Page::new(kind, text))
}

fn listed<'a>(shelf: &'a Shelf, describe: &Describe, links: &Links) -> Vec<Listed<'a>> {
    let one = |package: &'a VerifiedPackage| Listed {
        package: Public {
            name: package.name.as_str(),
            file: &package.file,
            sha256: package.sha256.as_str(),
            size: package.size,
            declared: package.declared,
        },
        facts: describe(package),
        path: links.to_file(package),
    };
    shelf.packages().map(one).collect()
}

/// Prometheus' text format.
fn metrics(report: &Report, shelf: &Shelf) -> String {
    let totals = report.totals;
    let mut text = String::new();
    let mut family = |name: &str, kind: &str, help: &str, samples: &[(&str, u64)]| {
        // Writing into a string cannot fail.
        let _ok =
            writeln!(text, "# HELP ascend_build_{name} {help}\n# TYPE ascend_build_{name} {kind}");
        for (labels, value) in samples {
            let _ok = writeln!(text, "ascend_build_{name}{labels} {value}");
        }
    };
    let outcomes = [
        ("{outcome=\"whole\"}", totals.whole),
        ("{outcome=\"cut\"}", totals.cut),
        ("{outcome=\"changed\"}", totals.changed),
    ];
    family("transfers_total", "counter", "Transfers that ended, by outcome.", &outcomes);
    family("sent_bytes_total", "counter", "Bytes of files sent.", &[("", totals.bytes)]);
    family("refused_total", "counter", "Requests that got no file.", &[("", totals.refused)]);
    let running = report.running.len() as u64;
    family("transfers_running", "gauge", "Transfers that run now.", &[("", running)]);
    let packages = shelf.packages().count() as u64;
    family("packages", "gauge", "Files that are offered.", &[("", packages)]);
    text
}

fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
