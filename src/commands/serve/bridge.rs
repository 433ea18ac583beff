//! The bridges of container engines, as the kernel's routes tell them: who may
//! not ask the engine still knows which addresses only containers reach.

use std::net::{IpAddr, Ipv4Addr};

/// The default bridges of Docker and podman.
const BRIDGES: [&str; 3] = ["docker0", "podman0", "cni-podman0"];

/// The network (its address and the length of its prefix) of the engine's bridge that `address` is in.
pub(super) fn network_of(address: IpAddr) -> Option<(Ipv4Addr, u8)> {
    let routes = std::fs::read_to_string("/proc/net/route").ok()?;
    network_in(&routes, address)
}

/// `/proc/net/route`: interface, destination, gateway, flags, references, uses, metric, mask, …;
/// addresses are hexadecimal digits in this machine's byte order.
fn network_in(routes: &str, address: IpAddr) -> Option<(Ipv4Addr, u8)> {
    let IpAddr::V4(address) = address.to_canonical() else { return None };
    routes.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |index: usize| u32::from_str_radix(words.get(index)?, 16).ok();
        let (destination, mask) = (number(1)?.to_be(), number(7)?.to_be());
        let is_bridge = BRIDGES.contains(words.first()?);
        let holds = is_bridge && mask != 0 && address.to_bits() & mask == destination;
        holds.then(|| (Ipv4Addr::from_bits(destination), mask.count_ones() as u8))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTES: &str = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n\
        eth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
        eth0\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n\
        docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n";

    fn check(address: &str, expected: Option<(&str, u8)>) {
        let expected = expected.map(|(network, prefix)| (network.parse().unwrap(), prefix));
        // The text is that of a little-endian machine, as all that build for Ascend are.
        assert_eq!(network_in(ROUTES, address.parse().unwrap()), expected, "{address}");
    }

    #[test]
    fn an_address_on_a_bridge_has_its_network() {
        check("172.17.0.1", Some(("172.17.0.0", 16)));
        check("::ffff:172.17.0.1", Some(("172.17.0.0", 16)));
        check("172.18.0.1", None);
        check("10.0.0.5", None);
        check("0.0.0.0", None);
        check("::1", None);
    }
}
