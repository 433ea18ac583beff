//! Which files of a folder may be served when a Dockerfile does not say beforehand
//! what it will fetch: packages, scripts and requirements files; never a hidden
//! file, a key or credentials.

use crate::ascend;

/// Endings of what recipes fetch.
const SERVED: [&str; 12] = [
    ".run", ".whl", ".zip", ".tar.gz", ".tgz", ".tar.xz", ".tar", ".deb", ".rpm", ".sh", ".py",
    ".txt",
];

/// Parts of names that files with secrets have.
const SECRET: [&str; 8] =
    ["secret", "credential", "password", "passwd", "token", "id_rsa", "id_ed25519", "netrc"];

/// Whether the file of this name (without a folder) may be served unasked.
pub fn may_be_served(name: &str) -> bool {
    let lower = name.to_lowercase();
    if lower.starts_with('.') || SECRET.iter().any(|part| lower.contains(part)) {
        return false;
    }
    ascend::identify(name).kind.is_some() || SERVED.iter().any(|ending| lower.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, expected: bool) {
        assert_eq!(may_be_served(name), expected, "{name}");
    }

    #[test]
    fn packages_scripts_and_requirements_are_served() {
        check("Ascend-cann-toolkit_8.5.0_linux-aarch64.run", true);
        check("install_cann.sh", true);
        check("requirements-2.txt", true);
    }

    #[test]
    fn hidden_files_keys_and_credentials_are_not() {
        check(".env", false);
        check(".netrc", false);
        check("id_rsa", false);
        check("server.key", false);
        check("cert.pem", false);
        check("docker-credentials.txt", false);
        check("api_token.txt", false);
        check("config.json", false);
    }
}
