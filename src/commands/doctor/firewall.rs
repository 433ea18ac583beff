//! Reading the firewall's rules with its own tools, as far as they are here and may be asked.

use std::time::Duration;

use tokio::process::Command;

use crate::doctor::Firewall;

/// How long a tool may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// The rules of this machine.
pub(super) async fn read() -> Firewall {
    let (iptables, nftables, ufw, firewalld) = tokio::join!(
        output("iptables", &["-S"]),
        output("nft", &["list", "ruleset"]),
        output("ufw", &["status"]),
        output("firewall-cmd", &["--state"]),
    );
    Firewall {
        iptables,
        nftables,
        is_ufw_active: ufw.is_some_and(|text| text.contains("Status: active")),
        is_firewalld_running: firewalld.is_some_and(|text| text.trim() == "running"),
    }
}

/// What a program prints; `None` where it is not here, fails or takes too long.
pub(super) async fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true);
    let answer = tokio::time::timeout(PATIENCE, command.output()).await.ok()?.ok()?;
    answer.status.success().then(|| String::from_utf8_lossy(&answer.stdout).into_owned())
}
