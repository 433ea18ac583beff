//! The certificate of `serve`: given, or made up once and kept for as long as it
//! names what clients connect to.
//!
//! A made-up one is in `$XDG_STATE_HOME/ascend-build/tls` (`~/.local/state` without
//! the variable): `certificate.pem`, which clients are given, and `key.pem`, which
//! only this user can read.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::error::{Exit, Problem, Result};
use crate::server::{Tls, own_addresses};

/// What encrypts connections.
#[derive(Debug)]
pub(super) struct Encryption {
    pub(super) tls: Tls,
    /// The made-up certificate, which clients must be given.
    made: Option<PathBuf>,
}

impl Encryption {
    /// The given certificate and key, relative to `folder`; one that is made up, where one is wanted.
    ///
    /// # Errors
    /// [`Exit::Usage`]: the files cannot be used; [`Exit::Engine`]: one cannot be made up or kept.
    pub(super) fn choose(
        given: Option<(&Path, &Path)>,
        wanted: bool,
        address: SocketAddr,
        folder: &Path,
    ) -> Result<Option<Self>> {
        if let Some((certificate, key)) = given {
            let tls = Tls::read(&folder.join(certificate), &folder.join(key))?;
            return Ok(Some(Self { tls, made: None }));
        }
        if !wanted {
            return Ok(None);
        }
        let kept = state_folder()
            .ok_or_else(|| io::Error::other("neither `XDG_STATE_HOME` nor `HOME` is set"))
            .and_then(|state| kept(&state.join("tls"), &names(address)));
        let (certificate, key) = kept.map_err(|cause| {
            Problem::error("no certificate can be made up and kept")
                .cause(cause)
                .hint("give one with `--tls-certificate FILE --tls-key FILE`")
                .exit(Exit::Engine)
        })?;
        let text = fs::read_to_string(&certificate).unwrap_or_default();
        let tls = Tls::read(&certificate, &key)?.made_up(&text);
        Ok(Some(Self { tls, made: Some(certificate) }))
    }

    /// What clients compare, and what they need of a made-up certificate.
    pub(super) fn greeting(&self) -> String {
        let made = self.made.as_ref().map(|path| format!("certificate: {}\n", path.display()));
        format!("{}fingerprint: sha256 {}\n", made.unwrap_or_default(), self.tls.fingerprint())
    }

    /// wget, told whom to trust.
    pub(super) fn wget(&self) -> String {
        let trusted = |path: &PathBuf| format!("wget --ca-certificate='{}'", path.display());
        self.made.as_ref().map_or_else(|| "wget".to_owned(), trusted)
    }
}

fn state_folder() -> Option<PathBuf> {
    let set =
        |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || Some(set("HOME")?.join(".local/state"));
    Some(set("XDG_STATE_HOME").or_else(home)?.join("ascend-build"))
}

/// What clients may call this server: its address, this machine, its name and its addresses.
fn names(address: SocketAddr) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    names.push(read("/proc/sys/kernel/hostname").trim().to_owned());
    if address.ip().is_unspecified() {
        names.extend(own_addresses().iter().map(ToString::to_string));
    } else {
        names.push(address.ip().to_string());
    }
    names.retain(|name| !name.is_empty());
    names.sort();
    names.dedup();
    names
}

/// The certificate and key of `names` in `folder`, made where they are not there.
fn kept(folder: &Path, names: &[String]) -> io::Result<(PathBuf, PathBuf)> {
    let [certificate, key, named] =
        ["certificate.pem", "key.pem", "names"].map(|name| folder.join(name));
    let list = names.join("\n");
    let is_kept = fs::read_to_string(&named).is_ok_and(|kept| kept == list);
    if !(is_kept && certificate.is_file() && key.is_file()) {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let made = rcgen::generate_simple_self_signed(names).map_err(io::Error::other)?;
        write(&key, &made.signing_key.serialize_pem(), 0o600)?;
        write(&certificate, &made.cert.pem(), 0o644)?;
        write(&named, &list, 0o644)?; // last: it vouches for the others
    }
    Ok((certificate, key))
}

/// Writes a new file in the place of an old one, which may have had another mode.
fn write(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// Whether a certificate of one name serves for another one.
    fn check(first: &str, second: &str, expected: bool) {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("tls");
        let make = |name: &str| {
            let (certificate, key) = kept(&folder, &[name.to_owned()]).unwrap();
            assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
            Tls::read(&certificate, &key).unwrap().fingerprint().to_owned()
        };
        assert_eq!(make(first) == make(second), expected);
    }

    #[test]
    fn a_certificate_is_kept_for_the_names_that_it_has() {
        check("10.0.0.5", "10.0.0.5", true);
        check("10.0.0.5", "10.0.0.6", false);
    }
}
