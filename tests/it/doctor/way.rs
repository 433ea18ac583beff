//! The way from a container to this machine, blocked and missing.

use std::path::PathBuf;

use rustix::process::{Pid, Signal, kill_process};

use super::{LARGE, check, doctor, doctor_in, mend};
use crate::support::{Docker, Fixture, SecondEngine};

/// Runs a command in the engine's network.
#[track_caller]
pub(super) fn beside(engine: &Docker, command: &str) {
    let status = engine.beside("sh").args(["-c", command]).status();
    assert!(status.expect("sh runs").success(), "{command}");
}

/// A rule that drops is found by its own words, and what doctor says lets the packets through.
fn check_rule(engine: &Docker, fixture: &Fixture, rule: &str, named: &str) {
    beside(engine, &format!("iptables {rule}"));
    let found = check(doctor(fixture, &[]), &["error gateway-blocked"]);
    assert!(found[0]["notes"].to_string().contains(named), "{}", found[0]);
    beside(engine, &mend(&found));
    check(doctor(fixture, &[]), &[]);
    beside(engine, "iptables -P INPUT ACCEPT; iptables -F INPUT");
}

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn packets_that_a_rule_drops() {
    let engine = SecondEngine::with(LARGE, "");
    let docker = engine.docker();
    let fixture = Fixture::on(engine.docker());
    let drop = "-A INPUT -i docker0 -j DROP";
    check_rule(&docker, &fixture, drop, drop);
    check_rule(&docker, &fixture, "-P INPUT DROP", "-P INPUT DROP");
    let reject = "-A INPUT -s 172.16.0.0/12 -p tcp -j REJECT";
    check_rule(&docker, &fixture, reject, "-A INPUT -s 172.16.0.0/12 -p tcp -j REJECT");
}

#[test]
#[ignore = "needs a Docker Engine, nft and root; scripts/test runs it"]
fn packets_that_a_table_of_nftables_drops() {
    let engine = SecondEngine::with(LARGE, "");
    let docker = engine.docker();
    let fixture = Fixture::on(engine.docker());
    beside(&docker, "nft add table inet guard");
    let chain = "'{ type filter hook input priority 0; policy accept; }'";
    beside(&docker, &format!("nft add chain inet guard input {chain}"));
    beside(&docker, "nft add rule inet guard input iifname != lo counter drop");
    let found = check(doctor(&fixture, &[]), &["error gateway-blocked"]);
    assert!(found[0]["notes"].to_string().contains("`inet guard input`"), "{}", found[0]);
    beside(&docker, &mend(&found));
    check(doctor(&fixture, &[]), &[]);
}

/// ufw keeps its settings in /etc, which are this test's own here.
#[test]
#[ignore = "needs a Docker Engine, ufw and root; scripts/test runs it"]
fn packets_that_ufw_drops() {
    let engine = SecondEngine::with(LARGE, "");
    let fixture = Fixture::on(engine.docker());
    let settings = "mount -t tmpfs none /mnt; cp -a /etc/ufw /mnt; mount --bind /mnt/ufw /etc/ufw";
    let network = engine.docker();
    let network = network.beside("ufw");
    let words = network.get_args().map(|word| word.to_string_lossy().into_owned());
    let ufw = format!("nsenter {}", words.collect::<Vec<_>>().join(" "));
    let enable = format!("{settings}; {ufw} --force enable >&2");
    let found = check(doctor_in(&fixture, &enable, &[]), &["error gateway-blocked"]);
    assert!(mend(&found).starts_with("ufw allow in on docker0"), "{}", found[0]);
    let mended = mend(&found).replacen("ufw", &ufw, 1);
    check(doctor_in(&fixture, &format!("{enable}; {mended} >&2"), &[]), &[]);
}

/// The buses that a test has started, by the file of their ids: a bus changes to another user, and so
/// would outlive the program that it was started for.
struct Buses(PathBuf);

