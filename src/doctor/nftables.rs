//! Following a packet through what `nft list ruleset` prints: every chain of the
//! hook `input` must let it in. A rule with a word that is not understood here
//! is passed over.

use super::firewall::Way;

/// The rules that drop what goes this way, each with its chain (`family table chain`).
pub(super) fn dropping(ruleset: &str, way: &Way) -> Vec<(String, String)> {
    let chains = chains(ruleset);
    let base = chains.iter().filter(|chain| chain.is_input);
    base.filter_map(|chain| Some((chain.name.clone(), drop_in(&chains, chain, way, 0).1?)))
        .collect()
}

#[derive(Default)]
struct Chain {
    name: String,
    is_input: bool,
    drops_by_policy: bool,
    rules: Vec<String>,
}

fn chains(ruleset: &str) -> Vec<Chain> {
    let (mut chains, mut table, mut open): (Vec<Chain>, String, Option<Chain>) = Default::default();
    for line in ruleset.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("table ") {
            name.trim_end_matches('{').trim().clone_into(&mut table);
        } else if let Some(name) = line.strip_prefix("chain ") {
            let name = format!("{table} {}", name.trim_end_matches('{').trim());
            open = Some(Chain { name, ..Chain::default() });
        } else if line == "}" {
            chains.extend(open.take());
        } else if let Some(chain) = &mut open {
            if line.starts_with("type ") {
                chain.is_input = line.contains(" hook input ");
                chain.drops_by_policy = line.contains("policy drop");
            } else {
                chain.rules.push(line.to_owned());
            }
        }
    }
    chains
}

/// Whether the chain decides, and the rule that drops where it does.
fn drop_in(chains: &[Chain], chain: &Chain, way: &Way, depth: usize) -> (bool, Option<String>) {
    for rule in &chain.rules {
        let Some((verdict, to)) = verdict(rule, way) else { continue };
        match verdict {
            "accept" => return (true, None),
            "drop" | "reject" => return (true, Some(rule.clone())),
            "return" => break,
            _ => {
                let name = chain.name.rsplit_once(' ').map(|(table, _)| format!("{table} {to}"));
                let called = chains.iter().find(|chain| Some(&chain.name) == name.as_ref());
                if let Some(called) = called.filter(|_| depth < 16) {
                    let answer = drop_in(chains, called, way, depth + 1);
                    if answer.0 {
                        return answer;
                    }
                }
            }
        }
    }
    (chain.drops_by_policy, chain.drops_by_policy.then(|| "policy drop".to_owned()))
}

/// The verdict of a rule that matches, and the chain that it calls.
fn verdict<'a>(rule: &'a str, way: &Way) -> Option<(&'a str, &'a str)> {
    let mut rest = rule;
    loop {
        let (word, after) = next(rest)?;
        rest = match word {
            "accept" | "drop" | "reject" | "return" => return Some((word, "")),
            "jump" | "goto" => return Some((word, next(after)?.0)),
            "iifname" | "iif" => matched(after, |name| glob(name, &way.interface))?,
            "ip" => {
                let (field, after) = next(after)?;
                match field {
                    "saddr" => matched(after, |network| way.comes_from(network))?,
                    "daddr" => matched(after, |network| way.goes_to(network))?,
                    "protocol" => matched(after, |protocol| protocol == "tcp")?,
                    _ => return None,
                }
            }
            "meta" => {
                let (field, after) = next(after)?;
                match field {
                    "l4proto" => matched(after, |protocol| protocol == "tcp")?,
                    "nfproto" => matched(after, |family| family == "ipv4")?,
                    _ => return None,
                }
            }
            "log" => logged(after)?,
            "ct" => matched(after.trim_start().strip_prefix("state ")?, |state| state == "new")?,
            "counter" => next(next(next(next(after)?.1)?.1)?.1)?.1,
            _ => return None,
        };
    }
}

/// What follows the options of `log`, which decides nothing.
fn logged(mut rest: &str) -> Option<&str> {
    while let Some((option, after)) = next(rest) {
        rest = match option {
            "prefix" => after.trim_start().strip_prefix('"')?.split_once('"')?.1,
            "level" | "group" | "snaplen" | "queue-threshold" => next(after)?.1,
            "flags" => match next(after)? {
                ("tcp" | "ip", after) => next(after)?.1,
                (_, after) => after,
            },
            _ => break,
        };
    }
    Some(rest)
}

fn next(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let end = text.find(' ').unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// What follows a value, `!= value`, `a,b` or `{ a, b }` that fits.
fn matched(text: &str, fits: impl Fn(&str) -> bool) -> Option<&str> {
    let text = text.trim_start();
    let (wanted, text) = match text.strip_prefix("!= ") {
        Some(text) => (false, text.trim_start()),
        None => (true, text),
    };
    let (values, rest) = match text.strip_prefix('{') {
        Some(set) => set.split_once('}')?,
        None => next(text)?,
    };
    let any = values.split(',').any(|value| fits(value.trim().trim_matches('"')));
    (any == wanted).then_some(rest)
}

fn glob(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |start| name.starts_with(start))
}
