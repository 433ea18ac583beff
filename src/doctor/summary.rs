//! What was looked at, in a few lines.

use super::{EngineSide, Facts, Gateway, Machine, Reach};
use crate::engine::{Builder, Product};

const GIB: f64 = (1_u64 << 30) as f64;

/// Names and values, in the order in which they are shown.
pub fn summary(facts: &Facts) -> Vec<(&'static str, String)> {
    let mut lines = match &facts.engine {
        Ok(side) => of_engine(side),
        Err(_) => vec![("engine", "not reached".to_owned())],
    };
    let of_group = facts.reached().and_then(|side| side.examination.memory);
    lines.extend(of_machine(&facts.machine, of_group));
    lines
}

fn of_engine(side: &EngineSide) -> Vec<(&'static str, String)> {
    let examination = &side.examination;
    let facts = &examination.facts;
    let product = match facts.product {
        Product::Docker => "Docker Engine",
        Product::Podman => "podman",
    };
    let builders: Vec<_> = facts.builders.iter().map(|builder| builder_name(*builder)).collect();
    let platform =
        facts.platform.as_ref().map_or_else(|| "unknown".to_owned(), ToString::to_string);
    let mut lines = vec![
        (
            "engine",
            format!(
                "{product} {}, API {}, {platform}, at {}",
                facts.version, facts.api_version, examination.endpoint
            ),
        ),
        ("builders", builders.join(", ")),
        (
            "storage",
            format!("{} in {}{}", examination.storage_driver, facts.data_folder, room(side)),
        ),
        ("gateway", gateway(&side.gateway)),
    ];
    lines.retain(|(_, value)| !value.is_empty());
    lines
}

fn builder_name(builder: Builder) -> &'static str {
    match builder {
        Builder::Classic => "classic",
        Builder::BuildKit => "BuildKit",
    }
}

fn room(side: &EngineSide) -> String {
    side.examination.disk.map_or_else(String::new, |disk| {
        format!(", {:.1} of {:.1} GiB free", disk.free as f64 / GIB, disk.size as f64 / GIB)
    })
}

fn gateway(gateway: &Gateway) -> String {
    match gateway {
        Gateway::None(_) => "none".to_owned(),
        Gateway::Known { access, is_here: false, .. } => {
            format!("{}, not this machine's", access.name)
        }
        Gateway::Known { access, reach, .. } => {
            let reach = match reach {
                Reach::Reached => "reached from a container",
                Reach::Blocked(_) => "not reached from a container",
                Reach::Untried(_) => "not tried",
            };
            format!("{}, {reach}", access.name)
        }
    }
}

/// Of memory, `of_group` is what the engine's control group leaves it, in bytes.
fn of_machine(machine: &Machine, of_group: Option<u64>) -> Vec<(&'static str, String)> {
    let memory = machine.memory.into_iter().chain(of_group).min();
    let memory =
        memory.map(|memory| ("memory", format!("{:.1} GiB available", memory as f64 / GIB)));
    let npu = &machine.npu;
    let driver = npu.driver.as_ref().map(|driver| format!("driver {driver}"));
    let count = npu.count.or(Some(npu.devices).filter(|devices| *devices > 0));
    let parts: Vec<_> = count.map(|count| count.to_string()).into_iter().chain(driver).collect();
    let npu = if parts.is_empty() {
        "none, and none is needed to build".to_owned()
    } else {
        parts.join(", ")
    };
    memory.into_iter().chain([("NPUs", npu)]).collect()
}
