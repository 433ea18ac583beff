//! Which files are packages, scripts and requirements files by their names, and
//! which hold secrets: hidden files, keys, credentials.
//!
//! The former are served where a Dockerfile does not say beforehand what it will
//! fetch; the latter never, unless packages.toml declares them.

use crate::ascend;

/// Endings of what recipes fetch.
const SERVED: [&str; 12] = [
    ".run", ".whl", ".zip", ".tar.gz", ".tgz", ".tar.xz", ".tar", ".deb", ".rpm", ".sh", ".py",
    ".txt",
];

/// Endings of stores of keys.
const KEY_STORES: [&str; 6] = [".p12", ".pfx", ".jks", ".keystore", ".ppk", ".kdbx"];

/// Endings of keys, public ones among them: where a file is named, its content tells.
const KEYS: [&str; 2] = [".key", ".pem"];

/// Endings of public keys and signatures.
const PUBLIC_ENDINGS: [&str; 2] = [".gpg", ".asc"];

/// Names of keys that have no ending of their own.
const KEY_NAMES: [&str; 4] = ["id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"];

/// What the words of a name end with where the file holds credentials.
const CREDENTIALS: [&str; 11] = [
    "secret",
    "credential",
    "password",
    "passwd",
    "passphrase",
    "netrc",
    "npmrc",
    "pypirc",
    "apikey",
    "kubeconfig",
    "dockerconfigjson",
];

/// What it ends with in singular alone: models come with `tokens.txt` and `added_tokens.json`.
const TOKEN: &str = "token";

/// Whole words of names of keys and of files that log in.
const KEY_WORDS: [&str; 4] = ["key", "keytab", "htpasswd", "sshkey"];

/// Words of names of public keys, which repositories are trusted by.
const PUBLIC: [&str; 3] = ["gpg", "pub", "public"];

/// Endings of programs and packages, which only speak of credentials where their names do.
const PROGRAMS: [&str; 4] = [".run", ".whl", ".sh", ".py"];

/// Whether the file of this name (without a folder) may be served unasked.
pub fn may_be_served(name: &str) -> bool {
    let lower = name.to_lowercase();
    let told = ascend::identify(name).kind.is_some() || ends_with(&lower, &SERVED);
    told && !is_key(&lower) && !ends_with(&lower, &KEYS) && !speaks_of_credentials(&lower)
}

/// Whether a file that an address names, a path below a root, looks by its name like one that
/// holds secrets. Of `.key` and `.pem`, which may be public, the content tells.
pub fn is_secret(path: &str) -> bool {
    let lower = path.to_lowercase();
    let name = lower.rsplit('/').next().unwrap_or_default();
    let hidden = lower.split('/').any(|part| part.starts_with('.'));
    hidden || is_key(name) || speaks_of_credentials(name) && !ends_with(name, &PROGRAMS)
}

/// Hidden files and keys.
fn is_key(lower: &str) -> bool {
    lower.starts_with('.')
        || ends_with(lower, &KEY_STORES)
        || KEY_NAMES.iter().any(|key| {
            lower == *key || lower.starts_with(&format!("{key}.")) && !lower.ends_with(".pub")
        })
}

fn speaks_of_credentials(lower: &str) -> bool {
    let stem = KEYS.iter().find_map(|ending| lower.strip_suffix(ending)).unwrap_or(lower);
    let words = || stem.split(|c: char| !c.is_ascii_alphanumeric());
    let is_public = words().any(|word| PUBLIC.contains(&word)) || ends_with(lower, &PUBLIC_ENDINGS);
    words().map(|word| (word, word.trim_end_matches('s'))).any(|(word, single)| {
        ends_with(single, &CREDENTIALS)
            || word.ends_with(TOKEN)
            || KEY_WORDS.contains(&single) && !is_public
    })
}

fn ends_with(text: &str, endings: &[&str]) -> bool {
    endings.iter().any(|ending| text.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, expected: bool) {
        assert_eq!(may_be_served(name), expected, "{name}");
    }

    fn check_secret(name: &str, expected: bool) {
        assert_eq!(is_secret(name), expected, "{name}");
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
        check("id_rsa.txt", false);
        check("deploy_key.sh", false);
        check("ssh-keys.tar.gz", false);
        check("api_key.py", false);
        check("kubeconfig.txt", false);
    }

    #[test]
    fn a_tokenizer_is_no_token() {
        check("keyring-25.6.0-py3-none-any.whl", true);
        check("tokens.txt", true);
        check("cuda-keyring_1.1-1_all.deb", true);
        check("turkey.txt", true);
        check("tokenizers-0.19.1-cp311-none-any.whl", true);
        check_secret("tokenizer.json", false);
        check_secret("tokenizer_config.json", false);
    }

    #[test]
    fn secrets_are_known_by_their_names() {
        for name in
            [".env", "_netrc", "id_rsa", "ID_RSA", "id_ed25519.old", "a/.ssh/known.txt", "a/id_rsa"]
        {
            check_secret(name, true);
        }
        for name in [
            "credentials",
            "api_token.txt",
            "pip-passwords.conf",
            "secrets.tar.gz",
            "deploy_key",
            "prod-kubeconfig.yaml",
            "api-key.txt",
            "_npmrc",
        ] {
            check_secret(name, true);
        }
        for name in [
            "id_rsa.pub",
            "get_token.py",
            "deploy_key.sh",
            "RPM-GPG-KEY-openEuler",
            "ca.crt",
            "special_tokens_map.json",
            "added_tokens.json",
            "tokens.txt",
            "ros.key",
            "docker-key.asc",
            "nvidia-key.gpg",
            "cert.pem",
            "requirements.txt",
            "config.json",
        ] {
            check_secret(name, false);
        }
    }
}
