//! Which addresses mean the package server.
//!
//! The bridge's gateway and the names that engines give their host always do. So does an IP
//! address that files are fetched from, and each address of the port that the file itself uses.
//! Anything else may be somebody's own server: a name, an address that a build argument gives, a
//! loopback address. Such a host means the package server where a file that is fetched from it is
//! there to be served.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::Range;

use super::fetches::{found, path};
use super::inputs::Inputs;
use super::stages::Stages;
use super::url::Address;
use super::{Dockerfile, FetchPath};
use crate::error::{Place, Problem};

/// Names that engines give the host of their containers.
const HOST_NAMES: [&str; 6] = [
    "host.docker.internal",
    "gateway.docker.internal",
    "docker.for.mac.host.internal",
    "host.containers.internal",
    "host.lima.internal",
    "host.rancher-desktop.internal",
];

/// The port of the recipes that Ascend's own instructions give.
pub const USUAL_PORT: u16 = 3000;

/// Which addresses mean the package server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addresses {
    /// Hosts, whatever the port: the gateways of the engine's networks.
    pub hosts: BTreeSet<String>,
    /// A port, whatever the host: the one that the file itself uses.
    pub port: Option<u16>,
    /// What files are fetched from besides, as `host:port`, and where first.
    pub others: BTreeMap<String, Range<usize>>,
    /// The addresses that mean the package server by their port, and whose host only the run knows.
    pub open: Vec<Range<usize>>,
}

/// What is known of the machine that a file is read on.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// Whether a file of that name can be served.
    pub is_there: &'a dyn Fn(&str) -> bool,
    /// Whether an address is one of this machine's own.
    pub is_own: &'a dyn Fn(IpAddr) -> bool,
}

impl Around<'_> {
    /// Nothing is known.
    pub const NOTHING: Around<'static> = Around { is_there: &|_| false, is_own: &|_| false };
}

/// An address that the file asks.
struct Asked {
    address: Address,
    /// The file, where one is asked for and its name is known.
    file: Option<String>,
    /// Whether it may be a list of files.
    listed: bool,
    span: Range<usize>,
}

impl Addresses {
    /// The addresses that mean the package server in a file.
    pub fn of(
        stages: &Stages<'_>,
        inputs: &Inputs,
        gateways: &[String],
        around: Around<'_>,
    ) -> Self {
        let servers = inputs.build_args.iter().filter(|(name, _)| !is_proxy(name));
        let given: BTreeSet<String> =
            servers.filter_map(|(_, value)| Address::host_in(value)).collect();
        let asked = asked(stages, inputs);
        let own = gateways.iter().cloned().chain(HOST_NAMES.map(str::to_owned));
        let mut hosts: BTreeSet<String> = own.collect();
        for host in given.iter().chain(asked.iter().filter_map(Asked::doubtful)) {
            let of_host: Vec<_> = asked.iter().filter(|one| one.host() == Some(host)).collect();
            let there = |one: &&Asked| one.file.as_deref().is_some_and(around.is_there);
            let likely = |one: &&Asked| one.is_likely(around.is_own);
            if of_host.iter().any(there) || of_host.iter().all(likely) {
                hosts.insert(host.clone());
            }
        }
        let named = |one: &&Asked| one.host().is_some_and(|host| hosts.contains(host));
        let literal = |one: &&Asked| one.is_address_of_files(&given);
        let port = most_used(asked.iter().filter(named))
            .or_else(|| most_used(asked.iter().filter(literal)))
            .or_else(|| most_used(asked.iter().filter(|one| one.address.host_is_open())));
        let mut addresses = Self { hosts, port, ..Self::default() };
        addresses.others = addresses.others_of(&asked);
        let open = |one: &&Asked| one.address.host_is_open() && addresses.mean(&one.address);
        addresses.open = asked.iter().filter(open).map(|one| one.span.clone()).collect();
        addresses
    }

    /// Whether `address` means the package server.
    pub(super) fn mean(&self, address: &Address) -> bool {
        let host = address.host.as_ref().is_some_and(|host| self.hosts.contains(host));
        let port = address.explicit_port() && address.port == self.port && self.port.is_some();
        address.scheme != "https" && (host || port && !address.is_loopback())
    }

