//! Judging the way from a build container to this machine.

use super::firewall::Way;
use super::{Code, EngineSide, Facts, Finding, Firewall, Gateway, Level, Reach};
use crate::engine::HostAccess;

/// The bridge of an engine that names none.
const BRIDGE: &str = "docker0";

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let found = facts.reached().and_then(|side| match &side.gateway {
        Gateway::None(why) => Some(none(why)),
        Gateway::Known { access, is_here: false, .. } => Some(elsewhere(side, access)),
        Gateway::Known { access, reach, firewall, .. } => {
            reached(reach, &way(side, access), firewall)
        }
    });
    found.into_iter().collect()
}

/// The way that a container's packet takes to the package server.
fn way(side: &EngineSide, access: &HostAccess) -> Way {
    let interface = side.examination.bridge.clone().unwrap_or_else(|| BRIDGE.to_owned());
    Way { interface, gateway: access.listen, network: access.network }
}

fn none(why: &str) -> Finding {
    Finding::error(
        Code::NoGateway,
        "the engine has no bridge network, and build containers reach the package server there",
    )
    .note(why)
    .mend("start the engine without `--bridge=none` (`\"bridge\"` in /etc/docker/daemon.json)")
}

/// The engine has a gateway, and its bridge is out of reach.
fn elsewhere(side: &EngineSide, access: &HostAccess) -> Finding {
    let examination = &side.examination;
    let finding = |code, what: &str| {
        Finding::error(code, what)
            .expected(
                format!("the bridge with the gateway `{}` in this network", access.name),
                "it is in none that this program sees",
            )
            .note(format!("engine: `{}`", examination.endpoint))
    };
    if examination.operating_system.contains("Docker Desktop") {
        return finding(Code::DockerDesktop, "the engine runs in the virtual machine of Docker Desktop, and its containers do not reach this system on the gateway")
            .mend("run a Docker Engine in this system itself (in WSL: turn off the integration of this distribution, then `apt-get install docker.io`), and `docker context use default`");
    }
    if examination.rootless {
        return finding(Code::Rootless, "the engine runs without root's rights, in a network of its own")
            .mend("use the engine that runs as root: `docker context use default`, or `DOCKER_HOST=unix:///var/run/docker.sock`");
    }
    if is_remote(examination.endpoint.as_str()) {
        return finding(Code::RemoteEngine, "the engine runs on another machine, and its containers do not reach this one on the gateway")
            .mend("run ascend-build on the engine's machine, with its local socket (`unset DOCKER_HOST`)");
    }
    let bridge = examination.bridge.as_deref().unwrap_or(BRIDGE);
    finding(Code::GatewayMissing, "the engine's bridge is gone, or in another network than this program")
        .mend(format!("see `ip address show {bridge}`; restarting the engine makes its bridge again (`systemctl restart docker`)"))
        .mend("inside a container or a namespace, run ascend-build in the network of the engine (`--network=host`)")
}

fn is_remote(endpoint: &str) -> bool {
    ["tcp://", "http://", "https://", "ssh://"].iter().any(|scheme| endpoint.starts_with(scheme))
}

fn reached(reach: &Reach, way: &Way, firewall: &Firewall) -> Option<Finding> {
    match reach {
        Reach::Reached => None,
        Reach::Blocked(said) => Some(blocked(said, way, firewall)),
        Reach::Untried(why) => Some(untried(why, way, firewall)),
    }
}

fn blocked(said: &str, way: &Way, firewall: &Firewall) -> Finding {
    let what = format!("a container cannot reach this machine on the gateway `{}`", way.gateway);
    let finding = Finding::error(Code::GatewayBlocked, what).note(said);
    with_rules(finding, way, firewall)
}

/// What stands in the way by the rules, and the way around.
fn with_rules(finding: Finding, way: &Way, firewall: &Firewall) -> Finding {
    let culprits = firewall.culprits(way);
    let mends = firewall.mends(way, &culprits);
    let finding = match culprits.as_slice() {
        [] => finding.note(firewall.nothing_found()),
        some => some.iter().fold(finding, |finding, culprit| finding.note(culprit.to_string())),
    };
    mends.into_iter().fold(finding, Finding::mend)
}

/// Nothing is known to be wrong, unless a rule says so.
fn untried(why: &str, way: &Way, firewall: &Firewall) -> Finding {
    let what =
        format!("no container could try to reach this machine on the gateway `{}`", way.gateway);
    if firewall.culprits(way).is_empty() {
        return Finding::of(Level::Note, Code::GatewayUntried, what).note(why).mend(
            "load a base image with `/bin/sh` and one of curl, wget and python3, and ask again",
        );
    }
    with_rules(Finding::warning(Code::GatewayUntried, what).note(why), way, firewall)
}
