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
    /// The hosts that need it not, separated by commas, and where that is written: in the same source, as
    /// Docker knows nothing of the environment's where its configuration file has the proxy, and the other way round.
    pub exceptions: Option<(String, String)>,
    /// Whether it stands in the Docker configuration file.
    pub is_configured: bool,
}

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let proxies = &facts.machine.proxies;
    let gateway = gateway(facts);
    let plain =
        proxies.set.iter().find(|proxy| ["http_proxy", "all_proxy"].contains(&&*proxy.name));
    let swallowing =
        plain.filter(|proxy| !proxy.excepts(&gateway)).map(|proxy| swallows(proxy, &gateway));
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

impl Proxy {
    /// Whether `host` needs no proxy, as every client understands it: networks in `no_proxy` are
    /// known to curl and Go, and not to wget and Python.
    fn excepts(&self, host: &str) -> bool {
        self.excepted().any(|entry| entry == host || entry == "*")
    }

    fn excepted(&self) -> impl Iterator<Item = &str> {
        let list = self.exceptions.iter().flat_map(|(list, _)| list.split([',', ' ', '\t']));
        list.filter(|entry| !entry.is_empty())
    }
}

fn swallows(proxy: &Proxy, gateway: &str) -> Finding {
    let (list, place) = proxy.exceptions.clone().unwrap_or_default();
    let actual = if list.is_empty() { "none".to_owned() } else { format!("`{list}` ({place})") };
    // Without blanks, which some clients take for a part of a name.
    let longer = proxy.excepted().chain([gateway]).collect::<Vec<_>>().join(",");
    let mend = if proxy.is_configured {
        format!("set `\"noProxy\": \"{longer}\"` beside it in the Docker configuration file")
    } else {
        format!("`export no_proxy='{longer}' NO_PROXY='{longer}'`")
    };
    Finding::warning(Code::ProxyGateway, format!("a proxy would be asked for what the package server at `{gateway}` has"))
        .expected(format!("`{gateway}` in `no_proxy`"), actual)
        .note(format!("`{}` is `{}` ({})", proxy.name, without_password(&proxy.address), proxy.place))
        .note("builds of ascend-build are given a `no_proxy` with it; `docker build` and `docker run` are not, and BusyBox's wget knows no `no_proxy`")
        .mend(mend)
}

fn unreachable(proxy: &Proxy, gateway: &str) -> Finding {
    let address = without_password(&proxy.address);
    let there = elsewhere(&proxy.address, gateway);
    let leave = if proxy.is_configured {
        format!("or take it out of the Docker configuration file ({})", proxy.place)
    } else {
        format!(
            "or leave it out of the build: `unset {0} {1}`",
            proxy.name,
            proxy.name.to_uppercase()
        )
    };
    Finding::warning(
        Code::ProxyLoopback,
        "a proxy listens on this machine's loopback, where no build container reaches it",
    )
    .expected(
        "an address that containers reach",
        format!("`{}` is `{address}` ({})", proxy.name, proxy.place),
    )
    .mend(format!("let it listen on `{gateway}` too, and name it `{there}`"))
    .mend(leave)
}

/// The same address with `gateway` as its host.
fn elsewhere(address: &str, gateway: &str) -> String {
    let (scheme, rest) = address.split_once("://").unwrap_or(("http", address));
    let authority = rest.split('/').next().unwrap_or_default();
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    let after_host = place.rsplit_once(']').map_or(place, |(_, after)| after);
    let port = after_host.rsplit_once(':').map(|(_, port)| format!(":{port}"));
    format!("{scheme}://{gateway}{}", port.unwrap_or_default())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, expected: &str) {
        assert_eq!(elsewhere(address, "172.17.0.1"), expected);
    }

    #[test]
    fn the_same_proxy_under_another_address() {
        check("http://127.0.0.1:7890/", "http://172.17.0.1:7890");
        check("http://localhost", "http://172.17.0.1");
        check("socks5h://me:secret@[::1]:1080", "socks5h://172.17.0.1:1080");
        check("localhost:3128", "http://172.17.0.1:3128");
    }

    #[test]
    fn a_mend_can_be_pasted() {
        let listed = |is_configured| Proxy {
            name: "http_proxy".to_owned(),
            address: "http://proxy.corp:3128".to_owned(),
            place: "the test".to_owned(),
            exceptions: Some(("localhost, 10.0.0.1".to_owned(), "the test".to_owned())),
            is_configured,
        };
        let mend = |is_configured| format!("{:?}", swallows(&listed(is_configured), "172.17.0.1"));
        let list = "localhost,10.0.0.1,172.17.0.1";
        assert!(mend(false).contains(&format!("export no_proxy='{list}' NO_PROXY='{list}'")));
        assert!(mend(true).contains(list) && !mend(true).contains("export"));
    }
}
