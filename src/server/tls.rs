//! TLS for addresses that others reach: a certificate and its key, as the server uses them.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest as _, Sha256};

use crate::error::{Exit, Problem, Result};

/// What the server shows to clients, and the key that it keeps.
#[derive(Clone)]
pub struct Tls {
    pub(super) config: Arc<ServerConfig>,
    fingerprint: String,
    /// The certificate as PEM, where this server made it and clients must be given it.
    pub(super) made_up: Option<Arc<str>>,
}

impl Tls {
    /// Reads a PEM file of certificates, this server's own first, and a PEM file of its key.
    ///
    /// # Errors
    /// [`Exit::Usage`] when a file cannot be read, holds something else, or they do not belong together.
    pub fn read(certificates: &Path, key: &Path) -> Result<Self> {
        let chain = CertificateDer::pem_file_iter(certificates).and_then(Iterator::collect);
        let chain: Vec<CertificateDer<'static>> = chain.map_err(|cause| {
            unusable("certificate", certificates)
                .hint("give a PEM file that this user can read, or let `--tls` make one up")
                .cause(cause)
                .exit(Exit::Usage)
        })?;
        let Some(own) = chain.first() else {
            return Err(unusable("certificate", certificates)
                .hint("give a PEM file that begins with the server's own certificate")
                .exit(Exit::Usage));
        };
        let fingerprint = fingerprint(own);
        let private = PrivateKeyDer::from_pem_file(key).map_err(|cause| {
            unusable("key", key)
                .hint("give the certificate's own key as a PEM file that this user can read")
                .cause(cause)
                .exit(Exit::Usage)
        })?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private));
        let config = config.map_err(|cause| {
            unusable("certificate", certificates)
                .note(format!("with the key in `{}`", key.display()))
                .cause(cause)
                .exit(Exit::Usage)
        })?;
        Ok(Self { config: Arc::new(config), fingerprint, made_up: None })
    }

    /// The same, of a certificate that nobody vouches for: the page offers it, a PEM text, to clients.
    #[must_use]
    pub fn made_up(self, certificate: &str) -> Self {
        Self { made_up: Some(certificate.into()), ..self }
    }

    /// The sha256 of the certificate as tools show it: `AB:CD:…`.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tls({})", self.fingerprint)
    }
}

fn unusable(what: &str, path: &Path) -> Problem {
    Problem::error(format!("the {what} in `{}` cannot be used", path.display()))
}

fn fingerprint(certificate: &[u8]) -> String {
    let pairs =
        Sha256::digest(certificate).iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>();
    pairs.join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(certificate: &str, key: &str, expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["certificate.pem", "key.pem"].map(|name| folder.path().join(name));
        std::fs::write(&paths[0], certificate).unwrap();
        std::fs::write(&paths[1], key).unwrap();
        let actual = match Tls::read(&paths[0], &paths[1]) {
            Ok(tls) => format!("{} characters", tls.fingerprint().len()),
            Err(error) => {
                let message = &error.problems[0].message;
                message.replace(&format!("{}/", folder.path().display()), "")
            }
        };
        assert_eq!(actual, expected);
    }

    #[test]
    fn a_certificate_comes_with_its_key() {
        let made = || rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (one, other) = (made(), made());
        let (certificate, key) = (one.cert.pem(), one.signing_key.serialize_pem());
        check(&certificate, &key, "95 characters");
        check("", &key, "the certificate in `certificate.pem` cannot be used");
        check(&key, &key, "the certificate in `certificate.pem` cannot be used");
        check(&certificate, "no key", "the key in `key.pem` cannot be used");
        let foreign = other.signing_key.serialize_pem();
        check(&certificate, &foreign, "the certificate in `certificate.pem` cannot be used");
    }
}
