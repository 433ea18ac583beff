//! What could go wrong before a build, judged from facts. Pure: whoever gathers
//! the facts looks at the world, [`judge`] only at them.
//!
//! - [`Facts`] is what is known of the engine, this machine and the project;
//! - [`judge`] makes [`Finding`]s of it, each with a [`Code`] and a mend;
//! - [`summary`] says in a few lines what was looked at.
//!
//! docs/doctor.md is the table of the codes.

mod code;
mod engine;
mod facts;
mod finding;
mod firewall;
mod gateway;
mod iptables;
mod machine;
mod nftables;
mod project;
mod proxy;
mod summary;
#[cfg(test)]
mod tests;

pub use code::Code;
pub use facts::{
    Asked, Emulator, EngineSide, Facts, Gateway, Leftovers, Machine, Npu, ProjectSide, Reach,
    Unreachable, Unwritable,
};
pub use finding::{Finding, Level};
pub use firewall::Firewall;
pub use proxy::{Proxies, Proxy};
pub use summary::summary;

/// Everything that is wrong, or worth knowing: errors first, in the order in which a user should mend it.
pub fn judge(facts: &Facts) -> Vec<Finding> {
    let mut findings = engine::judge(facts);
    findings.extend(gateway::judge(facts));
    findings.extend(machine::judge(facts));
    findings.extend(proxy::judge(facts));
    findings.extend(project::judge(facts));
    findings.sort_by_key(|finding| finding.level);
    findings
}
