//! Files that hold a secret whatever their names: private keys, configuration with a password.
//!
//! The first bytes tell, as keys begin with a line that says so. What is called a key must say
//! that it is a public one.

use std::io::Read;
use std::path::Path;

use super::digest;

/// How much of a file is looked at, in bytes: a key may stand behind a licence or a script's head.
const HEAD: u64 = 8 << 10;

/// Endings of configuration that names servers, perhaps with a user's password.
const CONFIGURATION: [&str; 5] = [".conf", ".ini", ".cfg", ".npmrc", ".pypirc"];

/// What secret the file at `path` holds, where it can be read and does: `a private key`.
pub fn secret_in(path: &Path) -> Option<&'static str> {
    let (file, _) = digest::open_regular(path).ok()?;
    let mut head = Vec::new();
    file.take(HEAD).read_to_end(&mut head).ok()?;
    let name = path.file_name()?.to_str()?.to_lowercase();
    recognise(&name, &head)
}

/// Whether the file at `path` can be read and names a password in an address
/// (`http://user:password@proxy`), as scripts of one's own do that are not meant for an image.
pub fn names_password(path: &Path) -> bool {
    let Ok((file, _)) = digest::open_regular(path) else { return false };
    let mut head = Vec::new();
    let read = file.take(HEAD).read_to_end(&mut head);
    read.is_ok() && String::from_utf8_lossy(&head).lines().any(has_password)
}

fn recognise(name: &str, bytes: &[u8]) -> Option<&'static str> {
    let head = String::from_utf8_lossy(bytes);
    if head.lines().any(begins_key) {
        return Some("a private key");
    }
    let called_key = [".key", ".pem"].iter().any(|ending| name.ends_with(ending));
    if called_key && !head.lines().any(begins_public) && !is_public_openpgp(bytes) {
        return Some("a key that does not say that it is a public one");
    }
    let configures = CONFIGURATION.iter().any(|ending| name.ends_with(ending));
    (configures && head.lines().any(has_password)).then_some("a password")
}

/// `-----BEGIN OPENSSH PRIVATE KEY-----`, of PEM and its kin, and PuTTY's own form.
fn begins_key(line: &str) -> bool {
    let line = line.trim();
    line.starts_with("-----BEGIN ") && line.contains("PRIVATE KEY")
        || line.starts_with("PuTTY-User-Key-File-")
}

/// `-----BEGIN CERTIFICATE-----`, `-----BEGIN PGP PUBLIC KEY BLOCK-----`.
fn begins_public(line: &str) -> bool {
    let kinds = ["CERTIFICATE", "PUBLIC KEY", "X509 CRL", "DH PARAMETERS"];
    line.trim()
        .strip_prefix("-----BEGIN ")
        .is_some_and(|rest| kinds.iter().any(|kind| rest.contains(kind)))
}

/// Whether bytes begin with OpenPGP's packet of a public key (RFC 9580, section 4.2): tag 6, in
/// the old format with a length of one or two bytes, or in the new one.
fn is_public_openpgp(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(0x98 | 0x99 | 0xc6))
}

/// `https://user:password@host`.
fn has_password(line: &str) -> bool {
    line.split("://").skip(1).any(|rest| {
        let authority = rest.split(['/', ' ']).next().unwrap_or_default();
        authority.split_once('@').is_some_and(|(user, _)| user.contains(':'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, head: &str, expected: Option<&str>) {
        assert_eq!(recognise(name, head.as_bytes()), expected, "{name}: {head}");
    }

    #[test]
    fn keys_say_what_they_are() {
        let key = Some("a private key");
        check("install.sh", "#!/bin/sh\ncat > k <<E\n-----BEGIN RSA PRIVATE KEY-----\nMII", key);
        check("a.txt", "-----BEGIN PRIVATE KEY-----\r\nMII", key);
        check("a.txt", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n", key);
        check("a.txt", "PuTTY-User-Key-File-3: ssh-ed25519\n", key);
        check("ca.txt", "-----BEGIN CERTIFICATE-----\nMII", None);
        check("a.txt", "-----BEGIN PUBLIC KEY-----\nMII", None);
        let unsaid = Some("a key that does not say that it is a public one");
        check("server.key", "0123456789abcdef", unsaid);
        check("ros.key", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n", None);
        check("ca.pem", "-----BEGIN CERTIFICATE-----\nMII", None);
        check("a.py", "if '-----BEGIN PRIVATE KEY-----' in text:", None);
    }

    #[test]
    fn configuration_may_hold_a_password() {
        let password = Some("a password");
        check("pip.conf", "[global]\nindex-url = https://me:secret@host/simple\n", password);
        check("pip.conf", "[global]\nindex-url = https://host/simple\n", None);
        check("pip.conf", "index-url = https://host/a:b@c\n", None);
        check("requirements.txt", "--index-url https://me:secret@host/simple\n", None);
    }
}
