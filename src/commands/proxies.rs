//! The predefined proxy arguments of a build: the user's own, and the bridge's gateway in `no_proxy`.
//!
//! The user's proxies are the environment's, else those of the Docker
//! configuration file (`proxies.default`), which `docker build` passes on too.

use indexmap::IndexMap;
use serde_json::Value;

use crate::plan::Plan;

/// Names that every engine passes to `RUN` without an `ARG`, and where the configuration file has them.
const PROXIES: [(&str, &str); 4] = [
    ("http_proxy", "httpProxy"),
    ("https_proxy", "httpsProxy"),
    ("ftp_proxy", "ftpProxy"),
    ("no_proxy", "noProxy"),
];

/// The proxy arguments: those given with `--build-arg` before the environment's.
pub(super) fn of_user(plan: &Plan, gateway: &str) -> IndexMap<String, String> {
    let folder = std::env::var_os("DOCKER_CONFIG")
        .map(Into::into)
        .or_else(|| Some(std::env::home_dir()?.join(".docker")));
    let config = folder.and_then(|folder: std::path::PathBuf| {
        std::fs::read_to_string(folder.join("config.json")).ok()
    });
    let given =
        |name: &str| plan.stages.iter().find_map(|stage| stage.build_args.get(name)).cloned();
    arguments(|name| given(name).or_else(|| std::env::var(name).ok()), config.as_deref(), gateway)
}

/// The proxy arguments, in lower and upper case with the same value, because BuildKit knows no difference.
fn arguments(
    environment: impl Fn(&str) -> Option<String>,
    docker_config: Option<&str>,
    gateway: &str,
) -> IndexMap<String, String> {
    let config: Option<Value> = docker_config.and_then(|text| serde_json::from_str(text).ok());
    let mut arguments = IndexMap::new();
    for (name, key) in PROXIES {
        let upper = name.to_uppercase();
        let configured = || {
            config
                .as_ref()?
                .pointer(&format!("/proxies/default/{key}"))?
                .as_str()
                .map(str::to_owned)
        };
        let value = environment(name)
            .or_else(|| environment(&upper))
            .or_else(configured)
            .filter(|value| !value.is_empty());
        let value =
            if name == "no_proxy" { Some(with_gateway(value.as_deref(), gateway)) } else { value };
        if let Some(value) = value {
            arguments.insert(name.to_owned(), value.clone());
            arguments.insert(upper, value);
        }
    }
    arguments
}

fn with_gateway(no_proxy: Option<&str>, gateway: &str) -> String {
    match no_proxy {
        None => gateway.to_owned(),
        Some(list) if list.split(',').any(|entry| entry.trim() == gateway) => list.to_owned(),
        Some(list) => format!("{list},{gateway}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(environment: &[(&str, &str)], config: Option<&str>, expected: &[(&str, &str)]) {
        let lookup = |name: &str| {
            environment
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        };
        let actual = arguments(lookup, config, "172.17.0.1");
        let lower: Vec<_> = actual
            .iter()
            .filter(|(name, _)| name.starts_with(char::is_lowercase))
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(lower, expected);
        assert_eq!(actual.len(), 2 * lower.len());
    }

    #[test]
    fn the_gateway_is_never_reached_through_a_proxy() {
        check(&[], None, &[("no_proxy", "172.17.0.1")]);
        check(&[("NO_PROXY", "localhost")], None, &[("no_proxy", "localhost,172.17.0.1")]);
        check(&[("no_proxy", "a, 172.17.0.1")], None, &[("no_proxy", "a, 172.17.0.1")]);
    }

    #[test]
    fn the_users_proxies_are_passed_on() {
        check(
            &[("HTTPS_PROXY", "http://p:1")],
            None,
            &[("https_proxy", "http://p:1"), ("no_proxy", "172.17.0.1")],
        );
        let config = r#"{"proxies":{"default":{"httpProxy":"http://c:2","noProxy":"corp"}}}"#;
        check(
            &[("http_proxy", "http://e:3")],
            Some(config),
            &[("http_proxy", "http://e:3"), ("no_proxy", "corp,172.17.0.1")],
        );
        check(&[], Some(config), &[("http_proxy", "http://c:2"), ("no_proxy", "corp,172.17.0.1")]);
    }
}
