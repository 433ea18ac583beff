//! The `Referer` that hosts of packages want to see.

/// What the vendor's own hosts want: without it some answer with a page or refuse.
const VENDORS: [(&str, &str); 2] = [
    ("myhuaweicloud.com", "https://www.hiascend.com/"),
    ("hiascend.com", "https://www.hiascend.com/"),
];

/// `HOST=URL`.
pub(super) fn parse(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((host, url)) if is_host(host) && is_url(url) => Ok((host.to_owned(), url.to_owned())),
        _ => Err("expected HOST=URL, such as `example.com=https://example.com/`".to_owned()),
    }
}

fn is_host(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c))
}

fn is_url(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

/// The user's own, then the vendor's: the first that fits a host is sent.
pub(super) fn with_vendors(own: &[(String, String)]) -> Vec<(String, String)> {
    let vendors = VENDORS.iter().map(|(host, url)| ((*host).to_owned(), (*url).to_owned()));
    own.iter().cloned().chain(vendors).collect()
}
