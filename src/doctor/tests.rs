//! Every code from the facts that lead to it, and the rules of firewalls.

use time::macros::datetime;

use super::firewall::Way;
use super::*;
use crate::engine::{Builder, Disk, EngineFacts, Examination, HostAccess, ListedImage, Product};

const GIB: u64 = 1 << 30;

fn healthy() -> Facts {
    let machine = Machine {
        now: datetime!(2026-06-01 12:00 UTC),
        unknown_time_zone: None,
        memory: Some(8 * GIB),
        emulator: Emulator::Absent,
        proxies: Proxies::default(),
        npu: Npu::default(),
    };
    let project = ProjectSide { name: Some("mindie".to_owned()), ..ProjectSide::default() };
    Facts { engine: Ok(healthy_side()), machine, project, asked: Asked::default() }
}

fn healthy_side() -> EngineSide {
    let access = HostAccess {
        listen: "172.17.0.1".parse().unwrap(),
        name: "172.17.0.1".to_owned(),
        network: Some(("172.17.0.0".parse().unwrap(), 16)),
    };
    let (reach, firewall) = (Reach::Reached, Firewall::default());
    EngineSide {
        examination: healthy_examination(),
        clock_ahead: Some(0.2),
        gateway: Gateway::Known { access, is_here: true, reach, firewall },
        leftovers: Leftovers::default(),
    }
}

fn healthy_examination() -> Examination {
    let facts = EngineFacts {
        product: Product::Docker,
        version: "20.10.24".to_owned(),
        api_version: "1.41".to_owned(),
        platform: "linux/amd64".parse().ok(),
        builders: vec![Builder::BuildKit, Builder::Classic],
        memory: 16 * GIB,
        data_folder: "/var/lib/docker".to_owned(),
    };
    Examination {
        endpoint: "unix:///var/run/docker.sock".to_owned(),
        facts,
        storage_driver: "overlay2".to_owned(),
        operating_system: "Debian GNU/Linux 12".to_owned(),
        rootless: false,
        memory: None,
        time: None,
        disk: Some(Disk { free: 100 * GIB, size: 200 * GIB, free_files: Some(1_000_000) }),
        bridge: Some("docker0".to_owned()),
    }
}

/// What is found, as `level code`, when a healthy machine is changed; everything found has a way to mend it.
fn check(change: impl FnOnce(&mut Facts), expected: &[&str]) {
    let mut facts = healthy();
    change(&mut facts);
    let findings = judge(&facts);
    for finding in &findings {
        assert!(!finding.mend.is_empty() || finding.level == Level::Note, "{finding:?}");
    }
    let actual: Vec<_> = findings
        .iter()
        .map(|finding| format!("{:?} {}", finding.level, finding.code.as_str()).to_lowercase())
        .collect();
    assert_eq!(actual, expected);
}

fn side(facts: &mut Facts) -> &mut EngineSide {
    facts.engine.as_mut().expect("the engine is healthy")
}

fn examination(facts: &mut Facts) -> &mut Examination {
    &mut side(facts).examination
}

fn set_reach(facts: &mut Facts, here: bool, new: Reach) {
    if let Gateway::Known { is_here, reach, .. } = &mut side(facts).gateway {
        (*is_here, *reach) = (here, new);
    }
}

fn proxy(name: &str, address: &str) -> Proxy {
    Proxy {
        name: name.to_owned(),
        address: address.to_owned(),
        place: "the test".to_owned(),
        exceptions: None,
        is_configured: false,
    }
}

#[test]
fn a_healthy_machine_has_nothing_to_mend() {
    check(|_| (), &[]);
}

#[test]
fn an_engine_that_cannot_be_asked() {
    for code in ["engine-context", "engine-address", "engine-missing", "engine-denied"] {
        let unreachable = Unreachable {
            code: Some(code),
            mend: vec!["start it".to_owned()],
            ..Unreachable::default()
        };
        check(|facts| facts.engine = Err(unreachable), &[&format!("error {code}")]);
    }
    let other = Unreachable { mend: vec!["start it".to_owned()], ..Unreachable::default() };
    check(|facts| facts.engine = Err(other), &["error engine-silent"]);
}