impl Drop for Buses {
    fn drop(&mut self) {
        let ids = std::fs::read_to_string(&self.0).unwrap_or_default();
        let ids = ids.lines().filter_map(|id| Pid::from_raw(id.trim().parse().ok()?));
        ids.for_each(|id| _ = kill_process(id, Signal::TERM));
    }
}

/// firewalld was installed after the engine, so the bridge is in no zone of its own. Its settings, its
/// bus and its processes are this test's, and end with doctor.
#[test]
#[ignore = "needs a Docker Engine, firewalld and root; scripts/test runs it"]
fn packets_that_firewalld_drops() {
    let engine = SecondEngine::with(LARGE, "");
    let fixture = Fixture::on(engine.docker());
    let network = engine.docker();
    let network = network.beside("setpriv");
    let words = network.get_args().map(|word| word.to_string_lossy().into_owned());
    let beside = format!("nsenter {} --pdeathsig KILL", words.collect::<Vec<_>>().join(" "));
    let buses = Buses(fixture.path("buses"));
    let ids = buses.0.display();
    let start = format!(
        "mount -t tmpfs none /mnt; cp -a /etc/firewalld /mnt; mount --bind /mnt/firewalld /etc/firewalld; \
         mkdir -p /run/dbus /run/firewalld; mount -t tmpfs none /run/dbus; mount -t tmpfs none /run/firewalld; \
         {beside} dbus-daemon --system --nofork --nopidfile --print-pid=3 3>>{ids} >/dev/null 2>&1 & \
         {beside} sh -c 'until [ -S /run/dbus/system_bus_socket ]; do sleep 0.1; done; exec firewalld --nofork --nopid --log-file /mnt/log' >/dev/null 2>&1 & \
         timeout 60 sh -c 'until firewall-cmd --state; do sleep 0.2; done' >&2"
    );
    let found = check(doctor_in(&fixture, &start, &[]), &["error gateway-blocked"]);
    let notes = found[0]["notes"].to_string();
    assert!(notes.contains("`inet firewalld filter_INPUT`"), "{}", found[0]);
    assert!(notes.contains("reject with icmpx admin-prohibited"), "{}", found[0]);
    assert!(mend(&found).starts_with("firewall-cmd --permanent --zone=trusted"), "{}", found[0]);
    let mended = format!("{start}; ({}) >&2", mend(&found));
    check(doctor_in(&fixture, &mended, &[]), &[]);
}

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn nobody_can_try_without_an_image() {
    let engine = SecondEngine::with(LARGE, "");
    let fixture = Fixture::on(engine.docker());
    fixture.docker().run(&["rmi", &fixture.base()]);
    check(doctor(&fixture, &[]), &["note gateway-untried"]);
    beside(&engine.docker(), "iptables -P INPUT DROP");
    check(doctor(&fixture, &[]), &["warning gateway-untried"]);
}

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn a_bridge_that_is_not_there() {
    let engine = SecondEngine::with(LARGE, "");
    let fixture = Fixture::on(engine.docker());
    beside(&engine.docker(), "ip link delete docker0");
    check(doctor(&fixture, &[]), &["error gateway-missing"]);
}

#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn an_engine_without_a_bridge() {
    let engine = SecondEngine::with(LARGE, "--bridge=none");
    check(doctor(&Fixture::on(engine.docker()), &[]), &["error no-gateway"]);
}

/// An engine behind a tunnel: the engine of another network namespace stands for one of another machine.
#[test]
#[ignore = "needs a Docker Engine and root; scripts/test runs it"]
fn an_engine_on_another_machine() {
    let engine = SecondEngine::with(LARGE, "--bip=10.87.0.1/24 --host tcp://127.0.0.1:12375");
    let fixture = Fixture::on(engine.docker());
    let host = [("DOCKER_HOST", "tcp://127.0.0.1:12375")];
    beside(&engine.docker(), "ip address delete 10.87.0.1/24 dev docker0");
    check(doctor(&fixture, &host), &["error remote-engine"]);
}