    /// What is fetched from elsewhere, by an address that could have meant the package server.
    fn others_of(&self, asked: &[Asked]) -> BTreeMap<String, Range<usize>> {
        let mut others = BTreeMap::new();
        let elsewhere = asked.iter().filter(|one| {
            one.file.is_some() && one.address.explicit_port() && !self.mean(&one.address)
        });
        for one in elsewhere.filter(|one| !one.address.is_loopback()) {
            if let (Some(host), Some(port)) = (one.host(), one.address.port) {
                others.entry(format!("{host}:{port}")).or_insert_with(|| one.span.clone());
            }
        }
        others
    }

    /// The warnings of files that another server has.
    pub(super) fn elsewhere(&self, file: &Dockerfile) -> Vec<Problem> {
        let problem = |(server, span): (&String, &Range<usize>)| {
            Problem::warning(format!("`{server}` is taken for a file server of somebody else's"))
                .code("fetch-elsewhere")
                .at(Place::new(file.source(), span.clone()), "fetched from there, unverified")
                .hint("put the file into the roots, and this program serves it in that server's place")
        };
        let open = |span: &Range<usize>| {
            Problem::warning("this line's host is known only when it runs")
                .code("fetch-host")
                .at(
                    Place::new(file.source(), span.clone()),
                    "taken for the package server, by its port",
                )
                .hint("where it is another server, pass its name with a build argument")
        };
        self.others.iter().map(problem).chain(self.open.iter().map(open)).collect()
    }
}

impl Asked {
    fn host(&self) -> Option<&String> {
        self.address.host.as_ref()
    }

    /// The host, where only the roots tell whether the package server is meant.
    fn doubtful(&self) -> Option<&String> {
        let doubtful = !self.address.is_ip() || self.address.is_loopback();
        self.host().filter(|_| doubtful && self.address.explicit_port())
    }

    /// Whether an address that a build argument gives is this machine's or the recipe's own:
    /// nobody else's server would have it.
    fn is_likely(&self, is_own: &dyn Fn(IpAddr) -> bool) -> bool {
        let Some(ip) = self.address.ip().filter(|_| !self.address.is_loopback()) else {
            return false;
        };
        let usual = self.address.port == Some(USUAL_PORT);
        self.address.is_bridge() || usual || self.file.is_none() || is_own(ip)
    }

    /// Whether it is a literal IP address from which files are fetched: a list alone is rather
    /// a mirror's.
    fn is_address_of_files(&self, given: &BTreeSet<String>) -> bool {
        let address = &self.address;
        let given = self.host().is_some_and(|host| given.contains(host));
        let usual = address.is_bridge() || address.port == Some(USUAL_PORT);
        address.is_ip() && !address.is_loopback() && !given && (usual || !self.listed)
    }
}

/// Every plain address of the file.
fn asked(stages: &Stages<'_>, inputs: &Inputs) -> Vec<Asked> {
    let all = (0..stages.iter().len()).flat_map(|stage| found(&stages.steps(stage), inputs));
    let asked = all.filter_map(|(request, _)| {
        let address = Address::read(request.address.text())?;
        let path = path(&request, &address);
        Some(Asked {
            file: path.file().filter(|name| !name.is_empty()),
            listed: matches!(path, FetchPath::Index(_)),
            span: request.address.span.clone(),
            address,
        })
    });
    asked.filter(|one| one.address.scheme != "https").collect()
}

/// Whether a build argument or variable names a proxy, or what needs none.
pub(super) fn is_proxy(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with("_proxy")
}

/// The port that most of `asked` write, the lower one of two.
fn most_used<'a>(asked: impl Iterator<Item = &'a Asked>) -> Option<u16> {
    let mut counts: BTreeMap<u16, usize> = BTreeMap::new();
    let explicit = asked.map(|one| &one.address).filter(|address| address.explicit_port());
    for port in explicit.filter_map(|address| address.port) {
        *counts.entry(port).or_default() += 1;
    }
    counts
        .into_iter()
        .max_by_key(|(port, count)| (*count, std::cmp::Reverse(*port)))
        .map(|(port, _)| port)
}