#[test]
fn an_engine_that_can_do_less() {
    check(
        |facts| examination(facts).facts.api_version = "1.37".to_owned(),
        &["warning engine-old"],
    );
    let classic = |facts: &mut Facts| examination(facts).facts.builders = vec![Builder::Classic];
    check(classic, &["warning no-buildkit"]);
    let asked = |facts: &mut Facts| {
        classic(facts);
        facts.asked.builder = Some(Builder::BuildKit);
    };
    check(asked, &["error no-buildkit"]);
    check(
        |facts| examination(facts).storage_driver = "vfs".to_owned(),
        &["warning storage-driver"],
    );
}

#[test]
fn room_and_memory() {
    let disk = |free, files| {
        move |facts: &mut Facts| {
            examination(facts).disk = Some(Disk { free, size: 200 * GIB, free_files: Some(files) });
        }
    };
    check(disk(GIB - 1, 1_000_000), &["error disk-full"]);
    check(disk(GIB, 1_000_000), &["warning disk-low"]);
    check(disk(20 * GIB, 1_000_000), &[]);
    check(disk(20 * GIB, 10), &["warning files-low"]);
    check(|facts| facts.machine.memory = Some(GIB), &["warning memory-low"]);
    check(|facts| examination(facts).memory = Some(GIB), &["warning memory-low"]);
    check(|facts| examination(facts).memory = Some(2 * GIB), &[]);
}

#[test]
fn a_gateway_that_is_not_this_machines() {
    let untried = || Reach::Untried("it is not here".to_owned());
    let none = Gateway::None("it has none".to_owned());
    check(|facts| side(facts).gateway = none, &["error no-gateway"]);
    check(|facts| set_reach(facts, false, untried()), &["error gateway-missing"]);
    let rootless = |facts: &mut Facts| {
        set_reach(facts, false, untried());
        examination(facts).rootless = true;
    };
    check(rootless, &["error rootless"]);
    let desktop = |facts: &mut Facts| {
        set_reach(facts, false, untried());
        examination(facts).operating_system = "Docker Desktop".to_owned();
    };
    check(desktop, &["error docker-desktop"]);
    let remote = |facts: &mut Facts| {
        set_reach(facts, false, untried());
        examination(facts).endpoint = "tcp://192.0.2.1:2375".to_owned();
    };
    check(remote, &["error remote-engine"]);
}

#[test]
fn a_gateway_that_is_not_reached() {
    check(
        |facts| set_reach(facts, true, Reach::Blocked("no answer".to_owned())),
        &["error gateway-blocked"],
    );
    let untried = |facts: &mut Facts| set_reach(facts, true, Reach::Untried("no image".to_owned()));
    check(untried, &["note gateway-untried"]);
    let dropping = |facts: &mut Facts| {
        untried(facts);
        if let Gateway::Known { firewall, .. } = &mut side(facts).gateway {
            firewall.iptables = Some("-P INPUT DROP\n".to_owned());
        }
    };
    check(dropping, &["warning gateway-untried"]);
}

#[test]
fn proxies() {
    let set = |list: Option<&str>, proxies: Vec<Proxy>| {
        let exceptions = list.map(|list| (list.to_owned(), "the test".to_owned()));
        let set =
            proxies.into_iter().map(|proxy| Proxy { exceptions: exceptions.clone(), ..proxy });
        let set = set.collect();
        |facts: &mut Facts| facts.machine.proxies = Proxies { set }
    };
    let corp = || vec![proxy("http_proxy", "http://me:secret@proxy.corp:3128")];
    check(set(None, corp()), &["warning proxy-gateway"]);
    check(set(Some("localhost,172.16.0.0/12"), corp()), &["warning proxy-gateway"]);
    check(set(Some("localhost, 172.17.0.1"), corp()), &[]);
    check(set(None, vec![proxy("https_proxy", "http://proxy.corp:3128")]), &[]);
    check(
        set(Some("*"), vec![proxy("https_proxy", "http://127.0.0.1:7890")]),
        &["warning proxy-loopback"],
    );
    let mut facts = healthy();
    facts.machine.proxies.set = corp();
    assert!(!format!("{:?}", judge(&facts)).contains("secret"));
}

