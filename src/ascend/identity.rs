//! What a file name says: the result of [`identify`](super::identify).
//!
//! [`Identity`] holds every fact of a name; [`Identity::row`] prints them in the
//! columns of a package list, which leave some of them out.

use std::fmt;

use super::{Chip, Kind, Version};

/// What the name of a file says about its content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// What the package is; `None` for names of no known family.
    pub kind: Option<Kind>,
    /// The package's own version.
    pub version: Option<Version>,
    /// The architecture as the name writes it: `aarch64`, `x86_64`, `x86-64`, `arm64`.
    pub arch: Option<String>,
    /// The chip that it is built for.
    pub chip: Option<Chip>,
    /// The Python that it is built for, as in wheel tags: `311` for 3.11.
    pub python: Option<String>,
    /// Whether the wheel runs on that Python and every later one (`abi3`).
    pub stable_abi: bool,
    /// The torch that it is built against, where the name says so.
    pub torch: Option<Version>,
    /// The C++ ABI that it is built with (`_GLIBCXX_USE_CXX11_ABI`): 0 or 1.
    pub abi: Option<u8>,
    /// The oldest glibc that the wheel's platform tag admits, as (major, minor).
    pub glibc: Option<(u16, u16)>,
    /// How the content is packed.
    pub container: Option<Container>,
    /// What follows the facts in the name and is none of them, joined by `_`.
    pub suffix: Option<String>,
    /// What a person should know about the spelling or the place of this file.
    pub notes: Vec<NearMiss>,
}

/// How the content of a package is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Container {
    /// A makeself archive that installs itself.
    Run,
    /// A zip; official ones hold the `.run` and its signature files.
    Zip,
    /// A Debian package.
    Deb,
    /// An RPM package.
    Rpm,
    /// A tar archive compressed with gzip.
    TarGz,
    /// A tar archive.
    Tar,
    /// A Python wheel.
    Wheel,
}

/// A name that is nearly the usual one, or a file that is nearly the right one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NearMiss {
    /// The architecture is written as some mirrors do.
    ArchSpelling {
        /// As in the name.
        written: String,
        /// As the vendor writes it.
        usual: &'static str,
    },
    /// The Python version is written as some mirrors do.
    PythonSpelling {
        /// As in the name.
        written: String,
        /// As the vendor writes it.
        usual: String,
    },
    /// The name is percent-encoded, as in an address.
    PercentEncoded {
        /// The name that the file should have.
        decoded: String,
    },
    /// Letters differ in case from the vendor's spelling.
    LetterCase {
        /// As the vendor writes that part.
        usual: &'static str,
    },
    /// The name is a family's but for a slip.
    DidYouMean {
        /// As in the name.
        written: String,
        /// The family's spelling.
        usual: &'static str,
    },
    /// A second download of the same file, `name (1).run`.
    Copy,
    /// The file belongs on the host, not in an image.
    HostOnly,
    /// A download that did not finish.
    Unfinished {
        /// The ending that says so.
        ending: &'static str,
    },
    /// A signature or certificate list that comes with a package.
    Signature {
        /// The ending that says so.
        ending: &'static str,
    },
    /// A wheel for another operating system.
    NotLinux {
        /// The wheel's platform tag.
        platform: String,
    },
}

impl Identity {
    /// The architecture as the kernel names it: `aarch64` or `x86_64`.
    pub fn platform_arch(&self) -> Option<&'static str> {
        normal_arch(self.arch.as_deref()?)
    }

    /// Whether the file belongs on the host and must not go into an image.
    pub fn host_only(&self) -> bool {
        self.kind.is_some_and(Kind::host_only)
    }

    /// The columns of a package list: file, kind, version, arch, chip, python.
    ///
    /// Lists give no architecture for triton-ascend and no chip for CANN's
    /// sub-packages, though the names say them; neither does this.
    pub fn row(&self, file: &str) -> [String; 6] {
        let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
        let arch = self.arch.as_deref().filter(|_| self.kind != Some(Kind::TritonAscend));
        let chip = self.chip.as_ref().filter(|_| self.kind != Some(Kind::CannComponent));
        [
            file.to_owned(),
            text(self.kind.map(Kind::as_str)),
            text(self.version.as_ref().map(Version::as_str)),
            text(arch),
            text(chip.map(Chip::as_str)),
            text(self.python.as_deref()),
        ]
    }
}

/// The kernel's name for an architecture, however it is written.
pub fn normal_arch(written: &str) -> Option<&'static str> {
    match written.to_ascii_lowercase().as_str() {
        "aarch64" | "arm64" => Some("aarch64"),
        "x86_64" | "x86-64" | "amd64" | "x64" | "x86" => Some("x86_64"),
        _ => None,
    }
}

impl fmt::Display for NearMiss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ArchSpelling { written, usual } => {
                write!(f, "`{usual}` is written `{written}` in this name")
            }
            Self::PythonSpelling { written, usual } => {
                write!(f, "`{usual}` is written `{written}` in this name")
            }
            Self::PercentEncoded { decoded } => {
                write!(f, "this name is percent-encoded: the file's own name is `{decoded}`")
            }
            Self::LetterCase { usual } => {
                write!(f, "the vendor writes `{usual}`: addresses tell upper from lower case")
            }
            Self::DidYouMean { written, usual } => {
                write!(f, "`{written}` is no known name: did you mean `{usual}`?")
            }
            Self::Copy => f.write_str("this is a copy or a second download of a file"),
            Self::HostOnly => {
                f.write_str("this is a driver package: it belongs on the host, not in an image")
            }
            Self::Unfinished { ending } => {
                write!(f, "`{ending}` marks a download that did not finish")
            }
            Self::Signature { ending } => {
                write!(f, "`{ending}` marks a signature file, not the package itself")
            }
            Self::NotLinux { platform } => {
                write!(f, "this wheel is for `{platform}`, not for Linux")
            }
        }
    }
}
