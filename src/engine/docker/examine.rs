//! Examining an engine: what it says of itself, its disk, its images.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use bollard::errors::Error as DockerError;
use bollard::models::ContainerSummaryStateEnum as State;
use bollard::models::{ContainerSummary, ImageSummary, SystemInfo};
use bollard::query_parameters::{InspectNetworkOptions, ListContainersOptions, ListImagesOptions};
use rustix::fs::statvfs;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::sweep::CHECK_OF;
use super::{DockerEngine, check, connect, elsewhere, failure, images, process};
use crate::engine::{
    CheckOutcome, CheckRequest, Disk, Elsewhere, Examination, HostAccess, ListedContainer,
    ListedImage, Product,
};
use crate::error::Result;

/// The option that names a network's interface.
const BRIDGE_NAME: &str = "com.docker.network.bridge.name";

/// The label of images that a project's builds made.
const PROJECT: &str = "ascend-build.project";

impl DockerEngine {
    /// Asks everything that a diagnosis needs, and nothing that takes long.
    ///
    /// # Errors
    /// [`crate::error::Exit::Engine`]: the engine does not answer.
    pub async fn examine(&self) -> Result<Examination> {
        let info =
            self.docker.info().await.map_err(|error| self.failed("telling of itself", &error))?;
        Ok(Examination {
            endpoint: self.endpoint.clone(),
            facts: self.facts.clone(),
            disk: disk(&self.endpoint, &self.facts.data_folder, &info),
            rootless: self.rootless,
            memory: process::behind(&self.endpoint).and_then(process::memory_left),
            time: info
                .system_time
                .as_deref()
                .and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok()),
            storage_driver: info.driver.unwrap_or_default(),
            operating_system: self.system.clone(),
            bridge: self.bridge_interface().await,
        })
    }

    /// Where its containers reach the machine of its bridge, wherever that is: [`Self::elsewhere`].
    ///
    /// # Errors
    /// [`crate::error::Exit::Engine`]: it has no bridge, or does not answer.
    pub async fn gateway(&self) -> Result<HostAccess> {
        connect::access(self).await
    }

    /// Where it is, if its bridge is out of this program's reach.
    pub fn elsewhere(&self) -> Option<Elsewhere> {
        elsewhere::elsewhere(self)
    }

    async fn bridge_interface(&self) -> Option<String> {
        if self.facts.product == Product::Podman {
            return None;
        }
        let network =
            self.docker.inspect_network("bridge", None::<InspectNetworkOptions>).await.ok()?;
        network.options.unwrap_or_default().remove(BRIDGE_NAME)
    }

    /// Its images, without those that are only steps of others.
    ///
    /// # Errors
    /// [`crate::error::Exit::Engine`]: the engine does not answer.
    pub async fn images(&self) -> Result<Vec<ListedImage>> {
        let images = images::list(self, &ListImagesOptions::default()).await?;
        Ok(images.into_iter().map(listed).collect())
    }

    /// Containers of checks, running or not, without those that are being removed.
    ///
    /// # Errors
    /// [`crate::error::Exit::Engine`]: the engine does not answer.
    pub async fn check_containers(&self) -> Result<Vec<ListedContainer>> {
        let filters = HashMap::from([("label".to_owned(), vec![check::LABEL.to_owned()])]);
        let options =
            ListContainersOptions { all: true, filters: Some(filters), ..Default::default() };
        let containers = self.docker.list_containers(Some(options)).await;
        let containers =
            containers.map_err(|error| self.failed("listing its containers", &error))?;
        Ok(containers.into_iter().filter_map(listed_container).collect())
    }

    /// Runs a command where `RUN` of a build runs: in a throwaway container on the engine's default network.
    ///
    /// # Errors
    /// [`crate::error::Exit::Engine`]: the engine failed, or the image has no `/bin/sh`.
    pub async fn run_as_build(&self, request: &CheckRequest) -> Result<CheckOutcome> {
        let network = match self.facts.product {
            Product::Docker => "bridge",
            Product::Podman => "host",
        };
        check::check_on(self, request, network).await
    }

    fn failed(&self, doing: &str, error: &DockerError) -> crate::error::Error {
        failure::error(doing, &self.endpoint, error)
    }
}

fn listed_container(container: ContainerSummary) -> Option<ListedContainer> {
    let state = container.state;
    if matches!(state, Some(State::REMOVING | State::DEAD)) {
        return None;
    }
    Some(ListedContainer {
        id: container.id?,
        run: container.labels.and_then(|mut labels| labels.remove(CHECK_OF)),
        is_running: matches!(state, Some(State::RUNNING | State::PAUSED | State::STOPPING)),
        created: container.created.and_then(|time| OffsetDateTime::from_unix_timestamp(time).ok()),
    })
}

fn listed(image: ImageSummary) -> ListedImage {
    let references = image.repo_tags.into_iter().filter(|tag| !tag.contains("<none>")).collect();
    ListedImage {
        id: image.id,
        references,
        project: image.labels.get(PROJECT).cloned(),
        size: u64::try_from(image.size).unwrap_or(0),
    }
}

/// The disk of the engine behind a local socket: as the engine's process sees it, where that may be
/// looked at, because it may be in a chroot or in mounts of its own.
fn disk(endpoint: &str, data_folder: &str, info: &SystemInfo) -> Option<Disk> {
    if !endpoint.starts_with("unix://") {
        return None;
    }
    let here = rustix::system::uname();
    if info.name.as_deref() != here.nodename().to_str().ok() {
        return None;
    }
    let seen = process::behind(endpoint)
        .map(|process| PathBuf::from(format!("/proc/{process}/root{data_folder}")));
    seen.and_then(|path| room(&path)).or_else(|| room(Path::new(data_folder)))
}

fn room(path: &Path) -> Option<Disk> {
    let answer = statvfs(path).ok()?;
    Some(Disk {
        free: answer.f_bavail * answer.f_frsize,
        size: answer.f_blocks * answer.f_frsize,
        free_files: (answer.f_files > 0).then_some(answer.f_favail),
    })
}
