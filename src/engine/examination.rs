//! What an engine is asked for besides its facts, when something is wrong with it.

use serde::Serialize;
use time::OffsetDateTime;

use super::{EngineFacts, ImageId};

/// An engine, examined.
#[derive(Debug, Clone)]
pub struct Examination {
    /// Its address, such as `unix:///var/run/docker.sock`.
    pub endpoint: String,
    /// What it is and can do.
    pub facts: EngineFacts,
    /// How it keeps its layers, such as `overlay2`.
    pub storage_driver: String,
    /// The system that it runs on, as it names it, such as `Docker Desktop`.
    pub operating_system: String,
    /// Whether it runs without root's rights.
    pub rootless: bool,
    /// Memory that its control group leaves it and its containers, in bytes; `None` without a limit.
    pub memory: Option<u64>,
    /// Its clock, when it was asked.
    pub time: Option<OffsetDateTime>,
    /// The disk that it keeps its data on; `None` where that is not this machine's.
    pub disk: Option<Disk>,
    /// The interface of its default bridge, such as `docker0`.
    pub bridge: Option<String>,
}

/// Where an engine is whose bridge is out of this program's reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elsewhere {
    /// In the virtual machine of Docker Desktop.
    VirtualMachine,
    /// In the network that an engine without root's rights has.
    Rootless,
    /// In another network of this machine.
    Network,
    /// On another machine.
    Machine,
}

/// A file system's room, as one without root's rights may use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Disk {
    /// Bytes that may still be written.
    pub free: u64,
    /// Its size in bytes.
    pub size: u64,
    /// Files that may still be made; `None` where the file system does not count them.
    pub free_files: Option<u64>,
}

/// A container of a check that is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedContainer {
    /// Its id.
    pub id: String,
    /// The run that made it, by its label.
    pub run: Option<String>,
    /// Whether its command runs.
    pub is_running: bool,
    /// When it was made, by the engine's clock.
    pub created: Option<OffsetDateTime>,
}

/// An image that is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedImage {
    /// Its content id.
    pub id: ImageId,
    /// Its references; none where it is dangling.
    pub references: Vec<String>,
    /// The project that built it, by its label.
    pub project: Option<String>,
    /// Its size in bytes, what it shares with others included.
    pub size: u64,
}
