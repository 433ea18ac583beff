//! What the command line and the engine add to a Dockerfile.

use std::collections::BTreeMap;

use super::scope::Value;
use super::shell_words::PlatformName;
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
    /// The builder whose reading of ARG and ENV counts.
    pub dialect: Dialect,
}

/// Whose reading of ARG and ENV counts, where the builders differ.
///
/// Seen on Engine 20.10.24, which has both: to the classic builder an ENV wins
/// over every ARG of its name, an ARG again without a value has none, a stage
/// sees no ARG of the stage it is built from, and `TARGETARCH` and its kin do
/// not exist. To BuildKit the later line wins, a bare ARG changes nothing, and a
/// stage sees its parent's ARGs, with the parent's ENV over them.
///
/// Heredocs are read for all of them: which classic builder knows them hangs on
/// the engine (20.10 does not, 23.0 does), and one that does not refuses their
/// first line, which the run tells with its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// The classic builder's.
    Classic,
    /// BuildKit's.
    #[default]
    BuildKit,
    /// Not chosen yet: what they read differently is unknown.
    Either,
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

/// Whether an argument of this name is a proxy: how something is fetched, and not what.
pub fn is_proxy(name: &str) -> bool {
    PROXIES.contains(&name)
}

/// Whether builders know a build argument of this name without an `ARG`: a proxy, or an
/// option of BuildKit itself.
pub fn is_predefined(name: &str) -> bool {
    is_proxy(name) || name.starts_with("BUILDKIT_") || name == "SOURCE_DATE_EPOCH"
}

/// What the builder says of the platform that it builds on.
const BUILD_PLATFORM: [&str; 4] = ["BUILDPLATFORM", "BUILDOS", "BUILDARCH", "BUILDVARIANT"];

/// What it says of the platform that it builds for.
const TARGET_PLATFORM: [&str; 4] = ["TARGETPLATFORM", "TARGETOS", "TARGETARCH", "TARGETVARIANT"];

/// Whether the builder itself gives an `ARG` of this name its value: the platform's.
pub fn is_platform_argument(name: &str) -> bool {
    BUILD_PLATFORM.contains(&name) || TARGET_PLATFORM.contains(&name)
}

impl Inputs {
    /// The build argument that a RUN sees as a proxy, whether an ARG declares it or not.
    pub(super) fn proxy(&self, name: &str) -> Option<&str> {
        let given = PROXIES.contains(&name).then(|| self.build_args.get(name)).flatten();
        given.map(String::as_str)
    }

    /// What is built for, as the shell is told; `None` where it is not known.
    pub(super) fn platform_name(&self, by: PlatformName) -> Option<&'static str> {
        let platform = self.platform.as_ref()?;
        Some(match by {
            PlatformName::Kernel => platform.package_arch(),
            PlatformName::Debian => platform.architecture(),
        })
    }

    /// `TARGETPLATFORM` and its kin; what the builder itself runs on is not known here.
    pub(super) fn platform_arguments(&self) -> BTreeMap<String, Value> {
        let reason = "set by the builder";
        let mut names: BTreeMap<_, _> = BUILD_PLATFORM
            .iter()
            .map(|name| ((*name).to_owned(), Value::unknown(reason)))
            .collect();
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