#[test]
fn foreign_platforms() {
    let flags = |flags: &str| Emulator::Registered(flags.to_owned());
    let ask = |emulator: Emulator| {
        |facts: &mut Facts| {
            facts.asked.platform = "linux/arm64".parse().ok();
            facts.machine.emulator = emulator;
        }
    };
    check(ask(Emulator::Unknown), &["warning platform-foreign"]);
    check(ask(Emulator::Absent), &["error platform-foreign"]);
    check(ask(flags("OC")), &["error emulator-outside"]);
    check(ask(flags("OCF")), &["note emulated"]);
    check(|facts| facts.asked.platform = "linux/amd64".parse().ok(), &[]);
}

#[test]
fn npus_clocks_and_time_zones() {
    check(|facts| facts.machine.npu.devices = 8, &["warning npu-driver"]);
    check(
        |facts| facts.machine.npu.smi_failure = Some("it fails".to_owned()),
        &["warning npu-smi"],
    );
    check(|facts| facts.machine.now = datetime!(1970-01-02 0:00 UTC), &["warning clock-wrong"]);
    check(|facts| side(facts).clock_ahead = Some(-90.0), &["warning clock-engine"]);
    check(
        |facts| facts.machine.unknown_time_zone = Some("Mars".to_owned()),
        &["warning time-zone"],
    );
}

#[test]
fn what_projects_and_runs_leave() {
    check(
        |facts| facts.project.future_files = Some((2, "packages.toml".to_owned())),
        &["warning future-files"],
    );
    let image = ListedImage {
        id: "sha256:1".to_owned(),
        references: Vec::new(),
        project: Some("mindie".to_owned()),
        size: 1,
    };
    check(|facts| side(facts).leftovers.images = vec![image], &["note stale-images"]);
    check(
        |facts| side(facts).leftovers.containers = vec!["0123456789abcdef".to_owned()],
        &["note stale-containers"],
    );
    let unwritable = |is_needed| Unwritable {
        folder: "/x".to_owned(),
        purpose: "y",
        why: "z".to_owned(),
        is_needed,
    };
    check(
        |facts| facts.project.unwritable = vec![unwritable(false), unwritable(true)],
        &["error folder-unwritable", "warning folder-unwritable"],
    );
}

fn way() -> Way {
    Way {
        interface: "docker0".to_owned(),
        gateway: "172.17.0.1".parse().unwrap(),
        network: Some(("172.17.0.0".parse().unwrap(), 16)),
    }
}

/// The rule of `iptables -S` that drops.
fn check_iptables(rules: &[&str], expected: Option<&str>) {
    assert_eq!(iptables::dropping(&rules.join("\n"), &way()).as_deref(), expected, "{rules:#?}");
}

#[test]
fn iptables_is_followed_to_the_rule_that_drops() {
    let drop = "-A INPUT -i docker0 -j DROP";
    check_iptables(&["-P INPUT ACCEPT"], None);
    check_iptables(&["-P INPUT DROP"], Some("-P INPUT DROP"));
    check_iptables(&["-P INPUT ACCEPT", drop], Some(drop));
    check_iptables(&["-A INPUT -i docker0 -j ACCEPT", drop], None);
    check_iptables(&["-A INPUT -i eth0 -j ACCEPT", drop], Some(drop));
    check_iptables(&["-A INPUT ! -i docker+ -j ACCEPT", drop], Some(drop));
    check_iptables(&["-A INPUT -s 172.16.0.0/12 -d 172.17.0.1/32 -p tcp -j ACCEPT", drop], None);
    // What is said of one container is not said of all.
    check_iptables(&["-A INPUT -s 172.17.0.9/32 -j ACCEPT", drop], Some(drop));
    check_iptables(&["-A INPUT -s 172.17.0.9/32 -j DROP"], None);
    check_iptables(&["-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT", drop], Some(drop));
    check_iptables(&["-A INPUT -p tcp -m tcp --dport 1024:65535 -j ACCEPT", drop], None);
    check_iptables(
        &["-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", drop],
        Some(drop),
    );
    check_iptables(&["-A INPUT -m limit --limit 3/min -j DROP"], None);
    let reject = "-A INPUT -m comment --comment \"no guests -j ACCEPT\" -j REJECT --reject-with icmp-port-unreachable";
    check_iptables(&[reject], Some(reject));
}

