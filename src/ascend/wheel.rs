//! Wheel names, by the rules of PEP 427, PEP 600 and PEP 440.
//!
//! `distribution-version[-build]-python-abi-platform.whl`, where each tag may be
//! several joined by `.`; any one of them is enough to install the wheel.

use super::parts::{abi_of, arch_at_end, split_container};
use super::{Container, Identity, NearMiss, Version};

/// The parts of a wheel's name, as written.
#[derive(Debug)]
pub(super) struct Wheel<'a> {
    /// The distribution in lower case, with `_` for every separator.
    pub(super) distribution: String,
    version: &'a str,
    python: &'a str,
    abi: &'a str,
    platform: &'a str,
}

impl<'a> Wheel<'a> {
    /// Cuts a decoded name; `None` where it is not a wheel's.
    pub(super) fn cut(name: &'a str) -> Option<Self> {
        let (stem, container) = split_container(name);
        if container != Some(Container::Wheel) {
            return None;
        }
        let pieces: Vec<_> = stem.split('-').collect();
        let (distribution, version, tags) = match pieces.as_slice() {
            [distribution, version, tags @ ..] if tags.len() == 3 => (distribution, version, tags),
            [distribution, version, build, tags @ ..] if tags.len() == 3 && is_build(build) => {
                (distribution, version, tags)
            }
            _ => return None,
        };
        let distribution = distribution.to_ascii_lowercase().replace('.', "_");
        let [python, abi, platform] = tags.try_into().ok()?;
        Some(Self { distribution, version, python, abi, platform })
    }

    /// Every fact that the name holds.
    pub(super) fn read(&self) -> Identity {
        let mut identity = Identity {
            version: self.version.parse().ok(),
            arch: arch_at_end(self.platform).map(str::to_owned),
            python: self.python(),
            stable_abi: self.abi.eq_ignore_ascii_case("abi3"),
            glibc: self.platform.split('.').filter_map(glibc_of).min(),
            container: Some(Container::Wheel),
            ..Identity::default()
        };
        self.read_local(&mut identity);
        self.note_platform(&mut identity);
        identity
    }

    /// `311` of `cp311`; nothing for `py3` or for several Pythons at once.
    fn python(&self) -> Option<String> {
        let digits = self.python.strip_prefix("cp").or_else(|| self.python.strip_prefix("CP"))?;
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| digits.to_owned())
    }

    /// What a local version says: `+torch2.9.0.abi1` of MindIE, `+cpu.cxx11.abi` of torch.
    fn read_local(&self, identity: &mut Identity) {
        let Some((_, local)) = self.version.split_once('+') else { return };
        let local = local.to_ascii_lowercase();
        identity.abi = local.split(['.', '_']).find_map(abi_of);
        if local.contains("cxx11.abi") {
            identity.abi = Some(1);
        }
        identity.torch = local.split_once("torch").and_then(|(_, rest)| leading_version(rest));
    }

    fn note_platform(&self, identity: &mut Identity) {
        let linux = self.platform.to_ascii_lowercase().contains("linux");
        if !linux && self.platform != "any" {
            identity.notes.push(NearMiss::NotLinux { platform: self.platform.to_owned() });
        }
    }
}

fn is_build(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

/// The version at the start of `text`: its numbers, up to the first word.
fn leading_version(text: &str) -> Option<Version> {
    let end = text.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].trim_end_matches('.').parse().ok()
}

/// The glibc of one platform tag: PEP 600's `manylinux_X_Y`, and the three older names.
fn glibc_of(tag: &str) -> Option<(u16, u16)> {
    let rest = tag.strip_prefix("manylinux")?;
    for (old, minor) in [("2014_", 17), ("2010_", 12), ("1_", 5)] {
        if rest.starts_with(old) {
            return Some((2, minor));
        }
    }
    let mut numbers = rest.strip_prefix('_')?.split('_');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}
