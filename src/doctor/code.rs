//! The stable names of what can be found (docs/doctor.md, tested against it).

/// Makes the enum, its names and the list of all of them from one table.
macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// What can be found.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Code {
            /// Every code, in the order of docs/doctor.md.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its name.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

codes! {
    /// A Docker context is named that is not known.
    EngineContext = "engine-context",
    /// The engine's address is none.
    EngineAddress = "engine-address",
    /// There is no socket where the engine's should be.
    EngineMissing = "engine-missing",
    /// This user may not use the engine's socket.
    EngineDenied = "engine-denied",
    /// Nobody answers where the engine should be.
    EngineSilent = "engine-silent",
    /// The engine is older than any that builds were seen to work on.
    EngineOld = "engine-old",
    /// The engine has no BuildKit.
    NoBuildKit = "no-buildkit",
    /// The engine keeps layers in a way that is slow or wastes the disk.
    StorageDriver = "storage-driver",
    /// The engine's disk is full.
    DiskFull = "disk-full",
    /// The engine's disk has little room.
    DiskLow = "disk-low",
    /// The engine's disk can hold few more files.
    FilesLow = "files-low",
    /// The machine has little memory left.
    MemoryLow = "memory-low",
    /// The engine has no bridge network.
    NoGateway = "no-gateway",
    /// This machine does not have the gateway's address.
    GatewayMissing = "gateway-missing",
    /// The engine runs without root's rights, in a network of its own.
    Rootless = "rootless",
    /// The engine runs in the virtual machine of Docker Desktop.
    DockerDesktop = "docker-desktop",
    /// The engine runs on another machine.
    RemoteEngine = "remote-engine",
    /// A container cannot reach this machine on the gateway.
    GatewayBlocked = "gateway-blocked",
    /// No container could try to reach the gateway.
    GatewayUntried = "gateway-untried",
    /// A proxy would be asked for what the package server has.
    ProxyGateway = "proxy-gateway",
    /// A proxy listens where no container reaches it.
    ProxyLoopback = "proxy-loopback",
    /// The platform is foreign, and nothing here runs its programs.
    PlatformForeign = "platform-foreign",
    /// The emulator of the foreign platform is not to be had inside containers.
    EmulatorOutside = "emulator-outside",
    /// The foreign platform's programs are emulated.
    Emulated = "emulated",
    /// There are NPUs, and no driver.
    NpuDriver = "npu-driver",
    /// `npu-smi` does not work.
    NpuSmi = "npu-smi",
    /// This machine's clock is wrong.
    ClockWrong = "clock-wrong",
    /// The engine's clock is another.
    ClockEngine = "clock-engine",
    /// `TZ` names a time zone that is not known.
    TimeZone = "time-zone",
    /// Files of the project are from the future.
    FutureFiles = "future-files",
    /// Images of ended runs are left.
    StaleImages = "stale-images",
    /// Containers of ended checks are left.
    StaleContainers = "stale-containers",
    /// A folder that a build writes to cannot be written to.
    FolderUnwritable = "folder-unwritable",
}

impl Code {
    /// The code of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == name)
    }
}
