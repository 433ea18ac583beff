//! Options of wget and curl that change neither what is fetched nor what is written where.
//!
//! Whoever replaces a download by a copy must know every option of it: one asks for a part of the
//! file alone, another one writes the headers beside it. What is not known here is none of these.

use super::options::Options;

/// wget: how it talks, whom it trusts, how often and how long it tries.
const WGET: [&str; 46] = [
    "-4",
    "-6",
    "-S",
    "-T",
    "-U",
    "-d",
    "-q",
    "-t",
    "-v",
    "-w",
    "--auth-no-challenge",
    "--ca-certificate",
    "--connect-timeout",
    "--debug",
    "--dns-timeout",
    "--header",
    "--inet4-only",
    "--inet6-only",
    "--limit-rate",
    "--max-redirect",
    "--no-cache",
    "--no-check-certificate",
    "--no-config",
    "--no-cookies",
    "--no-dns-cache",
    "--no-hsts",
    "--no-http-keep-alive",
    "--no-netrc",
    "--no-proxy",
    "--no-verbose",
    "--password",
    "--progress",
    "--quiet",
    "--random-wait",
    "--read-timeout",
    "--retry-connrefused",
    "--retry-on-http-error",
    "--server-response",
    "--show-progress",
    "--timeout",
    "--tries",
    "--user",
    "--user-agent",
    "--verbose",
    "--wait",
    "--waitretry",
];

/// wget's options for the file and the folder.
const WGET_OUTPUT: [&str; 4] = ["-O", "--output-document", "-P", "--directory-prefix"];

/// curl: the same.
const CURL: [&str; 63] = [
    "-#",
    "-4",
    "-6",
    "-A",
    "-E",
    "-H",
    "-L",
    "-N",
    "-R",
    "-S",
    "-U",
    "-Y",
    "-e",
    "-f",
    "-g",
    "-k",
    "-m",
    "-q",
    "-s",
    "-u",
    "-v",
    "-x",
    "-y",
    "--cacert",
    "--compressed",
    "--connect-timeout",
    "--fail",
    "--fail-with-body",
    "--globoff",
    "--header",
    "--http1.1",
    "--insecure",
    "--interface",
    "--ipv4",
    "--ipv6",
    "--limit-rate",
    "--location",
    "--max-time",
    "--no-buffer",
    "--no-progress-meter",
    "--noproxy",
    "--progress-bar",
    "--proto",
    "--proxy",
    "--proxy-insecure",
    "--proxy-user",
    "--referer",
    "--remote-time",
    "--resolve",
    "--retry",
    "--retry-all-errors",
    "--retry-connrefused",
    "--retry-delay",
    "--retry-max-time",
    "--show-error",
    "--silent",
    "--speed-limit",
    "--speed-time",
    "--tlsv1.2",
    "--tlsv1.3",
    "--user",
    "--user-agent",
    "--verbose",
];

/// curl's options for files and folders.
const CURL_OUTPUT: [&str; 7] =
    ["-o", "-O", "--output", "--remote-name", "--remote-name-all", "--output-dir", "--create-dirs"];

/// Settings of a `.wgetrc`, without the `_` and `-` that mean nothing in them.
const SETTINGS: [&str; 10] = [
    "checkcertificate",
    "ftpproxy",
    "httpproxy",
    "httpsproxy",
    "noproxy",
    "proxypasswd",
    "proxypassword",
    "proxyuser",
    "robots",
    "useproxy",
];

/// Headers that say who asks, and not for which part or kind of the file.
const HEADERS: [&str; 9] = [
    "authorization",
    "cache-control",
    "cookie",
    "job-token",
    "pragma",
    "private-token",
    "proxy-authorization",
    "referer",
    "user-agent",
];

/// `NAME=VALUE` of a setting that changes no file.
fn is_plain_setting(value: &str) -> bool {
    let name = value.split('=').next().unwrap_or_default().trim().to_lowercase();
    SETTINGS.contains(&name.replace(['_', '-'], "").as_str())
}

/// `Name: value` of a header that changes no file: `Range` asks for a part of it.
fn is_plain_header(value: &str) -> bool {
    let name = value.split([':', ';']).next().unwrap_or_default().trim().to_lowercase();
    HEADERS.contains(&name.as_str()) || name.starts_with("x-")
}

/// The first option that wget, or curl, is given and that is none of these.
pub(super) fn odd_option(tool: &str, options: &Options<'_>) -> Option<String> {
    let plain = |(name, value): &(&str, Option<&str>)| match tool {
        // `-nv` is one option; `-nc` asks for nothing where a file is there.
        "wget" if *name == "-n" => *value == Some("v"),
        "wget" if matches!(*name, "-e" | "--execute") => value.is_some_and(is_plain_setting),
        _ if matches!(*name, "-H" | "--header") => value.is_some_and(is_plain_header),
        "wget" => WGET.contains(name) || WGET_OUTPUT.contains(name),
        _ => CURL.contains(name) || CURL_OUTPUT.contains(name),
    };
    options.all().find(|option| !plain(option)).map(|(name, _)| name.to_owned())
}
