//! Which rule of this machine's firewall drops what a build container sends, and what lets it through.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use super::{iptables, nftables};

/// The firewall's rules as its own tools print them; `None` where a tool is missing or may not be asked.
#[derive(Debug, Clone, Default)]
pub struct Firewall {
    /// `iptables -S`.
    pub iptables: Option<String>,
    /// `nft list ruleset`.
    pub nftables: Option<String>,
    /// Whether `ufw status` says `active`.
    pub is_ufw_active: bool,
    /// Whether `firewall-cmd --state` says `running`.
    pub is_firewalld_running: bool,
}

/// The way of a packet from a build container to the package server: TCP, a new connection, to a port that nobody knows before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Way {
    /// Where it comes in.
    pub(super) interface: String,
    /// Where it goes to.
    pub(super) gateway: IpAddr,
    /// Where it comes from: an address and the length of its prefix.
    pub(super) network: Option<(Ipv4Addr, u8)>,
}

/// A rule that stands in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Culprit {
    /// The tool that shows it.
    pub(super) tool: Tool,
    /// The rule as the tool prints it.
    pub(super) rule: String,
}

/// What keeps rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tool {
    /// `iptables`.
    Iptables,
    /// `nft`, in this chain, such as `inet filter input`.
    Nftables(String),
}

impl fmt::Display for Culprit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.tool {
            Tool::Iptables => write!(f, "iptables drops it: `{}`", self.rule),
            Tool::Nftables(chain) => {
                write!(f, "nftables drops it, in the chain `{chain}`: `{}`", self.rule)
            }
        }
    }
}

impl Culprit {
    /// Whether what ufw allows comes before it: its chains are entered in the order in which rules stand, and
    /// a rule of somebody else before them has the last word.
    fn is_ufws(&self) -> bool {
        match &self.tool {
            Tool::Iptables => self.rule.starts_with("-A ufw") || self.rule.starts_with("-P "),
            Tool::Nftables(chain) => chain.starts_with("ip filter "),
        }
    }
}

impl Firewall {
    /// The rules that drop what goes this way: the first that iptables comes to, else those of nftables.
    pub(super) fn culprits(&self, way: &Way) -> Vec<Culprit> {
        let rule = self.iptables.as_deref().and_then(|rules| iptables::dropping(rules, way));
        let first: Vec<_> =
            rule.map(|rule| Culprit { tool: Tool::Iptables, rule }).into_iter().collect();
        if !first.is_empty() {
            return first;
        }
        let dropping = self.nftables.as_deref().map(|rules| nftables::dropping(rules, way));
        let culprit = |(chain, rule)| Culprit { tool: Tool::Nftables(chain), rule };
        dropping.into_iter().flatten().map(culprit).collect()
    }

    /// The commands that let it through, in the words of who keeps the rules.
    pub(super) fn mends(&self, way: &Way, culprits: &[Culprit]) -> Vec<String> {
        let interface = &way.interface;
        let from = way.source();
        if self.is_ufw_active && culprits.iter().all(Culprit::is_ufws) {
            let from = from.map(|from| format!(" from {from}")).unwrap_or_default();
            return vec![format!("`ufw allow in on {interface}{from}`")];
        }
        if self.is_firewalld_running {
            return vec![format!(
                "`firewall-cmd --permanent --zone=trusted --add-interface={interface} && firewall-cmd --reload`"
            )];
        }
        if culprits.is_empty() {
            return vec![format!(
                "let TCP from {interface} in where this machine's firewall is kept; a rule may also be one of a cloud, of an endpoint guard, or of another table"
            )];
        }
        let from = from.map(|from| format!(" -s {from}")).unwrap_or_default();
        culprits.iter().map(|culprit| match &culprit.tool {
            Tool::Iptables => format!("`iptables -I INPUT -i {interface}{from} -p tcp -j ACCEPT` (until the next boot; keep it where this machine's rules are kept)"),
            Tool::Nftables(chain) => format!("`nft insert rule {chain} iifname {interface} accept` (until the next boot; keep it in /etc/nftables.conf)"),
        }).collect()
    }

    /// What to say where no rule was found.
    pub(super) fn nothing_found(&self) -> &'static str {
        match (&self.iptables, &self.nftables) {
            (None, None) => {
                "the rules of the firewall could not be read: that needs root, and `iptables` or `nft`"
            }
            _ => "no rule of this machine's filter tables explains it",
        }
    }
}

impl Way {
    /// The containers' network, such as `172.17.0.0/16`.
    fn source(&self) -> Option<String> {
        self.network.map(|(address, prefix)| format!("{address}/{prefix}"))
    }

    /// Whether it comes from `network` (`address[/prefix]`), whichever of the containers sends it.
    pub(super) fn comes_from(&self, network: &str) -> bool {
        let Some((address, prefix)) = parse(network) else { return false };
        // Where their network is not known, at least it is more than one address.
        self.network.map_or(prefix < 32, |(own, own_prefix)| {
            prefix <= own_prefix && masked(address, prefix) == masked(own, prefix)
        })
    }

    /// Whether it goes to `network`.
    pub(super) fn goes_to(&self, network: &str) -> bool {
        let IpAddr::V4(gateway) = self.gateway else { return false };
        parse(network)
            .is_some_and(|(address, prefix)| masked(address, prefix) == masked(gateway, prefix))
    }
}

fn parse(network: &str) -> Option<(Ipv4Addr, u8)> {
    let (address, prefix) = network.split_once('/').unwrap_or((network, "32"));
    Some((address.parse().ok()?, prefix.parse().ok().filter(|prefix| *prefix <= 32)?))
}

fn masked(address: Ipv4Addr, prefix: u8) -> u32 {
    address.to_bits().checked_shr(32 - u32::from(prefix)).unwrap_or(0)
}
