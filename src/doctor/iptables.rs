//! Following a packet through what `iptables -S` prints.
//!
//! A rule with a match that is not understood here is passed over: it may let
//! a packet through or not, and nothing is said that is not known.

use super::firewall::Way;

/// How deep chains may call each other; the kernel refuses loops.
const DEPTH: usize = 16;

/// The ports that Linux gives to who asks for any.
const FREE_PORTS: (u32, u32) = (32768, 60999);

/// Matches that are understood, or say nothing by themselves.
const MODULES: [&str; 7] =
    ["tcp", "conntrack", "state", "comment", "addrtype", "multiport", "iprange"];

/// What becomes of a packet.
enum Verdict {
    Accepted,
    Dropped(String),
}

/// The rule, or the policy, that drops what goes this way; `None` where it gets in.
pub(super) fn dropping(rules: &str, way: &Way) -> Option<String> {
    match walk(rules, "INPUT", way, 0) {
        Some(Verdict::Accepted) => None,
        Some(Verdict::Dropped(rule)) => Some(rule),
        None => rules.lines().find(|line| line.trim() == "-P INPUT DROP").map(str::to_owned),
    }
}

fn walk(rules: &str, chain: &str, way: &Way, depth: usize) -> Option<Verdict> {
    let start = format!("-A {chain} ");
    for rule in rules.lines().filter_map(|line| line.trim().strip_prefix(&start)) {
        let Some(target) = target(&words(rule), way) else { continue };
        match target.as_str() {
            "ACCEPT" => return Some(Verdict::Accepted),
            "DROP" | "REJECT" => return Some(Verdict::Dropped(format!("{start}{rule}"))),
            "RETURN" => return None,
            other if depth < DEPTH => {
                if let Some(verdict) = walk(rules, other, way, depth + 1) {
                    return Some(verdict);
                }
            }
            _ => {}
        }
    }
    None
}

/// The target of a rule that matches.
fn target(words: &[String], way: &Way) -> Option<String> {
    let mut words = words.iter().map(String::as_str);
    let (mut target, mut negated) = (None, false);
    while let Some(option) = words.next() {
        if option == "!" {
            negated = true;
            continue;
        }
        let value = words.next()?;
        match option {
            "-j" | "-g" => target = Some(value.to_owned()),
            "--reject-with" | "--comment" => {}
            _ if matches(option, value, way)? == negated => return None,
            _ => {}
        }
        negated = false;
        // What follows the target belongs to it.
        if target.is_some() {
            break;
        }
    }
    target
}

/// Whether one option of a rule fits; `None` where that is not known.
fn matches(option: &str, value: &str, way: &Way) -> Option<bool> {
    match option {
        "-i" => Some(match value.strip_suffix('+') {
            Some(start) => way.interface.starts_with(start),
            None => way.interface == value,
        }),
        "-s" => Some(way.comes_from(value)),
        "-d" => Some(way.goes_to(value)),
        "-p" => Some(matches!(value, "tcp" | "all" | "6")),
        "-m" => MODULES.contains(&value).then_some(true),
        "--dport" | "--dports" => Some(value.split(',').any(covers_free_ports)),
        "--ctstate" | "--state" => Some(value.split(',').any(|state| state == "NEW")),
        "--dst-type" => Some(value.split(',').any(|kind| kind == "LOCAL")),
        "--src-type" => Some(value.split(',').any(|kind| kind == "UNICAST")),
        _ => None,
    }
}

fn covers_free_ports(range: &str) -> bool {
    let Some((first, last)) = range.split_once(':') else { return false };
    let bounds =
        (first.parse::<u32>().unwrap_or(0), last.parse::<u32>().unwrap_or(u32::from(u16::MAX)));
    bounds.0 <= FREE_PORTS.0 && bounds.1 >= FREE_PORTS.1
}

/// The words of a rule; quotes hold a word with spaces together.
fn words(rule: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for character in rule.chars() {
        match character {
            '"' => quoted = !quoted,
            ' ' if !quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            other => word.push(other),
        }
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words
}
