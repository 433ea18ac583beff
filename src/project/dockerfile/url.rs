//! HTTP addresses as wget and curl take them, some of their parts perhaps unknown.

use std::net::IpAddr;
use std::ops::Range;

use super::evaluate::UNKNOWN;

/// An address, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// `http` where none is written.
    pub(super) scheme: String,
    /// The host in lower case, where all of it is known.
    pub(super) host: Option<String>,
    /// The port, where it is known; the scheme's where none is written.
    pub(super) port: Option<u16>,
    /// The bytes of `host[:port]` in the address, where both are known.
    pub(super) authority: Option<Range<usize>>,
    /// From the first `/` after the authority on, without query and fragment.
    pub(super) path: String,
    written_port: bool,
}

impl Address {
    /// Reads an address; `None` for what is no HTTP address, a file's name for example.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (scheme, start) = match text.find("://") {
            Some(end) => (text[..end].to_ascii_lowercase(), end + 3),
            None => ("http".to_owned(), 0),
        };
        // What starts with the unknown may be an address of any kind.
        let open = scheme.contains(UNKNOWN) || (start == 0 && text.starts_with(UNKNOWN));
        if !open && !matches!(scheme.as_str(), "http" | "https") {
            return None;
        }
        let end = text[start..].find(['/', '?', '#']).map_or(text.len(), |length| start + length);
        let user = text[start..end].rfind('@').map_or(0, |at| at + 1);
        let authority = start + user..end;
        let path = text[end..].split(['?', '#']).next().unwrap_or_default();
        let path = if path.is_empty() { "/".to_owned() } else { path.to_owned() };
        Self {
            path,
            ..Self::of_authority(&text[authority.clone()], &scheme, authority, start > 0 || open)?
        }
        .into()
    }

    fn of_authority(text: &str, scheme: &str, span: Range<usize>, sure: bool) -> Option<Self> {
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            _ => (text, None),
        };
        let default = if scheme == "https" { 443 } else { 80 };
        let hidden = host.contains(UNKNOWN);
        let number = match port {
            Some(port) => port.parse().ok(),
            // `http://?/x`: the unknown may hold a port as well.
            None => (!hidden).then_some(default),
        };
        let odd_port = port.is_some_and(|port| number.is_none() && !port.contains(UNKNOWN));
        let no_address = !sure && port.is_none() && host.parse::<IpAddr>().is_err();
        if host.is_empty() || odd_port || no_address {
            return None;
        }
        Some(Self {
            scheme: scheme.to_owned(),
            host: (!hidden).then(|| host.to_ascii_lowercase()),
            port: number,
            authority: (!hidden && number.is_some()).then_some(span),
            path: String::new(),
            written_port: port.is_some(),
        })
    }

    /// Whether a port is written and known.
    pub(super) fn explicit_port(&self) -> bool {
        self.written_port && self.port.is_some()
    }

    /// Whether only the run knows the host, and the text its port.
    pub(super) fn host_is_open(&self) -> bool {
        self.host.is_none() && self.explicit_port()
    }

    /// Whether the host is a literal IP address.
    pub(super) fn is_ip(&self) -> bool {
        self.ip().is_some()
    }

    /// Whether the host is the build container itself.
    pub(super) fn is_loopback(&self) -> bool {
        let local = self.host.as_deref() == Some("localhost");
        local || self.ip().is_some_and(|ip| ip.is_loopback() || ip.is_unspecified())
    }

    /// Whether the host is an address out of those that engines give their bridges.
    pub(super) fn is_bridge(&self) -> bool {
        match self.ip() {
            Some(IpAddr::V4(ip)) => {
                let [first, second, ..] = ip.octets();
                // Docker takes 172.17 to 172.31, podman 10.88.
                (first, second & 0xf0) == (172, 16) || (first, second) == (10, 88)
            }
            _ => false,
        }
    }

    /// The host's address, where it is one.
    pub(super) fn ip(&self) -> Option<IpAddr> {
        self.host.as_ref()?.trim_matches(['[', ']']).parse().ok()
    }

    /// `host[:port]` as it is written in `text`, the address that this was read from.
    pub(super) fn authority_text<'a>(&self, text: &'a str) -> Option<&'a str> {
        self.authority.clone().and_then(|span| text.get(span))
    }

    /// The host of a build argument's value, where it is an IP address, alone
    /// or with a port, a scheme or a path.
    pub(super) fn host_in(value: &str) -> Option<String> {
        let address = Self::read(value.trim())?;
        (address.is_ip() && !address.is_loopback()).then_some(address.host).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `host|port|path`, `?` for what is not known, `-` for no address.
    fn check(text: &str, expected: &str) {
        let text = text.replace('?', &UNKNOWN.to_string());
        let actual = Address::read(&text).map_or("-".to_owned(), |address| {
            let host = address.host.unwrap_or("?".to_owned());
            let port = address.port.map_or("?".to_owned(), |port| port.to_string());
            format!("{host}|{port}|{}", address.path.replace(UNKNOWN, "?"))
        });
        assert_eq!(actual, expected);
    }

    #[test]
    fn addresses_are_taken_apart() {
        check("http://172.17.0.1:3000/a.run", "172.17.0.1|3000|/a.run");
        check("HTTP://Host/a#sha256=1", "host|80|/a");
        check("https://u:p@h:8443/a", "h|8443|/a");
        check("172.17.0.1:3000/a", "172.17.0.1|3000|/a");
        check("10.0.0.1/a", "10.0.0.1|80|/a");
        check("http://?:3000/a", "?|3000|/a");
        check("http://?/a", "?|?|/a");
        check("?", "?|?|/");
        check("http://h:3000/?", "h|3000|/?");
        check("ftp://h/a", "-");
        check("packages/a.run", "-");
        check("a.run", "-");
        check("C:/x", "-");
    }
}
