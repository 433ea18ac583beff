//! What is known of the engine, this machine and the project.

use time::OffsetDateTime;

use super::{Firewall, Proxies};
use crate::engine::{Builder, Disk, Examination, HostAccess, ListedImage};
use crate::project::Platform;

/// Everything that is looked at.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The engine, or why there is none.
    pub engine: Result<EngineSide, Unreachable>,
    /// This machine.
    pub machine: Machine,
    /// The project in the folder, as far as it is one.
    pub project: ProjectSide,
    /// What the user wants to build with.
    pub asked: Asked,
}

/// Why no engine can be asked.
#[derive(Debug, Clone, Default)]
pub struct Unreachable {
    /// The name of the fault.
    pub code: Option<&'static str>,
    /// What is wrong.
    pub what: String,
    /// Facts that help, the cause among them.
    pub notes: Vec<String>,
    /// What to do.
    pub mend: Vec<String>,
}

/// An engine that answers.
#[derive(Debug, Clone)]
pub struct EngineSide {
    /// What it says of itself.
    pub examination: Examination,
    /// Its clock beside ours when it was asked, in seconds; positive where it is ahead.
    pub clock_ahead: Option<f64>,
    /// Where its containers reach this machine.
    pub gateway: Gateway,
    /// What builds left in it.
    pub leftovers: Leftovers,
}

/// Where containers reach this machine.
#[derive(Debug, Clone)]
pub enum Gateway {
    /// The engine has none, for this reason.
    None(String),
    /// It has one.
    Known {
        /// The address.
        access: HostAccess,
        /// Whether this program has that bridge in its network.
        is_here: bool,
        /// Whether a container reached it.
        reach: Reach,
        /// The rules of this machine's firewall, where they had to be looked at.
        firewall: Firewall,
    },
}

/// Whether a container reached this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// It did.
    Reached,
    /// It did not, and this is what its client said.
    Blocked(String),
    /// None could try, for this reason.
    Untried(String),
}

/// What ended runs left in the engine.
#[derive(Debug, Clone, Default)]
pub struct Leftovers {
    /// Images of this project that nothing names any more, or only a run that has ended.
    pub images: Vec<ListedImage>,
    /// Containers of checks, by their ids.
    pub containers: Vec<String>,
}

/// This machine.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Its clock.
    pub now: OffsetDateTime,
    /// A value of `TZ` that names no time zone of this machine.
    pub unknown_time_zone: Option<String>,
    /// Memory that programs may still take, in bytes.
    pub memory: Option<u64>,
    /// How a foreign platform's programs are run: the flags of the emulator's entry in `binfmt_misc`.
    pub emulator: Option<String>,
    /// The proxies of the environment and of the Docker configuration file.
    pub proxies: Proxies,
    /// Its NPUs.
    pub npu: Npu,
}

/// The NPUs of a machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Npu {
    /// Their device files, such as `/dev/davinci0`.
    pub devices: usize,
    /// The version of the driver.
    pub driver: Option<String>,
    /// Where the driver's version was looked for.
    pub driver_file: String,
    /// What is wrong with `npu-smi`, where it is there and fails.
    pub smi_failure: Option<String>,
    /// The number of NPUs that `npu-smi` counts.
    pub count: Option<usize>,
}

/// The project in the folder.
#[derive(Debug, Clone, Default)]
pub struct ProjectSide {
    /// Its name, where its files can be read.
    pub name: Option<String>,
    /// Its files that were modified in the future: how many, and one of them.
    pub future_files: Option<(usize, String)>,
    /// Folders that a build writes to, and that cannot be written to.
    pub unwritable: Vec<Unwritable>,
}

/// A folder that cannot be written to.
#[derive(Debug, Clone)]
pub struct Unwritable {
    /// The folder.
    pub folder: String,
    /// What it is for.
    pub purpose: &'static str,
    /// What the system says.
    pub why: String,
    /// Whether builds go on without it.
    pub is_needed: bool,
}

/// What the user wants to build with.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// The image's platform.
    pub platform: Option<Platform>,
    /// The builder.
    pub builder: Option<Builder>,
}

impl Facts {
    /// The engine, where it answers.
    pub(super) fn reached(&self) -> Option<&EngineSide> {
        self.engine.as_ref().ok()
    }

    /// The disk that the engine keeps its data on.
    pub(super) fn disk(&self) -> Option<Disk> {
        self.reached()?.examination.disk
    }
}
