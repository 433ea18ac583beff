//! This machine's own addresses, as the kernel lists them.
//!
//! `/proc/net/fib_trie` and `/proc/net/if_inet6` can be read where a service may open no netlink
//! socket. Whether an address can be bound would not tell: with `net.ipv4.ip_nonlocal_bind=1`,
//! which keepalived wants, every one can.

use std::net::{IpAddr, Ipv6Addr};

/// The addresses of every interface.
pub fn own_addresses() -> Vec<IpAddr> {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let (trie, list) = (read("/proc/net/fib_trie"), read("/proc/net/if_inet6"));
    let mut addresses: Vec<_> = in_trie(&trie).chain(in_list(&list)).collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

/// Whether this machine has the address. The engine's masquerading gives this machine's own
/// requests to the bridge another of its addresses, so any of them will do.
pub(super) fn is_own(client: IpAddr) -> bool {
    let client = client.to_canonical();
    client.is_loopback() || own_addresses().contains(&client)
}

/// `|-- ADDRESS`, and `/32 host LOCAL` below it.
fn in_trie(trie: &str) -> impl Iterator<Item = IpAddr> {
    let mut above = "";
    trie.lines().map(str::trim).filter_map(move |line| {
        let address = above.strip_prefix("|-- ").filter(|_| line == "/32 host LOCAL");
        above = line;
        address?.parse().ok()
    })
}

/// 32 hexadecimal digits at the beginning of each line.
fn in_list(list: &str) -> impl Iterator<Item = IpAddr> {
    let digits = list.lines().filter_map(|line| line.split_whitespace().next());
    let bits = digits.filter_map(|digits| u128::from_str_radix(digits, 16).ok());
    bits.map(|bits| Ipv6Addr::from_bits(bits).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRIE: &str = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 10.0.0.0\n        /8 universe UNICAST\n\
        \x20    |-- 10.0.0.5\n        /32 host LOCAL\n     |-- 10.0.0.255\n        /32 link BROADCAST\n\
        \x20    |-- 127.0.0.0\n        /8 host LOCAL\n";
    const LIST: &str = "fe80000000000000004200fffe110005 03 40 20 80  docker0\n\
        00000000000000000000000000000001 01 80 10 80       lo\n";

    fn check(found: impl Iterator<Item = IpAddr>, expected: &[&str]) {
        let found: Vec<_> = found.map(|address| address.to_string()).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_kernel_tells_this_machines_addresses() {
        check(in_trie(TRIE), &["10.0.0.5"]);
        check(in_list(LIST), &["fe80::42:ff:fe11:5", "::1"]);
        assert!(is_own("127.0.0.1".parse().unwrap()));
        assert!(!is_own("198.51.100.7".parse().unwrap()));
    }
}
