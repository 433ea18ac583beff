//! Judging the proxies that containers are given.

use super::{Code, Facts, Finding, Gateway};
use crate::engine::Product;

/// Where containers reach this machine, where no engine says it.
const USUAL_GATEWAY: &str = "172.17.0.1";

/// The proxies of the environment and of the Docker configuration file.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    /// Those that are set.
    pub set: Vec<Proxy>,
    /// The hosts that need none, separated by commas, and where that is written.
    pub exceptions: Option<(String, String)>,
}

/// One proxy.
#[derive(Debug, Clone)]
pub struct Proxy {
    /// For what: `http_proxy`, `https_proxy`, `ftp_proxy` or `all_proxy`.
    pub name: String,
    /// Its address.
    pub address: String,
    /// Where it is written.
    pub place: String,
}

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let proxies = &facts.machine.proxies;
    let gateway = gateway(facts);
    let plain =
        proxies.set.iter().find(|proxy| ["http_proxy", "all_proxy"].contains(&&*proxy.name));
    let swallowing =
        plain.filter(|_| !proxies.except(&gateway)).map(|proxy| swallows(proxy, proxies, &gateway));
    let is_podman =
        facts.reached().is_some_and(|side| side.examination.facts.product == Product::Podman);
    let local = proxies.set.iter().find(|proxy| !is_podman && is_loopback(host(&proxy.address)));
    swallowing.into_iter().chain(local.map(|proxy| unreachable(proxy, &gateway))).collect()
}

fn gateway(facts: &Facts) -> String {
    match facts.reached().map(|side| &side.gateway) {
        Some(Gateway::Known { access, .. }) => access.name.clone(),
        _ => USUAL_GATEWAY.to_owned(),
    }
}

impl Proxies {
    /// Whether `host` needs no proxy, as every client understands it: networks in `no_proxy` are
    /// known to curl and Go, and not to wget and Python.
    fn except(&self, host: &str) -> bool {
        let list = self.exceptions.iter().flat_map(|(list, _)| list.split(','));
        list.map(str::trim).any(|entry| entry == host || entry == "*")
    }
}

fn swallows(proxy: &Proxy, proxies: &Proxies, gateway: &str) -> Finding {
    let (list, place) = proxies.exceptions.clone().unwrap_or_default();
    let actual = if list.is_empty() { "none".to_owned() } else { format!("`{list}` ({place})") };
    let longer = if list.is_empty() { gateway.to_owned() } else { format!("{list},{gateway}") };
    Finding::warning(Code::ProxyGateway, format!("a proxy would be asked for what the package server at `{gateway}` has"))
        .expected(format!("`{gateway}` in `no_proxy`"), actual)
        .note(format!("`{}` is `{}` ({})", proxy.name, without_password(&proxy.address), proxy.place))
        .note("builds of ascend-build are given a `no_proxy` with it; `docker build` and `docker run` are not, and BusyBox's wget knows no `no_proxy`")
        .mend(format!("`export no_proxy={longer} NO_PROXY={longer}`, or `\"noProxy\"` in the Docker configuration file"))
}

fn unreachable(proxy: &Proxy, gateway: &str) -> Finding {
    let address = without_password(&proxy.address);
    let port = address.rsplit_once(':').map_or("", |(_, port)| port.trim_end_matches('/'));
    Finding::warning(
        Code::ProxyLoopback,
        "a proxy listens on this machine's loopback, where no build container reaches it",
    )
    .expected(
        "an address that containers reach",
        format!("`{}` is `{address}` ({})", proxy.name, proxy.place),
    )
    .mend(format!("let it listen on `{gateway}` too, and name it `http://{gateway}:{port}`"))
    .mend(format!(
        "or leave it out of the build: `unset {0} {1}`",
        proxy.name,
        proxy.name.to_uppercase()
    ))
}

fn host(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let rest = rest.split('/').next().unwrap_or_default();
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    match rest.strip_prefix('[') {
        Some(host) => host.split(']').next().unwrap_or_default(),
        None => rest.split(':').next().unwrap_or_default(),
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host == "::1" || host.starts_with("127.")
}

/// Findings are shown to others, and passwords are not.
fn without_password(address: &str) -> String {
    let (scheme, rest) =
        address.split_once("://").map_or(("", address), |(scheme, rest)| (scheme, rest));
    let separator = if scheme.is_empty() { "" } else { "://" };
    match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}{separator}***@{host}"),
        None => address.to_owned(),
    }
}
