//! Addresses on this server, as its own pages name them.

use super::shelf::encode_path;
use crate::plan::VerifiedPackage;

/// What fetches `file` from `address` in a shell, and keeps it under its own name; `wget` may have options.
pub fn wget_line(wget: &str, file: &str, address: &str) -> String {
    if !address.contains('?') {
        return format!("{wget} {address}");
    }
    format!("{wget} -O '{}' '{address}'", file.replace('\'', r"'\''"))
}

/// Where the page offers a made-up certificate.
pub(super) const CERTIFICATE: &str = "/tls/certificate.pem";

/// This server as a reader of its pages knows it.
#[derive(Debug, Clone, Default)]
pub(super) struct Origin {
    /// `http://host:port`.
    pub(super) address: String,
    /// The fingerprint of its certificate, where it has made it up.
    pub(super) made_up: Option<String>,
}

impl Origin {
    /// wget, told whom to trust: a certificate that was saved from [`CERTIFICATE`].
    pub(super) fn wget(&self) -> &'static str {
        if self.made_up.is_some() { "wget --ca-certificate=certificate.pem" } else { "wget" }
    }
}

/// How this server's paths are written for one client.
#[derive(Debug, Clone, Default)]
pub(super) struct Links {
    /// The secret first part of every path, where there is one, with its slash in front.
    pub(super) prefix: String,
    /// `?token=…`, where the client came with one.
    pub(super) query: String,
}

impl Links {
    /// The address of `path`, which has no leading slash and is not encoded.
    pub(super) fn to(&self, path: &str) -> String {
        format!("{}/{}{}", self.prefix, encode_path(path), self.query)
    }

    /// What makes pip, in a shell, install from the server at `origin`.
    pub(super) fn pip_line(&self, origin: &Origin) -> String {
        let address = &*origin.address;
        let (scheme, host) = address.split_once("://").unwrap_or(("http", address));
        let token = self.query.strip_prefix("?token=");
        let user = token.map(|token| format!("token:{token}@")).unwrap_or_default();
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let is_loopback = name == "localhost" || name == "[::1]" || name.starts_with("127.");
        // pip takes plain HTTP from loopback only, unless it is told to trust a host.
        let trusted = match scheme == "http" && !is_loopback {
            true => format!(" --trusted-host {name}"),
            false => String::new(),
        };
        let known = origin.made_up.as_ref().map_or("", |_| " --cert certificate.pem");
        let index = format!("{scheme}://{user}{host}{}/simple/", self.prefix);
        format!("pip install{known} --index-url {index}{trusted} …")
    }

    /// The address of exactly this content.
    pub(super) fn to_file(&self, file: &VerifiedPackage) -> String {
        self.to(&format!("sha256/{}/{}", file.sha256, file.file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_can_be_pasted_into_a_shell() {
        let check = |file: &str, address: &str, expected: &str| {
            assert_eq!(wget_line("wget", file, address), expected);
        };
        check("a.run", "http://x/a.run", "wget http://x/a.run");
        check("a'b", "http://x/a%27b?token=t", r"wget -O 'a'\''b' 'http://x/a%27b?token=t'");
    }

    #[test]
    fn pip_is_told_whom_to_trust_and_the_token() {
        let check = |origin: &str, prefix: &str, query: &str, expected: &str| {
            let links = Links { prefix: prefix.to_owned(), query: query.to_owned() };
            let line = format!("pip install --index-url {expected} …");
            let mut origin = Origin { address: origin.to_owned(), made_up: None };
            assert_eq!(links.pip_line(&origin), line);
            origin.made_up = Some("AB:CD".to_owned());
            let line = line.replace("install", "install --cert certificate.pem");
            assert_eq!(links.pip_line(&origin), line);
        };
        check("http://127.0.0.1:3000", "", "", "http://127.0.0.1:3000/simple/");
        check("https://10.0.0.5:3000", "/p", "", "https://10.0.0.5:3000/p/simple/");
        let open = "http://10.0.0.5:3000/simple/ --trusted-host 10.0.0.5";
        check("http://10.0.0.5:3000", "", "", open);
        let token = "http://token:t%26n@10.0.0.5:3000/simple/ --trusted-host 10.0.0.5";
        check("http://10.0.0.5:3000", "", "?token=t%26n", token);
    }
}