#[test]
fn iptables_chains_are_entered_and_left() {
    let ufw = [
        "-P INPUT DROP",
        "-A INPUT -j ufw-before-input",
        "-A INPUT -j ufw-user-input",
        "-A ufw-before-input -i lo -j ACCEPT",
        "-A ufw-before-input -j ufw-not-local",
        "-A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN",
        "-A ufw-not-local -j DROP",
    ];
    check_iptables(&ufw, Some("-P INPUT DROP"));
    let allowed = [&ufw[..], &["-A ufw-user-input -i docker0 -j ACCEPT"]].concat();
    check_iptables(&allowed, None);
    check_iptables(&["-A INPUT -j loop", "-A loop -j loop"], None);
}

/// The rules of `nft list ruleset` that drop.
fn check_nftables(rules: &str, expected: &[(&str, &str)]) {
    let ruleset = format!(
        "table inet filter {{\n\tchain input {{\n\t\ttype filter hook input priority filter; policy {rules}\n\t}}\n\n\tchain guests {{\n\t\tip saddr 172.16.0.0/12 drop\n\t}}\n}}\n"
    );
    let actual = nftables::dropping(&ruleset, &way());
    let actual: Vec<_> =
        actual.iter().map(|(chain, rule)| (chain.as_str(), rule.as_str())).collect();
    assert_eq!(actual, expected, "{ruleset}");
}

#[test]
fn nftables_is_followed_to_the_rule_that_drops() {
    let chain = "inet filter input";
    check_nftables("accept;", &[]);
    check_nftables("drop;", &[(chain, "policy drop")]);
    check_nftables("drop;\n\t\tiifname \"docker0\" accept", &[]);
    check_nftables("drop;\n\t\tiifname { \"lo\", \"docker*\" } accept", &[]);
    check_nftables("drop;\n\t\tct state established,related accept", &[(chain, "policy drop")]);
    check_nftables(
        "accept;\n\t\tiifname != \"lo\" counter packets 1 bytes 2 drop",
        &[(chain, "iifname != \"lo\" counter packets 1 bytes 2 drop")],
    );
    check_nftables("accept;\n\t\tjump guests", &[(chain, "ip saddr 172.16.0.0/12 drop")]);
    check_nftables("accept;\n\t\ttcp dport 22 drop", &[]);
    check_nftables("drop;\n\t\tip saddr 172.17.0.9 accept", &[(chain, "policy drop")]);
    let logged =
        "iifname \"docker0\" counter packets 1 bytes 2 log prefix \"D: drop \" level info drop";
    check_nftables(&format!("accept;\n\t\t{logged}"), &[(chain, logged)]);
    check_nftables("drop;\n\t\tlog flags tcp options meta nfproto ipv4 accept", &[]);
}

#[test]
fn the_mend_is_in_the_words_of_who_keeps_the_rules() {
    let mends = |firewall: Firewall| firewall.mends(&way(), &firewall.culprits(&way())).join("\n");
    let rules = || Firewall { iptables: Some("-P INPUT DROP".to_owned()), ..Firewall::default() };
    let check = |firewall: Firewall, expected: &str| {
        let actual = mends(firewall);
        assert!(actual.starts_with(expected), "{actual}");
    };
    check(rules(), "`iptables -I INPUT -i docker0 -s 172.17.0.0/16 -p tcp -j ACCEPT`");
    check(
        Firewall { is_ufw_active: true, ..rules() },
        "`ufw allow in on docker0 from 172.17.0.0/16`",
    );
    let before = "-P INPUT DROP\n-A INPUT -i docker0 -j DROP\n-A INPUT -j ufw-user-input";
    check(
        Firewall { iptables: Some(before.to_owned()), is_ufw_active: true, ..Firewall::default() },
        "`iptables -I INPUT -i docker0 -s 172.17.0.0/16 -p tcp -j ACCEPT`",
    );
    check(
        Firewall { is_firewalld_running: true, ..rules() },
        "`firewall-cmd --permanent --zone=trusted --add-interface=docker0",
    );
    let nftables =
        "table ip guard {\nchain in {\ntype filter hook input priority 0; policy drop;\n}\n}";
    check(
        Firewall { nftables: Some(nftables.to_owned()), ..Firewall::default() },
        "`nft insert rule ip guard in iifname docker0 accept`",
    );
}
