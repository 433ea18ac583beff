//! What the command line and the engine add to a Dockerfile.

use std::collections::BTreeMap;

use super::scope::Value;
use crate::project::Platform;

/// What the command line and the engine add to a Dockerfile.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// `--build-arg` values.
    pub build_args: BTreeMap<String, String>,
    /// The platform that is built for; gives `TARGETPLATFORM` and its kin their values.
    pub platform: Option<Platform>,
    /// The environment of base images, by the reference that FROM names, where it is known.
    pub base_environment: BTreeMap<String, BTreeMap<String, String>>,
    /// Whether a stage sees the ARGs of the stage it is built from. BuildKit
    /// does so; the classic builder of Engine 20.10 was seen not to.
    pub arguments_are_inherited: bool,
}

/// Build arguments that every RUN sees without an ARG.
const PROXIES: [&str; 10] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "FTP_PROXY",
    "ftp_proxy",
    "NO_PROXY",
    "no_proxy",
    "ALL_PROXY",
    "all_proxy",
];

impl Inputs {
    /// The build argument that a RUN sees as a proxy, whether an ARG declares it or not.
    pub(super) fn proxy(&self, name: &str) -> Option<&str> {
        let given = PROXIES.contains(&name).then(|| self.build_args.get(name)).flatten();
        given.map(String::as_str)
    }

    /// `TARGETPLATFORM` and its kin; what the builder itself runs on is not known here.
    pub(super) fn platform_arguments(&self) -> BTreeMap<String, Value> {
        let reason = "set by the builder";
        let build = ["BUILDPLATFORM", "BUILDOS", "BUILDARCH", "BUILDVARIANT"];
        let mut names: BTreeMap<_, _> =
            build.iter().map(|name| ((*name).to_owned(), Value::unknown(reason))).collect();
        let architecture = self.platform.as_ref().map(Platform::architecture);
        let mut target = |name: &str, value: Option<String>| {
            let value = value.map_or_else(|| Value::unknown(reason), Value::Known);
            names.insert(name.to_owned(), value);
        };
        target("TARGETPLATFORM", architecture.map(|name| format!("linux/{name}")));
        target("TARGETARCH", architecture.map(str::to_owned));
        target("TARGETOS", Some("linux".to_owned()));
        target("TARGETVARIANT", Some(String::new()));
        names
    }
}
