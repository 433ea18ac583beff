//! Which engine: the one that `docker` itself would use.
//!
//! 1. `DOCKER_HOST`, else
//! 2. the context that `DOCKER_CONTEXT` names, else
//! 3. the context that the Docker configuration file names, else
//! 4. the local socket.

use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::error::{Exit, Problem, Result};

const LOCAL_SOCKET: &str = "unix:///var/run/docker.sock";

/// An engine's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// Such as `unix:///var/run/docker.sock`.
    pub(super) address: String,
    /// What named it, where something did.
    named_by: Option<String>,
}

impl Endpoint {
    /// The engine's address by the environment and the Docker configuration file.
    ///
    /// # Errors
    /// [`Exit::Engine`]: a context is named that is not known.
    pub(super) fn of_environment() -> Result<Self> {
        if let Some(address) = variable("DOCKER_HOST") {
            return Ok(Self { address, named_by: Some("`DOCKER_HOST`".to_owned()) });
        }
        let folder =
            variable("DOCKER_CONFIG").map_or_else(|| home().join(".docker"), PathBuf::from);
        let config = folder.join("config.json");
        let configured = || {
            let context = current_context(&std::fs::read_to_string(&config).ok()?)?;
            Some((context, format!("`{}`", config.display())))
        };
        let chosen = variable("DOCKER_CONTEXT")
            .map(|context| (context, "`DOCKER_CONTEXT`".to_owned()))
            .or_else(configured)
            .filter(|(context, _)| context != "default");
        chosen.map_or_else(
            || Ok(Self { address: LOCAL_SOCKET.to_owned(), named_by: None }),
            |(context, by)| Self::of_context(&folder, &context, &by),
        )
    }

    /// Docker keeps a context's endpoint under the SHA-256 of its name.
    fn of_context(folder: &Path, context: &str, by: &str) -> Result<Self> {
        let file = folder
            .join("contexts/meta")
            .join(hex::encode(Sha256::digest(context.as_bytes())))
            .join("meta.json");
        let read = || -> Option<String> {
            let meta: Value = serde_json::from_str(&std::fs::read_to_string(&file).ok()?).ok()?;
            meta.pointer("/Endpoints/docker/Host")?.as_str().map(str::to_owned)
        };
        let named_by = Some(format!("the context `{context}` of {by}"));
        read().map(|address| Self { address, named_by }).ok_or_else(|| {
            Problem::error(format!("the Docker context `{context}` is not known"))
                .code("engine-context")
                .note(format!("named by {by}; looked for `{}`", file.display()))
                .hint("`docker context ls` lists the contexts, `docker context use default` goes back to the local engine")
                .exit(Exit::Engine)
        })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.address)?;
        self.named_by.iter().try_for_each(|by| write!(f, ", named by {by}"))
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn home() -> PathBuf {
    std::env::home_dir().unwrap_or_else(|| PathBuf::from("/"))
}

fn current_context(config: &str) -> Option<String> {
    let config: Value = serde_json::from_str(config).ok()?;
    config.get("currentContext")?.as_str().map(str::to_owned)
}
