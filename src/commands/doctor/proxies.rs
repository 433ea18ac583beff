//! Reading the proxies that containers are given: the environment's, else those of the Docker configuration file.

use serde_json::Value;

use crate::doctor::{Proxies, Proxy};

/// Their names in the environment and in the configuration file.
const NAMES: [(&str, &str); 4] = [
    ("http_proxy", "httpProxy"),
    ("https_proxy", "httpsProxy"),
    ("ftp_proxy", "ftpProxy"),
    ("all_proxy", "allProxy"),
];

/// The proxies of this user.
pub(super) fn proxies() -> Proxies {
    let folder = std::env::var_os("DOCKER_CONFIG")
        .map(std::path::PathBuf::from)
        .or_else(|| Some(std::env::home_dir()?.join(".docker")));
    let file = folder.map(|folder| folder.join("config.json"));
    let text = file.as_ref().and_then(|file| std::fs::read_to_string(file).ok());
    let place = file.map(|file| file.display().to_string()).unwrap_or_default();
    read(|name| std::env::var(name).ok(), text.as_deref(), &place)
}

fn read(
    environment: impl Fn(&str) -> Option<String>,
    config: Option<&str>,
    place: &str,
) -> Proxies {
    let config: Option<Value> = config.and_then(|text| serde_json::from_str(text).ok());
    let exported = |name: &str| {
        let upper = name.to_uppercase();
        [name, upper.as_str()].into_iter().find_map(|name| {
            let value = environment(name).filter(|value| !value.is_empty())?;
            Some((value, format!("`{name}` of the environment")))
        })
    };
    let configured = |key: &str| {
        let value = config.as_ref()?.pointer(&format!("/proxies/default/{key}"))?.as_str()?;
        let value = Some(value).filter(|value| !value.is_empty())?;
        Some((value.to_owned(), format!("`proxies.default.{key}` in `{place}`")))
    };
    let proxy = |(name, key): (&str, &str)| {
        let own = exported(name);
        let is_configured = own.is_none();
        let (address, place) = own.or_else(|| configured(key))?;
        let exceptions = if is_configured { configured("noProxy") } else { exported("no_proxy") };
        Some(Proxy { name: name.to_owned(), address, place, exceptions, is_configured })
    };
    Proxies { set: NAMES.into_iter().filter_map(proxy).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(environment: &[(&str, &str)], config: Option<&str>, expected: &[&str]) {
        let lookup = |name: &str| {
            let found = environment.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let proxies = read(lookup, config, "config.json");
        let lines = proxies.set.into_iter().flat_map(|proxy| {
            let except = proxy.exceptions.map(|(list, place)| format!("no_proxy {list} {place}"));
            let line = format!("{} {} {}", proxy.name, proxy.address, proxy.place);
            std::iter::once(line).chain(except)
        });
        assert_eq!(lines.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_environment_comes_before_the_file_and_each_has_its_own_exceptions() {
        let config = r#"{"proxies":{"default":{"httpProxy":"http://c:2","noProxy":"corp"}}}"#;
        check(&[], None, &[]);
        check(
            &[("HTTP_PROXY", "http://e:1")],
            Some(config),
            &["http_proxy http://e:1 `HTTP_PROXY` of the environment"],
        );
        check(
            &[("no_proxy", "a,b"), ("http_proxy", "")],
            Some(config),
            &[
                "http_proxy http://c:2 `proxies.default.httpProxy` in `config.json`",
                "no_proxy corp `proxies.default.noProxy` in `config.json`",
            ],
        );
        check(
            &[("no_proxy", "a,b"), ("http_proxy", "http://e:1")],
            Some(config),
            &[
                "http_proxy http://e:1 `http_proxy` of the environment",
                "no_proxy a,b `no_proxy` of the environment",
            ],
        );
    }
}
